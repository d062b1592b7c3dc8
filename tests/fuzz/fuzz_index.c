/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"
#include "fuzz/fuzz.h"

/*
 * The input: a byte for token_bits, a byte and a change for the sealed index, then the plaintext:
 * what a contributor may have sealed who does not keep to the protocol.
 */
struct tokens {
    uint32_t token[TOKENS_MAX];
    size_t count;
};

static const struct scalar secret = {{7, 1, 2, 3}}, other_secret = {{8, 1, 2, 3}};

static bool token_fits(uint32_t token, uint8_t token_bits)
{
    return token == 1 || (token != 0 && (uint64_t)token << token_bits << 32 >> 32 == 0) ||
           (token != 0 && token_bits == 32);
}

/* The slots that are not 0, in their order; true if they are a canonical index. */
static bool tokens_read(const uint8_t *plaintext, uint8_t token_bits, struct tokens *ret)
{
    bool canonical = true;
    *ret = (struct tokens){0};
    for (size_t slot = 0; slot < TOKENS_MAX; slot++, plaintext += 4) {
        uint32_t token = (uint32_t)plaintext[0] << 24 | (uint32_t)plaintext[1] << 16 |
                         (uint32_t)plaintext[2] << 8 | plaintext[3];
        if (token == 0) {
            canonical = canonical && ret->count == 0;
            continue;
        }
        canonical = canonical && token_fits(token, token_bits) &&
                    (ret->count == 0 || ret->token[ret->count - 1] < token);
        ret->token[ret->count++] = token;
    }
    return canonical && ret->count > 0;
}

static void plaintext_check(const uint8_t plaintext[INDEX_PLAINTEXT_LENGTH], uint8_t token_bits,
                            uint8_t sealed[INDEX_LENGTH])
{
    struct tokens expected, found = {0};
    uint8_t again[INDEX_PLAINTEXT_LENGTH];
    record_index_seal(plaintext, &secret, sealed);
    bool canonical = tokens_read(plaintext, token_bits, &expected);
    enum fault fault = record_index_open(sealed, &secret, token_bits, found.token, &found.count);
    PROPERTY((fault == FAULT_NONE) == canonical);
    PROPERTY(fault == FAULT_NONE || (fault == FAULT_CRYPTO && found.count == 0));
    PROPERTY(record_index_open(sealed, &other_secret, token_bits, found.token, &found.count) ==
             FAULT_CRYPTO);
    if (fault)
        return;
    PROPERTY(memcmp(&found, &expected, sizeof found) == 0);
    index_plaintext_encode(found.token, found.count, again);
    PROPERTY(memcmp(again, plaintext, sizeof again) == 0);
}

/* Whatever the order of the tokens, their index is canonical. */
static void tokens_check(const uint8_t plaintext[INDEX_PLAINTEXT_LENGTH])
{
    struct tokens tokens, found = {0};
    uint8_t encoded[INDEX_PLAINTEXT_LENGTH], sealed[INDEX_LENGTH];
    tokens_read(plaintext, TOKEN_BITS_MAX, &tokens);
    if (tokens.count == 0)
        return;
    index_plaintext_encode(tokens.token, tokens.count, encoded);
    record_index_seal(encoded, &secret, sealed);
    PROPERTY(record_index_open(sealed, &secret, TOKEN_BITS_MAX, found.token, &found.count) ==
             FAULT_NONE);
    PROPERTY(found.count <= tokens.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    uint8_t token_bits = (uint8_t)(TOKEN_BITS_MIN + input_byte(&input) % 25);
    size_t at = input_byte(&input) % INDEX_LENGTH;
    uint8_t change = input_byte(&input), plaintext[INDEX_PLAINTEXT_LENGTH], sealed[INDEX_LENGTH];
    struct tokens found = {0};
    PROPERTY(crypto_init() == FAULT_NONE);
    input_take(&input, plaintext, sizeof plaintext);
    plaintext_check(plaintext, token_bits, sealed);
    tokens_check(plaintext);
    sealed[at] ^= change;
    PROPERTY(change == 0 || record_index_open(sealed, &secret, token_bits, found.token,
                                              &found.count) == FAULT_CRYPTO);
    return 0;
}
