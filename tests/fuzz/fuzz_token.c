/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "crypto/token.h"
#include "fuzz/fuzz.h"

/*
 * The input is taken once as the text of a token, and once as what its MAC covers, which this
 * target then adds:
 *
 *     u8 version || u64 handle || u64 expires_at_s || u64 now_s || byte to change || change
 */
enum { COVERED = 1 + 8 + 8, MAC = 16 };

static const uint8_t key[32] = "a key that no coordinator has..", other_key[32] = "another";

static uint64_t u64_read(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void text_check(const char *text, size_t length)
{
    uint64_t handle = 0;
    /* 2^-128 aside, nobody can make one. */
    PROPERTY(!token_check(key, text, length, INT64_MIN, &handle));
}

static void token_make_and_check(struct input *input)
{
    uint8_t token[COVERED + MAC], now[8];
    char text[TOKEN_TEXT_LENGTH + 1], minted[TOKEN_TEXT_LENGTH + 1];
    input_take(input, token, COVERED);
    input_take(input, now, sizeof now);
    hash_once(key, sizeof key, "cfed/v1/bearer", token, COVERED, token + COVERED, MAC);
    b64_encode(token, sizeof token, text);
    uint64_t handle = 0, expected = u64_read(token + 1);
    int64_t expires_at_s = (int64_t)u64_read(token + 9), now_s = (int64_t)u64_read(now);
    bool accepted = token_check(key, text, strlen(text), now_s, &handle);
    PROPERTY(accepted == (token[0] == 1 && expires_at_s > now_s));
    PROPERTY(handle == (accepted ? expected : 0));
    PROPERTY(!token_check(other_key, text, strlen(text), now_s, &handle));
    if (accepted) {
        token_mint(key, expected, expires_at_s, minted);
        PROPERTY(strcmp(minted, text) == 0);
    }
    size_t at = input_byte(input) % sizeof token;
    uint8_t change = input_byte(input);
    token[at] ^= change;
    b64_encode(token, sizeof token, text);
    PROPERTY(change == 0 || !token_check(key, text, strlen(text), INT64_MIN, &handle));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    PROPERTY(crypto_init() == FAULT_NONE);
    text_check((const char *)bytes, length);
    token_make_and_check(&input);
    return 0;
}
