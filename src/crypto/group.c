/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/group.h"

#include <sodium.h>

bool scalar_is_canonical(const struct scalar *scalar)
{
    static const struct scalar zero = {0};
    _cleanup_(scalar_wipe) struct scalar sum = {0};
    crypto_core_ristretto255_scalar_add(sum.bytes, scalar->bytes, zero.bytes);
    return scalar_equal(&sum, scalar);
}

bool scalar_is_zero(const struct scalar *scalar)
{
    return sodium_is_zero(scalar->bytes, sizeof scalar->bytes) == 1;
}

bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
    return bytes_equal(a->bytes, b->bytes, sizeof a->bytes);
}

void scalar_reduce(const uint8_t wide[64], struct scalar *ret)
{
    crypto_core_ristretto255_scalar_reduce(ret->bytes, wide);
}

void scalar_wipe(struct scalar *scalar)
{
    bytes_wipe(scalar, sizeof *scalar);
}

/* libsodium 1.0.18 ignores the top bit of an encoding. */
static bool point_has_top_bit(const struct point *point)
{
    return point->bytes[31] >= 0x80;
}

bool point_is_valid(const struct point *point)
{
    return !point_has_top_bit(point) && sodium_is_zero(point->bytes, sizeof point->bytes) == 0 &&
           crypto_core_ristretto255_is_valid_point(point->bytes) == 1;
}

bool point_equal(const struct point *a, const struct point *b)
{
    return bytes_equal(a->bytes, b->bytes, sizeof a->bytes);
}

bool point_base_multiply(const struct scalar *scalar, struct point *ret)
{
    struct point product = {0};
    if (crypto_scalarmult_ristretto255_base(product.bytes, scalar->bytes) != 0)
        return false;
    *ret = product;
    return true;
}

bool point_multiply(const struct scalar *scalar, const struct point *point, struct point *ret)
{
    struct point product = {0};
    if (point_has_top_bit(point) ||
        crypto_scalarmult_ristretto255(product.bytes, scalar->bytes, point->bytes) != 0)
        return false;
    *ret = product;
    return true;
}

bool point_add_product(const struct scalar *scalar, const struct point *point, struct point *sum)
{
    struct point product = {0};
    return point_multiply(scalar, point, &product) &&
           crypto_core_ristretto255_add(sum->bytes, sum->bytes, product.bytes) == 0;
}
