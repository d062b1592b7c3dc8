/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_BYTES_H
#define CONTINUUM_CRYPTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

/* Byte strings of fixed length, each a type of its own so that they cannot be mixed up. */
struct federation_id {
    uint8_t bytes[16];
};
struct tag {
    uint8_t bytes[32];
};
struct scalar { /* little-endian, canonical: below the order L of ristretto255 */
    uint8_t bytes[32];
};
struct point { /* an encoded ristretto255 element (RFC 9496) */
    uint8_t bytes[32];
};
struct public_key { /* Ed25519 */
    uint8_t bytes[32];
};
struct signature { /* Ed25519 */
    uint8_t bytes[64];
};

/*
 * Must be called once, before any other function of crypto/, in each process.
 * FAULT_CRYPTO: no randomness to be had.
 */
enum fault crypto_init(void);

/* Fills `bytes` from the operating system's generator. */
void bytes_random(void *bytes, size_t length);

/* Compares in constant time. */
bool bytes_equal(const void *a, const void *b, size_t length);

/* Overwrites in a way that the compiler cannot leave out. */
void bytes_wipe(void *bytes, size_t length);

/* Characters of `length` bytes in B64, without a NUL: base64url, no padding (RFC 4648 section 5) */
#define B64_LENGTH(length) (((length)*8 + 5) / 6)

/* Writes B64_LENGTH(length) characters and a NUL to `text`. */
void b64_encode(const void *bytes, size_t length, char *text);

/*
 * Decodes exactly `length` bytes from the `text_length` characters at `text`.
 * False: another length, a character outside the alphabet, padding, or unused bits that are not
 * zero; then *bytes is undefined.
 */
bool b64_decode(const char *text, size_t text_length, void *bytes, size_t length);

/* SipHash-2-4 under a 16-byte key, 64 bits: for hash tables that strangers feed. */
uint64_t bytes_siphash(const uint8_t key[16], const void *bytes, size_t length);

#endif
