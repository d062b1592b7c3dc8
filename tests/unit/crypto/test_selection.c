/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/selection.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { K = 3 };

static const struct selection usual = {.epsilon_milli = 1000, .delta_billionths = 10000};

static long double share_of(uint64_t probability)
{
    return (long double)probability / (long double)SELECTION_CERTAIN;
}

static long double pi_of(const struct selection *selection, uint64_t counted)
{
    return share_of(selection_probability(selection, K, counted));
}

static void check_values_of_the_protocol_hold(void **state)
{
    (void)state;
    static const struct {
        uint64_t counted;
        long double pi, within;
    } published[] = {
        {3, 1e-5L, 1e-9L},   {5, 1.11e-4L, 5e-7L}, {10, 0.0173L, 5e-5L},
        {12, 0.128L, 5e-4L}, {14, 0.760L, 5e-4L},  {16, 0.968L, 5e-4L},
    };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (fabsl(pi_of(&usual, published[i].counted) - published[i].pi) > published[i].within)
            fail_msg("pi(%u) = %Lg", (unsigned)published[i].counted,
                     pi_of(&usual, published[i].counted));
    for (uint64_t counted = 0; counted < K; counted++)
        assert_int_equal(selection_probability(&usual, K, counted), 0);
}

/* It grows by the factor e^epsilon up to n1 = 13; from n2 = 24 on the next is certain. */
static void it_turns_at_n1_and_is_certain_behind_n2(void **state)
{
    (void)state;
    long double e = expl(1);
    for (uint64_t counted = K; counted <= 24; counted++) {
        bool grows = pi_of(&usual, counted) > e * pi_of(&usual, counted - 1) + 0.99e-5L;
        assert_int_equal(grows, counted <= 13);
    }
    assert_true(selection_probability(&usual, K, 24) < SELECTION_CERTAIN);
    assert_int_equal(selection_probability(&usual, K, 25), SELECTION_CERTAIN);
    assert_int_equal(selection_probability(&usual, K, UINT64_MAX), SELECTION_CERTAIN);
}

/* The closed form of theorem 1 of the paper. */
static long double closed_form(const struct selection *selection, uint64_t n)
{
    long double epsilon = selection->epsilon_milli / 1000.0L;
    long double delta = selection->delta_billionths / 1e9L, e = expl(epsilon);
    long double n1 = 1 + floorl(logl((e + 2 * delta - 1) / ((e + 1) * delta)) / epsilon);
    long double at_n1 = expm1l(n1 * epsilon) / expm1l(epsilon) * delta;
    if ((long double)n <= n1)
        return expm1l((long double)n * epsilon) / expm1l(epsilon) * delta;
    long double rest = expl(-((long double)n - n1) * epsilon);
    return fminl(1, (1 - rest) * (1 + delta / expm1l(epsilon)) + rest * at_n1);
}

static void it_is_the_published_optimum_and_never_above_it(void **state)
{
    (void)state;
    static const struct selection several[] = {
        {1000, 10000}, {500, 1000}, {100, 1}, {2000, 1000000}, {10000, 10}, {10, 1000000},
    };
    for (size_t i = 0; i < sizeof several / sizeof *several; i++)
        for (uint64_t n = 1; n < 200; n++) {
            long double expected = closed_form(&several[i], n);
            long double pi = pi_of(&several[i], K - 1 + n);
            if (pi > expected + 1e-16L || pi < expected - 1e-9L)
                fail_msg("case %zu, n = %u: %Lg and not %Lg", i, (unsigned)n, pi, expected);
        }
}

/* What (epsilon, delta) means for two groups of which one has one more. */
static void no_neighbours_differ_by_more_than_epsilon_and_delta(void **state)
{
    (void)state;
    for (uint32_t epsilon_milli = 10; epsilon_milli <= 10000; epsilon_milli = epsilon_milli * 3 + 7)
        for (uint32_t delta_billionths = 1; delta_billionths <= 1000000; delta_billionths *= 10) {
            struct selection selection = {epsilon_milli, delta_billionths};
            long double e = expl(epsilon_milli / 1000.0L), delta = delta_billionths / 1e9L;
            long double before = 0;
            for (uint64_t counted = K; counted < K + 300; counted++) {
                long double pi = pi_of(&selection, counted);
                assert_true(pi >= before);
                assert_true(pi <= e * before + delta);
                assert_true(1 - before <= e * (1 - pi) + delta);
                before = pi;
            }
        }
}

static void a_tag_has_one_coin(void **state)
{
    (void)state;
    enum { TAGS = 20000, COUNTED = 13 };
    static const uint8_t noise_key[32] = {1}, other_key[32] = {2};
    size_t shown = 0, shown_by_other = 0, both = 0;
    for (unsigned i = 0; i < TAGS; i++) {
        const struct tag tag = {{(uint8_t)i, (uint8_t)(i >> 8)}};
        bool shows = selection_shows(&usual, noise_key, &tag, K, COUNTED);
        bool other = selection_shows(&usual, other_key, &tag, K, COUNTED);
        assert_int_equal(selection_shows(&usual, noise_key, &tag, K, COUNTED), shows);
        if (shows && !selection_shows(&usual, noise_key, &tag, K, COUNTED + 1))
            fail_msg("tag %u is shown, and would not be if it had one more", i);
        shown += shows;
        shown_by_other += other;
        both += shows && other;
        assert_false(selection_shows(&usual, noise_key, &tag, K, K - 1));
        assert_true(selection_shows(&usual, noise_key, &tag, K, 25));
    }
    /* pi(13) = 0.3484: five standard deviations are 337; both at once: 0.1214, and 231. */
    assert_in_range(shown, 6968 - 337, 6968 + 337);
    assert_in_range(shown_by_other, 6968 - 337, 6968 + 337);
    assert_in_range(both, 2428 - 231, 2428 + 231);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_values_of_the_protocol_hold),
        cmocka_unit_test(it_turns_at_n1_and_is_certain_behind_n2),
        cmocka_unit_test(it_is_the_published_optimum_and_never_above_it),
        cmocka_unit_test(no_neighbours_differ_by_more_than_epsilon_and_delta),
        cmocka_unit_test(a_tag_has_one_coin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
