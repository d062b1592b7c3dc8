/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_HASH_H
#define CONTINUUM_CRYPTO_HASH_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

/*
 * D(key, label, data, n) of docs/PROTOCOL.md section 2: BLAKE2b (RFC 7693) with n output bytes,
 * keyed by `key`, over u8(length of label) || label || data. The data is fed in pieces:
 *
 *     struct hash hash;
 *     hash_init(&hash, NULL, 0, "cfed/v1/tag", 32);
 *     hash_u32(&hash, epoch);
 *     hash_final(&hash, tag.bytes);
 */
struct hash {
    alignas(64) uint8_t state[384];
    size_t output_length;
};

/* `key_length` 0 (unkeyed) or 16 to 64; `label` 1 to 255 characters; `output_length` 16 to 64. */
void hash_init(struct hash *hash, const uint8_t *key, size_t key_length, const char *label,
               size_t output_length);

void hash_bytes(struct hash *hash, const void *bytes, size_t length);

/* Big-endian integers. */
void hash_u8(struct hash *hash, uint8_t value);
void hash_u16(struct hash *hash, uint16_t value);
void hash_u32(struct hash *hash, uint32_t value);

/* Writes `output_length` bytes and wipes the state. */
void hash_final(struct hash *hash, uint8_t *output);

/* All of it in one call. */
void hash_once(const uint8_t *key, size_t key_length, const char *label, const void *data,
               size_t data_length, uint8_t *output, size_t output_length);

#endif
