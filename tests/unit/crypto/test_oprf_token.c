/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/oprf_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/clock.h"

static const uint8_t seed[32] = {7}, other_seed[32] = {8};
static const struct oprf_context context = {{1, 2, 3}}, other_context = {{1, 2, 4}};
static const struct oprf_token token = {
    .epoch = 7, .elements = 256, .expires_at_s = 1893456000, .nonce = {9, 8, 7}};

static struct signing_key key_of(const uint8_t bytes[32])
{
    struct signing_key key;
    signing_key_from_seed(bytes, &key);
    return key;
}

static bool verifies(const struct oprf_context *redeemed, const char *text, struct oprf_token *ret)
{
    struct signing_key key = key_of(seed);
    return oprf_token_verify(&key.public, redeemed, text, strlen(text), ret);
}

static void make(const struct oprf_token *made, char ret[OPRF_TOKEN_TEXT_LENGTH + 1])
{
    struct signing_key key = key_of(seed);
    oprf_token_sign(&key, &context, made, ret);
}

static void a_signed_token_says_what_it_was_made_for(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    struct oprf_token found = {0};
    make(&token, text);
    assert_int_equal(strlen(text), 126);
    assert_true(verifies(&context, text, &found));
    assert_int_equal(found.epoch, 7);
    assert_int_equal(found.elements, 256);
    assert_int_equal(found.expires_at_s, 1893456000);
    assert_memory_equal(found.nonce, token.nonce, sizeof token.nonce);
}

static void the_signature_is_over_the_lines_of_the_protocol(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1], key_text[64], context_text[32], nonce[32];
    uint8_t bytes[OPRF_TOKEN_LENGTH];
    struct signing_key key = key_of(seed);
    struct signature signature;
    make(&token, text);
    assert_true(b64_decode(text, strlen(text), bytes, sizeof bytes));
    memcpy(&signature, bytes + 30, sizeof signature);
    b64_encode(&key.public, 32, key_text);
    b64_encode(&context, 16, context_text);
    b64_encode(token.nonce, 16, nonce);
    const char *lines[] = {"cfed/v1/oprf-token",   key_text, context_text, "7", "256",
                           "2030-01-01T00:00:00Z", nonce};
    assert_true(lines_verify(&key.public, lines, 7, &signature));
}

static void a_token_changed_in_any_bit_is_refused(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    uint8_t bytes[OPRF_TOKEN_LENGTH];
    struct oprf_token found = {.epoch = 99};
    make(&token, text);
    assert_true(b64_decode(text, strlen(text), bytes, sizeof bytes));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        b64_encode(bytes, sizeof bytes, text);
        assert_false(verifies(&context, text, &found));
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(found.epoch, 99);
}

static void a_token_is_for_one_coordinator_and_one_run_of_a_helper(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    struct oprf_token found;
    struct signing_key other = key_of(other_seed);
    make(&token, text);
    assert_false(verifies(&other_context, text, &found));
    assert_false(oprf_token_verify(&other.public, &context, text, strlen(text), &found));
}

static void text_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 2], last;
    struct oprf_token found;
    make(&token, text);
    last = text[OPRF_TOKEN_TEXT_LENGTH - 1];
    static const char *const endings[] = {"", "A", "=", "+", "/", " "};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(text + OPRF_TOKEN_TEXT_LENGTH - 1, 3, "%s", endings[i]);
        if (*endings[i] != last)
            assert_false(verifies(&context, text, &found));
    }
    text[OPRF_TOKEN_TEXT_LENGTH - 1] = (char)(last + 1); /* unused bits that are not zero */
    assert_false(verifies(&context, text, &found));
    text[OPRF_TOKEN_TEXT_LENGTH - 1] = last;
    assert_true(verifies(&context, text, &found));
    snprintf(text + OPRF_TOKEN_TEXT_LENGTH, 2, "A");
    assert_false(verifies(&context, text, &found));
}

static void no_two_tokens_share_a_signature(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1], latest[CLOCK_TEXT_LENGTH + 1];
    struct oprf_token found, far = token;
    int64_t latest_s = 0;
    far.expires_at_s = INT64_MAX; /* the clock shows it as the last second of 2999 */
    make(&far, text);
    assert_false(verifies(&context, text, &found));
    far.expires_at_s = -1;
    make(&far, text);
    assert_false(verifies(&context, text, &found));
    clock_format(INT64_MAX, latest);
    assert_true(clock_parse(latest, CLOCK_TEXT_LENGTH, &latest_s));
    far.expires_at_s = latest_s;
    make(&far, text);
    assert_true(verifies(&context, text, &found));
}

static void a_token_for_no_elements_or_too_many_is_refused_though_signed(void **state)
{
    (void)state;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    static const uint16_t counts[] = {0, 257, UINT16_MAX};
    struct oprf_token found, made = token;
    for (size_t i = 0; i < 3; i++) {
        made.elements = counts[i];
        make(&made, text);
        assert_false(verifies(&context, text, &found));
    }
    made.elements = 1;
    make(&made, text);
    assert_true(verifies(&context, text, &found));
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() != FAULT_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_token_says_what_it_was_made_for),
        cmocka_unit_test(the_signature_is_over_the_lines_of_the_protocol),
        cmocka_unit_test(a_token_changed_in_any_bit_is_refused),
        cmocka_unit_test(a_token_is_for_one_coordinator_and_one_run_of_a_helper),
        cmocka_unit_test(text_that_is_not_canonical_is_refused),
        cmocka_unit_test(no_two_tokens_share_a_signature),
        cmocka_unit_test(a_token_for_no_elements_or_too_many_is_refused_though_signed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
