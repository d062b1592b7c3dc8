/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"
#include "crypto/sealed.h"
#include "fuzz/fuzz.h"

/*
 * The input: what to do, two bytes where to change what was sealed, the change, then the text (and,
 * as it is, a sealed thing that a stranger made). What opens is exactly what was sealed.
 */
static const uint8_t federation_key[32] = "a federation of fuzzers........";

struct fuzzed {
    struct federation_keys keys;
    struct question_key question;
    uint8_t secret[REPLY_KEY_LENGTH];
    struct sealed sealed;
    struct plain plain;
};

static enum fault fuzzed_open(struct fuzzed *fuzzed, bool answer)
{
    struct question_key opened;
    return answer ? sealed_answer_open(&fuzzed->keys, &fuzzed->question, fuzzed->secret,
                                       &fuzzed->sealed, &fuzzed->plain)
                  : sealed_query_open(&fuzzed->keys, fuzzed->question.reply_key, &fuzzed->sealed,
                                      &opened, &fuzzed->plain);
}

static void strangers_open(struct fuzzed *fuzzed, const struct input *input, bool answer)
{
    if (input->length > sizeof fuzzed->sealed.bytes)
        return;
    memcpy(fuzzed->sealed.bytes, input->bytes, input->length);
    fuzzed->sealed.length = input->length;
    PROPERTY(fuzzed_open(fuzzed, answer) == FAULT_CRYPTO);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct fuzzed fuzzed;
    struct input input = {bytes, length};
    bool answer = input_byte(&input) & 1;
    size_t at = (size_t)input_byte(&input) << 8 | input_byte(&input);
    uint8_t change = input_byte(&input);
    const char *text = (const char *)input.bytes;
    PROPERTY(crypto_init() == FAULT_NONE);
    federation_keys_derive(federation_key, &fuzzed.keys);
    question_key_make(&fuzzed.question, fuzzed.secret);
    strangers_open(&fuzzed, &input, answer);
    bool sound =
        input.length >= 1 && input.length <= SEALED_TEXT_MAX && !memchr(text, '\0', input.length);
    enum fault fault = (answer ? sealed_answer_make : sealed_query_make)(
        &fuzzed.keys, &fuzzed.question, text, input.length, &fuzzed.sealed);
    PROPERTY(fault == (sound ? FAULT_NONE : FAULT_INVALID_REQUEST));
    if (fault)
        return 0;
    PROPERTY((answer ? sealed_answer_length_is_valid
                     : sealed_query_length_is_valid)(fuzzed.sealed.length));
    PROPERTY(fuzzed_open(&fuzzed, answer) == FAULT_NONE);
    PROPERTY(fuzzed.plain.length == input.length &&
             memcmp(fuzzed.plain.text, text, input.length) == 0);
    fuzzed.sealed.bytes[at % fuzzed.sealed.length] ^= change;
    PROPERTY((fuzzed_open(&fuzzed, answer) == FAULT_NONE) == (change == 0));
    return 0;
}
