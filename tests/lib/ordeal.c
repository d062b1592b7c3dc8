/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ordeal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "store/catalog.h"
#include "store/instances.h"
#include "store/search.h"

enum { ALICE, BOB, CAROL, DAVE, EVE, MEMBERS };
enum { RELEASED, SEALED, SPOILED, ALICES, EVES, PATTERNS };

void ordeal_prepare(struct world *world, bool durable)
{
    world_prepare(world);
    world->durable = durable;
    world->settings.unproven_allowance = 3;
    world->settings.quality_votes = 1;
    world->spoiled[SPOILED] = true;
    assert_int_equal(world_try_open(world), FAULT_NONE);
    for (unsigned member = ALICE; member < MEMBERS; member++)
        assert_int_equal(world_join(world, member, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
    for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
        world_pattern(world, pattern);
}

static void assert_of_the_machine(enum fault fault)
{
    switch ((int)fault) {
    case FAULT_NONE:
    case FAULT_STORAGE:
    case FAULT_MEMORY:
    case FAULT_CORRUPT: /* SQLite's word for a page that it could not read back */
    case FAULT_NOT_FOUND:
    case FAULT_CONTRIBUTION_REQUIRED:
    case FAULT_INSUFFICIENT_CREDITS:
    case FAULT_ALREADY_VERIFIED: /* the answer to the first time was lost */
        return;
    default:
        fail_msg("answered %s", fault_code(fault));
    }
}

static void contribute(struct world *world, unsigned member)
{
    struct contributed contributed;
    struct bundle bundle = {.patterns = {RELEASED, SPOILED}, .count = 2, .confidence = 80};
    bundle.bad = member == DAVE;
    if (member <= BOB)
        bundle.patterns[bundle.count++] = SEALED;
    if (member == EVE)
        bundle = (struct bundle){.patterns = {EVES}, .count = 1, .confidence = 80};
    if (member == ALICE)
        bundle.patterns[bundle.count++] = ALICES;
    world_contribute_start(world, member, &bundle, &contributed);
    world_run(world);
    assert_of_the_machine(contributed.fault);
}

static void judge(struct world *world)
{
    struct judgements counts;
    size_t count = 0;
    assert_of_the_machine(world_verify(world, EVE, RELEASED, VERDICT_CONFIRM, FLAWLESS).fault);
    assert_of_the_machine(world_verifications(world, RELEASED, &counts, &count));
    assert_of_the_machine(world_vote(world, EVE, RELEASED, true));
    world_tick(world);
}

/* With a key, so that it is charged once, however often it is asked. */
static void ask(struct world *world)
{
    struct keyed keyed;
    struct asked asked;
    world_keyed(world, BOB, "/v1/queries", "once", &keyed);
    if (!world_recall_query(world, &keyed, &asked)) {
        world->memo = &keyed.memo;
        world_query_start(world, BOB, RELEASED, false, &asked);
        world->memo = NULL;
        world_run(world);
    }
    assert_of_the_machine(asked.fault);
}

/* EVE asks, at no cost, ALICE answers, BOB declines. */
static void route(struct world *world)
{
    struct asking asking = {.member = EVE, .pattern = RELEASED, .fanout = 8};
    struct credits price = world->settings.price_query;
    world->settings.price_query.milli = 0;
    struct routed routed = world_route(world, &asking);
    world->settings.price_query = price;
    assert_of_the_machine(routed.fault);
    struct inboxed alice = world_inbox(world, ALICE, 1), bob = world_inbox(world, BOB, 1);
    assert_of_the_machine(alice.fault);
    assert_of_the_machine(bob.fault);
    if (alice.count)
        assert_of_the_machine(world_reply(world, ALICE, alice.deliveries[0].id, 1));
    if (bob.count)
        assert_of_the_machine(world_reply(world, BOB, bob.deliveries[0].id, WORLD_DECLINE));
    world->now_s++;
    assert_of_the_machine(world_answers(world, EVE, routed.query_id).fault);
    world->now_s--;
}

void ordeal_run(struct world *world)
{
    struct published published;
    for (unsigned member = ALICE; member < MEMBERS; member++)
        contribute(world, member);
    world_tick(world);
    ask(world);
    ask(world);
    assert_of_the_machine(world_lookup(world, BOB, RELEASED, &published));
    judge(world);
    /* Each command makes the torture of the disk longer, by its square. */
    if (!world->durable)
        route(world);
    assert_of_the_machine(world_withdraw(world, ALICE, ALICES).fault);
    assert_of_the_machine(world_withdraw(world, CAROL, WORLD_ALL).fault);
    if (world_instance(world, DAVE))
        assert_of_the_machine(world_erase(world, DAVE, NULL));
    world_tick(world);
}

void ordeal_assert_sound(struct world *world)
{
    const struct coordinator *coordinator = world->coordinator;
    assert_int_equal(world->commands.count, 0);
    assert_int_equal(world->jobs.count, 0);
    assert_false(coordinator->tick_runs);
    /* Ends a transaction for whose end there was no memory; otherwise we would look into it. */
    assert_int_equal(database_begin(world->database), FAULT_NONE);
    assert_int_equal(database_commit(world->database), FAULT_NONE);
    rows_assert_sound(world->database);
    int64_t charged = world_number(world, "SELECT count(*) FROM transfer WHERE kind = 'query'");
    assert_int_equal(charged, world_number(world, "SELECT count(*) FROM memo WHERE NOT refused"));
    assert_true(charged <= 1);
    assert_int_equal(catalog_count(coordinator->catalog),
                     world_number(world, "SELECT count(*) FROM pattern"));
    assert_int_equal(directory_count(coordinator->directory),
                     world_number(world, "SELECT count(*) FROM instance"));
    for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
        if (world_is_released(world, pattern))
            assert_true(world_number(world, "SELECT count(*) FROM release") >= 1);
    for (unsigned member = ALICE; member < MEMBERS; member++) {
        const struct instance *instance = world_instance(world, member);
        struct activity today;
        struct instance_row row;
        if (!instance)
            continue;
        assert_int_equal(
            activity_get(world->database, instance->number, world->now_s / 86400, &today),
            FAULT_NONE);
        assert_int_equal(instance_weekly(instance, world->now_s / 86400), today.accepted);
        assert_int_equal(instance_get(world->database, instance->number, &row), FAULT_NONE);
        assert_int_equal(instance->has_contributed, row.next_sequence > 1);
        assert_int_equal(instance->pending.milli, 0);
    }
}

void ordeal_finish(struct world *world)
{
    if (!world_instance(world, DAVE))
        assert_int_equal(world_join(world, DAVE, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
    for (unsigned member = ALICE; member < MEMBERS; member++)
        contribute(world, member);
    world_tick(world);
    ordeal_assert_sound(world);
    assert_true(world_is_released(world, RELEASED));
    assert_false(world_is_released(world, SEALED));
    assert_false(world_is_released(world, SPOILED));
    assert_int_equal(search_count(world->coordinator->search), 1);
    judge(world);
    ordeal_assert_sound(world);
    assert_int_equal(world_number(world, "SELECT confirmed FROM release"), 1);
    assert_int_equal(world_number(world, "SELECT votes_high FROM release"), 1);
    assert_int_equal(world_withdraw(world, CAROL, WORLD_ALL).withdrawn, 2);
    assert_int_equal(world_erase(world, DAVE, NULL), FAULT_NONE);
    world_tick(world);
    ordeal_assert_sound(world);
    assert_false(world_is_released(world, RELEASED));
    assert_int_equal(search_count(world->coordinator->search), 0);
    assert_int_equal(world_number(world, "SELECT count(*) FROM release"), 0);
}
