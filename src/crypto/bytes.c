/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"

#include <sodium.h>

enum fault crypto_init(void)
{
    return sodium_init() < 0 ? FAULT_CRYPTO : FAULT_NONE;
}

void bytes_random(void *bytes, size_t length)
{
    randombytes_buf(bytes, length);
}

bool bytes_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}

void bytes_wipe(void *bytes, size_t length)
{
    sodium_memzero(bytes, length);
}

void b64_encode(const void *bytes, size_t length, char *text)
{
    sodium_bin2base64(text, B64_LENGTH(length) + 1, bytes, length,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/*
 * The value of a character plus 1; 0 for a stranger. The decoder is our own because
 * libsodium 1.0.18's takes every byte above 0x7f for '_', so that one field has many spellings, and
 * it is ten times slower.
 */
static const uint8_t b64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64};

/* Up to four characters as the upper bits of 24; a stranger sets bit 31 of *strangers. */
static uint32_t b64_group(const char *text, size_t count, uint32_t *strangers)
{
    uint32_t group = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)b64_values[(uint8_t)text[i]] - 1;
        *strangers |= value;
        group |= value << (18 - 6 * i);
    }
    return group;
}

bool b64_decode(const char *text, size_t text_length, void *bytes, size_t length)
{
    if (text_length != B64_LENGTH(length))
        return false;
    uint32_t strangers = 0;
    uint8_t *at = bytes;
    for (size_t i = 0; i < length / 3; i++, text += 4) {
        uint32_t group = b64_group(text, 4, &strangers);
        *at++ = (uint8_t)(group >> 16);
        *at++ = (uint8_t)(group >> 8);
        *at++ = (uint8_t)group;
    }
    uint32_t group = b64_group(text, text_length % 4, &strangers);
    for (size_t i = 0; i < length % 3; i++, group = (group << 8) & 0xffffff)
        *at++ = (uint8_t)(group >> 16);
    return strangers >> 31 == 0 && group == 0;
}

uint64_t bytes_siphash(const uint8_t key[16], const void *bytes, size_t length)
{
    uint8_t digest[crypto_shorthash_siphash24_BYTES];
    crypto_shorthash_siphash24(digest, bytes, length, key);
    uint64_t value = 0;
    for (size_t i = sizeof digest; i-- > 0;)
        value = value << 8 | digest[i];
    return value;
}
