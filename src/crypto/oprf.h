/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_OPRF_H
#define CONTINUUM_CRYPTO_OPRF_H

#include "crypto/bytes.h"
#include "util/fault.h"

/* VOPRF of RFC 9497, suite ristretto255-SHA512, mode 1, with batched proofs (section 2.2). */

enum { OPRF_OUTPUT_LENGTH = 64, OPRF_PROOF_LENGTH = 64, OPRF_BATCH_MAX = 256 };

struct oprf_key {
    struct scalar secret;
    struct point public;
};

struct oprf_proof { /* c || s */
    uint8_t bytes[OPRF_PROOF_LENGTH];
};

struct oprf_output {
    uint8_t bytes[OPRF_OUTPUT_LENGTH];
};

/*
 * Derives a key pair from a 32-byte seed and a public `info` (section 3.2.1).
 * FAULT_CRYPTO: no key from this seed.
 */
enum fault oprf_key_derive(const uint8_t seed[32], const void *info, size_t info_length,
                           struct oprf_key *ret);

/* A random key pair. */
enum fault oprf_key_generate(struct oprf_key *ret);

/* The key pair of a stored secret. FAULT_CRYPTO: not a canonical non-zero scalar. */
enum fault oprf_key_from_secret(const struct scalar *secret, struct oprf_key *ret);

/* Client: a random non-zero blind. */
void oprf_blind_random(struct scalar *ret);

/* Client: blind * H(input). FAULT_CRYPTO: `blind` is 0 or the input hashes to the identity. */
enum fault oprf_blind(const void *input, size_t input_length, const struct scalar *blind,
                      struct point *ret_blinded);

/*
 * Server: evaluates `count` (1 to OPRF_BATCH_MAX) blinded elements under `key` and proves it, with
 * `proof_random` (a fresh random non-zero scalar) as r of the proof.
 * FAULT_RECORD_POINT: an element is invalid; *ret_bad (may be NULL) is the index of the first such.
 * FAULT_CRYPTO: `count` or `proof_random` is out of range.
 */
enum fault oprf_evaluate(const struct oprf_key *key, const struct scalar *proof_random,
                         const struct point *blinded, size_t count, struct point *ret_evaluated,
                         struct oprf_proof *ret_proof, size_t *ret_bad);

/*
 * Client: checks the proof for the whole batch under the server's public key.
 * FAULT_CRYPTO: it does not hold.
 */
enum fault oprf_verify(const struct point *public, const struct point *blinded,
                       const struct point *evaluated, size_t count, const struct oprf_proof *proof);

/*
 * Client: removes the blind and hashes to the output, for an input of at most 65535 bytes.
 * FAULT_CRYPTO: `blind` is 0 or `evaluated` invalid.
 */
enum fault oprf_finalize(const void *input, size_t input_length, const struct scalar *blind,
                         const struct point *evaluated, struct oprf_output *ret);

#endif
