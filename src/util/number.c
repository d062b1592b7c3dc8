/* SPDX-License-Identifier: Apache-2.0 */
#include "util/number.h"

#include <stddef.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends one decimal digit; false when the number does not fit. */
static bool number_push(uint64_t *number, unsigned digit)
{
    return !__builtin_mul_overflow(*number, 10U, number) &&
           !__builtin_add_overflow(*number, digit, number);
}

/* Appends the digits at *text, at most `limit`, and moves *text behind them. False: none, or they
 * do not fit. */
static bool number_digits(const char **text, size_t limit, uint64_t *number, size_t *ret_count)
{
    size_t count = 0;
    for (; count < limit && is_digit(**text); count++, (*text)++) {
        if (!number_push(number, (unsigned)(**text - '0')))
            return false;
    }
    *ret_count = count;
    return count > 0;
}

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    return number_parse_fixed(text, 0, min, max, ret);
}

bool number_parse_fixed(const char *text, unsigned places, uint64_t min, uint64_t max,
                        uint64_t *ret)
{
    uint64_t number = 0;
    size_t count = 0, decimals = 0;
    if (!number_digits(&text, SIZE_MAX, &number, &count))
        return false;
    if (*text == '.') {
        text++;
        if (!number_digits(&text, places, &number, &decimals))
            return false;
    }
    for (; decimals < places; decimals++) {
        if (!number_push(&number, 0))
            return false;
    }
    if (*text != '\0' || number < min || number > max)
        return false;
    *ret = number;
    return true;
}
