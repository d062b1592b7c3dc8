/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_SIGN_H
#define CONTINUUM_CRYPTO_SIGN_H

#include <stdbool.h>

#include "crypto/bytes.h"

/*
 * Ed25519 (RFC 8032) over signed lines: the named strings, as they were sent, joined by "\n", no
 * trailing newline.
 */

struct signing_key { /* secret: wipe with bytes_wipe */
    uint8_t seed[32];
    struct public_key public;
};

/* A canonical point of the prime-order subgroup, which no key of our own making fails to be. About
 * 60 microseconds. */
bool public_key_is_valid(const struct public_key *public_key);

/* Fills `public` from `seed`. */
void signing_key_from_seed(const uint8_t seed[32], struct signing_key *ret);

/* The longest message of signed lines: their characters and the newlines between them. */
enum { LINES_LENGTH_MAX = 4096 };

/*
 * Signs `count` strings (NULL counts as "").
 * False: over LINES_LENGTH_MAX in all, or a string holds a newline, which would let two lists of
 * strings share a signature.
 */
bool lines_sign(const struct signing_key *key, const char *const *lines, size_t count,
                struct signature *ret);

/*
 * True if `signature` is the owner of `public_key`'s over exactly these lines, which lines_sign
 * would sign. About 50 microseconds.
 */
bool lines_verify(const struct public_key *public_key, const char *const *lines, size_t count,
                  const struct signature *signature);

#endif
