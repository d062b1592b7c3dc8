/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "util/clock.h"

static const struct {
    const char *text;
    int64_t time_s;
} moments[] = {
    {"2000-01-01T00:00:00Z", 946684800},   {"2000-02-29T23:59:59Z", 951868799},
    {"2023-11-14T22:13:20Z", 1700000000},  {"2024-02-29T12:00:00Z", 1709208000},
    {"2038-01-19T03:14:08Z", 2147483648},  {"2100-03-01T00:00:00Z", 4107542400},
    {"2400-02-29T00:00:00Z", 13574563200}, {"2999-12-31T23:59:59Z", 32503679999},
};

static void times_go_to_text_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        char text[CLOCK_TEXT_LENGTH + 1];
        int64_t time_s = 0;
        clock_format(moments[i].time_s, text);
        assert_string_equal(text, moments[i].text);
        assert_true(clock_parse(moments[i].text, CLOCK_TEXT_LENGTH, &time_s));
        assert_int_equal(time_s, moments[i].time_s);
    }
}

static void the_local_time_zone_does_not_matter(void **state)
{
    setenv("TZ", "America/St_Johns", 1);
    tzset();
    times_go_to_text_and_back(state);
    assert_int_equal(clock_month_start(1700000000), 1698796800);
    setenv("TZ", "UTC", 1);
    tzset();
}

static void any_other_spelling_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "2023-11-14T22:13:20",    "2023-11-14T22:13:20z",  "2023-11-14t22:13:20Z",
        "2023-11-14 22:13:20Z",   "2023-11-14T22:13:20ZZ", "2023-11-14T22:13:20+00:00",
        "2023-11-14T22:13:2OZ",   "2023-11-14T22:13:-1Z",  "2023-11-14T22:13: 1Z",
        "2023/11/14T22:13:20Z",   "2023-1-14T22:13:20Z",   " 2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.0Z", "20231114T221320Z",      "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t time_s = 99;
        assert_false(clock_parse(bad[i], strlen(bad[i]), &time_s));
        assert_int_equal(time_s, 99);
    }
}

static void dates_that_are_in_no_calendar_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z",
        "2023-04-31T00:00:00Z", "2023-00-10T00:00:00Z", "2023-13-10T00:00:00Z",
        "2023-01-00T00:00:00Z", "2023-01-32T00:00:00Z", "2023-01-01T24:00:00Z",
        "2023-01-01T00:60:00Z", "2016-12-31T23:59:60Z", "1999-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t time_s = 99;
        assert_false(clock_parse(bad[i], CLOCK_TEXT_LENGTH, &time_s));
        assert_int_equal(time_s, 99);
    }
}

static void text_is_read_no_further_than_its_length(void **state)
{
    (void)state;
    int64_t time_s = 0;
    char *text = malloc(CLOCK_TEXT_LENGTH);
    memcpy(text, "2023-11-14T22:13:20Z", CLOCK_TEXT_LENGTH);
    assert_true(clock_parse(text, CLOCK_TEXT_LENGTH, &time_s));
    free(text);
    assert_false(clock_parse("2023-11-14T22:13:20Z", CLOCK_TEXT_LENGTH - 1, &time_s));
}

static void a_clock_that_is_far_off_still_makes_a_valid_text(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_LENGTH + 1];
    clock_format(INT64_MIN, text);
    assert_string_equal(text, "2000-01-01T00:00:00Z");
    clock_format(INT64_MAX, text);
    assert_string_equal(text, "2999-12-31T23:59:59Z");
}

static void days_begin_at_midnight_utc(void **state)
{
    (void)state;
    assert_int_equal(clock_day(0), 0);
    assert_int_equal(clock_day(86399), 0);
    assert_int_equal(clock_day(86400), 1);
    assert_int_equal(clock_day(-1), -1);
    assert_int_equal(clock_day(-86400), -1);
    assert_int_equal(clock_day(-86401), -2);
    assert_int_equal(clock_day(1709208000), 19782);
}

static void months_begin_on_their_first_also_in_leap_years(void **state)
{
    (void)state;
    assert_int_equal(clock_month_start(1709251199), 1706745600); /* 2024-02-29T23:59:59Z */
    assert_int_equal(clock_month_start(1709251200), 1709251200); /* 2024-03-01T00:00:00Z */
    assert_int_equal(clock_month_start(1704067199), 1701388800); /* 2023-12-31T23:59:59Z */
    assert_int_equal(clock_month_start(0), 0);
    assert_int_equal(clock_month_start(-1), -2678400);
    assert_int_equal(clock_month_end(1709251199), 1709251200);
    assert_int_equal(clock_month_end(1709251200), 1711929600); /* 2024-04-01T00:00:00Z */
    assert_int_equal(clock_month_end(1701388800), 1704067200); /* 2024-01-01T00:00:00Z */
}

static void the_clocks_run(void **state)
{
    (void)state;
    uint64_t before_ms = clock_monotonic_ms();
    const struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    uint64_t elapsed_ms = clock_monotonic_ms() - before_ms;
    assert_in_range(elapsed_ms, 19, 10000);
    assert_true(clock_now_s() - (int64_t)time(NULL) >= -1);
    assert_true(clock_now_s() - (int64_t)time(NULL) <= 1);
}

static void a_day_ends_at_the_next_midnight(void **state)
{
    (void)state;
    static const struct {
        int64_t time_s;
        uint32_t left_s;
    } cases[] = {{0, 86400}, {1, 86399}, {86399, 1}, {86400, 86400}, {-1, 1}, {1800000000, 57600}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(clock_day_left_s(cases[i].time_s), cases[i].left_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_ends_at_the_next_midnight),
        cmocka_unit_test(times_go_to_text_and_back),
        cmocka_unit_test(the_local_time_zone_does_not_matter),
        cmocka_unit_test(any_other_spelling_is_refused),
        cmocka_unit_test(dates_that_are_in_no_calendar_are_refused),
        cmocka_unit_test(text_is_read_no_further_than_its_length),
        cmocka_unit_test(a_clock_that_is_far_off_still_makes_a_valid_text),
        cmocka_unit_test(days_begin_at_midnight_utc),
        cmocka_unit_test(months_begin_on_their_first_also_in_leap_years),
        cmocka_unit_test(the_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
