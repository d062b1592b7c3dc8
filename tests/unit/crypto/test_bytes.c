/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/vectors.h"

static void b64_gives_the_vectors_texts(void **state)
{
    static const char *const pairs[][2] = {
        {"key_check", "key_check_b64"},
        {"coordinator_public_key", "coordinator_key_b64"},
        {"verification.verifier", "verification.verifier_b64"},
        {"patterns.0.tag", "patterns.0.tag_b64"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint8_t bytes[32], decoded[32];
        char text[B64_LENGTH(sizeof bytes) + 1];
        size_t length = vector_read(*state, pairs[i][0], bytes, sizeof bytes);
        b64_encode(bytes, length, text);
        assert_string_equal(text, vector_text(*state, pairs[i][1]));
        assert_true(b64_decode(text, strlen(text), decoded, length));
        assert_memory_equal(decoded, bytes, length);
    }
}

static void b64_round_trips_at_every_length(void **state)
{
    (void)state;
    uint8_t bytes[1040], decoded[1040];
    char text[B64_LENGTH(sizeof bytes) + 1];
    bytes_random(bytes, sizeof bytes);
    for (size_t length = 0; length <= sizeof bytes; length += length < 200 ? 1 : 40) {
        b64_encode(bytes, length, text);
        assert_int_equal(strlen(text), B64_LENGTH(length));
        assert_true(b64_decode(text, strlen(text), decoded, length));
        assert_memory_equal(decoded, bytes, length);
    }
}

static void b64_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        bool good;
    } cases[] = {
        {"", 0, true},      {"AA", 1, true},          {"-_8", 2, true},
        {"AB", 1, false},   {"AP", 1, false},         {"AAB", 2, false}, /* unused bits */
        {"AA==", 1, false}, {"AAA=", 2, false},       {"AA=", 1, false}, /* padding */
        {"+/8", 2, false},  {"-/8", 2, false},        {"+_8", 2, false}, /* base64 */
        {"AAAA", 2, false}, {"AAAA", 4, false},       {"A", 0, false},   /* length */
        {"AAA", 1, false},  {"A", 1, false},          {" AA", 2, false}, /* strangers */
        {"A\nA", 2, false}, {"AA\xc3\xa9", 3, false}, {"AA.A", 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[8];
        if (b64_decode(cases[i].text, strlen(cases[i].text), bytes, cases[i].length) !=
            cases[i].good)
            fail_msg("\"%s\"", cases[i].text);
    }
    uint8_t bytes[3];
    assert_false(b64_decode("AA\0A", 4, bytes, 3));
}

static void every_byte_outside_the_alphabet_is_refused(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned c = 0; c < 256; c++) {
        const char text[] = {(char)c, 'A', 'A', 'A'};
        uint8_t bytes[3];
        assert_int_equal(b64_decode(text, sizeof text, bytes, sizeof bytes),
                         c != 0 && strchr(alphabet, (int)c) != NULL);
    }
}

static void siphash_is_the_papers(void **state)
{
    (void)state;
    uint8_t key[16], message[15]; /* appendix A of the SipHash paper */
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    memcpy(message, key, sizeof message);
    assert_true(bytes_siphash(key, message, sizeof message) == UINT64_C(0xa129ca6149be45e5));
}

static void comparing_and_wiping_cover_every_byte(void **state)
{
    (void)state;
    uint8_t a[33] = {0}, b[33] = {0};
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 1;
        assert_false(bytes_equal(a, b, sizeof a));
        bytes_wipe(b, sizeof b);
        assert_true(bytes_equal(a, b, sizeof a));
    }
}

static int setup(void **state)
{
    *state = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    vectors_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b64_gives_the_vectors_texts),
        cmocka_unit_test(b64_round_trips_at_every_length),
        cmocka_unit_test(b64_that_is_not_canonical_is_refused),
        cmocka_unit_test(every_byte_outside_the_alphabet_is_refused),
        cmocka_unit_test(siphash_is_the_papers),
        cmocka_unit_test(comparing_and_wiping_cover_every_byte),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
