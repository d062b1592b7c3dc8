/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/noise.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/hash.h"

void random_stream_init(struct random_stream *stream, const uint8_t seed[32])
{
    *stream = (struct random_stream){.used = sizeof stream->block};
    memcpy(stream->seed, seed, sizeof stream->seed);
}

static uint32_t random_stream_u32(struct random_stream *stream)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES], zeros[sizeof stream->block];
    if (stream->used == sizeof stream->block) {
        crypto_stream_chacha20_xor_ic(stream->block, zeros, sizeof zeros, nonce,
                                      stream->block_number++, stream->seed);
        stream->used = 0;
    }
    const uint8_t *bytes = stream->block + stream->used;
    stream->used += 4;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

uint32_t random_stream_below(struct random_stream *stream, uint32_t bound)
{
    uint32_t rejected = -bound % bound; /* 2^32 mod bound: the rest is a multiple of bound */
    uint32_t value = random_stream_u32(stream);
    while (value < rejected)
        value = random_stream_u32(stream);
    return value % bound;
}

/* True with probability e^(-numerator / denominator), numerator <= denominator (algorithm 1). */
static bool bernoulli_exp(struct random_stream *stream, uint32_t numerator, uint32_t denominator)
{
    uint32_t k = 1;
    while (random_stream_below(stream, denominator * k) < numerator)
        k++;
    return k % 2 == 1;
}

/* Algorithm 2, with t = denominator and s = numerator. */
int64_t noise_discrete_laplace(struct random_stream *stream, struct epsilon epsilon)
{
    for (;;) {
        uint32_t u = random_stream_below(stream, epsilon.denominator);
        if (!bernoulli_exp(stream, u, epsilon.denominator))
            continue;
        int64_t v = 0;
        while (bernoulli_exp(stream, 1, 1))
            v++;
        int64_t magnitude = (u + epsilon.denominator * v) / epsilon.numerator;
        bool negative = random_stream_below(stream, 2) == 1;
        if (!negative)
            return magnitude;
        if (magnitude != 0) /* zero has no sign, or it would count twice */
            return -magnitude;
    }
}

int64_t noise_of_tag(const uint8_t noise_key[32], const struct tag *tag, uint32_t period,
                     struct epsilon epsilon)
{
    uint8_t seed[64];
    struct hash hash;
    hash_init(&hash, noise_key, 32, "cfed/v1/noise", sizeof seed);
    hash_bytes(&hash, tag->bytes, sizeof tag->bytes);
    hash_u32(&hash, period);
    hash_final(&hash, seed);

    struct random_stream stream;
    random_stream_init(&stream, seed);
    int64_t noise = noise_discrete_laplace(&stream, epsilon);
    bytes_wipe(&stream, sizeof stream);
    bytes_wipe(seed, sizeof seed);
    return noise;
}
