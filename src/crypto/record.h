/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_RECORD_H
#define CONTINUUM_CRYPTO_RECORD_H

#include <stdbool.h>

#include "crypto/bytes.h"
#include "crypto/oprf.h"
#include "crypto/share.h"
#include "crypto/sign.h"
#include "util/fault.h"

/*
 * The record of one pattern: what every honest contributor of it sends, byte for byte
 * (docs/PROTOCOL.md, section 4).
 *
 *     tag         hash of all that follows
 *     commitments k points C_0..C_{k-1}
 *     verify_key  W, Ed25519
 *     ciphertext  144, 272, 528 or 1040 bytes
 *     index       80 bytes: 16 sealed search tokens
 */
enum {
    DOMAIN_LENGTH_MAX = 64,
    SUMMARY_LENGTH_MAX = 1000, /* of the whole of M = domain || "\n" || summary */
    CIPHERTEXT_LENGTH_MAX = 1040,
    INDEX_LENGTH = 80,
    INDEX_PLAINTEXT_LENGTH = 64,
    TOKENS_MAX = 16,
    TOKEN_BITS_MIN = 8,
    TOKEN_BITS_MAX = 32,
};

struct record {
    uint32_t epoch;
    uint8_t k;
    uint8_t domain_length;
    uint16_t ciphertext_length;
    struct tag tag;
    struct public_key verify_key;
    struct point commitments[THRESHOLD_MAX]; /* k used */
    uint8_t index[INDEX_LENGTH];
    char domain[DOMAIN_LENGTH_MAX + 1]; /* NUL-terminated */
    uint8_t ciphertext[CIPHERTEXT_LENGTH_MAX];
};

/* F, and what is derived from it (section 2). Secret: wipe with bytes_wipe. */
struct federation_keys {
    uint8_t pattern[64], content[32], index[32], query[32];
};

/* The parameters of an epoch that a record depends on. */
struct epoch_parameters {
    struct federation_id federation_id;
    uint32_t number;
    uint8_t k, token_bits;
};

void federation_keys_derive(const uint8_t federation_key[32], struct federation_keys *ret);

/* First 8 bytes of D(F, "cfed/v1/key-check", federation_id, 16). */
void federation_key_check(const uint8_t federation_key[32], const struct federation_id *id,
                          uint8_t ret[8]);

/* The whole of `text` matches [a-z0-9][a-z0-9-]{0,63}. */
bool domain_is_valid(const char *text, size_t length);

/* 144, 272, 528 or 1040. */
bool ciphertext_length_is_valid(size_t length);

/* The tag that belongs to the other fields of `record`. */
void record_tag(const struct record *record, const struct federation_id *id, struct tag *ret);

/*
 * Writes index_plaintext: 16 slots of 4 bytes, the distinct `tokens` (in any order, at most
 * TOKENS_MAX, none 0) ascending at the end, zeros before them.
 */
void index_plaintext_encode(const uint32_t *tokens, size_t count,
                            uint8_t ret[INDEX_PLAINTEXT_LENGTH]);

/* A token that is cut to `token_bits`: the others of its 32 bits are 0, and 0 becomes 1. */
uint32_t token_cut(uint32_t token, uint8_t token_bits);

/* --- The index: sealed by members, opened by the coordinator once k shares have given it s ---- */

/* Seals `plaintext` under K_rel of `secret`. */
void record_index_seal(const uint8_t plaintext[INDEX_PLAINTEXT_LENGTH], const struct scalar *secret,
                       uint8_t ret[INDEX_LENGTH]);

/*
 * Opens `index` under K_rel of `secret`. `ret_tokens` gets the *ret_count distinct tokens,
 * ascending.
 * FAULT_CRYPTO: it does not open, or its plaintext is not canonical (16 slots, unused ones 0 and
 * first, tokens ascending and distinct, at least one, each 1 or with its low 32 - token_bits bits
 * zero).
 */
enum fault record_index_open(const uint8_t index[INDEX_LENGTH], const struct scalar *secret,
                             uint8_t token_bits, uint32_t ret_tokens[TOKENS_MAX],
                             size_t *ret_count);

/* --- What a member does ----------------------------------------------------------------------- */

/* Token of one term (UTF-8), section 3. Never 0. */
uint32_t token_of_term(const struct federation_keys *keys, uint8_t token_bits, const char *term,
                       size_t term_length);

enum { OPRF_INPUT_LENGTH = 15 + 16 + 4 + 64 };

/* The OPRF input for canonical pattern M (1 to SUMMARY_LENGTH_MAX bytes), section 4 step 1. */
void record_oprf_input(const struct federation_keys *keys, const struct epoch_parameters *epoch,
                       const char *m, size_t m_length,
                       const uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH],
                       uint8_t ret[OPRF_INPUT_LENGTH]);

/*
 * Steps 2 to 5 of section 4: the record of M, from the OPRF's output, and the polynomial's k
 * coefficients (secret; the member's share is share_evaluate of them). The record's domain is the
 * part of M before its newline.
 * FAULT_CRYPTO: k is out of range, M is too long or without a valid domain, or a coefficient is 0
 * (never seen; the pattern cannot be contributed in this epoch).
 */
enum fault record_make(const struct federation_keys *keys, const struct epoch_parameters *epoch,
                       const char *m, size_t m_length,
                       const uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH],
                       const struct oprf_output *output, struct record *ret,
                       struct scalar ret_coefficients[THRESHOLD_MAX]);

/* The key pair of W: its secret half proves that a verifier has read the pattern (section 6). */
void record_verify_key(const struct federation_keys *keys, const struct scalar *secret,
                       struct signing_key *ret);

/*
 * A released record, checked as section 6 asks before it is shown: secret * B = C_0, W, the tag,
 * the padding, M's domain; M comes out in `ret_m` (SUMMARY_LENGTH_MAX + 1 bytes, NUL-terminated)
 * with its length. Whether M is canonical, and whether `index` belongs to it, only the caller can
 * tell (client/canonical.h).
 * FAULT_CRYPTO with `why`: which check failed.
 */
enum fault record_open(const struct federation_keys *keys, const struct federation_id *id,
                       const struct record *record, const struct scalar *secret, char *ret_m,
                       size_t *ret_m_length, struct why *why);

#endif
