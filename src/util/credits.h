/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_CREDITS_H
#define CONTINUUM_UTIL_CREDITS_H

#include <stdint.h>

/* An amount of credits in thousandths, so that it cannot be mixed up with any other number. */
struct credits {
    int64_t milli;
};

#endif
