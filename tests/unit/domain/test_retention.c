/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/world.h"

enum { ALICE, BOB, CAROL, DAY_S = 86400 };
enum { RELEASED = 1, SEALED = 2, LATER = 3 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    for (unsigned member = ALICE; member <= CAROL; member++) {
        assert_int_equal(world_join(&world, member, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
        world_contribute(&world, member, RELEASED);
    }
    world_contribute(&world, ALICE, SEALED);
    world_contribute(&world, BOB, SEALED);
    world_tick(&world);
    return world_is_released(&world, RELEASED) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

static int64_t contributions(void)
{
    return world_number(&world, "SELECT count(*) FROM contribution");
}

static void sweep(void)
{
    retention_sweep(world.coordinator, world.now_s);
    world_run(&world);
}

static void what_is_not_released_in_time_expires_and_what_is_stays(void **state)
{
    (void)state;
    world.now_s += 180 * DAY_S;
    world_contribute(&world, ALICE, LATER);
    sweep();
    assert_int_equal(contributions(), 6);
    world.now_s += 1;
    sweep();
    assert_int_equal(contributions(), 4);
    assert_true(world_is_released(&world, RELEASED));
    assert_int_equal(world_pattern_id(&world, SEALED), 0);
    assert_int_not_equal(world_pattern_id(&world, LATER), 0);
    assert_int_equal(world_number(&world, "SELECT contributions FROM instance"
                                          " WHERE contributions = 1 LIMIT 1"),
                     1);
}

static void what_is_unreleased_has_its_time_from_then_on(void **state)
{
    (void)state;
    world.now_s += 200 * DAY_S;
    assert_int_equal(world_withdraw(&world, CAROL, RELEASED).withdrawn, 1);
    world_tick(&world);
    assert_false(world_is_released(&world, RELEASED));
    sweep();
    assert_int_equal(contributions(), 2); /* what was never released is gone */
    world.now_s += 180 * DAY_S;
    sweep();
    assert_int_equal(contributions(), 2);
    world.now_s += 1;
    sweep();
    assert_int_equal(contributions(), 0);
}

static void what_expired_may_be_contributed_again_and_is_not_paid_again(void **state)
{
    (void)state;
    world.now_s += 180 * DAY_S + 1;
    sweep();
    int64_t before = world_balance(&world, ALICE);
    struct contributed again = world_contribute(&world, ALICE, SEALED);
    assert_int_equal(again.fault, FAULT_NONE);
    assert_int_equal(again.added, 1);
    assert_int_equal(again.earned.milli, 0);
    assert_int_equal(world_balance(&world, ALICE), before);
}

static void what_pays_nothing_as_it_was_carried_is_to_come_once_more_when_it_expires(void **state)
{
    (void)state;
    enum { FIRST = 10, SECOND = 20, CARRIED = 2 }; /* as many as ALICE held */
    world.now_s += DAY_S;
    world_rotate(&world, 3);
    for (unsigned pattern = FIRST; pattern < FIRST + CARRIED; pattern++)
        assert_int_equal(world_contribute(&world, ALICE, pattern).earned.milli, 0);
    world.now_s += 180 * DAY_S + 1;
    sweep();
    assert_int_equal(world_pattern_id(&world, FIRST), 0);
    assert_int_equal(world_profile(&world, ALICE, LEVEL_COUNT, MODE_COUNT).carried, CARRIED);
    world_rotate(&world, 3);
    world_tick(&world);
    for (unsigned pattern = SECOND; pattern < SECOND + CARRIED; pattern++)
        assert_int_equal(world_contribute(&world, ALICE, pattern).earned.milli, 0);
    assert_int_equal(world_contribute(&world, ALICE, SECOND + CARRIED).earned.milli, 1000);
}

static void what_expired_counts_for_no_level_any_more(void **state)
{
    (void)state;
    world.settings.unreleased_ttl_days = 1;
    world.now_s += DAY_S + 1;
    sweep();
    assert_int_equal(contributions(), 3);
    assert_int_equal(world_number(&world, "SELECT sum(accepted) FROM activity"), 3);
    int64_t today = world.now_s / DAY_S;
    assert_int_equal(instance_weekly(world_instance(&world, ALICE), today), 1);
    world_restart(&world);
    assert_int_equal(instance_weekly(world_instance(&world, ALICE), today), 1);
}

static void a_sweep_expires_so_many_and_the_next_ones_go_on(void **state)
{
    (void)state;
    enum { STEP = 256, FIRST = 10, COUNT = 300 };
    world.settings.max_contributions = 1000;
    for (unsigned i = 0; i < COUNT; i++)
        world_contribute(&world, CAROL, FIRST + i);
    world.now_s += 180 * DAY_S + 1;
    sweep();
    assert_int_equal(contributions(), 3 + 2 + COUNT - STEP);
    sweep();
    assert_int_equal(contributions(), 3);
    sweep();
    assert_int_equal(contributions(), 3);
}

static void a_new_round_begins_when_one_is_through(void **state)
{
    (void)state;
    sweep();
    world.now_s += 180 * DAY_S + 1;
    sweep();
    assert_int_equal(contributions(), 3);
}

static void quotas_of_past_days_are_forgotten(void **state)
{
    (void)state;
    assert_int_equal(sql_script(world.database,
                                "INSERT INTO quota (instance, day, kind, used)"
                                " SELECT number, 20833 - 8, 1, 5 FROM instance"
                                " UNION ALL SELECT number, 20833 - 6, 1, 5 FROM instance"),
                     FAULT_NONE);
    assert_int_equal(world.now_s / DAY_S, 20833);
    sweep();
    assert_int_equal(world_number(&world, "SELECT count(*) FROM quota"), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_not_released_in_time_expires_and_what_is_stays),
        TEST(what_is_unreleased_has_its_time_from_then_on),
        TEST(what_expired_may_be_contributed_again_and_is_not_paid_again),
        TEST(what_pays_nothing_as_it_was_carried_is_to_come_once_more_when_it_expires),
        TEST(what_expired_counts_for_no_level_any_more),
        TEST(a_sweep_expires_so_many_and_the_next_ones_go_on),
        TEST(a_new_round_begins_when_one_is_through),
        TEST(quotas_of_past_days_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
