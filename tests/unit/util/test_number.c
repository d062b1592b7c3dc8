/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/number.h"

static void whole_numbers_are_read_to_the_last_one_that_fits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t number;
    } good[] = {{"0", 0}, {"007", 7}, {"65535", 65535}, {"18446744073709551615", UINT64_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t number = 99;
        assert_true(number_parse(good[i].text, 0, UINT64_MAX, &number));
        assert_int_equal(number, good[i].number);
    }
}

static void what_is_not_digits_alone_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "0x10",
        "1e3",
        "1.0",
        "1.",
        "1,0",
        "one",
        "1\n",
        "\xd9\xa1",
        "18446744073709551616",
        "99999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t number = 99;
        assert_false(number_parse(bad[i], 0, UINT64_MAX, &number));
        assert_int_equal(number, 99);
    }
}

static void both_ends_of_a_range_belong_to_it(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_true(number_parse("2", 2, 16, &number));
    assert_true(number_parse("16", 2, 16, &number));
    assert_false(number_parse("1", 2, 16, &number));
    assert_false(number_parse("17", 2, 16, &number));
    assert_int_equal(number, 16);
}

static void decimals_become_units_of_the_last_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t number;
    } good[] = {
        {"0", 0},       {"1", 1000},      {"0.5", 500},      {"0.001", 1},
        {"00.010", 10}, {"12.34", 12340}, {"1000", 1000000}, {"18446744073709551.615", UINT64_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t number = 99;
        assert_true(number_parse_fixed(good[i].text, 3, 0, UINT64_MAX, &number));
        assert_int_equal(number, good[i].number);
    }
}

static void decimals_that_are_too_fine_or_half_written_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"0.0001", "0.0000", ".5",   "1.",
                                      "1..2",   "1.2.3",  "-0.5", "0.5 ",
                                      "",       ".",      "1.x",  "18446744073709551.616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t number = 99;
        assert_false(number_parse_fixed(bad[i], 3, 0, UINT64_MAX, &number));
        assert_int_equal(number, 99);
    }
    uint64_t number = 99;
    assert_true(number_parse_fixed("0.90", 2, 0, 100, &number));
    assert_int_equal(number, 90);
    assert_false(number_parse_fixed("1.01", 2, 0, 100, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read_to_the_last_one_that_fits),
        cmocka_unit_test(what_is_not_digits_alone_is_refused_and_changes_nothing),
        cmocka_unit_test(both_ends_of_a_range_belong_to_it),
        cmocka_unit_test(decimals_become_units_of_the_last_place),
        cmocka_unit_test(decimals_that_are_too_fine_or_half_written_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
