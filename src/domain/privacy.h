/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_PRIVACY_H
#define CONTINUUM_DOMAIN_PRIVACY_H

#include <stdbool.h>
#include <stdint.h>

/* How much company an instance wants before a pattern of its own is released, and how much noise in
 * its count. */
enum privacy_mode { MODE_HIGH, MODE_BALANCED, MODE_OPEN, MODE_COUNT };

struct privacy {
    const char *name;
    uint32_t epsilon_milli;  /* of the discrete Laplace noise, in thousandths */
    uint8_t confidence_step; /* hundredths: nothing finer is accepted */
};

/* The table row of a mode. */
const struct privacy *privacy_of(enum privacy_mode mode);

/* MODE_COUNT: no mode has this name. */
enum privacy_mode privacy_mode_parse(const char *name);

/* r: the smallest group in which an instance of this mode counts, under threshold `k`. */
uint8_t privacy_min_group(enum privacy_mode mode, uint8_t k);

#endif
