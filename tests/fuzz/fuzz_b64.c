/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Whether RFC 4648 and we ourselves would write `text`, by its last character alone. */
static bool text_is_canonical(const char *text, size_t length)
{
    static const unsigned unused_bits[] = {0, 6, 4, 2};
    if (strspn(text, alphabet) != length)
        return false;
    unsigned unused = unused_bits[length % 4];
    if (unused == 0)
        return true;
    unsigned value = (unsigned)(strchr(alphabet, text[length - 1]) - alphabet);
    return unused < 6 && value % (1U << unused) == 0;
}

static void decode_what_is_text(const char *text, size_t length)
{
    size_t bytes_length = length * 6 / 8;
    _cleanup_(free_pointer) uint8_t *bytes = malloc(bytes_length + 1);
    _cleanup_(free_pointer) char *again = malloc(B64_LENGTH(bytes_length + 1) + 1);
    bool decoded = b64_decode(text, length, bytes, bytes_length);
    PROPERTY(decoded == text_is_canonical(text, length));
    PROPERTY(!b64_decode(text, length, bytes, bytes_length + 1));
    PROPERTY(bytes_length == 0 || !b64_decode(text, length, bytes, bytes_length - 1));
    if (!b64_decode(text, length, bytes, bytes_length))
        return;
    b64_encode(bytes, bytes_length, again);
    PROPERTY(strcmp(again, text) == 0);
}

static void encode_and_decode(const uint8_t *bytes, size_t length)
{
    _cleanup_(free_pointer) char *text = malloc(B64_LENGTH(length) + 1);
    _cleanup_(free_pointer) uint8_t *again = malloc(length + 1);
    b64_encode(bytes, length, text);
    PROPERTY(strlen(text) == B64_LENGTH(length));
    PROPERTY(b64_decode(text, strlen(text), again, length));
    PROPERTY(length == 0 || memcmp(again, bytes, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    _cleanup_(free_pointer) char *text = input_text(&input);
    PROPERTY(crypto_init() == FAULT_NONE);
    decode_what_is_text(text, strlen(text));
    encode_and_decode(bytes, length);
    return 0;
}
