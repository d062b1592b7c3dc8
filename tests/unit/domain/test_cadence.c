/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/routing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/world.h"

/* When answers become visible, where the batches do not fit into minutes. */

enum { ALICE, BOB, CAROL, ASKER, MEMBERS, PATTERN = 1, TTL_S = 60, CADENCE_S = 50 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world.settings.answer_cadence_s = CADENCE_S;
    for (unsigned member = 0; member < MEMBERS; member++) {
        assert_int_equal(world_join(&world, member, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
        world_contribute(&world, member, member == ASKER ? PATTERN + 1 : PATTERN);
    }
    world_tick(&world);
    return world.now_s % 60 == 0 && world_is_released(&world, PATTERN) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

/* One of the three answers `delay_s` after the question. */
static struct routed answered_after(int64_t delay_s)
{
    struct asking asking = {.member = ASKER, .pattern = PATTERN, .fanout = 1, .ttl_s = TTL_S};
    struct routed routed = world_route(&world, &asking);
    assert_int_equal(routed.fault, FAULT_NONE);
    world.now_s += delay_s;
    for (unsigned member = ALICE; member <= CAROL; member++) {
        struct inboxed inboxed = world_inbox(&world, member, 1);
        if (inboxed.count > 0)
            assert_int_equal(world_reply(&world, member, inboxed.deliveries[0].id, 'a'),
                             FAULT_NONE);
    }
    return routed;
}

static void the_last_batch_ends_when_the_question_closes(void **state)
{
    (void)state;
    int64_t asked_at_s = world.now_s;
    struct routed routed = answered_after(TTL_S - 5);
    struct answered answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.count, 0);
    assert_int_equal(answered.next_due_s, asked_at_s + TTL_S);
    world.now_s = asked_at_s + TTL_S;
    answered = world_answers(&world, ASKER, routed.query_id);
    assert_false(answered.open);
    assert_int_equal(answered.count, 1);
    assert_int_equal(answered.received_at_s[0], asked_at_s + TTL_S);
}

static void an_earlier_batch_ends_as_ever(void **state)
{
    (void)state;
    int64_t asked_at_s = world.now_s;
    struct routed routed = answered_after(5);
    world.now_s = asked_at_s + CADENCE_S - 1;
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).count, 0);
    world.now_s++;
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_last_batch_ends_when_the_question_closes),
        TEST(an_earlier_batch_ends_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
