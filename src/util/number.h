/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_NUMBER_H
#define CONTINUUM_UTIL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of `text` as a decimal number: digits alone, no sign, no spaces. False: not one, or
 * outside min..max. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/*
 * The whole of `text` as a fixed-point number: digits, and perhaps a point with one to `places` (0
 * to 9) digits behind it. *ret is in units of 10^-places, and so are min and max: "0.5" with 3
 * places is 500. False: not one, or outside min..max.
 */
bool number_parse_fixed(const char *text, unsigned places, uint64_t min, uint64_t max,
                        uint64_t *ret);

#endif
