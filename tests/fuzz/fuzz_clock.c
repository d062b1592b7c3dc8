/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { DAY_S = 86400 };

static const int64_t first_s = INT64_C(946684800), last_s = INT64_C(32503679999);

static int64_t digits(const char *text, size_t count)
{
    char copy[8] = "";
    memcpy(copy, text, count);
    return strtol(copy, NULL, 10);
}

/* The time that a text of the right shape names, counted in days of the Gregorian calendar. */
static int64_t time_of(const char *text)
{
    int64_t year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (month <= 2) { /* a year that begins in March has its leap day last */
        year--;
        month += 12;
    }
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + day;
    return (days - 719469) * DAY_S + digits(text + 11, 2) * 3600 + digits(text + 14, 2) * 60 +
           digits(text + 17, 2);
}

static void parse_what_is_text(const char *text, size_t length)
{
    int64_t time_s = 0;
    char again[CLOCK_TEXT_LENGTH + 1];
    if (!clock_parse(text, length, &time_s))
        return;
    PROPERTY(length == CLOCK_TEXT_LENGTH);
    PROPERTY(time_s >= first_s && time_s <= last_s);
    PROPERTY(time_s == time_of(text));
    clock_format(time_s, again);
    PROPERTY(strcmp(again, text) == 0);
}

static void format_what_is_number(int64_t time_s)
{
    char text[CLOCK_TEXT_LENGTH + 1];
    int64_t again_s = 0;
    clock_format(time_s, text);
    PROPERTY(strlen(text) == CLOCK_TEXT_LENGTH);
    PROPERTY(clock_parse(text, CLOCK_TEXT_LENGTH, &again_s));
    int64_t nearest_s = time_s < first_s ? first_s : time_s > last_s ? last_s : time_s;
    PROPERTY(again_s == nearest_s);
    int64_t month_s = clock_month_start(nearest_s);
    PROPERTY(month_s <= nearest_s && nearest_s - month_s < 31 * DAY_S);
    char month[CLOCK_TEXT_LENGTH + 1];
    clock_format(month_s, month);
    PROPERTY(memcmp(month, text, strlen("2026-01")) == 0);
    PROPERTY(strcmp(month + strlen("2026-01"), "-01T00:00:00Z") == 0);
    int64_t day = clock_day(time_s);
    PROPERTY(time_s / DAY_S - day == (time_s % DAY_S < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length}, number = input;
    _cleanup_(free_pointer) char *text = input_text(&input);
    int64_t time_s;
    input_take(&number, &time_s, sizeof time_s);
    parse_what_is_text(text, strlen(text));
    format_what_is_number(time_s);
    format_what_is_number(time_s % last_s);
    return 0;
}
