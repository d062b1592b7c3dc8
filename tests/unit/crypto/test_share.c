/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/group.h"
#include "crypto/oprf.h"
#include "lib/vectors.h"

enum { K = 3, MEMBERS = 5 };

/* A polynomial, its commitments, and the honest shares of some members. */
struct group {
    size_t k;
    struct scalar coefficients[THRESHOLD_MAX];
    struct point commitments[THRESHOLD_MAX];
    struct share shares[THRESHOLD_MAX + 4];
};

static void group_make(struct group *group, size_t k)
{
    group->k = k;
    for (size_t j = 0; j < k; j++) {
        oprf_blind_random(&group->coefficients[j]);
        assert_true(point_base_multiply(&group->coefficients[j], &group->commitments[j]));
    }
    for (size_t i = 0; i < sizeof group->shares / sizeof *group->shares; i++) {
        oprf_blind_random(&group->shares[i].x);
        share_evaluate(group->coefficients, k, &group->shares[i].x, &group->shares[i].y);
    }
}

static const char *path_of(const char *format, size_t i)
{
    static char path[64];
    int length = snprintf(path, sizeof path, "%s.%zu", format, i);
    assert_in_range(length, 1, sizeof path - 1);
    return path;
}

static void vectors_shares_abscissas_and_secret_come_out(void **state)
{
    struct federation_id federation_id;
    struct scalar coefficients[K], secret;
    struct point commitments[K];
    struct share shares[K];
    vector_bytes(*state, "federation_id", federation_id.bytes, 16);
    for (size_t i = 0; i < K; i++) {
        vector_bytes(*state, path_of("patterns.0.a", i), coefficients[i].bytes, 32);
        assert_true(point_base_multiply(&coefficients[i], &commitments[i]));
        assert_vector(*state, path_of("patterns.0.C", i), commitments[i].bytes, 32);
    }
    for (size_t i = 0; i < K; i++) {
        char path[64];
        struct public_key public_key;
        snprintf(path, sizeof path, "instances.%zu.public_key", i);
        vector_bytes(*state, path, public_key.bytes, 32);
        share_abscissa(&federation_id, &public_key, &shares[i].x);
        snprintf(path, sizeof path, "instances.%zu.x", i);
        assert_vector(*state, path, shares[i].x.bytes, 32);
        share_evaluate(coefficients, K, &shares[i].x, &shares[i].y);
        assert_vector(*state, path_of("patterns.0.shares", i), shares[i].y.bytes, 32);
        assert_true(share_is_valid(commitments, K, &shares[i]));
    }
    share_interpolate(shares, K, &secret);
    assert_vector(*state, "patterns.0.interpolated_s", secret.bytes, 32);
    assert_memory_equal(&secret, &coefficients[0], sizeof secret);
}

static void any_k_shares_give_the_secret_at_every_threshold(void **state)
{
    (void)state;
    for (size_t k = 1; k <= THRESHOLD_MAX; k++) {
        struct group group;
        struct scalar secret;
        group_make(&group, k);
        for (size_t first = 0; first <= 4; first++) {
            share_interpolate(group.shares + first, k, &secret);
            assert_memory_equal(&secret, &group.coefficients[0], sizeof secret);
        }
    }
}

static void fewer_than_k_shares_give_another_value(void **state)
{
    (void)state;
    struct group group;
    struct scalar secret;
    group_make(&group, K);
    share_interpolate(group.shares, K - 1, &secret);
    assert_memory_not_equal(&secret, &group.coefficients[0], sizeof secret);
}

static void two_shares_at_one_abscissa_give_nothing(void **state)
{
    (void)state;
    struct group group;
    struct scalar secret;
    bool valid[K];
    group_make(&group, K);
    group.shares[2] = group.shares[0];
    share_interpolate(group.shares, K, &secret);
    assert_true(scalar_is_zero(&secret));
    assert_int_equal(share_check_all(group.commitments, K, group.shares, K, valid, &secret), 0);
}

static void share_with_any_byte_changed_is_invalid(void **state)
{
    (void)state;
    struct group group;
    group_make(&group, K);
    for (size_t i = 0; i < 32; i++) {
        struct share bad = group.shares[0];
        bad.y.bytes[i] ^= 1;
        assert_false(share_is_valid(group.commitments, K, &bad));
    }
    struct share moved = {.x = group.shares[1].x, .y = group.shares[0].y};
    assert_false(share_is_valid(group.commitments, K, &moved));
    assert_true(share_is_valid(group.commitments, K, &group.shares[0]));
}

static void share_of_zero_is_invalid(void **state)
{
    (void)state;
    struct group group;
    group_make(&group, 2);
    /* a_0 = -a_1 * x puts 0 at x: the share lies on the polynomial and is refused all the same */
    static const struct scalar zero;
    struct scalar x = {.bytes = {1}}, secret;
    struct point commitments[2] = {group.commitments[0], group.commitments[1]};
    struct share line[] = {{.x = x, .y = zero}, {.x = {.bytes = {2}}, .y = group.coefficients[1]}};
    share_interpolate(line, 2, &secret);
    assert_true(point_base_multiply(&secret, &commitments[0]));
    struct share shares[] = {line[0], line[1], {.x = {.bytes = {3}}}};
    const struct scalar coefficients[] = {secret, group.coefficients[1]};
    share_evaluate(coefficients, 2, &shares[2].x, &shares[2].y);

    bool valid[3];
    assert_false(share_is_valid(commitments, 2, &shares[0]));
    assert_int_equal(share_check_all(commitments, 2, shares, 3, valid, &secret), 2);
    assert_false(valid[0]);
    assert_true(valid[1] && valid[2]);
}

/* Spoils the shares whose bit is set in `bad`, and expects exactly those to be found. */
static void expect_found(unsigned bad, size_t count)
{
    struct group group;
    struct scalar secret = {.bytes = {42}}, untouched = secret;
    bool valid[THRESHOLD_MAX];
    size_t good = count;
    group_make(&group, K);
    for (size_t i = 0; i < count; i++) {
        if (!(bad >> i & 1))
            continue;
        oprf_blind_random(&group.shares[i].y);
        good--;
    }
    assert_int_equal(share_check_all(group.commitments, K, group.shares, count, valid, &secret),
                     good);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(valid[i], !(bad >> i & 1));
    const struct scalar *expected = good >= K ? &group.coefficients[0] : &untouched;
    assert_memory_equal(&secret, expected, sizeof secret);
}

static void bulk_check_finds_exactly_the_bad_shares_wherever_they_are(void **state)
{
    (void)state;
    for (unsigned bad = 0; bad < 1U << MEMBERS; bad++)
        expect_found(bad, MEMBERS); /* from none bad to all of five */
}

static void bulk_check_of_fewer_than_k_shares_gives_no_secret(void **state)
{
    (void)state;
    expect_found(0, K - 1);
    expect_found(1, K - 1);
    expect_found(0, 0);
}

/* Two liars among the first k cancel out at 0, so that secret * B = C_0 holds for a wrong
 * polynomial. */
static void liars_who_keep_the_secret_right_are_found(void **state)
{
    (void)state;
    struct group group, lie;
    struct scalar secret;
    bool valid[MEMBERS];
    group_make(&group, K);
    group_make(&lie, K);
    lie.coefficients[0] = group.coefficients[0];
    for (size_t i = 0; i < K; i++)
        share_evaluate(lie.coefficients, K, &group.shares[i].x, &group.shares[i].y);
    assert_int_equal(share_check_all(group.commitments, K, group.shares, MEMBERS, valid, &secret),
                     MEMBERS - K);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(valid[i], i >= K);
}

static void commitments_to_another_polynomial_make_every_share_bad(void **state)
{
    (void)state;
    struct group group, other;
    struct scalar secret;
    bool valid[MEMBERS];
    group_make(&group, K);
    group_make(&other, K);
    assert_int_equal(share_check_all(other.commitments, K, group.shares, MEMBERS, valid, &secret),
                     0);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_false(valid[i]);
}

static int setup(void **state)
{
    *state = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    vectors_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_shares_abscissas_and_secret_come_out),
        cmocka_unit_test(any_k_shares_give_the_secret_at_every_threshold),
        cmocka_unit_test(fewer_than_k_shares_give_another_value),
        cmocka_unit_test(two_shares_at_one_abscissa_give_nothing),
        cmocka_unit_test(share_with_any_byte_changed_is_invalid),
        cmocka_unit_test(share_of_zero_is_invalid),
        cmocka_unit_test(bulk_check_finds_exactly_the_bad_shares_wherever_they_are),
        cmocka_unit_test(bulk_check_of_fewer_than_k_shares_gives_no_secret),
        cmocka_unit_test(liars_who_keep_the_secret_right_are_found),
        cmocka_unit_test(commitments_to_another_polynomial_make_every_share_bad),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
