/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/peer.h"

static const uint8_t *address_of(const char *text)
{
    static uint8_t bytes[16];
    assert_true(peer_parse(text, strlen(text), bytes));
    return bytes;
}

/* Who asked, when the trusted proxy 10.0.0.1 sent these X-Forwarded-For headers. */
static void assert_follows(const char *first, const char *second, const char *client)
{
    struct peers trusted = {0};
    uint8_t proxy[16], address[16];
    assert_int_equal(peers_parse("10.0.0.1, 10.0.0.2,fd00::1", &trusted, NULL), FAULT_NONE);
    memcpy(proxy, address_of("10.0.0.1"), sizeof proxy);
    memcpy(address, proxy, sizeof address);
    peers_follow(&trusted, first, proxy, address);
    if (second)
        peers_follow(&trusted, second, proxy, address);
    assert_memory_equal(address, address_of(client), sizeof address);
    peers_done(&trusted);
}

static void the_right_most_address_that_is_no_proxy_is_the_client(void **state)
{
    (void)state;
    assert_follows("192.0.2.9", NULL, "192.0.2.9");
    assert_follows("203.0.113.66, 192.0.2.9 , 10.0.0.2", NULL, "192.0.2.9");
    assert_follows("203.0.113.66,2001:db8::7,fd00::1,10.0.0.2", NULL, "2001:db8::7");
    assert_follows("203.0.113.66", "192.0.2.9, 10.0.0.2", "192.0.2.9");
    assert_follows("192.0.2.9", "10.0.0.2", "192.0.2.9");
}

static void what_is_no_address_hides_all_to_its_left(void **state)
{
    (void)state;
    assert_follows("", NULL, "10.0.0.1");
    assert_follows("unknown", NULL, "10.0.0.1");
    assert_follows("192.0.2.9, unknown, 10.0.0.2", NULL, "10.0.0.1");
    assert_follows("192.0.2.9:443", NULL, "10.0.0.1");
    assert_follows("unknown, 192.0.2.9", NULL, "192.0.2.9");
    assert_follows("10.0.0.2", NULL, "10.0.0.1");
}

static void ipv4_and_its_mapped_form_are_one_address(void **state)
{
    (void)state;
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 9};
    assert_memory_equal(address_of("192.0.2.9"), mapped, sizeof mapped);
    assert_memory_equal(address_of("::ffff:192.0.2.9"), mapped, sizeof mapped);
}

static void a_list_with_anything_but_addresses_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "localhost", "10.0.0.0/8", "10.0.0.1,,10.0.0.2", ",", "[::1]", "10.0.0.1 10.0.0.2", "1.2.3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct peers peers = {0};
        struct why why = {0};
        assert_int_equal(peers_parse(bad[i], &peers, &why), FAULT_CONFIGURATION);
        assert_true(why.text[0]);
        assert_null(peers.addresses);
    }
}

static void an_empty_list_has_nobody(void **state)
{
    (void)state;
    struct peers peers = {0};
    assert_int_equal(peers_parse("", &peers, NULL), FAULT_NONE);
    assert_int_equal(peers.count, 0);
    assert_false(peers_has(&peers, address_of("::")));
    peers_done(&peers);
}

static void this_machine_is_told_from_others(void **state)
{
    (void)state;
    static const char *const local[] = {"127.0.0.1", "127.255.0.9", "::1",
                                        "::", "::ffff:127.0.0.1"};
    static const char *const others[] = {"128.0.0.1", "192.0.2.1", "::2", "7f00::1",
                                         "2001:db8::127.0.0.1"};
    for (size_t i = 0; i < 5; i++) {
        assert_true(peer_is_local(address_of(local[i])));
        assert_false(peer_is_local(address_of(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_told_from_others),
        cmocka_unit_test(the_right_most_address_that_is_no_proxy_is_the_client),
        cmocka_unit_test(what_is_no_address_hides_all_to_its_left),
        cmocka_unit_test(ipv4_and_its_mapped_form_are_one_address),
        cmocka_unit_test(a_list_with_anything_but_addresses_is_refused),
        cmocka_unit_test(an_empty_list_has_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
