/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "domain/release.h"
#include "lib/world.h"
#include "store/catalog.h"

/* release_gate = dp, with a delta so large that pi(3) = 0.4, pi(4) = 0.926, and pi(5) = 1. */

enum { ALICE, BOB, CAROL, DAVE, EVE, PATTERNS = 64, DAY_S = 86400 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_prepare(&world);
    world.settings.release_gate = RELEASE_GATE_DP;
    world.settings.release_epsilon_milli = 1000;
    world.settings.release_delta_billionths = 400000000;
    world.now_s -= world.now_s % DAY_S;
    assert_int_equal(world_try_open(&world), FAULT_NONE);
    world_people(&world, EVE + 1, MODE_BALANCED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void contribute(unsigned first, unsigned last)
{
    for (unsigned member = first; member <= last; member++)
        for (unsigned i = 0; i < PATTERNS; i++)
            assert_int_equal(world_contribute(&world, member, i).added, 1);
}

static int64_t released(void)
{
    return world_number(&world, "SELECT count(*) FROM release");
}

static bool shows(unsigned pattern, uint64_t counted)
{
    return selection_shows(&world.coordinator->selection, world.keyring.gate,
                           &world_pattern(&world, pattern)->record.tag, 3, counted);
}

static void assert_released_as_the_coins_say(uint64_t counted)
{
    for (unsigned i = 0; i < PATTERNS; i++)
        assert_int_equal(world_is_released(&world, i), shows(i, counted));
}

static void next_day(void)
{
    world.now_s += DAY_S;
    world_tick(&world);
}

static void a_group_of_k_is_released_with_the_probability_that_delta_allows(void **state)
{
    (void)state;
    contribute(ALICE, BOB);
    world_tick(&world);
    assert_int_equal(released(), 0);
    contribute(CAROL, CAROL);
    next_day();
    assert_in_range(released(), 6, 45); /* of 64, with 0.4: 25.6 and five deviations */
    assert_released_as_the_coins_say(3);
}

static void asking_again_every_day_opens_no_gate(void **state)
{
    (void)state;
    contribute(ALICE, CAROL);
    world_tick(&world);
    int64_t first = released();
    for (int day = 0; day < 10; day++) {
        for (unsigned i = 0; i < PATTERNS; i++) {
            world_withdraw(&world, CAROL, (int)i);
            world_contribute(&world, CAROL, i);
        }
        next_day();
        world_restart(&world);
    }
    assert_int_equal(released(), first);
    assert_released_as_the_coins_say(3);
}

static void the_gate_opens_once_a_day(void **state)
{
    (void)state;
    world_tick(&world); /* today's, with nobody there */
    contribute(ALICE, EVE);
    for (int tick = 0; tick < 5; tick++) {
        world.now_s += 3600;
        if (tick == 2)
            world_restart(&world);
        world_tick(&world);
        assert_int_equal(released(), 0);
        assert_int_equal(catalog_marked(world.coordinator->catalog), 0);
    }
    world.now_s += DAY_S - 5 * 3600 - 1;
    world_tick(&world);
    assert_int_equal(released(), 0);
    world.now_s++;
    world_tick(&world);
    assert_int_equal(released(), PATTERNS);
}

static void below_k_a_group_falls_at_the_next_tick(void **state)
{
    (void)state;
    contribute(ALICE, EVE);
    world_tick(&world);
    assert_int_equal(released(), PATTERNS);
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_withdraw(&world, member, 7).fault, FAULT_NONE);
    world_tick(&world);
    assert_false(world_is_released(&world, 7));
    assert_int_equal(released(), PATTERNS - 1);
}

static void above_k_it_falls_when_the_gate_opens_though_the_coordinator_started_anew(void **state)
{
    (void)state;
    contribute(ALICE, EVE);
    world_tick(&world);
    for (unsigned member = ALICE; member <= BOB; member++)
        assert_int_equal(world_withdraw(&world, member, WORLD_ALL).fault, FAULT_NONE);
    world_tick(&world);
    assert_int_equal(released(), PATTERNS);
    world_tick(&world);
    world_restart(&world);
    world_tick(&world);
    assert_int_equal(released(), PATTERNS);
    next_day();
    assert_in_range(released(), 6, 45);
    assert_released_as_the_coins_say(3);
}

static void a_gate_that_is_set_up_later_looks_at_what_is_released(void **state)
{
    (void)state;
    world.settings.release_gate = RELEASE_GATE_K;
    contribute(ALICE, CAROL);
    world_tick(&world);
    assert_int_equal(released(), PATTERNS);
    world.settings.release_gate = RELEASE_GATE_DP;
    world_restart(&world);
    world_tick(&world);
    assert_in_range(released(), 6, 45);
    assert_released_as_the_coins_say(3);
}

static void verifications_count_while_the_gate_is_closed(void **state)
{
    (void)state;
    contribute(ALICE, DAVE);
    assert_int_equal(world_contribute(&world, EVE, PATTERNS).added, 1);
    world_tick(&world);
    unsigned pattern = 0;
    while (!world_is_released(&world, pattern))
        pattern++;
    assert_int_equal(world_verify(&world, EVE, pattern, VERDICT_CONFIRM, FLAWLESS).fault,
                     FAULT_NONE);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT sum(confirmed) FROM release"), 1);
}

static void what_waits_for_the_gate_does_not_expire_before_it_has_opened(void **state)
{
    (void)state;
    world_tick(&world); /* today's opening */
    for (unsigned member = ALICE; member <= EVE; member++)
        assert_int_equal(world_contribute(&world, member, 0).added, 1);
    assert_int_equal(world_contribute(&world, ALICE, 1).added, 1);
    world.settings.epoch_grace_days = 0;
    world_rotate(&world, 3);
    for (int tick = 0; tick < 2; tick++) {
        world_tick(&world);
        assert_int_not_equal(world_pattern_id(&world, 0), 0);
        assert_int_not_equal(world_pattern_id(&world, 1), 0);
    }
    next_day();
    assert_true(world_is_released(&world, 0));
    assert_int_equal(world_pattern_id(&world, 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_group_of_k_is_released_with_the_probability_that_delta_allows),
        TEST(asking_again_every_day_opens_no_gate),
        TEST(the_gate_opens_once_a_day),
        TEST(below_k_a_group_falls_at_the_next_tick),
        TEST(above_k_it_falls_when_the_gate_opens_though_the_coordinator_started_anew),
        TEST(a_gate_that_is_set_up_later_looks_at_what_is_released),
        TEST(what_waits_for_the_gate_does_not_expire_before_it_has_opened),
        TEST(verifications_count_while_the_gate_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
