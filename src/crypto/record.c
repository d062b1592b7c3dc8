/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hash.h"

bool domain_is_valid(const char *text, size_t length)
{
    if (length < 1 || length > DOMAIN_LENGTH_MAX || text[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool ciphertext_length_is_valid(size_t length)
{
    return length == 144 || length == 272 || length == 528 || length == CIPHERTEXT_LENGTH_MAX;
}

void record_tag(const struct record *record, const struct federation_id *id, struct tag *ret)
{
    struct hash hash;
    hash_init(&hash, NULL, 0, "cfed/v1/tag", sizeof ret->bytes);
    hash_bytes(&hash, id->bytes, sizeof id->bytes);
    hash_u32(&hash, record->epoch);
    hash_u8(&hash, record->k);
    hash_u8(&hash, record->domain_length);
    hash_bytes(&hash, record->domain, record->domain_length);
    hash_bytes(&hash, record->commitments, record->k * sizeof *record->commitments);
    hash_bytes(&hash, record->verify_key.bytes, sizeof record->verify_key.bytes);
    hash_u32(&hash, record->ciphertext_length);
    hash_bytes(&hash, record->ciphertext, record->ciphertext_length);
    hash_bytes(&hash, record->index, sizeof record->index);
    hash_final(&hash, ret->bytes);
}

void index_plaintext_encode(const uint32_t *tokens, size_t count,
                            uint8_t ret[INDEX_PLAINTEXT_LENGTH])
{
    uint32_t sorted[TOKENS_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < used && sorted[at] < tokens[i])
            at++;
        if (at < used && sorted[at] == tokens[i])
            continue;
        memmove(sorted + at + 1, sorted + at, (used - at) * sizeof *sorted);
        sorted[at] = tokens[i];
        used++;
    }
    memset(ret, 0, INDEX_PLAINTEXT_LENGTH);
    uint8_t *slot = ret + (TOKENS_MAX - used) * 4;
    for (size_t i = 0; i < used; i++, slot += 4)
        for (size_t byte = 0; byte < 4; byte++)
            slot[byte] = (uint8_t)(sorted[i] >> (24 - 8 * byte));
}

uint32_t token_cut(uint32_t token, uint8_t token_bits)
{
    uint32_t cut = token & ~(uint32_t)(UINT64_C(0xffffffff) >> token_bits);
    return cut ? cut : 1;
}

static uint32_t u32_read(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Returns how many tokens there are; 0 when the plaintext is not canonical. */
static size_t index_plaintext_decode(const uint8_t plaintext[INDEX_PLAINTEXT_LENGTH],
                                     uint8_t token_bits, uint32_t tokens[TOKENS_MAX])
{
    uint32_t unused_bits = (uint32_t)(UINT64_C(0xffffffff) >> token_bits), previous = 0;
    size_t count = 0;
    for (size_t slot = 0; slot < TOKENS_MAX; slot++) {
        uint32_t token = u32_read(plaintext + 4 * slot);
        if (token == 0 && count == 0)
            continue;
        if (token <= previous || (token & unused_bits && token != 1))
            return 0;
        tokens[count++] = previous = token;
    }
    return count;
}

/*
 * Zero nonces are safe here: what is sealed under a key fixes the key (docs/PROTOCOL.md, section
 * 4).
 */
static const uint8_t index_nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
static const uint8_t index_aad[] = {'c', 'f', 'e', 'd', '/', 'v', '1', '/', 'i', 'x'};

static void release_key(const struct scalar *secret, uint8_t ret[32])
{
    hash_once(secret->bytes, sizeof secret->bytes, "cfed/v1/release-key", NULL, 0, ret, 32);
}

void record_index_seal(const uint8_t plaintext[INDEX_PLAINTEXT_LENGTH], const struct scalar *secret,
                       uint8_t ret[INDEX_LENGTH])
{
    uint8_t key[32];
    release_key(secret, key);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret, NULL, plaintext, INDEX_PLAINTEXT_LENGTH,
                                               index_aad, sizeof index_aad, NULL, index_nonce, key);
    bytes_wipe(key, sizeof key);
}

enum fault record_index_open(const uint8_t index[INDEX_LENGTH], const struct scalar *secret,
                             uint8_t token_bits, uint32_t ret_tokens[TOKENS_MAX], size_t *ret_count)
{
    uint8_t key[32], plaintext[INDEX_PLAINTEXT_LENGTH];
    release_key(secret, key);
    int refused = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plaintext, NULL, NULL, index, INDEX_LENGTH, index_aad, sizeof index_aad, index_nonce, key);
    bytes_wipe(key, sizeof key);
    if (refused)
        return FAULT_CRYPTO;
    uint32_t tokens[TOKENS_MAX];
    size_t count = index_plaintext_decode(plaintext, token_bits, tokens);
    if (count == 0)
        return FAULT_CRYPTO;
    memcpy(ret_tokens, tokens, count * sizeof *tokens);
    *ret_count = count;
    return FAULT_NONE;
}
