/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cursor.h"

#include <string.h>

#include "crypto/hash.h"

enum { MAC_LENGTH = 16, POSITION_LENGTH = 8, STREAM_LENGTH = 16 };

static void cursor_mac(const uint8_t key[32], const struct cursor_owner *owner,
                       const uint8_t *position, uint8_t *ret)
{
    struct hash hash;
    hash_init(&hash, key, 32, "continuum/cursor/mac", MAC_LENGTH);
    hash_u32(&hash, (uint32_t)(owner->handle >> 32));
    hash_u32(&hash, (uint32_t)owner->handle);
    hash_bytes(&hash, owner->list, strlen(owner->list) + 1);
    hash_bytes(&hash, position, POSITION_LENGTH);
    hash_final(&hash, ret);
}

static void cursor_mask(const uint8_t key[32], const uint8_t *mac, uint8_t *position)
{
    uint8_t stream[STREAM_LENGTH];
    hash_once(key, 32, "continuum/cursor/stream", mac, MAC_LENGTH, stream, sizeof stream);
    for (size_t i = 0; i < POSITION_LENGTH; i++)
        position[i] ^= stream[i];
}

void cursor_seal(const uint8_t key[32], const struct cursor_owner *owner, int64_t position,
                 char *ret_text)
{
    uint8_t bytes[MAC_LENGTH + POSITION_LENGTH];
    for (size_t i = 0; i < POSITION_LENGTH; i++)
        bytes[MAC_LENGTH + i] = (uint8_t)((uint64_t)position >> (56 - 8 * i));
    cursor_mac(key, owner, bytes + MAC_LENGTH, bytes);
    cursor_mask(key, bytes, bytes + MAC_LENGTH);
    b64_encode(bytes, sizeof bytes, ret_text);
}

bool cursor_open(const uint8_t key[32], const struct cursor_owner *owner, const char *text,
                 int64_t *ret_position)
{
    uint8_t bytes[MAC_LENGTH + POSITION_LENGTH], mac[MAC_LENGTH];
    uint64_t position = 0;
    if (!b64_decode(text, strlen(text), bytes, sizeof bytes))
        return false;
    cursor_mask(key, bytes, bytes + MAC_LENGTH);
    cursor_mac(key, owner, bytes + MAC_LENGTH, mac);
    if (!bytes_equal(mac, bytes, sizeof mac))
        return false;
    for (size_t i = 0; i < POSITION_LENGTH; i++)
        position = position << 8 | bytes[MAC_LENGTH + i];
    *ret_position = (int64_t)position;
    return true;
}
