/* SPDX-License-Identifier: Apache-2.0 */
#include "client/statement.h"

#include <math.h>
#include <string.h>

#include "util/number.h"

enum { CONFIDENCE_TEXT_MAX = 11, CONFIDENCE_PLACES = 9 };

static bool confidence_parse(const char *text, size_t length, double *ret)
{
    static const uint64_t one = 1000000000; /* 10^CONFIDENCE_PLACES */
    char copy[CONFIDENCE_TEXT_MAX + 1] = {0};
    uint64_t value;
    if (length > CONFIDENCE_TEXT_MAX)
        return false;
    memcpy(copy, text, length);
    if (!number_parse_fixed(copy, CONFIDENCE_PLACES, 0, one, &value))
        return false;
    *ret = (double)value / (double)one;
    return true;
}

void statement_parse(const char *line, size_t length, struct continuum_statement *ret)
{
    double confidence = 0.8;
    while (length && line[length - 1] == '\r')
        length--;
    const char *tab = memrchr(line, '\t', length);
    size_t text_length = tab ? (size_t)(tab - line) : length;
    if (tab && !confidence_parse(tab + 1, length - text_length - 1, &confidence))
        confidence = -1;
    *ret = (struct continuum_statement){
        .text = line, .text_length = text_length, .confidence = confidence};
}

double confidence_round(double confidence, const char *privacy_mode)
{
    double steps = strcmp(privacy_mode, "open") == 0 ? 100 : 10;
    return round(confidence * steps) / steps;
}
