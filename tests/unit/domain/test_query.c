/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/world.h"

/* Who can pay, and whether finding out costs a look into the index. */

enum { ALICE, BOB, CAROL, AT_ONCE = 6 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, CAROL + 1, MODE_BALANCED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_instance(&world, member)->pending.milli, 0);
    rows_assert_sound(world.database);
    world_done(&world);
    return 0;
}

/* Asks AT_ONCE times before the first is answered; all that are paid for were looked up, and as
 * many others as *ret_matched_in_vain says. */
static size_t ask_at_once(unsigned member, size_t *ret_matched_in_vain)
{
    struct asked *answers = calloc(AT_ONCE, sizeof *answers);
    size_t paid = 0;
    assert_non_null(answers);
    *ret_matched_in_vain = 0;
    for (size_t i = 0; i < AT_ONCE; i++)
        world_query_start(&world, member, 1, false, &answers[i]);
    world_run(&world);
    for (size_t i = 0; i < AT_ONCE; i++) {
        bool is_paid = answers[i].fault == FAULT_NONE;
        assert_true(is_paid || answers[i].fault == FAULT_INSUFFICIENT_CREDITS);
        assert_true(answers[i].is_matched || !is_paid);
        *ret_matched_in_vain += answers[i].is_matched && !is_paid;
        paid += is_paid;
    }
    free(answers);
    return paid;
}

static void who_has_nothing_costs_no_match(void **state)
{
    (void)state;
    world_contribute(&world, ALICE, 1);
    assert_true(world_query(&world, ALICE, 1).is_matched);
    for (int i = 0; i < 3; i++) {
        struct asked answer = world_query(&world, ALICE, 1);
        assert_int_equal(answer.fault, FAULT_INSUFFICIENT_CREDITS);
        assert_int_equal(answer.cost.milli, 1000);
        assert_int_equal(answer.balance.milli, 0);
        assert_false(answer.is_matched);
    }
}

static void of_many_at_once_as_many_match_as_can_be_paid(void **state)
{
    (void)state;
    size_t in_vain = 99;
    for (unsigned pattern = 1; pattern <= 2; pattern++)
        world_contribute(&world, ALICE, pattern);
    assert_int_equal(ask_at_once(ALICE, &in_vain), 2);
    assert_int_equal(in_vain, 0);
    assert_int_equal(ask_at_once(ALICE, &in_vain), 0);
    assert_int_equal(in_vain, 0);
}

static void credits_that_nobody_was_told_of_pay_all_the_same(void **state)
{
    (void)state;
    world.settings.credit_on = CREDIT_ON_RELEASE;
    size_t in_vain = 99;
    for (unsigned member = ALICE; member <= CAROL; member++) {
        struct bundle three = {.patterns = {1, 2, 3}, .count = 3, .confidence = 80};
        struct contributed answer;
        world_contribute_start(&world, member, &three, &answer);
        world_run(&world);
        assert_int_equal(answer.balance.milli, 0);
    }
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    world_tick(&world);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.balance.milli, 2000);
    assert_true(answer.count >= 1);
    assert_int_equal(ask_at_once(BOB, &in_vain), 3);
    assert_int_equal(in_vain, 0);
}

static void after_a_restart_the_writer_is_asked(void **state)
{
    (void)state;
    size_t in_vain = 99;
    for (unsigned pattern = 1; pattern <= 4; pattern++)
        world_contribute(&world, ALICE, pattern);
    world_restart(&world);
    assert_int_equal(ask_at_once(ALICE, &in_vain), 4);
    assert_int_equal(in_vain, 0);
}

static void what_was_withdrawn_is_not_counted_on(void **state)
{
    (void)state;
    world_contribute(&world, ALICE, 1);
    world_withdraw(&world, ALICE, 1);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_false(answer.is_matched);
}

static void a_used_up_quota_costs_no_match_until_midnight(void **state)
{
    (void)state;
    world_set_tier(&world, ALICE, TIER_FREE);
    world.settings.free_daily[QUOTA_QUERIES] = 1;
    for (unsigned pattern = 1; pattern <= 4; pattern++)
        world_contribute(&world, ALICE, pattern);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_TOO_MANY_REQUESTS);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_TOO_MANY_REQUESTS);
    assert_false(answer.is_matched);
    world.now_s += 86400;
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(world_balance(&world, ALICE), 2000);
}

static const struct asking asking = {.member = ALICE, .pattern = 1, .fanout = 1};

/* Alice has as many routed queries as one may, and was told. */
static void reach_the_limit(void)
{
    world.settings.max_routed_open = 1;
    for (unsigned pattern = 1; pattern <= 4; pattern++)
        world_contribute(&world, ALICE, pattern);
    world_contribute(&world, BOB, 1);
    world_contribute(&world, CAROL, 1);
    world_tick(&world);
    assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
    assert_int_equal(world_route(&world, &asking).fault, FAULT_TOO_MANY_REQUESTS);
}

static void routed_queries_at_their_limit_cost_no_match(void **state)
{
    (void)state;
    reach_the_limit();
    struct routed answer = world_route(&world, &asking);
    assert_int_equal(answer.fault, FAULT_TOO_MANY_REQUESTS);
    assert_false(answer.is_matched);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE); /* it is not routed */
    assert_false(world_route(&world, &asking).is_matched);
    world.settings.max_routed_open = 2;
    assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
    assert_int_equal(world_balance(&world, ALICE), 1000);
}

static uint32_t refused_for(void)
{
    struct routed answer = world_route(&world, &asking);
    assert_int_equal(answer.fault, FAULT_TOO_MANY_REQUESTS);
    return answer.full_for_s;
}

static void wait_until_there_is_room(uint32_t wait_s)
{
    assert_int_equal(refused_for(), wait_s);
    world.now_s += wait_s - 1;
    assert_int_equal(refused_for(), 1);
    world.now_s++;
    assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
}

static void who_has_too_many_open_is_told_when_the_first_of_them_expires(void **state)
{
    (void)state;
    struct asking shorter = {.member = ALICE, .pattern = 1, .fanout = 1, .ttl_s = 600};
    reach_the_limit();
    world.settings.price_query.milli = 0;
    world.settings.max_routed_open = 2;
    world.now_s += 60 - world.now_s % 60 + 1; /* expiry is at whole minutes */
    assert_int_equal(world_route(&world, &shorter).fault, FAULT_NONE);
    wait_until_there_is_room(600 + 59);
    world.settings.max_routed_open = 1; /* less than there are: only the last makes room */
    assert_in_range(refused_for(), 3600, 3660);
}

static void who_asked_too_much_in_an_hour_is_told_when_it_is_over(void **state)
{
    (void)state;
    reach_the_limit();
    world.settings.price_query.milli = 0;
    world.settings.max_routed_open = 100;
    world.settings.max_routed_per_hour = 2;
    world.now_s += 100;
    assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
    wait_until_there_is_room(3500);
    wait_until_there_is_room(100);
    world.settings.max_routed_open = 1; /* the longer wait of the two */
    assert_in_range(refused_for(), 3600, 3660);
}

static void who_cannot_pay_either_is_still_known_to_be_at_the_limit(void **state)
{
    (void)state;
    const struct credits price = world.settings.price_query;
    reach_the_limit();
    world.settings.price_query.milli = 100000;
    assert_int_equal(world_route(&world, &asking).fault, FAULT_INSUFFICIENT_CREDITS);
    world.settings.price_query = price;
    assert_false(world_route(&world, &asking).is_matched);
    world_set_tier(&world, ALICE, TIER_FREE);
    world.settings.free_daily[QUOTA_QUERIES] = 1;
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_TOO_MANY_REQUESTS);
    world.settings.price_query.milli = 100000;
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    world.settings.price_query = price;
    assert_false(world_query(&world, ALICE, 1).is_matched);
}

static void who_is_erased_while_the_writer_is_asked_is_not_answered_for(void **state)
{
    (void)state;
    struct asked answer;
    world_contribute(&world, BOB, 1);
    world_restart(&world);
    world_query_start(&world, BOB, 1, false, &answer);
    assert_int_equal(world_erase(&world, BOB, NULL), FAULT_NONE);
    assert_int_equal(answer.fault, FAULT_TOKEN_INVALID);
    assert_int_equal(world_join(&world, BOB, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(who_has_nothing_costs_no_match),
        TEST(of_many_at_once_as_many_match_as_can_be_paid),
        TEST(credits_that_nobody_was_told_of_pay_all_the_same),
        TEST(after_a_restart_the_writer_is_asked),
        TEST(what_was_withdrawn_is_not_counted_on),
        TEST(a_used_up_quota_costs_no_match_until_midnight),
        TEST(routed_queries_at_their_limit_cost_no_match),
        TEST(who_has_too_many_open_is_told_when_the_first_of_them_expires),
        TEST(who_asked_too_much_in_an_hour_is_told_when_it_is_over),
        TEST(who_cannot_pay_either_is_still_known_to_be_at_the_limit),
        TEST(who_is_erased_while_the_writer_is_asked_is_not_answered_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
