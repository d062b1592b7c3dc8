/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/routing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/retention.h"
#include "domain/waiting.h"
#include "lib/world.h"

/* CONTRIBUTORS of them hold PATTERN; the asker holds something else, and has credits. */
enum { CONTRIBUTORS = 10, ASKER = CONTRIBUTORS, RIVAL, MEMBERS };
enum { PATTERN = 1, SEALED = 2, OTHER = 3, OWN = 100, CREDITS = 60 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, MEMBERS, MODE_BALANCED);
    for (unsigned member = 0; member < CONTRIBUTORS; member++)
        world_contribute(&world, member, PATTERN);
    for (unsigned i = 0; i < CREDITS; i++) {
        world_contribute(&world, ASKER, OWN + i);
        world_contribute(&world, RIVAL, OWN + CREDITS + i);
    }
    world_contribute(&world, 0, SEALED);
    world_contribute(&world, 1, SEALED);
    world_tick(&world);
    return world_is_released(&world, PATTERN) && !world_is_released(&world, SEALED) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static struct routed ask(unsigned member, unsigned fanout)
{
    return world_route(&world,
                       &(struct asking){.member = member, .pattern = PATTERN, .fanout = fanout});
}

/* The one who is asked by a question of fanout 1. */
static unsigned asked(const struct routed *routed)
{
    assert_int_equal(routed->count, 1);
    for (unsigned member = 0; member < MEMBERS; member++)
        if (world_instance(&world, member)->number == routed->instances[0])
            return member;
    return MEMBERS;
}

static unsigned ask_one(struct routed *ret)
{
    *ret = ask(ASKER, 1);
    assert_int_equal(ret->fault, FAULT_NONE);
    assert_true(ret->routed);
    return asked(ret);
}

static void a_question_reaches_as_many_contributors_as_asked_for(void **state)
{
    (void)state;
    struct routed routed = ask(ASKER, 4);
    assert_int_equal(routed.fault, FAULT_NONE);
    assert_true(routed.routed);
    size_t reached = 0;
    for (unsigned member = 0; member < MEMBERS; member++) {
        struct inboxed inbox = world_inbox(&world, member, DELIVERIES_MAX);
        reached += inbox.count;
        assert_true(inbox.count <= 1);
        if (inbox.count)
            assert_int_equal(inbox.deliveries[0].first, ASKER);
        assert_true(member < CONTRIBUTORS || inbox.count == 0);
    }
    assert_int_equal(reached, 4);
}

static void the_asker_is_never_asked(void **state)
{
    (void)state;
    world.settings.price_query.milli = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(0, 8).count, 8); /* a contributor itself */
    assert_int_equal(world_inbox(&world, 0, 1).count, 0);
}

static void nobody_is_asked_about_a_pattern_below_the_threshold(void **state)
{
    (void)state;
    struct asking asking = {.member = ASKER, .pattern = SEALED, .fanout = 8};
    struct routed routed = world_route(&world, &asking);
    assert_int_equal(routed.fault, FAULT_NONE);
    assert_false(routed.routed);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 0);
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).fault, FAULT_NOT_FOUND);
    /* Fallen below, and not yet un-released. */
    for (unsigned member = 2; member < CONTRIBUTORS; member++)
        world_withdraw(&world, member, PATTERN);
    assert_true(world_is_released(&world, PATTERN));
    assert_false(ask(ASKER, 8).routed);
}

static void a_refused_query_costs_nothing_and_reaches_nobody(void **state)
{
    (void)state;
    int64_t before = world_balance(&world, ASKER);
    world.settings.max_routed_open = 2;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ask(ASKER, 1).fault, FAULT_NONE);
    assert_int_equal(ask(ASKER, 1).fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(world_balance(&world, ASKER), before - 2000);
    world.settings.max_routed_open = 100;
    world.settings.max_routed_per_hour = 2;
    assert_int_equal(ask(ASKER, 1).fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(ask(RIVAL, 1).fault, FAULT_NONE);
    world.now_s += 3600;
    assert_int_equal(ask(ASKER, 1).fault, FAULT_NONE);
    world.settings.price_query.milli = INT64_C(1000000);
    assert_int_equal(ask(ASKER, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 4);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM delivery"), 4);
}

static void who_was_asked_longest_ago_is_asked_first(void **state)
{
    (void)state;
    unsigned counts[MEMBERS] = {0};
    for (unsigned i = 0; i < 5 * CONTRIBUTORS; i++) {
        struct routed routed;
        counts[ask_one(&routed)]++;
    }
    for (unsigned member = 0; member < CONTRIBUTORS; member++)
        assert_in_range(counts[member], 2, 9);
}

static void chance_decides_among_the_best(void **state)
{
    (void)state;
    /* Two were never asked; which of them is next is open. */
    bool seen[2] = {false, false};
    for (unsigned round = 0; round < 40; round++) {
        struct routed routed;
        char update[200];
        assert_int_equal(sql_script(world.database, "UPDATE instance SET last_asked = 1000000"),
                         FAULT_NONE);
        snprintf(update, sizeof update,
                 "UPDATE instance SET last_asked = 0 WHERE number IN (%lld, %lld)",
                 (long long)world_instance(&world, 3)->number,
                 (long long)world_instance(&world, 7)->number);
        assert_int_equal(sql_script(world.database, update), FAULT_NONE);
        unsigned member = ask_one(&routed);
        assert_true(member == 3 || member == 7);
        seen[member == 7] = true;
    }
    assert_true(seen[0] && seen[1]);
    /* Nobody may be left with a mark below a delivery. */
    assert_int_equal(sql_script(world.database, "UPDATE instance SET last_asked = 1000000"),
                     FAULT_NONE);
}

static void who_contributes_after_the_release_is_asked_as_well(void **state)
{
    (void)state;
    bool is_asked = false;
    struct routed routed;
    assert_int_equal(world_contribute(&world, RIVAL, PATTERN).added, 1);
    for (unsigned i = 0; i < 20; i++)
        assert_int_not_equal(ask_one(&routed), RIVAL); /* no tick has seen it */
    world_tick(&world);
    for (unsigned i = 0; i < 20 && !is_asked; i++)
        is_asked = ask_one(&routed) == RIVAL;
    assert_true(is_asked);
}

/* What it is content with is no matter of when it came. */
static void a_mode_that_is_not_content_with_the_group_is_not_asked(void **state)
{
    (void)state;
    enum { FIRST = 4 };
    struct routed routed;
    world_profile(&world, RIVAL, LEVEL_COUNT, MODE_HIGH);
    for (unsigned member = FIRST; member < FIRST + 3; member++)
        world_contribute(&world, member, OTHER);
    world_tick(&world);
    assert_int_equal(world_contribute(&world, RIVAL, OTHER).added, 1);
    world_tick(&world);
    for (unsigned i = 0; i < 20; i++) {
        routed =
            world_route(&world, &(struct asking){.member = ASKER, .pattern = OTHER, .fanout = 1});
        assert_int_not_equal(asked(&routed), RIVAL);
    }
}

static void a_declared_domain_comes_first_among_equals(void **state)
{
    (void)state;
    char update[200];
    snprintf(update, sizeof update,
             "UPDATE instance SET domains = 'x %s y' WHERE number IN (%lld, %lld)",
             made_up_domain(PATTERN), (long long)world_instance(&world, 4)->number,
             (long long)world_instance(&world, 6)->number);
    assert_int_equal(sql_script(world.database, update), FAULT_NONE);
    for (unsigned i = 0; i < 10; i++) {
        struct routed routed;
        unsigned member = ask_one(&routed);
        assert_true(member == 4 || member == 6);
    }
}

static void full_inboxes_are_passed_by_and_the_asker_cannot_tell(void **state)
{
    (void)state;
    world.settings.max_inbox = 2;
    struct routed routed = ask(ASKER, 8);
    size_t reached = 0;
    for (; routed.count > 0; routed = ask(ASKER, 8))
        reached += routed.count;
    assert_int_equal(reached, 2 * CONTRIBUTORS);
    assert_true(routed.routed);
    struct answered answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.fault, FAULT_NONE);
    assert_true(answered.open);
}

static void one_asker_cannot_fill_an_inbox(void **state)
{
    (void)state;
    world.settings.max_inbox_per_asker = 1;
    for (unsigned i = 0; i < 5; i++)
        ask(ASKER, 8);
    for (unsigned member = 0; member < CONTRIBUTORS; member++)
        assert_int_equal(world_inbox(&world, member, DELIVERIES_MAX).count, 1);
    assert_int_equal(ask(RIVAL, 8).count, 8);
}

static void a_member_is_asked_only_so_often_in_an_hour(void **state)
{
    (void)state;
    world.settings.max_inbox_per_hour = 3;
    size_t asked_for = 0;
    for (unsigned i = 0; i < 10; i++)
        asked_for += ask(ASKER, 8).count;
    assert_int_equal(asked_for, 3 * CONTRIBUTORS);
    world.now_s += 3601;
    assert_int_equal(ask(ASKER, 8).count, 8);
}

static void a_lease_hides_a_delivery_until_it_ends(void **state)
{
    (void)state;
    struct routed routed;
    unsigned member = ask_one(&routed);
    struct inboxed first = world_inbox(&world, member, 10);
    assert_int_equal(first.count, 1);
    world.now_s += 119;
    struct inboxed leased = world_inbox(&world, member, 10);
    assert_int_equal(leased.count, 0);
    assert_int_equal(leased.next_due_s, world.now_s + 1);
    world.now_s++;
    struct inboxed again = world_inbox(&world, member, 10);
    assert_int_equal(again.count, 1);
    assert_memory_equal(again.deliveries[0].id, first.deliveries[0].id, DELIVERY_ID_LENGTH);
}

static void a_restart_keeps_leases_deliveries_and_answers(void **state)
{
    (void)state;
    struct routed routed;
    unsigned member = ask_one(&routed);
    struct inboxed inbox = world_inbox(&world, member, 10);
    world_restart(&world);
    assert_int_equal(world_inbox(&world, member, 10).count, 0);
    assert_int_equal(world_reply(&world, member, inbox.deliveries[0].id, 7), FAULT_NONE);
    world_restart(&world);
    world.now_s += 1;
    struct answered answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.count, 1);
    assert_int_equal(answered.first[0], 7);
}

static void priority_comes_first_then_age(void **state)
{
    (void)state;
    struct asking asking = {.pattern = PATTERN, .fanout = 8};
    const bool priorities[] = {false, true, false, true};
    const unsigned askers[] = {ASKER, 0, RIVAL, 1};
    world.settings.price_priority.milli = 0;
    for (unsigned i = 0; i < 4; i++) {
        asking.member = askers[i];
        asking.priority = priorities[i];
        asking.fanout = 8;
        world.settings.price_query.milli = 0;
        assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
    }
    for (unsigned member = 2; member < CONTRIBUTORS; member++) {
        struct inboxed inbox = world_inbox(&world, member, DELIVERIES_MAX);
        bool seen_common = false;
        size_t rank = 0;
        const unsigned order[] = {0, 1, ASKER, RIVAL};
        for (size_t i = 0; i < inbox.count; i++) {
            assert_false(seen_common && inbox.deliveries[i].priority);
            seen_common |= !inbox.deliveries[i].priority;
            while (rank < 4 && order[rank] != inbox.deliveries[i].first)
                rank++;
            assert_true(rank < 4);
        }
    }
}

static void an_inbox_gives_no_more_than_asked_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        ask(ASKER, 8);
    size_t first = 0, rest = 0;
    for (unsigned member = 0; member < CONTRIBUTORS; member++) {
        size_t count = world_inbox(&world, member, 2).count;
        assert_true(count <= 2);
        first += count;
        rest += world_inbox(&world, member, DELIVERIES_MAX).count;
    }
    assert_int_equal(first + rest, 40);
}

static void the_same_answer_again_is_no_fault_and_another_is_one(void **state)
{
    (void)state;
    struct routed routed;
    unsigned member = ask_one(&routed);
    struct inboxed inbox = world_inbox(&world, member, 1);
    const uint8_t *id = inbox.deliveries[0].id;
    assert_int_equal(world_reply(&world, member, id, 1), FAULT_NONE);
    assert_int_equal(world_reply(&world, member, id, 1), FAULT_NONE);
    assert_int_equal(world_reply(&world, member, id, 2), FAULT_ALREADY_ANSWERED);
    assert_int_equal(world_reply(&world, member, id, WORLD_DECLINE), FAULT_ALREADY_ANSWERED);
    world.now_s += 200;
    assert_int_equal(world_inbox(&world, member, 1).count, 0);
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).count, 1);
}

static void a_declined_delivery_does_not_come_back(void **state)
{
    (void)state;
    struct routed routed;
    unsigned member = ask_one(&routed);
    struct inboxed inbox = world_inbox(&world, member, 1);
    const uint8_t *id = inbox.deliveries[0].id;
    assert_int_equal(world_reply(&world, member, id, WORLD_DECLINE), FAULT_NONE);
    assert_int_equal(world_reply(&world, member, id, WORLD_DECLINE), FAULT_NONE);
    assert_int_equal(world_reply(&world, member, id, 1), FAULT_NOT_FOUND);
    world.now_s += 200;
    assert_int_equal(world_inbox(&world, member, 1).count, 0);
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).count, 0);
}

static void another_members_delivery_and_query_are_unknown(void **state)
{
    (void)state;
    struct routed routed;
    unsigned member = ask_one(&routed), other = member ? 0 : 1;
    struct inboxed inbox = world_inbox(&world, member, 1);
    assert_int_equal(world_reply(&world, other, inbox.deliveries[0].id, 1), FAULT_NOT_FOUND);
    assert_int_equal(world_answers(&world, member, routed.query_id).fault, FAULT_NOT_FOUND);
}

static void answers_leave_in_batches(void **state)
{
    (void)state;
    world.settings.answer_cadence_s = 10;
    world.now_s = world.now_s / 10 * 10 + 3;
    struct routed routed = ask(ASKER, 8);
    uint8_t count = 0;
    for (unsigned member = 0; member < CONTRIBUTORS; member++) {
        struct inboxed inbox = world_inbox(&world, member, 1);
        if (inbox.count)
            assert_int_equal(world_reply(&world, member, inbox.deliveries[0].id, count++),
                             FAULT_NONE);
        if (count == 3)
            world.now_s += 2;
        if (count == 6)
            break;
    }
    struct answered answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.count, 0);
    assert_false(answered.news);
    assert_int_equal(answered.next_due_s % 10, 0);
    world.now_s = answered.next_due_s;
    answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.count, 6);
    assert_true(answered.news);
    for (size_t i = 0; i < answered.count; i++)
        assert_int_equal(answered.received_at_s[i], world.now_s);
    struct answered again = world_answers(&world, ASKER, routed.query_id);
    assert_false(again.news);
    assert_memory_equal(again.first, answered.first, sizeof again.first);
}

static void the_order_within_a_batch_says_nothing(void **state)
{
    (void)state;
    unsigned in_order = 0;
    for (unsigned round = 0; round < 12; round++) {
        struct routed routed = ask(ASKER, 8);
        uint8_t count = 0;
        for (unsigned member = 0; member < CONTRIBUTORS; member++) {
            struct inboxed inbox = world_inbox(&world, member, 1);
            if (inbox.count)
                world_reply(&world, member, inbox.deliveries[0].id, count++);
        }
        world.now_s += 1;
        struct answered answered = world_answers(&world, ASKER, routed.query_id);
        bool ascending = answered.count == 8;
        for (size_t i = 1; i < answered.count; i++)
            ascending &= answered.first[i] > answered.first[i - 1];
        in_order += ascending;
    }
    assert_true(in_order < 3);
}

static void time_runs_out_for_deliveries_and_answers(void **state)
{
    (void)state;
    struct asking asking = {.member = ASKER, .pattern = PATTERN, .fanout = 8, .ttl_s = 60};
    struct routed routed = world_route(&world, &asking);
    unsigned first = MEMBERS, second = MEMBERS, third = MEMBERS;
    struct inboxed inboxes[MEMBERS];
    for (unsigned member = 0; member < CONTRIBUTORS; member++) {
        inboxes[member] = world_inbox(&world, member, 1);
        if (!inboxes[member].count)
            continue;
        third = second;
        second = first;
        first = member;
    }
    assert_int_equal(world_reply(&world, first, inboxes[first].deliveries[0].id, 5), FAULT_NONE);
    int64_t expires_at_s = inboxes[first].deliveries[0].expires_at_s;
    assert_int_equal(expires_at_s % 60, 0);
    assert_in_range(expires_at_s - world.now_s, 60, 119);
    world.now_s = expires_at_s - 1;
    assert_int_equal(world_reply(&world, second, inboxes[second].deliveries[0].id, 6), FAULT_NONE);
    assert_true(world_answers(&world, ASKER, routed.query_id).open);
    world.now_s = expires_at_s;
    assert_int_equal(world_reply(&world, third, inboxes[third].deliveries[0].id, 7),
                     FAULT_NOT_FOUND);
    assert_int_equal(world_reply(&world, first, inboxes[first].deliveries[0].id, 5), FAULT_NONE);
    struct answered answered = world_answers(&world, ASKER, routed.query_id);
    assert_int_equal(answered.count, 2);
    assert_false(answered.open);
    world.now_s += 3600;
    for (unsigned member = 0; member < CONTRIBUTORS; member++)
        assert_int_equal(world_inbox(&world, member, 1).count, 0);
}

static void what_is_over_is_deleted_in_steps(void **state)
{
    enum { STEP = 32 };
    (void)state;
    struct asking asking = {.member = ASKER, .pattern = PATTERN, .fanout = 2, .ttl_s = 60};
    world.settings.price_query.milli = 0;
    for (unsigned i = 0; i < 2 * STEP + 5; i++)
        assert_int_equal(world_route(&world, &asking).fault, FAULT_NONE);
    asking.ttl_s = 7200;
    struct routed kept = world_route(&world, &asking);
    world.now_s += 119 + ROUTE_KEPT_S;
    retention_sweep(world.coordinator, world.now_s);
    world_write(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), STEP + 6);
    world_run(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 1);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM delivery"), 2);
    assert_int_equal(world_answers(&world, ASKER, kept.query_id).fault, FAULT_NONE);
}

static void erasure_takes_questions_deliveries_and_answers(void **state)
{
    (void)state;
    struct routed routed = ask(ASKER, 1);
    unsigned member = asked(&routed);
    struct inboxed inbox = world_inbox(&world, member, 1);
    assert_int_equal(world_reply(&world, member, inbox.deliveries[0].id, 1), FAULT_NONE);
    struct routed of_rival = ask(RIVAL, 8);
    assert_int_equal(of_rival.count, 8);
    assert_int_equal(world_erase(&world, member, NULL), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM answer"), 0);
    world.now_s += 1;
    assert_int_equal(world_answers(&world, ASKER, routed.query_id).count, 0);
    assert_int_equal(world_erase(&world, RIVAL, NULL), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 1);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM delivery"), 0);
    assert_int_equal(world_erase(&world, ASKER, NULL), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 0);
}

static void a_member_erased_while_it_polled_is_told(void **state)
{
    (void)state;
    struct instance *instance = world_instance(&world, 0);
    struct inboxed ret = {.fault = WORLD_UNANSWERED};
    int64_t number = instance->number;
    assert_int_equal(world_erase(&world, 0, NULL), FAULT_NONE);
    struct inbox *inbox = inbox_new(world.coordinator);
    inbox->number = number;
    inbox->now_s = world.now_s;
    inbox->max = 1;
    ret.fault = inbox->operation.command.apply(&inbox->operation.command, world.database);
    operation_free(&inbox->operation);
    assert_int_equal(ret.fault, FAULT_TOKEN_INVALID);
}

struct woken {
    struct waiter waiter; /* first */
    unsigned count;
};

static void wake(struct waiter *waiter)
{
    ((struct woken *)waiter)->count++;
}

static void what_is_routed_wakes_who_waits_for_it(void **state)
{
    (void)state;
    struct woken waiters[MEMBERS];
    struct waiting *waiting = world.coordinator->waiting;
    for (unsigned i = 0; i < MEMBERS; i++) {
        waiters[i] = (struct woken){
            .waiter = {.key = {WAITING_INBOX, world_instance(&world, i)->number}, .wake = wake}};
        assert_true(waiting_add(waiting, &waiters[i].waiter, 60000, 0));
    }
    struct routed routed = ask(ASKER, 3);
    waiting_turn(waiting, (struct moment){0, world.now_s * 1000});
    for (unsigned i = 0; i < MEMBERS; i++) {
        bool is_asked = false;
        for (size_t j = 0; j < routed.count; j++)
            is_asked |= routed.instances[j] == waiters[i].waiter.key.number;
        assert_int_equal(waiters[i].count, is_asked);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_question_reaches_as_many_contributors_as_asked_for),
        TEST(the_asker_is_never_asked),
        TEST(nobody_is_asked_about_a_pattern_below_the_threshold),
        TEST(a_refused_query_costs_nothing_and_reaches_nobody),
        TEST(who_was_asked_longest_ago_is_asked_first),
        TEST(chance_decides_among_the_best),
        TEST(who_contributes_after_the_release_is_asked_as_well),
        TEST(a_mode_that_is_not_content_with_the_group_is_not_asked),
        TEST(a_declared_domain_comes_first_among_equals),
        TEST(full_inboxes_are_passed_by_and_the_asker_cannot_tell),
        TEST(one_asker_cannot_fill_an_inbox),
        TEST(a_member_is_asked_only_so_often_in_an_hour),
        TEST(a_lease_hides_a_delivery_until_it_ends),
        TEST(a_restart_keeps_leases_deliveries_and_answers),
        TEST(priority_comes_first_then_age),
        TEST(an_inbox_gives_no_more_than_asked_for),
        TEST(the_same_answer_again_is_no_fault_and_another_is_one),
        TEST(a_declined_delivery_does_not_come_back),
        TEST(another_members_delivery_and_query_are_unknown),
        TEST(answers_leave_in_batches),
        TEST(the_order_within_a_batch_says_nothing),
        TEST(time_runs_out_for_deliveries_and_answers),
        TEST(what_is_over_is_deleted_in_steps),
        TEST(erasure_takes_questions_deliveries_and_answers),
        TEST(a_member_erased_while_it_polled_is_told),
        TEST(what_is_routed_wakes_who_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
