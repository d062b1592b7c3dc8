/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_copy(const char *text, size_t size, const char *expected)
{
    char copy[64];
    text_copy(copy, size, text);
    assert_string_equal(copy, expected);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    assert_copy("a\x1b[31mb\nc\x7f", 64, "a?[31mb?c?");
    assert_copy("a\xc2\x9b"
                "31mb",
                64, "a?31mb"); /* CSI as one character */
    assert_copy("\xc2\xa0\xc3\x9b", 64, "\xc2\xa0\xc3\x9b");
    assert_copy(NULL, 64, "");
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
    (void)state;
    assert_copy("abcdef", 4, "abc");
    assert_copy("ab\xe2\x82\xac", 5, "ab");
    assert_copy("ab\xe2\x82\xac", 6, "ab\xe2\x82\xac");
    assert_copy("\xf0\x9f\x98\x80", 4, "");
    assert_copy("abc", 1, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
