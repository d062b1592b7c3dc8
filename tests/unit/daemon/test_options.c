/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/configuration.h"
#include "daemon/options.h"
#include "util/cleanup.h"

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    print(out);
    fclose(out);
    return text;
}

static void the_table_is_sorted_and_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        assert_non_null(options[i].name);
        assert_non_null(options[i].fallback);
        assert_non_null(options[i].help);
        assert_true(options[i].min <= options[i].max);
        assert_true(i == 0 || strcmp(options[i - 1].name, options[i].name) < 0);
        assert_ptr_equal(options_find(options[i].name), &options[i]);
    }
    assert_null(options_find("no_such_option"));
    assert_null(options_find(""));
}

static void no_two_options_share_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(options[i].offset, options[j].offset);
    }
}

static void every_default_is_allowed(void **state)
{
    (void)state;
    struct configuration configuration = {0};
    for (size_t i = 0; i < OPTIONS_COUNT; i++)
        assert_int_equal(
            option_set(&options[i], &configuration, options[i].fallback, options[i].name, NULL),
            FAULT_NONE);
    configuration_done(&configuration);
}

static void every_number_has_both_ends_of_its_range_and_nothing_beyond(void **state)
{
    (void)state;
    struct configuration configuration = {0};
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option *option = &options[i];
        char text[32];
        if (option->type != OPTION_NUMBER)
            continue;
        const uint32_t *field =
            (const uint32_t *)(const void *)((const char *)&configuration + option->offset);
        snprintf(text, sizeof text, "%u", option->min);
        assert_int_equal(option_set(option, &configuration, text, "", NULL), FAULT_NONE);
        assert_int_equal(*field, option->min);
        snprintf(text, sizeof text, "%u", option->max);
        assert_int_equal(option_set(option, &configuration, text, "", NULL), FAULT_NONE);
        assert_int_equal(*field, option->max);
        snprintf(text, sizeof text, "%lld", (long long)option->max + 1);
        assert_int_equal(option_set(option, &configuration, text, "", NULL), FAULT_CONFIGURATION);
        snprintf(text, sizeof text, "%lld", (long long)option->min - 1);
        assert_int_equal(option_set(option, &configuration, text, "", NULL), FAULT_CONFIGURATION);
        assert_int_equal(*field, option->max);
    }
    configuration_done(&configuration);
}

static void values_are_read_by_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool allowed;
    } cases[] = {
        {"require_contribution", "TRUE", true},
        {"require_contribution", "yes", true},
        {"require_contribution", "on", true},
        {"require_contribution", "1", true},
        {"require_contribution", "no", true},
        {"require_contribution", "off", true},
        {"require_contribution", "0", true},
        {"require_contribution", "false", true},
        {"require_contribution", "2", false},
        {"require_contribution", "", false},
        {"require_contribution", "truely", false},
        {"credit_on", "release", true},
        {"credit_on", "Release", false},
        {"credit_on", "", false},
        {"log_level", "debug", true},
        {"log_level", "verbose", false},
        {"price_query", "0.001", true},
        {"price_query", "1000", true},
        {"price_query", "1000.001", false},
        {"price_query", "0.0001", false},
        {"price_query", "-1", false},
        {"price_query", "1 credit", false},
        {"high_confidence", "1.00", true},
        {"high_confidence", "0.905", false},
        {"high_confidence", "1.01", false},
        {"key_check", "", true},
        {"key_check", "AAAAAAAAAAA", true},
        {"key_check", "AAAAAAAAAAA=", false},
        {"key_check", "AAAAAAAAAAB", false},
        {"key_check", "AAAAAAAAAA", false},
        {"key_check", "AAAAAAAAAA+", false},
        {"listen_address", "0.0.0.0", true},
        {"listen_address", "::1", true},
        {"listen_address", "[::1]", false},
        {"listen_address", "localhost", false},
        {"listen_address", "", false},
        {"listen_address", "127.0.0.1 ", false},
        {"trusted_proxies", "", true},
        {"trusted_proxies", "10.0.0.1", true},
        {"trusted_proxies", "10.0.0.1, fd00::1", true},
        {"trusted_proxies", "10.0.0.1,", false},
        {"trusted_proxies", ",10.0.0.1", false},
        {"trusted_proxies", "10.0.0.0/8", false},
        {"trusted_proxies", "10.0.0.1 10.0.0.2", false},
        {"trusted_proxies", "0000000000000000000000000000000000000000000000000000000000001", false},
        {"name", "Fédération \xe2\x82\xac \xf0\x9f\x8c\x8d", true},
        {"name", "", false},
        {"name", "two\nlines", false},
        {"name", "bell\x07", false},
        {"name", "delete\x7f", false},
        {"name", "latin1 \xe9", false},
        {"name", "overlong \xc0\xaf", false},
        {"name", "surrogate \xed\xa0\x80", false},
        {"name", "beyond \xf4\x90\x80\x80", false},
        {"name", "cut \xe2\x82", false},
        {"storage_path", "/var/lib/continuum", true},
        {"storage_path", "", false},
        {"description", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct configuration configuration = {0};
        struct why why = {""};
        enum fault fault =
            option_set(options_find(cases[i].name), &configuration, cases[i].text, "here", &why);
        if ((fault == FAULT_NONE) != cases[i].allowed)
            fail_msg("%s = \"%s\": %s", cases[i].name, cases[i].text, why.text);
        configuration_done(&configuration);
    }
}

static void fixed_point_values_arrive_in_their_unit(void **state)
{
    (void)state;
    struct configuration configuration = {0};
    option_set(options_find("price_verify"), &configuration, "0.5", "", NULL);
    option_set(options_find("high_confidence"), &configuration, "0.9", "", NULL);
    option_set(options_find("trusted_proxies"), &configuration, " ::1 , 10.0.0.1", "", NULL);
    assert_int_equal(configuration.settings.price_verify.milli, 500);
    assert_int_equal(configuration.settings.high_confidence, 90);
    assert_string_equal(configuration.server.trusted_proxies, "::1,10.0.0.1");
    configuration_done(&configuration);
}

static void texts_end_at_their_length_in_bytes(void **state)
{
    (void)state;
    struct configuration configuration = {0};
    char text[102];
    memset(text, 'n', sizeof text);
    text[101] = '\0';
    assert_int_equal(option_set(options_find("name"), &configuration, text, "", NULL),
                     FAULT_CONFIGURATION);
    text[100] = '\0';
    assert_int_equal(option_set(options_find("name"), &configuration, text, "", NULL), FAULT_NONE);
    configuration_done(&configuration);
}

static void a_refusal_names_the_place_what_is_allowed_and_what_was_given(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"port", "70000", "here must be a whole number between 0 and 65535, not \"70000\""},
        {"log_level", "loud", "here must be error, warning, info or debug, not \"loud\""},
        {"credit_on", "", "here must be accept or release, not \"\""},
        {"require_contribution", "maybe", "here must be true or false, not \"maybe\""},
        {"price_query", "x",
         "here must be a number between 0 and 1000 with at most three decimals, not \"x\""},
        {"high_confidence", "90",
         "here must be a number between 0 and 1 with at most two decimals, not \"90\""},
        {"listen_address", "home", "here must be an IPv4 or IPv6 address, not \"home\""},
        {"trusted_proxies", "home",
         "here must be IPv4 or IPv6 addresses separated by commas, or empty, not \"home\""},
        {"key_check", "short",
         "here must be 8 bytes in base64url without padding, or empty, not \"short\""},
        {"name", "", "here must be 1 to 100 bytes of UTF-8 without control characters, not \"\""},
        {"port", "1234567890123456789012345678901234567890",
         "here must be a whole number between 0 and 65535, not "
         "\"123456789012345678901234567890...\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct configuration configuration = {0};
        struct why why = {""};
        assert_int_equal(
            option_set(options_find(cases[i].name), &configuration, cases[i].text, "here", &why),
            FAULT_CONFIGURATION);
        assert_string_equal(why.text, cases[i].message);
        configuration_done(&configuration);
    }
}

static void the_shipped_file_is_the_table_byte_for_byte(void **state)
{
    (void)state;
    _cleanup_(free_pointer) char *expected = printed(options_print_file);
    size_t length = strlen(expected);
    _cleanup_(free_pointer) char *shipped = calloc(1, length + 2);
    FILE *file = fopen("conf/continuum-coordinatord.conf", "re");
    assert_non_null(file);
    assert_int_equal(fread(shipped, 1, length + 1, file), length);
    fclose(file);
    assert_string_equal(shipped, expected);
}

static void help_and_file_document_every_option_in_100_columns(void **state)
{
    (void)state;
    _cleanup_(free_pointer) char *help = printed(options_print_help);
    _cleanup_(free_pointer) char *file = printed(options_print_file);
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        char flag[64], line[64];
        snprintf(flag, sizeof flag, "\n  --%s", options[i].name);
        for (char *c = flag; *c; c++)
            *c = *c == '_' ? '-' : *c;
        snprintf(line, sizeof line, "\n#%s =", options[i].name);
        assert_non_null(strstr(file, line));
        assert_true(strstr(help, flag) || strncmp(help, flag + 1, strlen(flag) - 1) == 0);
    }
    const char *const texts[] = {help, file};
    for (size_t i = 0; i < 2; i++) {
        for (const char *line = texts[i]; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_complete),
        cmocka_unit_test(no_two_options_share_a_field),
        cmocka_unit_test(every_default_is_allowed),
        cmocka_unit_test(every_number_has_both_ends_of_its_range_and_nothing_beyond),
        cmocka_unit_test(values_are_read_by_their_type),
        cmocka_unit_test(fixed_point_values_arrive_in_their_unit),
        cmocka_unit_test(texts_end_at_their_length_in_bytes),
        cmocka_unit_test(a_refusal_names_the_place_what_is_allowed_and_what_was_given),
        cmocka_unit_test(the_shipped_file_is_the_table_byte_for_byte),
        cmocka_unit_test(help_and_file_document_every_option_in_100_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
