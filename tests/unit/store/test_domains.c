/* SPDX-License-Identifier: Apache-2.0 */
#include "store/domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct domains *domains = NULL;
    if (domains_new(&domains))
        return -1;
    *state = domains;
    return 0;
}

static int tear_down(void **state)
{
    domains_free(*state);
    return 0;
}

static void names_get_numbers_in_order_and_keep_them(void **state)
{
    uint16_t number = 99;
    assert_int_equal(domains_find(*state, "code"), DOMAIN_UNKNOWN);
    assert_int_equal(domains_intern(*state, "code", &number), FAULT_NONE);
    assert_int_equal(number, 0);
    assert_int_equal(domains_intern(*state, "general", &number), FAULT_NONE);
    assert_int_equal(number, 1);
    assert_int_equal(domains_intern(*state, "code", &number), FAULT_NONE);
    assert_int_equal(number, 0);
    assert_int_equal(domains_find(*state, "general"), 1);
    assert_int_equal(domains_find(*state, "cod"), DOMAIN_UNKNOWN);
    assert_int_equal(domains_find(*state, ""), DOMAIN_UNKNOWN);
}

static void when_all_numbers_are_given_away_the_rest_share_none(void **state)
{
    char name[16];
    uint16_t number = 0;
    for (unsigned i = 0; i < DOMAINS_MAX; i++) {
        snprintf(name, sizeof name, "d%u", i);
        assert_int_equal(domains_intern(*state, name, &number), FAULT_NONE);
        assert_int_equal(number, i);
    }
    assert_int_equal(domains_intern(*state, "one-more", &number), FAULT_NONE);
    assert_int_equal(number, DOMAIN_OVERFLOW);
    assert_int_equal(domains_find(*state, "one-more"), DOMAIN_UNKNOWN);
    assert_int_equal(domains_find(*state, "d65534"), 65534);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    domains_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(names_get_numbers_in_order_and_keep_them),
        TEST(when_all_numbers_are_given_away_the_rest_share_none),
        TEST(freeing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
