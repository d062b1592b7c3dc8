/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"

static const uint8_t key[32] = {1, 2, 3}, other_key[32] = {1, 2, 4};
static const uint64_t handle = UINT64_C(0x8123456789abcdef);
static const int64_t expires_at_s = 1893456000;

static void minted_token_gives_its_handle_back(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 1];
    uint64_t found = 0;
    token_mint(key, handle, expires_at_s, text);
    assert_int_equal(strlen(text), 44);
    assert_true(token_check(key, text, 44, expires_at_s - 1, &found));
    assert_true(found == handle);
}

static void expired_token_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 1];
    uint64_t found = 7;
    token_mint(key, handle, expires_at_s, text);
    assert_false(token_check(key, text, 44, expires_at_s, &found));
    assert_false(token_check(key, text, 44, expires_at_s + 1, &found));
    token_mint(key, handle, 0, text);
    assert_false(token_check(key, text, 44, expires_at_s, &found));
    token_mint(key, handle, -1, text);
    assert_false(token_check(key, text, 44, expires_at_s, &found));
    assert_true(found == 7);
}

static void token_changed_in_any_byte_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 1];
    uint8_t bytes[33];
    uint64_t found = 7;
    token_mint(key, handle, expires_at_s, text);
    assert_true(b64_decode(text, 44, bytes, sizeof bytes));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        b64_encode(bytes, sizeof bytes, text);
        assert_false(token_check(key, text, 44, 0, &found));
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    b64_encode(bytes, sizeof bytes, text);
    assert_true(token_check(key, text, 44, 0, &found));
}

static void text_that_is_no_token_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 2] = "";
    uint64_t found;
    token_mint(key, handle, expires_at_s, text);
    text[44] = 'A';
    assert_false(token_check(key, text, 45, 0, &found));
    assert_false(token_check(key, text, 43, 0, &found));
    assert_false(token_check(key, text, 0, 0, &found));
    text[10] = '=';
    assert_false(token_check(key, text, 44, 0, &found));
}

static void token_of_another_key_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 1];
    uint64_t found;
    token_mint(other_key, handle, expires_at_s, text);
    assert_false(token_check(key, text, 44, 0, &found));
}

static void well_signed_token_of_another_version_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LENGTH + 1];
    uint8_t bytes[33];
    uint64_t found;
    token_mint(key, handle, expires_at_s, text);
    assert_true(b64_decode(text, 44, bytes, sizeof bytes));
    for (uint8_t version = 0; version < 3; version++) {
        bytes[0] = version;
        hash_once(key, sizeof key, "cfed/v1/bearer", bytes, 17, bytes + 17, 16);
        b64_encode(bytes, sizeof bytes, text);
        assert_int_equal(token_check(key, text, 44, 0, &found), version == 1);
    }
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() != FAULT_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minted_token_gives_its_handle_back),
        cmocka_unit_test(expired_token_is_refused),
        cmocka_unit_test(token_changed_in_any_byte_is_refused),
        cmocka_unit_test(text_that_is_no_token_is_refused),
        cmocka_unit_test(token_of_another_key_is_refused),
        cmocka_unit_test(well_signed_token_of_another_version_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
