/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/privacy.h"

#include <string.h>

enum { HIGH_MIN_GROUP = 5 };

static const struct privacy modes[MODE_COUNT] = {
    [MODE_HIGH] = {.name = "high", .epsilon_milli = 500, .confidence_step = 10},
    [MODE_BALANCED] = {.name = "balanced", .epsilon_milli = 1000, .confidence_step = 10},
    [MODE_OPEN] = {.name = "open", .epsilon_milli = 2000, .confidence_step = 1},
};

const struct privacy *privacy_of(enum privacy_mode mode)
{
    return &modes[mode];
}

enum privacy_mode privacy_mode_parse(const char *name)
{
    enum privacy_mode mode = MODE_HIGH;
    while (mode < MODE_COUNT && strcmp(modes[mode].name, name) != 0)
        mode++;
    return mode;
}

uint8_t privacy_min_group(enum privacy_mode mode, uint8_t k)
{
    return mode == MODE_HIGH && k < HIGH_MIN_GROUP ? HIGH_MIN_GROUP : k;
}
