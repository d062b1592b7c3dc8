/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/share.h"

#include <sodium.h>
#include <string.h>

#include "crypto/group.h"
#include "crypto/hash.h"

void share_abscissa(const struct federation_id *federation_id, const struct public_key *public_key,
                    struct scalar *ret)
{
    uint8_t wide[64];
    struct hash hash;
    hash_init(&hash, NULL, 0, "cfed/v1/x", sizeof wide);
    hash_bytes(&hash, federation_id->bytes, sizeof federation_id->bytes);
    hash_bytes(&hash, public_key->bytes, sizeof public_key->bytes);
    hash_final(&hash, wide);
    scalar_reduce(wide, ret);
}

/* *value = *value * a + b */
static void scalar_multiply_add(struct scalar *value, const struct scalar *a,
                                const struct scalar *b)
{
    crypto_core_ristretto255_scalar_mul(value->bytes, value->bytes, a->bytes);
    crypto_core_ristretto255_scalar_add(value->bytes, value->bytes, b->bytes);
}

static void scalar_multiply_by(struct scalar *value, const struct scalar *a)
{
    crypto_core_ristretto255_scalar_mul(value->bytes, value->bytes, a->bytes);
}

void share_evaluate(const struct scalar *coefficients, size_t k, const struct scalar *x,
                    struct scalar *ret_y)
{
    _cleanup_(scalar_wipe) struct scalar y = {0};
    for (size_t j = k; j-- > 0;)
        scalar_multiply_add(&y, x, &coefficients[j]);
    *ret_y = y;
}

/*
 * The polynomial through `count` shares in Lagrange's form:
 *
 *     f(x) = sum of terms[i] * product over j != i of (x - x[j])
 *     terms[i] = y_i / product over j != i of (x[i] - x[j])
 */
struct polynomial {
    size_t count;
    struct scalar x[THRESHOLD_MAX], terms[THRESHOLD_MAX];
};

static const struct scalar scalar_zero = {0}, scalar_one = {.bytes = {1}};

static void polynomial_wipe(struct polynomial *polynomial)
{
    bytes_wipe(polynomial, sizeof *polynomial);
}

static void polynomial_denominator(const struct share *shares, size_t count, size_t i,
                                   struct scalar *ret)
{
    *ret = scalar_one;
    for (size_t j = 0; j < count; j++) {
        struct scalar difference;
        if (j == i)
            continue;
        crypto_core_ristretto255_scalar_sub(difference.bytes, shares[i].x.bytes, shares[j].x.bytes);
        scalar_multiply_by(ret, &difference);
    }
}

/*
 * All denominators are inverted by one inversion, which costs 300 multiplications (Montgomery's
 * trick): with before[i] = d_0 * ... * d_{i-1}, 1/d_i = before[i] * 1/(d_0 * ... * d_i).
 * False: two shares have the same x.
 */
static bool polynomial_through(const struct share *shares, size_t count, struct polynomial *ret)
{
    struct scalar denominators[THRESHOLD_MAX], before[THRESHOLD_MAX], product = scalar_one;
    for (size_t i = 0; i < count; i++) {
        before[i] = product;
        polynomial_denominator(shares, count, i, &denominators[i]);
        scalar_multiply_by(&product, &denominators[i]);
    }
    struct scalar inverse;
    if (crypto_core_ristretto255_scalar_invert(inverse.bytes, product.bytes) != 0)
        return false;
    ret->count = count;
    for (size_t i = count; i-- > 0;) {
        ret->x[i] = shares[i].x;
        ret->terms[i] = shares[i].y;
        scalar_multiply_by(&ret->terms[i], &before[i]);
        scalar_multiply_by(&ret->terms[i], &inverse);
        scalar_multiply_by(&inverse, &denominators[i]);
    }
    return true;
}

/*
 * After i rounds `value` is the polynomial through the first i terms alone, and `product` is their
 * (x - x[0]) * ... * (x - x[i-1]).
 */
static void polynomial_at(const struct polynomial *polynomial, const struct scalar *x,
                          struct scalar *ret)
{
    _cleanup_(scalar_wipe) struct scalar value = {0};
    _cleanup_(scalar_wipe) struct scalar term = {0};
    struct scalar product = scalar_one;
    for (size_t i = 0; i < polynomial->count; i++) {
        struct scalar difference;
        crypto_core_ristretto255_scalar_sub(difference.bytes, x->bytes, polynomial->x[i].bytes);
        term = polynomial->terms[i];
        scalar_multiply_by(&term, &product);
        scalar_multiply_add(&value, &difference, &term);
        scalar_multiply_by(&product, &difference);
    }
    *ret = value;
}

void share_interpolate(const struct share *shares, size_t count, struct scalar *ret_secret)
{
    _cleanup_(polynomial_wipe) struct polynomial polynomial = {0};
    if (polynomial_through(shares, count, &polynomial))
        polynomial_at(&polynomial, &scalar_zero, ret_secret);
    else
        *ret_secret = scalar_zero;
}

bool share_is_valid(const struct point *commitments, size_t k, const struct share *share)
{
    struct point left = {0}, right = commitments[0];
    struct scalar power = share->x;
    if (!point_base_multiply(&share->y, &left))
        return false;
    for (size_t j = 1; j < k; j++) {
        if (!point_add_product(&power, &commitments[j], &right))
            return false;
        scalar_multiply_by(&power, &share->x);
    }
    return point_equal(&left, &right);
}

/* Marks which shares lie on the polynomial and are not 0. Returns how many. */
static size_t polynomial_mark(const struct polynomial *polynomial, const struct share *shares,
                              size_t count, bool *valid)
{
    _cleanup_(scalar_wipe) struct scalar y = {0};
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        polynomial_at(polynomial, &shares[i].x, &y);
        valid[i] = !scalar_is_zero(&y) && scalar_equal(&y, &shares[i].y);
        good += valid[i];
    }
    return good;
}

static bool polynomial_matches(const struct polynomial *polynomial, const struct point *commitment)
{
    _cleanup_(scalar_wipe) struct scalar secret = {0};
    struct point point = {0};
    polynomial_at(polynomial, &scalar_zero, &secret);
    return point_base_multiply(&secret, &point) && point_equal(&point, commitment);
}

/*
 * The slow way, for a group with a bad share among the first k: finds k good ones by their
 * commitments, then goes on with their polynomial, so that the cost does not grow with the number
 * of good shares.
 */
static size_t share_check_slowly(const struct point *commitments, size_t k,
                                 const struct share *shares, size_t count, bool *valid,
                                 struct polynomial *ret)
{
    struct share basis[THRESHOLD_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count && found < k; i++) {
        valid[i] = share_is_valid(commitments, k, &shares[i]);
        if (valid[i])
            basis[found++] = shares[i];
    }
    if (found == k)
        found = polynomial_through(basis, k, ret) ? polynomial_mark(ret, shares, count, valid) : 0;
    bytes_wipe(basis, sizeof basis);
    return found;
}

size_t share_check_all(const struct point *commitments, size_t k, const struct share *shares,
                       size_t count, bool *valid, struct scalar *ret_secret)
{
    _cleanup_(polynomial_wipe) struct polynomial polynomial = {0};
    size_t good = 0;
    if (count >= k && polynomial_through(shares, k, &polynomial) &&
        polynomial_matches(&polynomial, &commitments[0]))
        good = polynomial_mark(&polynomial, shares, count, valid);
    if (good < count)
        good = share_check_slowly(commitments, k, shares, count, valid, &polynomial);
    if (good >= k)
        polynomial_at(&polynomial, &scalar_zero, ret_secret);
    return good;
}
