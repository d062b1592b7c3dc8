/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/tier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/world.h"

enum { ALICE, BOB, DAY_S = 86400 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world.settings.default_tier = TIER_FREE;
    world.settings.free_daily[QUOTA_CONTRIBUTIONS] = 5;
    world.settings.free_daily[QUOTA_QUERIES] = 2;
    world.settings.free_daily[QUOTA_OPRF_ELEMENTS] = 300;
    world_people(&world, BOB + 1, MODE_BALANCED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rows_assert_sound(world.database);
    world_done(&world);
    return 0;
}

static struct contributed contribute_three(unsigned first)
{
    struct contributed answer;
    struct bundle three = {.patterns = {first, first + 1, first + 2}, .count = 3, .confidence = 80};
    world_contribute_start(&world, ALICE, &three, &answer);
    world_run(&world);
    return answer;
}

static void metering_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

static enum fault evaluate(unsigned member, uint32_t elements)
{
    return world_evaluate(&world, member, elements);
}

static void tiers_have_names(void **state)
{
    (void)state;
    for (enum tier tier = TIER_UNLIMITED; tier < TIER_COUNT; tier++)
        assert_int_equal(tier_parse(tier_name(tier)), tier);
    assert_int_equal(tier_parse("Free"), TIER_COUNT);
    assert_int_equal(tier_parse(""), TIER_COUNT);
}

static void what_exceeds_the_rest_is_refused_as_a_whole_and_uses_nothing_up(void **state)
{
    (void)state;
    struct contributed answer = contribute_three(1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.allowance.limit, 5);
    assert_int_equal(answer.allowance.left, 2);
    answer = contribute_three(4);
    assert_int_equal(answer.fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(answer.allowance.left, 2);
    assert_int_equal(answer.allowance.amount, 3);
    assert_int_equal(world_pattern_id(&world, 4), 0);
    assert_int_equal(world_balance(&world, ALICE), 3000);
    assert_int_equal(world_contribute(&world, ALICE, 4).fault, FAULT_NONE);
    assert_int_equal(world_contribute(&world, ALICE, 5).allowance.left, 0);
    assert_int_equal(world_contribute(&world, ALICE, 6).fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(world_contribute(&world, BOB, 6).fault, FAULT_NONE);
}

static void a_pattern_that_is_sent_again_counts_again(void **state)
{
    (void)state;
    for (uint32_t left = 5; left-- > 0;)
        assert_int_equal(world_contribute(&world, ALICE, 1).allowance.left, left);
    assert_int_equal(world_contribute(&world, ALICE, 1).fault, FAULT_TOO_MANY_REQUESTS);
}

static void queries_are_counted_once_they_are_paid(void **state)
{
    (void)state;
    world_contribute(&world, ALICE, 1);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.allowance.left, 1);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    world_contribute(&world, ALICE, 2);
    world_contribute(&world, ALICE, 3);
    assert_int_equal(world_query(&world, ALICE, 1).allowance.left, 0);
    answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(answer.allowance.resets_in_s, DAY_S - world.now_s % DAY_S);
    assert_int_equal(world_balance(&world, ALICE), 1000);
    assert_int_equal(world_number(&world, "SELECT sum(used) FROM quota WHERE kind = 1"), 2);
}

static void oprf_is_counted_by_elements(void **state)
{
    (void)state;
    assert_int_equal(evaluate(ALICE, 256), FAULT_NONE);
    assert_int_equal(evaluate(ALICE, 45), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(evaluate(ALICE, 44), FAULT_NONE);
    assert_int_equal(evaluate(ALICE, 1), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(evaluate(BOB, 1), FAULT_NONE);
}

static void a_day_begins_at_midnight_utc(void **state)
{
    (void)state;
    world.now_s += DAY_S - world.now_s % DAY_S - 1;
    assert_int_equal(evaluate(ALICE, 300), FAULT_NONE);
    assert_int_equal(evaluate(ALICE, 1), FAULT_TOO_MANY_REQUESTS);
    world.now_s += 1;
    assert_int_equal(evaluate(ALICE, 300), FAULT_NONE);
}

static void a_clock_that_jumps_over_midnight_and_back_gives_no_second_quota(void **state)
{
    (void)state;
    world.now_s += DAY_S - world.now_s % DAY_S;
    int64_t today_s = world.now_s;
    assert_int_equal(evaluate(ALICE, 300), FAULT_NONE);
    for (int round = 0; round < 3; round++) {
        world.now_s = today_s - 1;
        assert_int_equal(evaluate(ALICE, 300), round == 0 ? FAULT_NONE : FAULT_TOO_MANY_REQUESTS);
        world.now_s = today_s;
        assert_int_equal(evaluate(ALICE, 1), FAULT_TOO_MANY_REQUESTS);
    }
}

static void a_restart_forgets_nothing(void **state)
{
    (void)state;
    assert_int_equal(contribute_three(1).allowance.left, 2);
    assert_int_equal(evaluate(ALICE, 300), FAULT_NONE);
    world_restart(&world);
    assert_int_equal(world_instance(&world, ALICE)->tier, TIER_FREE);
    assert_int_equal(evaluate(ALICE, 1), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(contribute_three(4).fault, FAULT_TOO_MANY_REQUESTS);
}

static void tier_unlimited_has_no_quota_and_leaves_no_rows(void **state)
{
    (void)state;
    world.settings.default_tier = TIER_UNLIMITED;
    world_set_tier(&world, ALICE, TIER_UNLIMITED);
    assert_int_equal(contribute_three(1).fault, FAULT_NONE);
    struct contributed answer = contribute_three(4);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.allowance.resets_in_s, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(evaluate(ALICE, 301), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM quota"), 0);
}

static void the_default_tier_is_for_those_who_join_later(void **state)
{
    (void)state;
    world.settings.default_tier = TIER_UNLIMITED;
    assert_int_equal(world_join(&world, 2, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
    world_restart(&world);
    assert_int_equal(world_instance(&world, ALICE)->tier, TIER_FREE);
    assert_int_equal(world_instance(&world, 2)->tier, TIER_UNLIMITED);
}

static void erasure_deletes_what_was_counted_and_stops_what_waits(void **state)
{
    (void)state;
    assert_int_equal(contribute_three(1).fault, FAULT_NONE);
    assert_int_equal(evaluate(ALICE, 3), FAULT_NONE);
    enum fault late = WORLD_UNANSWERED;
    struct metering *metering = metering_new(world.coordinator);
    metering->charge = (struct charge){TIER_FREE, QUOTA_OPRF_ELEMENTS,
                                       world_instance(&world, ALICE)->number, world.now_s, 1};
    metering->operation.answer = metering_answered;
    metering->operation.context = &late;
    assert_int_equal(world_erase(&world, ALICE, NULL), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM quota"), 0);
    operation_submit(&metering->operation);
    world_run(&world);
    assert_int_equal(late, FAULT_TOKEN_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tiers_have_names),
        TEST(what_exceeds_the_rest_is_refused_as_a_whole_and_uses_nothing_up),
        TEST(a_pattern_that_is_sent_again_counts_again),
        TEST(queries_are_counted_once_they_are_paid),
        TEST(oprf_is_counted_by_elements),
        TEST(a_day_begins_at_midnight_utc),
        TEST(a_clock_that_jumps_over_midnight_and_back_gives_no_second_quota),
        TEST(a_restart_forgets_nothing),
        TEST(tier_unlimited_has_no_quota_and_leaves_no_rows),
        TEST(the_default_tier_is_for_those_who_join_later),
        TEST(erasure_deletes_what_was_counted_and_stops_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
