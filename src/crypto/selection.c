/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/selection.h"

#include "crypto/hash.h"

/* No floating point: what is rounded must be rounded to the safe side, on every machine alike. */
typedef unsigned __int128 wide;

enum { PROBABILITY_BITS = 62, GROWTH_BITS = 48 };

/* e^epsilon from below, in units of 2^-48: the exponential series, each term rounded down. */
static uint64_t growth_of(uint32_t epsilon_milli)
{
    wide term = (wide)1 << GROWTH_BITS, sum = 0;
    for (uint32_t i = 1; term > 0; i++) {
        sum += term;
        term = term * epsilon_milli / ((wide)1000 * i);
    }
    return (uint64_t)sum;
}

/* 2^62 / growth, which is e^-epsilon from above. */
static uint64_t decay_of(uint64_t growth)
{
    return (uint64_t)(((wide)1 << (PROBABILITY_BITS + GROWTH_BITS)) / growth) + 1;
}

/*
 * pi(0) = 0, and pi(n) is the most that (epsilon, delta) allows beside pi(n - 1):
 *
 *     pi(n) = min(e^epsilon * pi(n-1) + delta,  1 - e^-epsilon * (1 - pi(n-1) - delta),  1)
 *
 * Every rounding makes it smaller. So the two inequalities hold for the integers, too.
 */
static uint64_t next_probability(uint64_t before, uint64_t growth, uint64_t decay, uint64_t delta)
{
    if (before + delta >= SELECTION_CERTAIN)
        return SELECTION_CERTAIN;
    wide grown = ((wide)before * growth >> GROWTH_BITS) + delta;
    wide rest = (wide)(SELECTION_CERTAIN - before - delta) * decay;
    uint64_t hidden = (uint64_t)(rest >> PROBABILITY_BITS) + 1;
    uint64_t shown = hidden < SELECTION_CERTAIN ? SELECTION_CERTAIN - hidden : 0;
    return grown < shown ? (uint64_t)grown : shown;
}

uint64_t selection_probability(const struct selection *selection, uint8_t k, uint64_t counted)
{
    uint64_t growth = growth_of(selection->epsilon_milli), decay = decay_of(growth);
    uint64_t delta =
        (uint64_t)(((wide)selection->delta_billionths << PROBABILITY_BITS) / 1000000000);
    uint64_t probability = 0;
    for (uint64_t n = k; n <= counted && probability < SELECTION_CERTAIN; n++)
        probability = next_probability(probability, growth, decay, delta);
    return probability;
}

bool selection_shows(const struct selection *selection, const uint8_t gate_key[32],
                     const struct tag *tag, uint8_t k, uint64_t counted)
{
    uint8_t bytes[32];
    uint64_t coin = 0;
    hash_once(gate_key, 32, "cfed/v1/gate", tag->bytes, sizeof tag->bytes, bytes, sizeof bytes);
    for (unsigned i = 0; i < 8; i++)
        coin = coin << 8 | bytes[i];
    return coin >> (64 - PROBABILITY_BITS) < selection_probability(selection, k, counted);
}
