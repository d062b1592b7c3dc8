/* SPDX-License-Identifier: Apache-2.0 */
#include "store/federation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "store/keyring.h"

static int set_up(void **state)
{
    *state = rows_open();
    return 0;
}

static int tear_down(void **state)
{
    database_close(*state);
    return 0;
}

static void a_federation_has_one_id_for_good(void **state)
{
    struct federation_id id = {{1, 2, 3}}, other = {{9}}, found = {{7}};
    assert_int_equal(federation_get(*state, &found), FAULT_NOT_FOUND);
    assert_int_equal(found.bytes[0], 7);
    assert_int_equal(federation_insert(*state, &id), FAULT_NONE);
    assert_int_equal(federation_insert(*state, &other), FAULT_STORAGE);
    assert_int_equal(federation_get(*state, &found), FAULT_NONE);
    assert_memory_equal(&found, &id, sizeof id);
}

static void other_keys_than_the_first_are_refused(void **state)
{
    static struct keyring keyring = {.ledger = {1}}, other = {.ledger = {2}};
    struct federation_id id = {{1}};
    struct why why = {""};
    assert_int_equal(federation_insert(*state, &id), FAULT_NONE);
    assert_int_equal(federation_check_keys(*state, &other, &why), FAULT_NONE); /* nobody's yet */
    assert_int_equal(federation_claim(*state, &keyring), FAULT_NONE);
    assert_int_equal(federation_check_keys(*state, &keyring, &why), FAULT_NONE);
    assert_int_equal(federation_check_keys(*state, &other, &why), FAULT_CORRUPT);
    assert_non_null(strstr(why.text, "the same backup"));
    assert_int_equal(federation_claim(*state, &other), FAULT_NONE); /* too late */
    assert_int_equal(federation_check_keys(*state, &keyring, &why), FAULT_NONE);
}

static void the_current_epoch_is_the_one_with_the_highest_number(void **state)
{
    struct epoch_row first = {.number = 1, .k = 3, .token_bits = 32, .started_at_s = 100};
    struct epoch_row second = {.number = 2, .k = 5, .token_bits = 24, .started_at_s = 200};
    struct epoch_row found = {0};
    memset(&second.oprf_public_key, 0xab, sizeof second.oprf_public_key);
    assert_int_equal(epoch_current(*state, &found), FAULT_NOT_FOUND);
    assert_int_equal(epoch_insert(*state, &second), FAULT_NONE);
    assert_int_equal(epoch_insert(*state, &first), FAULT_NONE);
    assert_int_equal(epoch_insert(*state, &second), FAULT_STORAGE);
    assert_int_equal(epoch_current(*state, &found), FAULT_NONE);
    assert_int_equal(found.number, 2);
    assert_int_equal(found.k, 5);
    assert_int_equal(found.token_bits, 24);
    assert_int_equal(found.started_at_s, 200);
    assert_memory_equal(&found.oprf_public_key, &second.oprf_public_key, 32);
}

static void an_epoch_out_of_range_is_refused(void **state)
{
    struct epoch_row epoch = {.number = 1, .k = 1, .token_bits = 32};
    assert_int_equal(epoch_insert(*state, &epoch), FAULT_STORAGE);
    epoch.k = 17;
    assert_int_equal(epoch_insert(*state, &epoch), FAULT_STORAGE);
    epoch = (struct epoch_row){.number = 1, .k = 3, .token_bits = 7};
    assert_int_equal(epoch_insert(*state, &epoch), FAULT_STORAGE);
}

static void a_nonce_counts_once_until_it_is_forgotten(void **state)
{
    static const uint8_t one[16] = {1}, two[16] = {2};
    size_t count = 0;
    assert_int_equal(nonce_use(*state, one, 1600), FAULT_NONE);
    assert_int_equal(nonce_use(*state, one, 1700), FAULT_NONCE_REUSED);
    assert_int_equal(nonce_use(*state, two, 1600), FAULT_NONE);
    assert_int_equal(nonces_purge(*state, 1599, 10, &count), FAULT_NONE);
    assert_int_equal(count, 0);
    assert_int_equal(nonce_use(*state, one, 2200), FAULT_NONCE_REUSED);
    assert_int_equal(nonces_purge(*state, 1600, 10, &count), FAULT_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(nonce_use(*state, one, 2201), FAULT_NONE);
}

static void expired_nonces_are_forgotten_in_steps(void **state)
{
    size_t count = 0;
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t nonce[16] = {i};
        assert_int_equal(nonce_use(*state, nonce, i), FAULT_NONE);
    }
    assert_int_equal(nonces_purge(*state, 50, 30, &count), FAULT_NONE);
    assert_int_equal(count, 30);
    assert_int_equal(rows_number(*state, "SELECT min(expires_at) FROM nonce"), 30);
    assert_int_equal(nonces_purge(*state, 50, 30, &count), FAULT_NONE);
    assert_int_equal(count, 21);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_federation_has_one_id_for_good),
        TEST(other_keys_than_the_first_are_refused),
        TEST(the_current_epoch_is_the_one_with_the_highest_number),
        TEST(an_epoch_out_of_range_is_refused),
        TEST(a_nonce_counts_once_until_it_is_forgotten),
        TEST(expired_nonces_are_forgotten_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
