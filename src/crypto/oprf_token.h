/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_OPRF_TOKEN_H
#define CONTINUUM_CRYPTO_OPRF_TOKEN_H

#include <stdbool.h>

#include "crypto/sign.h"

/*
 * What a coordinator hands its members for an OPRF helper: whoever bears it may have so many
 * elements evaluated, once. Nothing in it tells whose it is. B64 of
 *
 *     u32 epoch || u16 elements || u64 expires_at || nonce (16 bytes) || signature (64 bytes)
 *
 * The signature is the coordinator's over the lines "cfed/v1/oprf-token", coordinator_key,
 * redemption_context, epoch, elements, expires_at (as a time), nonce. The redemption context (the
 * term of RFC 9577) is not in it: the helper knows its own.
 */
enum { OPRF_CONTEXT_LENGTH = 16, OPRF_NONCE_LENGTH = 16 };
enum { OPRF_TOKEN_LENGTH = 4 + 2 + 8 + OPRF_NONCE_LENGTH + 64 };
enum { OPRF_TOKEN_TEXT_LENGTH = B64_LENGTH(OPRF_TOKEN_LENGTH) };

struct oprf_context { /* 16 random bytes that a helper makes at each start */
    uint8_t bytes[OPRF_CONTEXT_LENGTH];
};

struct oprf_token {
    uint32_t epoch;
    uint16_t elements;    /* 1 to OPRF_BATCH_MAX */
    int64_t expires_at_s; /* of the years 2000 to 2999 */
    uint8_t nonce[OPRF_NONCE_LENGTH];
};

/* Writes OPRF_TOKEN_TEXT_LENGTH characters and a NUL. About 25 microseconds. */
void oprf_token_sign(const struct signing_key *coordinator, const struct oprf_context *context,
                     const struct oprf_token *token, char *ret_text);

/*
 * False: not a token that `coordinator` signed for `context`. Whether it has expired is for the
 * caller to check. About 60 microseconds.
 */
bool oprf_token_verify(const struct public_key *coordinator, const struct oprf_context *context,
                       const char *text, size_t text_length, struct oprf_token *ret);

#endif
