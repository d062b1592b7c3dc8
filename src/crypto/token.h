/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_TOKEN_H
#define CONTINUUM_CRYPTO_TOKEN_H

#include <stdbool.h>

#include "crypto/bytes.h"

/*
 * Bearer tokens: stateless, so that the hot path costs one keyed hash. Opaque to members:
 *
 *     B64( u8 version 1 || u64 handle || u64 expires_at_s || MAC (16 bytes) )      44 characters
 *     MAC = D(key, "cfed/v1/bearer", what stands before it, 16)
 *
 * The handle says whose it is; that the instance still exists is for the caller to check.
 */
enum { TOKEN_TEXT_LENGTH = B64_LENGTH(1 + 8 + 8 + 16) };

/* Writes TOKEN_TEXT_LENGTH characters and a NUL. */
void token_mint(const uint8_t key[32], uint64_t handle, int64_t expires_at_s, char *ret_text);

/*
 * False: not a token that was minted under `key`, or expired at `now_s` (the second it expires at
 * counts as after).
 */
bool token_check(const uint8_t key[32], const char *text, size_t text_length, int64_t now_s,
                 uint64_t *ret_handle);

#endif
