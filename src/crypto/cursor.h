/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_CURSOR_H
#define CONTINUUM_CRYPTO_CURSOR_H

#include <stdbool.h>

#include "crypto/bytes.h"

/*
 * Cursors of paged lists, which tell their holder nothing: a position is a number that others'
 * deeds move on, so it leaves the coordinator only encrypted (a synthetic nonce: MAC, then the
 * position under a stream that the MAC starts).
 *
 *     B64( MAC (16 bytes) || position XOR stream (8 bytes) )
 */
enum { CURSOR_TEXT_LENGTH = B64_LENGTH(16 + 8) };

/* Whose cursor it is, and of which list: it is good for nothing else. */
struct cursor_owner {
    uint64_t handle;
    const char *list;
};

/* Writes CURSOR_TEXT_LENGTH characters and a NUL. */
void cursor_seal(const uint8_t key[32], const struct cursor_owner *owner, int64_t position,
                 char *ret_text);

/* False: not a cursor that was made for this owner. */
bool cursor_open(const uint8_t key[32], const struct cursor_owner *owner, const char *text,
                 int64_t *ret_position);

#endif
