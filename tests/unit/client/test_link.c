/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define K "i8uVbitAe6Fx1YlN2ZMGlgTzb0D9JNbv_L9elPX1ni8"
#define C "faG-E5sfiK9QtDT60PvMbJdpCHd0wcq6TxuvVj-vAPE"

static void a_link_round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "https://fed.example.org/join#k=" K "&c=" C,
        "https://fed.example.org:8443/join#k=" K "&c=" C "&i=A-b_9.~",
        "https://example.org/fed/join#k=" K "&c=" C,
        "http://127.0.0.1:8080/join#k=" K "&c=" C,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct link link;
        char text[LINK_SIZE];
        assert_int_equal(link_parse(texts[i], false, &link, NULL), FAULT_NONE);
        assert_string_equal(link.federation_key, K);
        assert_string_equal(link.coordinator_key, C);
        link_format(&link, text);
        assert_string_equal(text, texts[i]);
    }
}

static void the_parts_may_stand_in_any_order(void **state)
{
    (void)state;
    struct link link;
    assert_int_equal(link_parse("https://h.example/join#i=x1&c=" C "&k=" K, false, &link, NULL),
                     FAULT_NONE);
    assert_string_equal(link.url, "https://h.example");
    assert_string_equal(link.invite, "x1");
    assert_string_equal(link.federation_key, K);
}

static void an_operators_link_has_no_federation_key(void **state)
{
    (void)state;
    struct link link;
    assert_int_equal(link_parse("https://h.example/join#c=" C, false, &link, NULL), FAULT_NONE);
    assert_string_equal(link.federation_key, "");
}

static void a_broken_link_is_refused_without_showing_the_key(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "https://h.example/join",
        "https://h.example/join#",
        "https://h.example/join#k=" K,                      /* cut at the & by a shell */
        "https://h.example/join#k=" K "&c=",                /* empty */
        "https://h.example/join#k=" K "&c=" C "&",          /* trailing */
        "https://h.example/join#k=" K "&c=" C "x",          /* 44 characters */
        "https://h.example/join#k=" K "=&c=" C,             /* padding */
        "https://h.example/join#k=i8uVbitAe6Fx1YlN2Z&c=" C, /* cut */
        "https://h.example/join#k=" K "&k=" K "&c=" C,      /* twice */
        "https://h.example/join#k=" K "&c=" C "&z=1",       /* unknown */
        "https://h.example/join#k=" K "&c=" C "&i=a/b",     /* not an invite */
        "https://h.example/other#k=" K "&c=" C,             /* another page */
        "https://h.example/joinx#k=" K "&c=" C,
        "https://h.example/join?x=1#k=" K "&c=" C,
        "http://localhost.evil.example/join#k=" K "&c=" C,
        "https://u:p@h.example/join#k=" K "&c=" C,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct link link = {.url = "untouched"};
        struct why why = {0};
        if (link_parse(texts[i], false, &link, &why) != FAULT_INVALID_REQUEST)
            fail_msg("%s", texts[i]);
        assert_string_equal(link.url, "untouched");
        assert_true(strlen(why.text) > 20);
        assert_null(strstr(why.text, K));
    }
}

static void an_invite_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[LINK_SIZE];
    struct link link;
    int length = snprintf(text, sizeof text, "https://h.example/join#c=" C "&i=");
    memset(text + length, 'i', INVITE_SIZE);
    text[length + INVITE_SIZE] = '\0';
    assert_int_equal(link_parse(text, false, &link, NULL), FAULT_INVALID_REQUEST);
    text[length + INVITE_SIZE - 1] = '\0';
    assert_int_equal(link_parse(text, false, &link, NULL), FAULT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_round_trips),
        cmocka_unit_test(the_parts_may_stand_in_any_order),
        cmocka_unit_test(an_operators_link_has_no_federation_key),
        cmocka_unit_test(a_broken_link_is_refused_without_showing_the_key),
        cmocka_unit_test(an_invite_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
