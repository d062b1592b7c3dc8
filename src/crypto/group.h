/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_GROUP_H
#define CONTINUUM_CRYPTO_GROUP_H

#include <stdbool.h>

#include "crypto/bytes.h"
#include "util/cleanup.h"

/* The group ristretto255 (RFC 9496), base point B, order L. */

/* Below L. Zero is canonical. */
bool scalar_is_canonical(const struct scalar *scalar);

bool scalar_is_zero(const struct scalar *scalar);

/* In constant time. */
bool scalar_equal(const struct scalar *a, const struct scalar *b);

/* 64 little-endian bytes mod L. */
void scalar_reduce(const uint8_t wide[64], struct scalar *ret);

/* For `_cleanup_(scalar_wipe) struct scalar secret = {0};`. */
void scalar_wipe(struct scalar *scalar);

/* Byte 31 below 0x80, not the identity, and a valid encoding. About 5 microseconds. */
bool point_is_valid(const struct point *point);

/* Compares encodings: equal elements have equal ones. */
bool point_equal(const struct point *a, const struct point *b);

/* scalar * B. False: the product is the identity. */
bool point_base_multiply(const struct scalar *scalar, struct point *ret);

/* scalar * point. False: the point is invalid or the product is the identity. */
bool point_multiply(const struct scalar *scalar, const struct point *point, struct point *ret);

/*
 * *sum += scalar * point. A sum of 32 zero bytes is the identity, so {0} is a sum of nothing.
 * False: `point` is invalid or the product is the identity; then *sum is unchanged.
 */
bool point_add_product(const struct scalar *scalar, const struct point *point, struct point *sum);

#endif
