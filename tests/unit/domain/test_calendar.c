/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "domain/release.h"
#include "lib/world.h"

/*
 * Published numbers change with the calendar alone. Each test here is an attack on the noise: read
 * again and average, or make the group change and compare.
 */

enum { ALICE, BOB, CAROL, DAVE, EVE, FRANK, CAUTIOUS, SEVERAL = 24 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world.now_s -= world.now_s % NOISE_PERIOD_S;
    world_people(&world, FRANK + 1, MODE_OPEN);
    assert_int_equal(world_join(&world, CAUTIOUS, LEVEL_EXTENSIVE, MODE_HIGH), FAULT_NONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static void contribute(unsigned member, unsigned patterns, uint8_t confidence)
{
    for (unsigned first = 0; first < patterns; first += 8) {
        struct contributed answer;
        struct bundle bundle = {.count = 8, .confidence = confidence};
        for (unsigned i = 0; i < 8; i++)
            bundle.patterns[i] = first + i;
        world_contribute_start(&world, member, &bundle, &answer);
        world_run(&world);
        assert_int_equal(answer.added, 8);
    }
}

static void release(unsigned patterns)
{
    for (unsigned member = ALICE; member <= CAROL; member++)
        contribute(member, patterns, 80);
    world_tick(&world);
    for (unsigned i = 0; i < patterns; i++)
        assert_true(world_is_released(&world, i));
}

struct look {
    uint32_t contributor_count[SEVERAL];
    uint8_t confidence[SEVERAL];
};

static struct look look(void)
{
    struct look look;
    for (unsigned i = 0; i < SEVERAL; i++) {
        struct published published;
        assert_int_equal(world_lookup(&world, ALICE, i, &published), FAULT_NONE);
        look.contributor_count[i] = published.release.contributor_count;
        look.confidence[i] = published.release.confidence;
    }
    return look;
}

static size_t differences(const struct look *a, const struct look *b)
{
    size_t count = 0;
    for (size_t i = 0; i < SEVERAL; i++)
        count += a->contributor_count[i] != b->contributor_count[i];
    return count;
}

static void assert_same(const struct look *a, const struct look *b)
{
    assert_memory_equal(a->contributor_count, b->contributor_count, sizeof a->contributor_count);
    assert_memory_equal(a->confidence, b->confidence, sizeof a->confidence);
}

static void reading_again_and_again_within_a_period_tells_nothing_new(void **state)
{
    (void)state;
    for (unsigned member = DAVE; member <= CAUTIOUS; member++)
        contribute(member, SEVERAL, 80);
    release(SEVERAL); /* seven each, with the noise of an epsilon of 1/2 */
    struct look first = look(), again;
    for (int day = 1; day < 30; day++) {
        world.now_s += 86400;
        if (day % 7 == 0)
            world_restart(&world);
        world_tick(&world);
        again = look();
        assert_same(&first, &again);
    }
    world.now_s += 86400;
    world_tick(&world);
    again = look();
    assert_true(differences(&first, &again) > 2);
}

static void who_comes_and_goes_within_a_period_changes_no_number(void **state)
{
    (void)state;
    release(SEVERAL);
    struct look first = look(), again;
    for (unsigned member = DAVE; member <= FRANK; member++)
        contribute(member, SEVERAL, 10);
    contribute(CAUTIOUS, SEVERAL, 10);
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
    assert_int_equal(world_withdraw(&world, DAVE, WORLD_ALL).fault, FAULT_NONE);
    world_tick(&world);
    assert_int_equal(world_erase(&world, BOB, NULL), FAULT_NONE);
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
    world.now_s += NOISE_PERIOD_S;
    world_tick(&world);
    again = look();
    assert_true(differences(&first, &again) > SEVERAL / 4);
    assert_int_equal(again.confidence[0], 38); /* (80 + 80 + 3 * 10) / 5: everybody is counted */
    assert_int_equal(world_number(&world, "SELECT min(counted) FROM release"), 5);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE counted"),
                     5 * SEVERAL);
}

/* The noise of both would be of one stream, and so the difference the exact difference. */
static void a_group_that_is_released_again_in_its_period_shows_the_same_number(void **state)
{
    (void)state;
    release(SEVERAL);
    struct look first = look(), again;
    assert_int_equal(world_erase(&world, BOB, NULL), FAULT_NONE);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM release"), 0);
    world_restart(&world);
    for (unsigned member = DAVE; member <= FRANK; member++)
        contribute(member, SEVERAL, 10);
    contribute(CAUTIOUS, SEVERAL, 10); /* and another epsilon */
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
    assert_int_equal(world_number(&world, "SELECT min(counted) FROM release"), 6);
    world.now_s += NOISE_PERIOD_S;
    world_tick(&world);
    again = look();
    assert_true(differences(&first, &again) > SEVERAL / 4);
}

static void not_even_a_whole_new_group_shows_another_number(void **state)
{
    (void)state;
    release(SEVERAL);
    struct look first = look(), again;
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_withdraw(&world, member, WORLD_ALL).fault, FAULT_NONE);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 0);
    for (unsigned member = BOB; member <= FRANK; member++)
        contribute(member, SEVERAL, 10);
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
}

static void a_number_that_is_shown_no_longer_is_forgotten_with_its_period(void **state)
{
    (void)state;
    release(SEVERAL);
    assert_int_equal(world_withdraw(&world, ALICE, WORLD_ALL).fault, FAULT_NONE);
    world_tick(&world);
    world.now_s += NOISE_PERIOD_S - 1;
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM shown"), SEVERAL);
    world.now_s++;
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM shown"), 0);
}

static int64_t due(void)
{
    struct statement *row = sql(world.database, "SELECT count(*) FROM release WHERE period < ?");
    sql_integer(row, noise_period(world.now_s));
    assert_true(sql_step(row));
    int64_t count = sql_column_integer(row, 0);
    assert_int_equal(sql_end(row), FAULT_NONE);
    return count;
}

static void a_new_period_goes_through_in_small_steps_and_after_a_restart_too(void **state)
{
    (void)state;
    enum { COUNT = REDRAWS_MAX + 16 };
    release(COUNT);
    world.now_s += NOISE_PERIOD_S;
    assert_int_equal(due(), COUNT);
    /* Somebody comes to the last in the order, which does not bring its turn forward. */
    assert_int_equal(world_contribute(&world, DAVE, COUNT - 1).added, 1);
    world_tick(&world);
    assert_int_equal(due(), 16);
    assert_int_equal(world_number(&world, "SELECT max(pattern) = (SELECT max(pattern) FROM release)"
                                          " FROM release WHERE period ="
                                          " (SELECT min(period) FROM release)"),
                     1);
    world_restart(&world);
    world_tick(&world);
    assert_int_equal(due(), 0);
}

static void who_leaves_in_the_middle_of_a_redraw_is_not_counted(void **state)
{
    (void)state;
    release(8);
    for (unsigned member = DAVE; member <= EVE; member++)
        contribute(member, 8, 80);
    world_tick(&world);
    world.now_s += NOISE_PERIOD_S;
    release_tick(world.coordinator, world.now_s);
    world_work(&world); /* evaluated: five are counted */
    struct job_list settlement = world.commands;
    world.commands = (struct job_list){0};
    assert_int_equal(world_withdraw(&world, EVE, 0).fault, FAULT_NONE);
    world.commands = settlement;
    world_run(&world);
    world_tick(&world);
    assert_int_equal(due(), 0);
    assert_int_equal(world_number(&world, "SELECT sum(counted) FROM release"), 7 * 5 + 4);
}

static void a_new_confidence_is_what_is_searched_by(void **state)
{
    (void)state;
    enum { MINIMAL = 10 };
    assert_int_equal(world_join(&world, MINIMAL, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    world.settings.require_contribution = false;
    for (unsigned member = ALICE; member <= CAROL; member++)
        contribute(member, 8, 95);
    world_tick(&world);
    for (unsigned member = DAVE; member <= FRANK; member++)
        contribute(member, 8, 10);
    world_tick(&world);
    assert_int_equal(world_query(&world, MINIMAL, 1).count, 0); /* too sure for its level */
    world.now_s += NOISE_PERIOD_S;
    world_tick(&world);
    assert_int_equal(world_query(&world, MINIMAL, 1).results[0].confidence, 53);
}

static void a_clock_that_goes_back_draws_nothing(void **state)
{
    (void)state;
    release(SEVERAL);
    struct look first = look(), again;
    world.now_s -= 2 * NOISE_PERIOD_S;
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
    assert_int_equal(world_withdraw(&world, ALICE, WORLD_ALL).fault, FAULT_NONE);
    world_tick(&world);
    contribute(DAVE, SEVERAL, 10);
    world_tick(&world);
    again = look();
    assert_same(&first, &again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(reading_again_and_again_within_a_period_tells_nothing_new),
        TEST(who_comes_and_goes_within_a_period_changes_no_number),
        TEST(a_group_that_is_released_again_in_its_period_shows_the_same_number),
        TEST(not_even_a_whole_new_group_shows_another_number),
        TEST(a_number_that_is_shown_no_longer_is_forgotten_with_its_period),
        TEST(a_new_period_goes_through_in_small_steps_and_after_a_restart_too),
        TEST(who_leaves_in_the_middle_of_a_redraw_is_not_counted),
        TEST(a_new_confidence_is_what_is_searched_by),
        TEST(a_clock_that_goes_back_draws_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
