/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLES = 200000, REACH_MAX = 20 };

/* The stream is ChaCha20's: block 0 of the zero key and nonce (RFC 8439, A.1, test vector 1). */
static void stream_is_chacha20_read_little_endian(void **state)
{
    (void)state;
    static const uint8_t seed[32];
    struct random_stream stream;
    random_stream_init(&stream, seed);
    assert_int_equal(random_stream_below(&stream, UINT32_MAX), 0xade0b876);
    assert_int_equal(random_stream_below(&stream, UINT32_MAX), 0x903df1a0);
    for (size_t i = 2; i < 16; i++)
        random_stream_below(&stream, UINT32_MAX);
    assert_int_equal(random_stream_below(&stream, UINT32_MAX), 0xbee7079f); /* block 1 */
}

static void numbers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {3};
    struct random_stream stream;
    unsigned counts[7] = {0};
    random_stream_init(&stream, seed);
    for (size_t i = 0; i < SAMPLES; i++)
        counts[random_stream_below(&stream, 7)]++;
    double expected = SAMPLES / 7.0, chi_square = 0;
    for (size_t i = 0; i < 7; i++)
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    assert_true(chi_square < 22.5); /* 6 degrees of freedom, 1 in 1000 */
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(random_stream_below(&stream, 1), 0);
}

/* A quarter of all words is rejected; a modulo alone would draw the lowest third twice as often. */
static void rejection_leaves_no_bias_under_a_large_bound(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {4};
    const uint32_t bound = 0xc0000000;
    struct random_stream stream;
    unsigned low = 0;
    random_stream_init(&stream, seed);
    for (size_t i = 0; i < SAMPLES; i++) {
        uint32_t value = random_stream_below(&stream, bound);
        assert_true(value < bound);
        low += value < bound / 3;
    }
    assert_in_range(low, SAMPLES / 3 - 850, SAMPLES / 3 + 850); /* 4 standard deviations */
}

/*
 * Bins -reach..reach and one for each tail: 2 * reach + 2 degrees of freedom.
 * P[z] = (1-p)/(1+p) * p^|z|, and the tail beyond reach is p^(reach+1)/(1+p).
 */
struct histogram {
    int reach;
    unsigned counts[2 * REACH_MAX + 3];
};

static void count(struct histogram *histogram, int64_t z)
{
    int reach = histogram->reach;
    histogram->counts[(z > reach ? reach + 1 : z < -reach ? -reach - 1 : z) + reach + 1]++;
}

static double misfit(const struct histogram *histogram, double p)
{
    const unsigned *counts = histogram->counts;
    int reach = histogram->reach;
    double chi_square = 0, share = (1 - p) / (1 + p);
    for (int distance = 0; distance <= reach + 1; distance++, share *= p) {
        double expected = SAMPLES * (distance > reach ? share / (1 - p) : share);
        double above = counts[reach + 1 + distance] - expected;
        double below = counts[reach + 1 - distance] - expected;
        chi_square += above * above / expected;
        chi_square += distance ? below * below / expected : 0;
    }
    return chi_square;
}

/* Of one stream. */
static double chi_square_of(struct epsilon epsilon, double p, int reach, uint8_t seed_byte)
{
    const uint8_t seed[32] = {seed_byte};
    struct histogram histogram = {.reach = reach};
    struct random_stream stream;
    random_stream_init(&stream, seed);
    for (size_t i = 0; i < SAMPLES; i++)
        count(&histogram, noise_discrete_laplace(&stream, epsilon));
    return misfit(&histogram, p);
}

static void noise_follows_the_discrete_laplace_distribution(void **state)
{
    (void)state;
    static const struct {
        struct epsilon epsilon;
        double p; /* e^-epsilon */
        int reach;
        double limit; /* exceeded once in 1000 */
    } cases[] = {
        {{1, 2}, 0.60653065971263342, 12, 54.05},      {{1, 1}, 0.36787944117144233, 6, 36.12},
        {{2, 1}, 0.13533528323661270, 3, 26.12},       {{3, 7}, 0.65143905753105560, 12, 54.05},
        {{500, 1000}, 0.60653065971263342, 12, 54.05},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint8_t seed = 1; seed <= 2; seed++) {
            double chi_square = chi_square_of(cases[i].epsilon, cases[i].p, cases[i].reach, seed);
            if (chi_square > cases[i].limit)
                fail_msg("epsilon %u/%u, seed %u: chi-square %.1f", cases[i].epsilon.numerator,
                         cases[i].epsilon.denominator, seed, chi_square);
        }
}

/* The test above can fail: noise for another epsilon does not pass for it. */
static void chi_square_tells_near_distributions_apart(void **state)
{
    (void)state;
    assert_true(chi_square_of((struct epsilon){21, 20}, 0.36787944117144233, 6, 1) > 36.12);
}

/* As it is drawn: one number for each tag and period. */
static void noise_of_tags_and_periods_follows_it_too(void **state)
{
    (void)state;
    static const struct {
        struct epsilon epsilon;
        double p;
        int reach;
        double limit; /* exceeded once in 1000 */
    } cases[] = {
        {{500, 1000}, 0.60653065971263342, 12, 54.05},
        {{1000, 1000}, 0.36787944117144233, 6, 36.12},
        {{2000, 1000}, 0.13533528323661270, 3, 26.12},
    };
    static const uint8_t noise_key[32] = {5};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct histogram histogram = {.reach = cases[i].reach};
        for (uint32_t sample = 0; sample < SAMPLES; sample++) {
            const struct tag tag = {{(uint8_t)sample, (uint8_t)(sample >> 8)}};
            count(&histogram,
                  noise_of_tag(noise_key, &tag, 600 + (sample >> 16), cases[i].epsilon));
        }
        double found = misfit(&histogram, cases[i].p);
        if (found > cases[i].limit)
            fail_msg("epsilon %u/1000: chi-square %.1f", cases[i].epsilon.numerator, found);
    }
}

static void noise_of_a_tag_is_the_same_within_a_period_only(void **state)
{
    (void)state;
    static const uint8_t noise_key[32] = {1}, other_key[32] = {2};
    const struct epsilon epsilon = {1, 2};
    unsigned by_key = 0, by_tag = 0, by_period = 0;
    for (uint8_t i = 0; i < 100; i++) {
        const struct tag tag = {{i}}, next_tag = {{i, 1}};
        int64_t noise = noise_of_tag(noise_key, &tag, 5, epsilon);
        assert_true(noise == noise_of_tag(noise_key, &tag, 5, epsilon));
        by_key += noise != noise_of_tag(other_key, &tag, 5, epsilon);
        by_tag += noise != noise_of_tag(noise_key, &next_tag, 5, epsilon);
        by_period += noise != noise_of_tag(noise_key, &tag, 6, epsilon);
    }
    /* two independent draws differ with probability 0.87 */
    assert_in_range(by_key, 70, 100);
    assert_in_range(by_tag, 70, 100);
    assert_in_range(by_period, 70, 100);
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() != FAULT_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_is_chacha20_read_little_endian),
        cmocka_unit_test(numbers_below_a_bound_are_uniform),
        cmocka_unit_test(rejection_leaves_no_bias_under_a_large_bound),
        cmocka_unit_test(noise_follows_the_discrete_laplace_distribution),
        cmocka_unit_test(chi_square_tells_near_distributions_apart),
        cmocka_unit_test(noise_of_tags_and_periods_follows_it_too),
        cmocka_unit_test(noise_of_a_tag_is_the_same_within_a_period_only),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
