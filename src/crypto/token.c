/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/token.h"

#include "crypto/hash.h"

enum {
    TOKEN_VERSION = 1,
    HANDLE_OFFSET = 1,
    EXPIRY_OFFSET = 9,
    MAC_OFFSET = 17,
    MAC_LENGTH = 16,
    TOKEN_LENGTH = MAC_OFFSET + MAC_LENGTH,
};

static void u64_write(uint64_t value, uint8_t *bytes)
{
    for (size_t i = 8; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

static uint64_t u64_read(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void token_mac(const uint8_t key[32], const uint8_t *token, uint8_t mac[MAC_LENGTH])
{
    hash_once(key, 32, "cfed/v1/bearer", token, MAC_OFFSET, mac, MAC_LENGTH);
}

void token_mint(const uint8_t key[32], uint64_t handle, int64_t expires_at_s, char *ret_text)
{
    uint8_t token[TOKEN_LENGTH] = {TOKEN_VERSION};
    u64_write(handle, token + HANDLE_OFFSET);
    u64_write((uint64_t)expires_at_s, token + EXPIRY_OFFSET);
    token_mac(key, token, token + MAC_OFFSET);
    b64_encode(token, sizeof token, ret_text);
}

bool token_check(const uint8_t key[32], const char *text, size_t text_length, int64_t now_s,
                 uint64_t *ret_handle)
{
    uint8_t token[TOKEN_LENGTH], mac[MAC_LENGTH];
    if (!b64_decode(text, text_length, token, sizeof token))
        return false;
    token_mac(key, token, mac);
    if (!bytes_equal(mac, token + MAC_OFFSET, sizeof mac) || token[0] != TOKEN_VERSION ||
        (int64_t)u64_read(token + EXPIRY_OFFSET) <= now_s)
        return false;
    *ret_handle = u64_read(token + HANDLE_OFFSET);
    return true;
}
