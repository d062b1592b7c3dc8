/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/bytes.h"
#include "http/bucket.h"
#include "http/peer.h"

static struct buckets *buckets_of(uint32_t burst, uint32_t per_hour, uint32_t addresses_max)
{
    struct buckets *buckets = NULL;
    assert_int_equal(buckets_new(burst, per_hour, addresses_max, &buckets), FAULT_NONE);
    return buckets;
}

static enum fault take(struct buckets *buckets, const char *address, uint64_t now_ms,
                       uint32_t *retry_after_s)
{
    uint8_t bytes[16];
    assert_true(peer_parse(address, strlen(address), bytes));
    return buckets_take(buckets, bytes, now_ms, retry_after_s);
}

static void a_burst_is_allowed_and_then_the_hourly_rate(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(3, 60, 10);
    uint32_t retry_after_s = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(buckets, "192.0.2.1", 1000, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", 1000, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(retry_after_s, 60);
    assert_int_equal(take(buckets, "192.0.2.1", 1000 + 59500, &retry_after_s),
                     FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(retry_after_s, 1);
    assert_int_equal(take(buckets, "192.0.2.1", 1000 + 60000, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", 1000 + 60000, &retry_after_s),
                     FAULT_TOO_MANY_REQUESTS);
    buckets_free(buckets);
}

static void a_long_pause_fills_a_bucket_up_to_its_burst_only(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(2, 3600, 10);
    uint32_t retry_after_s = 0;
    assert_int_equal(take(buckets, "192.0.2.1", 0, &retry_after_s), FAULT_NONE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(take(buckets, "192.0.2.1", 86400000, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", 86400000, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    buckets_free(buckets);
}

static void an_ipv6_network_is_one_client_and_an_ipv4_address_is_one(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(1, 1, 10);
    uint32_t retry_after_s = 0;
    assert_int_equal(take(buckets, "2001:db8:0:1::1", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "2001:db8:0:1:ffff::2", 0, &retry_after_s),
                     FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(retry_after_s, 3600);
    assert_int_equal(take(buckets, "2001:db8:0:2::1", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.2", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "::ffff:192.0.2.2", 0, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    buckets_free(buckets);
}

static void a_full_table_forgets_the_least_used_bucket(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(2, 60, 3);
    uint32_t retry_after_s = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(take(buckets, "192.0.2.1", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.2", 0, &retry_after_s), FAULT_NONE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(take(buckets, "192.0.2.3", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.4", 0, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", 0, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(take(buckets, "192.0.2.3", 0, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    buckets_free(buckets);
}

static void a_crowd_cannot_wash_out_an_empty_bucket(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(100, 3600, 64);
    uint32_t retry_after_s = 0;
    uint8_t address[16] = {0x20, 0x01};
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(buckets, "192.0.2.1", 0, &retry_after_s), FAULT_NONE);
    for (uint32_t i = 0; i < 5000; i++) {
        memcpy(address + 2, &i, sizeof i);
        assert_int_equal(buckets_take(buckets, address, i % 50, &retry_after_s), FAULT_NONE);
    }
    assert_int_equal(take(buckets, "192.0.2.1", 50, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    buckets_free(buckets);
}

static void the_widest_settings_do_not_overflow(void **state)
{
    (void)state;
    struct buckets *buckets = buckets_of(1000000, 1, 1);
    uint32_t retry_after_s = 0;
    uint64_t now_ms = UINT64_C(86400000) * 365 * 100;
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(take(buckets, "192.0.2.1", now_ms, &retry_after_s), FAULT_NONE);
    assert_int_equal(take(buckets, "192.0.2.1", now_ms, &retry_after_s), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(retry_after_s, 3600);
    buckets_free(buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_the_hourly_rate),
        cmocka_unit_test(a_long_pause_fills_a_bucket_up_to_its_burst_only),
        cmocka_unit_test(an_ipv6_network_is_one_client_and_an_ipv4_address_is_one),
        cmocka_unit_test(a_full_table_forgets_the_least_used_bucket),
        cmocka_unit_test(a_crowd_cannot_wash_out_an_empty_bucket),
        cmocka_unit_test(the_widest_settings_do_not_overflow),
    };
    return crypto_init() == FAULT_NONE ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
