/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/world.h"

/* docs/PROTOCOL.md, section 7, Levels, line by line, over days and restarts. The function that
 * decides is test_directory's, what each level sees test_release's. */

enum { ALICE, DAY_S = 86400, WEEK_S = 7 * DAY_S };

static struct world world;

static int set_up(void **state)
{
    static const uint32_t min_weekly[LEVEL_COUNT] = {1, 2, 4};
    static const uint32_t max_results[LEVEL_COUNT] = {1, 2, 3};
    (void)state;
    world_init(&world);
    for (enum level level = LEVEL_MINIMAL; level < LEVEL_COUNT; level++) {
        world.settings.level_min_weekly[level] = min_weekly[level];
        world.settings.level_max_results[level] = max_results[level];
    }
    assert_int_equal(world_join(&world, ALICE, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rows_assert_sound(world.database);
    world_done(&world);
    return 0;
}

/* The effective level, which a restart must not change. */
static void assert_level(enum level expected, uint32_t expected_missing)
{
    for (int round = 0; round < 2; round++) {
        uint32_t missing = 99;
        enum level level = instance_effective_level(world_instance(&world, ALICE), &world.settings,
                                                    world.now_s, &missing);
        assert_int_equal(level, expected);
        assert_int_equal(missing, expected_missing);
        world_restart(&world);
    }
}

static void contribute(unsigned first, unsigned count)
{
    for (unsigned pattern = first; pattern < first + count; pattern++)
        assert_int_equal(world_contribute(&world, ALICE, pattern).added, 1);
}

static void a_newcomer_has_seven_days_of_grace(void **state)
{
    (void)state;
    assert_level(LEVEL_EXTENSIVE, 0);
    world.now_s += WEEK_S - 1;
    assert_level(LEVEL_EXTENSIVE, 0);
    world.now_s += 1;
    assert_level(LEVEL_MINIMAL, 4);
}

static void standing_is_of_the_last_seven_days(void **state)
{
    (void)state;
    world.now_s += WEEK_S;
    contribute(1, 2);
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += 2 * DAY_S;
    contribute(3, 2);
    assert_level(LEVEL_EXTENSIVE, 0);
    world.now_s += 4 * DAY_S;
    assert_level(LEVEL_EXTENSIVE, 0);
    world.now_s += DAY_S;
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += 2 * DAY_S;
    assert_level(LEVEL_MINIMAL, 4);
}

static void sending_a_pattern_again_is_no_standing(void **state)
{
    (void)state;
    world.now_s += WEEK_S;
    contribute(1, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_contribute(&world, ALICE, 1).added, 0);
    assert_level(LEVEL_MINIMAL, 3);
}

static void what_is_withdrawn_is_no_standing_however_often_it_comes_back(void **state)
{
    (void)state;
    world.now_s += WEEK_S;
    for (int i = 0; i < 5; i++) {
        contribute(1, 1);
        assert_level(LEVEL_MINIMAL, 3);
        assert_int_equal(world_withdraw(&world, ALICE, 1).withdrawn, 1);
        assert_level(LEVEL_MINIMAL, 4);
        world.now_s += DAY_S;
    }
    contribute(1, 3);
    assert_level(LEVEL_STANDARD, 1);
    assert_int_equal(world_withdraw(&world, ALICE, WORLD_ALL).withdrawn, 3);
    assert_level(LEVEL_MINIMAL, 4);
    assert_int_equal(world_number(&world, "SELECT sum(accepted) FROM activity"), 0);
}

static void a_withdrawal_counts_on_the_day_of_the_contribution(void **state)
{
    (void)state;
    world.now_s += WEEK_S;
    contribute(1, 1);
    world.now_s += 3 * DAY_S;
    contribute(2, 3);
    assert_level(LEVEL_EXTENSIVE, 0);
    world_withdraw(&world, ALICE, 1);
    assert_level(LEVEL_STANDARD, 1);
    world.now_s += 5 * DAY_S;
    world_withdraw(&world, ALICE, 2);
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += WEEK_S;
    world_withdraw(&world, ALICE, 3);
    contribute(5, 2);
    assert_level(LEVEL_STANDARD, 2);
}

static void a_clock_that_goes_back_finds_the_standing_of_that_day(void **state)
{
    (void)state;
    world.now_s += WEEK_S;
    contribute(1, 2);
    world.now_s += 6 * DAY_S;
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += DAY_S;
    contribute(3, 2);
    assert_level(LEVEL_STANDARD, 2);
    world.now_s -= DAY_S;
    assert_level(LEVEL_STANDARD, 2);
    world.now_s -= 6 * DAY_S;
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += 7 * DAY_S;
    assert_level(LEVEL_STANDARD, 2);
    world.now_s += 700 * DAY_S;
    contribute(5, 1);
    world.now_s -= 700 * DAY_S;
    world_restart(&world);
    assert_level(LEVEL_STANDARD, 2);
}

static void results_go_by_the_effective_level(void **state)
{
    (void)state;
    enum { OTHERS = 10, ALIKE = 4 };
    world.settings.require_contribution = false;
    for (unsigned member = OTHERS; member < OTHERS + 3; member++) {
        assert_int_equal(world_join(&world, member, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
        for (unsigned i = 0; i < ALIKE; i++)
            world_contribute(&world, member, 1 + i * MADE_UP_TOPICS);
    }
    world_tick(&world);
    assert_int_equal(world_query(&world, ALICE, 1).count, 3);
    world.now_s += WEEK_S;
    assert_int_equal(world_query(&world, ALICE, 1).count, 1);
    contribute(200, 2);
    assert_int_equal(world_query(&world, ALICE, 1).count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_newcomer_has_seven_days_of_grace),
        TEST(standing_is_of_the_last_seven_days),
        TEST(sending_a_pattern_again_is_no_standing),
        TEST(what_is_withdrawn_is_no_standing_however_often_it_comes_back),
        TEST(a_withdrawal_counts_on_the_day_of_the_contribution),
        TEST(a_clock_that_goes_back_finds_the_standing_of_that_day),
        TEST(results_go_by_the_effective_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
