/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/configuration.h"

/* Points of either group, as the vectors of the protocol have them. */
#define ED25519     "faG-E5sfiK9QtDT60PvMbJdpCHd0wcq6TxuvVj-vAPE"
#define RISTRETTO   "3G6ecdV2YDjSPxgvCN6wTjQExe-FVmSjY1SkfeGeHyg"
#define NO_POINT    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define URL         "--oprf-url=https://oprf.example.org"
#define KEY         "--oprf-public-key=" RISTRETTO
#define COORDINATOR "--coordinator-key=" ED25519

enum { WORDS_MAX = 5 };

static enum fault check(const char *const words[WORDS_MAX], struct why *why)
{
    static char *const environment[] = {NULL};
    const char *argv[WORDS_MAX + 2] = {"continuum-coordinatord"};
    int argc = 1;
    struct configuration configuration = {0};
    for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
        argv[argc++] = words[i];
    enum fault fault =
        configuration_load(argc, (char *const *)(uintptr_t)argv, environment, &configuration, why);
    assert_int_equal(fault, FAULT_NONE);
    fault = configuration_check(&configuration, why);
    configuration_done(&configuration);
    return fault;
}

static void what_goes_together_is_accepted(void **state)
{
    (void)state;
    static const char *const cases[][WORDS_MAX] = {
        {NULL},
        {URL, KEY},
        {"--oprf-url=http://127.0.0.1:8081", KEY},
        {"--oprf-url=https://[::1]:8081/helper/", KEY},
        {"--role=oprf", COORDINATOR},
        {"--role=oprf", COORDINATOR, "--oprf-elements-per-day=1"},
        {"epoch", "rotate", URL, KEY},
        {"epoch", "rotate", "--role=oprf"},
        {"epoch", "destroy", "1", "--role=oprf", COORDINATOR},
        {"backup", "FILE"},
        {"--help"},
    };
    struct why why = {""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (check(cases[i], &why))
            fail_msg("case %zu: %s", i, why.text);
}

static void what_does_not_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX], *says;
    } cases[] = {
        {{URL}, "oprf_url needs oprf_public_key"},
        {{KEY}, "oprf_public_key needs oprf_url"},
        {{URL, "--oprf-public-key=" NO_POINT}, "no public key of an OPRF helper"},
        {{COORDINATOR}, "role is coordinator"},
        {{"--role=oprf"}, "needs coordinator_key"},
        {{"--check-config", "--role=oprf"}, "needs coordinator_key"},
        {{"--role=oprf", "--coordinator-key=" NO_POINT}, "no public key of a coordinator"},
        {{"--role=oprf", COORDINATOR, URL, KEY}, "are the coordinator's"},
        {{"epoch", "destroy", "1"}, "a command of role oprf, and role is coordinator"},
        {{"backup", "FILE", "--role=oprf"}, "a command of role coordinator, and role is oprf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct why why = {""};
        assert_int_equal(check(cases[i].words, &why), FAULT_CONFIGURATION);
        if (!strstr(why.text, cases[i].says))
            fail_msg("%s: %s", cases[i].says, why.text);
    }
}

static void a_url_leaves_nothing_to_guess(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "oprf.example.org",
        "ftp://oprf.example.org",
        "https://",
        "https:///path",
        "https://:8080",
        "https://a@b",
        "https://a?b",
        "https://a#b",
        "https://a b",
        "https://a\"b",
        "HTTPS://a",
        "https://a\\b",
        "https://\xc3\xa4.example",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char word[64];
        struct why why = {""};
        snprintf(word, sizeof word, "--oprf-url=%s", urls[i]);
        assert_int_equal(check((const char *const[WORDS_MAX]){word, KEY}, &why),
                         FAULT_CONFIGURATION);
        assert_non_null(strstr(why.text, "oprf_url must be an http or https URL"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_together_is_accepted),
        cmocka_unit_test(what_does_not_is_refused_by_its_name),
        cmocka_unit_test(a_url_leaves_nothing_to_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
