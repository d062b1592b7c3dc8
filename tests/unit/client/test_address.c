/* SPDX-License-Identifier: Apache-2.0 */
#include "client/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void addresses_get_their_normal_form(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"https://fed.example.org", "https://fed.example.org"},
        {"https://fed.example.org/", "https://fed.example.org"},
        {"HTTPS://fed.example.org:8443//", "https://fed.example.org:8443"},
        {"https://example.org/fed/", "https://example.org/fed"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://[::1]:8080/", "http://[::1]:8080"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char address[ADDRESS_SIZE];
        assert_int_equal(address_parse(pairs[i][0], false, address, NULL), FAULT_NONE);
        assert_string_equal(address, pairs[i][1]);
    }
}

static void what_is_no_address_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "fed.example.org",
        "ftp://fed.example.org",
        "file:///etc/passwd",
        "https://user:secret@fed.example.org",
        "https://fed.example.org?x=1",
        "https://fed.example.org#k=1",
        "https://",
        "https://fed.example.org/\r\nX: y",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct why why = {0};
        char address[ADDRESS_SIZE] = "untouched";
        assert_int_equal(address_parse(texts[i], true, address, &why), FAULT_INVALID_REQUEST);
        assert_string_equal(address, "untouched");
        assert_true(strlen(why.text) > 20);
    }
}

static void an_address_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[ADDRESS_SIZE + 32] = "https://example.org/";
    char address[ADDRESS_SIZE];
    memset(text + strlen(text), 'a', ADDRESS_SIZE - strlen(text) - 1);
    assert_int_equal(strlen(text), ADDRESS_SIZE - 1);
    assert_int_equal(address_parse(text, false, address, NULL), FAULT_NONE);
    strncat(text, "a", 2);
    assert_int_equal(address_parse(text, false, address, NULL), FAULT_INVALID_REQUEST);
}

static void loopback_is_told_from_names_that_look_like_it(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool loopback;
    } cases[] = {
        {"http://localhost", true},
        {"http://LOCALHOST:1", true},
        {"http://127.0.0.1", true},
        {"http://127.8.9.10:80/x", true},
        {"http://[::1]:8080", true},
        {"http://localhost.evil.example", false},
        {"http://127.0.0.1.evil.example", false},
        {"http://evil.example/localhost", false},
        {"http://localhost@evil.example", false},
        {"http://128.0.0.1", false},
        {"http://10.127.0.1", false},
        {"http://[::2]", false},
        {"http://mylocalhost", false},
        {"localhost", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (address_is_loopback(cases[i].url) != cases[i].loopback)
            fail_msg("%s", cases[i].url);
    }
}

static void plain_http_goes_to_this_machine_only_unless_permitted(void **state)
{
    (void)state;
    static const char *const far[] = {"http://fed.example.org", "http://localhost.evil.example",
                                      "http://192.168.0.1:8080"};
    char address[ADDRESS_SIZE];
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        assert_int_equal(address_parse(far[i], false, address, NULL), FAULT_INVALID_REQUEST);
        assert_int_equal(address_parse(far[i], true, address, NULL), FAULT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_get_their_normal_form),
        cmocka_unit_test(what_is_no_address_is_refused_with_a_sentence),
        cmocka_unit_test(an_address_that_is_too_long_is_refused),
        cmocka_unit_test(loopback_is_told_from_names_that_look_like_it),
        cmocka_unit_test(plain_http_goes_to_this_machine_only_unless_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
