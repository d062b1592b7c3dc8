/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/oprf.h"
#include "crypto/oprf_token.h"
#include "fuzz/fuzz.h"
#include "util/clock.h"

/*
 * The input is taken once as the text of a token, and once as what the coordinator is to sign:
 *
 *     u32 epoch || u16 elements || u64 expires_at || nonce || byte to change || change
 */
static const uint8_t seed[32] = "a coordinator of fuzzers.......";
static const struct oprf_context context = {"a run of fuzzer"}, other_context = {"another"};

static uint64_t number_take(struct input *input, size_t length)
{
    uint64_t value = 0;
    while (length--)
        value = value << 8 | input_byte(input);
    return value;
}

static bool time_has_a_text(int64_t time_s)
{
    char text[CLOCK_TEXT_LENGTH + 1];
    int64_t read_s = 0;
    clock_format(time_s, text);
    return clock_parse(text, CLOCK_TEXT_LENGTH, &read_s) && read_s == time_s;
}

static void token_make_and_check(const struct signing_key *key, struct input *input)
{
    char text[OPRF_TOKEN_TEXT_LENGTH + 1], again[OPRF_TOKEN_TEXT_LENGTH + 1];
    uint8_t bytes[OPRF_TOKEN_LENGTH];
    struct oprf_token token = {0}, found = {0};
    token.epoch = (uint32_t)number_take(input, 4);
    token.elements = (uint16_t)number_take(input, 2);
    token.expires_at_s = (int64_t)number_take(input, 8);
    input_take(input, token.nonce, sizeof token.nonce);
    oprf_token_sign(key, &context, &token, text);
    bool accepted = oprf_token_verify(&key->public, &context, text, OPRF_TOKEN_TEXT_LENGTH, &found);
    PROPERTY(accepted == (token.elements >= 1 && token.elements <= OPRF_BATCH_MAX &&
                          time_has_a_text(token.expires_at_s)));
    if (accepted) {
        oprf_token_sign(key, &context, &found, again);
        PROPERTY(strcmp(text, again) == 0);
    }
    PROPERTY(
        !oprf_token_verify(&key->public, &other_context, text, OPRF_TOKEN_TEXT_LENGTH, &found));
    PROPERTY(b64_decode(text, OPRF_TOKEN_TEXT_LENGTH, bytes, sizeof bytes));
    size_t at = input_byte(input) % sizeof bytes;
    uint8_t change = input_byte(input);
    bytes[at] ^= change;
    b64_encode(bytes, sizeof bytes, text);
    PROPERTY(change == 0 ||
             !oprf_token_verify(&key->public, &context, text, OPRF_TOKEN_TEXT_LENGTH, &found));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    struct signing_key key;
    struct oprf_token found;
    PROPERTY(crypto_init() == FAULT_NONE);
    signing_key_from_seed(seed, &key);
    PROPERTY(!oprf_token_verify(&key.public, &context, (const char *)bytes, length, &found));
    token_make_and_check(&key, &input);
    return 0;
}
