/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof((struct hash){0}.state) >= sizeof(crypto_generichash_blake2b_state) &&
                   alignof(struct hash) >= alignof(crypto_generichash_blake2b_state),
               "struct hash holds libsodium's state");

static crypto_generichash_blake2b_state *hash_state(struct hash *hash)
{
    return (void *)hash->state;
}

void hash_init(struct hash *hash, const uint8_t *key, size_t key_length, const char *label,
               size_t output_length)
{
    /* Refused are only lengths out of range: going on would hash under no key. */
    if (crypto_generichash_blake2b_init(hash_state(hash), key, key_length, output_length) != 0)
        abort();
    hash->output_length = output_length;
    size_t label_length = strlen(label);
    hash_u8(hash, (uint8_t)label_length);
    hash_bytes(hash, label, label_length);
}

void hash_bytes(struct hash *hash, const void *bytes, size_t length)
{
    crypto_generichash_blake2b_update(hash_state(hash), bytes, length);
}

void hash_u8(struct hash *hash, uint8_t value)
{
    hash_bytes(hash, &value, sizeof value);
}

void hash_u16(struct hash *hash, uint16_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    hash_bytes(hash, bytes, sizeof bytes);
}

void hash_u32(struct hash *hash, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    hash_bytes(hash, bytes, sizeof bytes);
}

void hash_final(struct hash *hash, uint8_t *output)
{
    crypto_generichash_blake2b_final(hash_state(hash), output, hash->output_length);
    sodium_memzero(hash, sizeof *hash);
}

void hash_once(const uint8_t *key, size_t key_length, const char *label, const void *data,
               size_t data_length, uint8_t *output, size_t output_length)
{
    struct hash hash;
    hash_init(&hash, key, key_length, label, output_length);
    hash_bytes(&hash, data, data_length);
    hash_final(&hash, output);
}
