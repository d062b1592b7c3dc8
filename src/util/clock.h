/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_CLOCK_H
#define CONTINUUM_UTIL_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Clocks, and times as text. Rules never ask a clock themselves: they get the time as an input.
 * Times are seconds since 1970-01-01T00:00:00Z; their only text is "YYYY-MM-DDTHH:MM:SSZ"
 * (docs/PROTOCOL.md, section 2).
 */
enum { CLOCK_TEXT_LENGTH = 20 };

/* The wall clock. It may jump. */
int64_t clock_now_s(void);

/* The same in milliseconds. */
int64_t clock_now_ms(void);

/* Since some moment before the program started, that of CLOCK_MONOTONIC; never goes back. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);

/* The shorter of two times to wait, of which -1 has no end. */
int64_t clock_sooner(int64_t a, int64_t b);

/* False: not exactly that text, not a real date and time, a leap second, or a year outside
 * 2000..2999. */
bool clock_parse(const char *text, size_t length, int64_t *ret_s);

/* Writes CLOCK_TEXT_LENGTH characters and a NUL. A time outside the years 2000..2999 is shown as
 * their nearest second. */
void clock_format(int64_t time_s, char ret_text[CLOCK_TEXT_LENGTH + 1]);

/* Whole days since 1970-01-01, UTC, rounded down. */
int64_t clock_day(int64_t time_s);

/* Seconds until the next day (UTC) begins, 1 to 86400. */
uint32_t clock_day_left_s(int64_t time_s);

/* The first second of the calendar month, UTC, that `time_s` (of the years 1 to 9999) is in. */
int64_t clock_month_start(int64_t time_s);

/* The first second of the month that follows it. */
int64_t clock_month_end(int64_t time_s);

#endif
