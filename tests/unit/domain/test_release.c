/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/world.h"
#include "store/catalog.h"

enum { ALICE, BOB, CAROL, DAVE, EVE, CAUTIOUS };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, EVE + 1, MODE_BALANCED);
    assert_int_equal(world_join(&world, CAUTIOUS, LEVEL_EXTENSIVE, MODE_HIGH), FAULT_NONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void nothing_is_released_before_the_tick(void **state)
{
    (void)state;
    struct published published;
    world_contribute_all(&world, 1, ALICE, CAROL);
    assert_int_equal(world_query(&world, ALICE, 1).count, 0);
    assert_int_equal(world_lookup(&world, ALICE, 1, &published), FAULT_NOT_FOUND);
    world_tick(&world);
    assert_int_equal(world_query(&world, BOB, 1).count, 1);
    assert_int_equal(world_lookup(&world, ALICE, 1, &published), FAULT_NONE);
    assert_memory_equal(&published.release.secret, &world_pattern(&world, 1)->coefficients[0], 32);
    assert_memory_equal(&published.record.tag, &world_pattern(&world, 1)->record.tag, 32);
}

static void a_pattern_below_the_threshold_is_in_no_answer(void **state)
{
    (void)state;
    struct published published;
    world_contribute_all(&world, 1, ALICE, BOB);
    world_tick(&world);
    assert_int_equal(world_query(&world, ALICE, 1).count, 0);
    assert_int_equal(world_lookup(&world, ALICE, 1, &published), FAULT_NOT_FOUND);
    assert_int_equal(world_lookup(&world, ALICE, 2, &published), FAULT_NOT_FOUND);
}

static void a_group_that_falls_below_is_unreleased_at_the_next_tick(void **state)
{
    (void)state;
    struct published published;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    assert_int_equal(world_withdraw(&world, ALICE, 1).fault, FAULT_NONE);
    assert_true(world_is_released(&world, 1));
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world_lookup(&world, BOB, 1, &published), FAULT_NOT_FOUND);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM release"), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 0"), 2);
    world_contribute_all(&world, 1, DAVE, DAVE);
    world_tick(&world);
    assert_true(world_is_released(&world, 1));
}

static void the_last_withdrawal_takes_the_pattern_with_it_at_once(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_withdraw(&world, member, 1).fault, FAULT_NONE);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world_pattern_id(&world, 1), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM release"), 0);
}

static void an_erased_member_no_longer_holds_its_groups_up(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    assert_int_equal(world_erase(&world, BOB, NULL), FAULT_NONE);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
}

static void a_restart_between_a_withdrawal_and_the_tick_forgets_nothing(void **state)
{
    (void)state;
    /* Three contributions remain, but only two are good. */
    world_contribute_all(&world, 1, ALICE, CAROL);
    assert_int_equal(world_contribute_bad(&world, DAVE, 1).added, 1);
    /* Four remain, but with one of them only five would do. */
    world_contribute_all(&world, 2, ALICE, CAROL);
    world_contribute_all(&world, 2, CAUTIOUS, CAUTIOUS);
    world_tick(&world);
    assert_true(world_is_released(&world, 1) && world_is_released(&world, 2));
    world_withdraw(&world, ALICE, 1);
    world_withdraw(&world, ALICE, 2);
    world_restart(&world);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
    assert_false(world_is_released(&world, 2));
}

static void a_restart_between_a_contribution_and_the_tick_forgets_nothing(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    world_contribute_all(&world, 1, DAVE, DAVE);
    world_contribute_all(&world, 2, ALICE, CAROL);
    world_restart(&world);
    world_tick(&world);
    assert_true(world_is_released(&world, 2));
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 1"), 7);
}

static void who_comes_during_a_tick_is_not_forgotten_by_a_restart_after_it(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, BOB);
    world_tick(&world);
    world_contribute_all(&world, 1, DAVE, DAVE);
    world_contribute_all(&world, 2, CAROL, CAROL);
    release_tick(world.coordinator, world.now_s);
    world_work(&world); /* has seen four of 1, three of 2 */
    struct job_list settlement = world.commands;
    world.commands = (struct job_list){0};
    world_contribute_all(&world, 1, EVE, EVE);
    world_contribute_all(&world, 2, EVE, EVE);
    world.commands = settlement;
    world_run(&world);
    assert_true(world_is_released(&world, 2));
    world_restart(&world);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 1"), 9);
}

static void a_quiet_federation_has_nothing_to_look_at_after_a_restart(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, DAVE);
    world_contribute_all(&world, 2, ALICE, BOB);
    world_tick(&world);
    world_restart(&world);
    assert_int_equal(catalog_marked(world.coordinator->catalog), 0);
}

static void a_withdrawal_between_evaluation_and_settlement_stops_the_release(void **state)
{
    (void)state;
    struct withdrawn withdrawn;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, CAROL);
    release_tick(world.coordinator, world.now_s);
    world_work(&world); /* evaluated: both would be released */
    /* The settlement waits already. What overtakes it is not this world's to do, so it goes by
     * hand. */
    struct job_list settlement = world.commands;
    world.commands = (struct job_list){0};
    world_withdraw_start(&world, ALICE, 1, &withdrawn);
    world_write(&world);
    assert_int_equal(withdrawn.fault, FAULT_NONE);
    world.commands = settlement;
    world_run(&world);
    assert_false(world_is_released(&world, 1));
    assert_true(world_is_released(&world, 2));
    assert_int_equal(world_number(&world, "SELECT count(*) FROM release"), 1);
    assert_int_equal(catalog_marked(world.coordinator->catalog), 1);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
}

static void coming_back_between_evaluation_and_settlement_is_seen_as_well(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    release_tick(world.coordinator, world.now_s);
    world_work(&world);
    struct job_list settlement = world.commands;
    world.commands = (struct job_list){0};
    assert_int_equal(world_withdraw(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(world_contribute_bad(&world, ALICE, 1).added, 1);
    world.commands = settlement;
    world_run(&world);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state <> 0"), 0);
}

static void an_answer_never_has_what_was_unreleased_while_the_question_waited(void **state)
{
    (void)state;
    struct asked asked;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    world_withdraw(&world, ALICE, 1);
    release_tick(world.coordinator, world.now_s);
    world_work(&world);
    world_query_start(&world, BOB, 1, false,
                      &asked); /* matches in memory; the settlement is first */
    world_run(&world);
    assert_int_equal(asked.fault, FAULT_NONE);
    assert_int_equal(asked.count, 0);
}

static void a_large_tick_goes_through_in_batches(void **state)
{
    (void)state;
    struct contributed answer;
    enum { COUNT = 2 * RELEASE_BATCH + 16 };
    for (unsigned member = ALICE; member <= CAROL; member++) {
        for (unsigned first = 0; first < COUNT; first += 16) {
            struct bundle bundle = {.count = 16, .confidence = 80};
            for (unsigned i = 0; i < 16; i++)
                bundle.patterns[i] = first + i;
            world_contribute_start(&world, member, &bundle, &answer);
        }
    }
    world_run(&world);
    assert_int_equal(catalog_marked(world.coordinator->catalog), COUNT);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM release"), COUNT);
    assert_false(world.coordinator->tick_runs);
}

static void one_tick_runs_at_a_time_and_none_before_memory_is_loaded(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    release_tick(world.coordinator, world.now_s);
    release_tick(world.coordinator, world.now_s);
    assert_int_equal(world.jobs.count, 1);
    world_run(&world);
    world.coordinator->ready = false;
    world_contribute_all(&world, 2, ALICE, CAROL);
    release_tick(world.coordinator, world.now_s);
    assert_int_equal(world.jobs.count, 0);
    world.coordinator->ready = true;
}

static void levels_see_confident_patterns_late_or_never(void **state)
{
    (void)state;
    struct published published;
    struct contributed answer;
    struct bundle sure = {.patterns = {1}, .count = 1, .confidence = 90};
    enum { MINIMAL = 10, STANDARD, EXTENSIVE };
    assert_int_equal(world_join(&world, MINIMAL, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_join(&world, STANDARD, LEVEL_STANDARD, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_join(&world, EXTENSIVE, LEVEL_EXTENSIVE, MODE_OPEN), FAULT_NONE);
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_contribute_start(&world, member, &sure, &answer);
    world_run(&world);
    world_tick(&world);
    assert_int_equal(world_lookup(&world, MINIMAL, 1, &published), FAULT_LEVEL_TOO_LOW);
    assert_int_equal(world_lookup(&world, STANDARD, 1, &published), FAULT_LEVEL_TOO_LOW);
    assert_int_equal(world_lookup(&world, EXTENSIVE, 1, &published), FAULT_NONE);
    world.settings.require_contribution = false;
    assert_int_equal(world_query(&world, STANDARD, 1).count, 0);
    assert_int_equal(world_query(&world, EXTENSIVE, 1).count, 1);
    world.now_s += 3600;
    assert_int_equal(world_lookup(&world, MINIMAL, 1, &published), FAULT_LEVEL_TOO_LOW);
    assert_int_equal(world_lookup(&world, STANDARD, 1, &published), FAULT_NONE);
    assert_int_equal(world_query(&world, MINIMAL, 1).count, 0);
    assert_int_equal(world_query(&world, STANDARD, 1).count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(nothing_is_released_before_the_tick),
        TEST(a_pattern_below_the_threshold_is_in_no_answer),
        TEST(a_group_that_falls_below_is_unreleased_at_the_next_tick),
        TEST(the_last_withdrawal_takes_the_pattern_with_it_at_once),
        TEST(an_erased_member_no_longer_holds_its_groups_up),
        TEST(a_restart_between_a_withdrawal_and_the_tick_forgets_nothing),
        TEST(a_restart_between_a_contribution_and_the_tick_forgets_nothing),
        TEST(who_comes_during_a_tick_is_not_forgotten_by_a_restart_after_it),
        TEST(a_quiet_federation_has_nothing_to_look_at_after_a_restart),
        TEST(a_withdrawal_between_evaluation_and_settlement_stops_the_release),
        TEST(coming_back_between_evaluation_and_settlement_is_seen_as_well),
        TEST(an_answer_never_has_what_was_unreleased_while_the_question_waited),
        TEST(a_large_tick_goes_through_in_batches),
        TEST(one_tick_runs_at_a_time_and_none_before_memory_is_loaded),
        TEST(levels_see_confident_patterns_late_or_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
