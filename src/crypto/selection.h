/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_SELECTION_H
#define CONTINUUM_CRYPTO_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/bytes.h"

/*
 * Whether a group is shown at all: optimal (epsilon, delta) partition selection for groups to which
 * each adds at most one (Desfontaines, Voss, Gipson, Mandayam 2022, "Differentially private
 * partition selection"), behind a threshold k: a group of n counts as one of n - (k - 1).
 */
struct selection {
    uint32_t epsilon_milli;    /* thousandths, 1 to 10,000 */
    uint32_t delta_billionths; /* 1 to 10^9 - 1 */
};

/* Probabilities are integers in units of 2^-62. */
#define SELECTION_CERTAIN (UINT64_C(1) << 62)

/*
 * pi(counted), the probability with which a group of `counted` is shown; 0 below k. Integers only,
 * rounded so that never more than (epsilon, delta) is given away.
 */
uint64_t selection_probability(const struct selection *selection, uint8_t k, uint64_t counted);

/*
 * Whether the coin of `tag` shows a group of `counted`. A tag has one coin for ever: who asks again
 * hears the same, and a group that is shown is shown when it has grown.
 */
bool selection_shows(const struct selection *selection, const uint8_t gate_key[32],
                     const struct tag *tag, uint8_t k, uint64_t counted);

#endif
