/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <string.h>
#include <time.h>

#define FIRST_S INT64_C(946684800)   /* 2000-01-01T00:00:00Z */
#define LAST_S  INT64_C(32503679999) /* 2999-12-31T23:59:59Z */

enum { SECONDS_PER_DAY = 86400 };

int64_t clock_now_s(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

int64_t clock_now_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

uint64_t clock_monotonic_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t clock_sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int digits_value(const char *digits, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

bool clock_parse(const char *text, size_t length, int64_t *ret_s)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    if (length != CLOCK_TEXT_LENGTH)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : text[i] != shape[i])
            return false;
    }
    struct tm parts = {.tm_year = digits_value(text, 4) - 1900,
                       .tm_mon = digits_value(text + 5, 2) - 1,
                       .tm_mday = digits_value(text + 8, 2),
                       .tm_hour = digits_value(text + 11, 2),
                       .tm_min = digits_value(text + 14, 2),
                       .tm_sec = digits_value(text + 17, 2)};
    int64_t time_s = timegm(&parts);
    /* timegm makes 30 February a day in March: only what comes back as it went in is a real date.
     */
    char again[CLOCK_TEXT_LENGTH + 1];
    clock_format(time_s, again);
    if (memcmp(again, text, CLOCK_TEXT_LENGTH) != 0)
        return false;
    *ret_s = time_s;
    return true;
}

void clock_format(int64_t time_s, char ret_text[CLOCK_TEXT_LENGTH + 1])
{
    struct tm parts = {0};
    if (time_s < FIRST_S)
        time_s = FIRST_S;
    if (time_s > LAST_S)
        time_s = LAST_S;
    gmtime_r(&time_s, &parts);
    strftime(ret_text, CLOCK_TEXT_LENGTH + 1, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

int64_t clock_day(int64_t time_s)
{
    int64_t day = time_s / SECONDS_PER_DAY;
    return time_s % SECONDS_PER_DAY < 0 ? day - 1 : day;
}

uint32_t clock_day_left_s(int64_t time_s)
{
    return (uint32_t)((clock_day(time_s) + 1) * SECONDS_PER_DAY - time_s);
}

static int64_t month_start(int64_t time_s, int months_later)
{
    struct tm parts = {0};
    gmtime_r(&time_s, &parts);
    struct tm first = {
        .tm_year = parts.tm_year, .tm_mon = parts.tm_mon + months_later, .tm_mday = 1};
    return timegm(&first);
}

int64_t clock_month_start(int64_t time_s)
{
    return month_start(time_s, 0);
}

int64_t clock_month_end(int64_t time_s)
{
    return month_start(time_s, 1);
}
