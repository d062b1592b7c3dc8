/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/group.h"
#include "crypto/share.h"
#include "fuzz/fuzz.h"

/*
 * The input: k, how many shares, 32 bytes that fix the polynomial; then for each share a byte that
 * says whether it is honest (0), another's, zero, or anything, and what that is.
 */
enum { SHARES_MAX = 8, K_MAX = 5 };

struct group {
    size_t k, count;
    struct scalar coefficients[THRESHOLD_MAX];
    struct point commitments[THRESHOLD_MAX];
    struct share shares[SHARES_MAX];
};

static void polynomial_make(struct input *input, struct group *group)
{
    uint8_t wide[64] = {1};
    input_take(input, wide + 1, 32);
    for (size_t j = 0; j < group->k; j++) {
        wide[63] = (uint8_t)j;
        scalar_reduce(wide, &group->coefficients[j]);
        PROPERTY(point_base_multiply(&group->coefficients[j], &group->commitments[j]));
    }
}

static void share_make(struct input *input, struct group *group, size_t i)
{
    struct share *share = &group->shares[i];
    uint8_t wide[64] = {(uint8_t)(i + 1), 9};
    scalar_reduce(wide, &share->x);
    share_evaluate(group->coefficients, group->k, &share->x, &share->y);
    switch (input_byte(input) % 8) {
    case 1:
        share->y = group->shares[i / 2].y;
        break;
    case 2:
        share->y = (struct scalar){0};
        break;
    case 3:
        input_take(input, wide, 32);
        scalar_reduce(wide, &share->y);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    struct group group = {.k = THRESHOLD_MIN + input_byte(&input) % (K_MAX - 1)};
    struct scalar secret = {0};
    bool valid[SHARES_MAX] = {false};
    PROPERTY(crypto_init() == FAULT_NONE);
    group.count = input_byte(&input) % (SHARES_MAX + 1);
    polynomial_make(&input, &group);
    for (size_t i = 0; i < group.count; i++)
        share_make(&input, &group, i);
    size_t good =
        share_check_all(group.commitments, group.k, group.shares, group.count, valid, &secret);
    size_t expected = 0;
    for (size_t i = 0; i < group.count; i++) {
        bool is_good = share_is_valid(group.commitments, group.k, &group.shares[i]);
        PROPERTY(good < group.k || valid[i] == is_good);
        expected += is_good;
    }
    PROPERTY(good == expected);
    PROPERTY(scalar_equal(&secret, good >= group.k ? &group.coefficients[0] : &(struct scalar){0}));
    return 0;
}
