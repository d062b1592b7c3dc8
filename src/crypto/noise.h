/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_NOISE_H
#define CONTINUUM_CRYPTO_NOISE_H

#include <stdint.h>

#include "crypto/bytes.h"

/*
 * Discrete Laplace noise, P[z] = (1-p)/(1+p) * p^|z| with p = e^-epsilon, sampled exactly: integers
 * only (Canonne, Kamath, Steinke 2020, "The Discrete Gaussian for Differential Privacy", algorithms
 * 1 and 2).
 */

/* epsilon = numerator / denominator, both 1 to 10,000. */
struct epsilon {
    uint32_t numerator, denominator;
};

/* A deterministic stream of random bytes from a 32-byte seed (ChaCha20). */
struct random_stream {
    uint8_t seed[32];
    uint8_t block[64];
    uint32_t block_number, used;
};

void random_stream_init(struct random_stream *stream, const uint8_t seed[32]);

/* Uniform in [0, bound), bound 1 to 2^32 - 1, by rejection. */
uint32_t random_stream_below(struct random_stream *stream, uint32_t bound);

int64_t noise_discrete_laplace(struct random_stream *stream, struct epsilon epsilon);

/*
 * The noise of one tag in one 30-day period: the same inputs give the same value
 * (docs/PROTOCOL.md, section 5).
 */
int64_t noise_of_tag(const uint8_t noise_key[32], const struct tag *tag, uint32_t period,
                     struct epsilon epsilon);

#endif
