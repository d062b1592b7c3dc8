/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_SHARE_H
#define CONTINUUM_CRYPTO_SHARE_H

#include <stdbool.h>

#include "crypto/bytes.h"

/*
 * Shamir's secret sharing over the scalars of ristretto255, with Feldman's commitments
 * (docs/PROTOCOL.md, sections 4 and 5).
 */

enum { THRESHOLD_MIN = 2, THRESHOLD_MAX = 16 };

struct share {
    struct scalar x, y;
};

/* x_i of an instance. Zero for nobody that could be found; callers refuse it (scalar_is_zero). */
void share_abscissa(const struct federation_id *federation_id, const struct public_key *public_key,
                    struct scalar *ret);

/* y = sum of coefficients[j] * x^j, j = 0..k-1. */
void share_evaluate(const struct scalar *coefficients, size_t k, const struct scalar *x,
                    struct scalar *ret_y);

/*
 * The value at 0 of the polynomial of degree below `count` (1 to THRESHOLD_MAX) through `shares`,
 * whose x are distinct and not zero (0 when two are the same). Any k good shares of a group give
 * its secret.
 */
void share_interpolate(const struct share *shares, size_t count, struct scalar *ret_secret);

/*
 * y is not 0 and y * B == sum of x^j * commitments[j]: one share alone (Feldman 1987), against k
 * valid points. About k multiplications.
 */
bool share_is_valid(const struct point *commitments, size_t k, const struct share *share);

/*
 * Checks `count` shares, whose x are distinct and not zero, at once: interpolates through the first
 * k, compares secret * B with commitments[0], and tests the rest against the polynomial by scalar
 * arithmetic. Only where that fails it looks for k good ones one by one, and tests the rest against
 * theirs.
 * valid[i] says which shares are good. Returns how many; when that is at least k, *ret_secret is
 * the secret.
 */
size_t share_check_all(const struct point *commitments, size_t k, const struct share *shares,
                       size_t count, bool *valid, struct scalar *ret_secret);

#endif
