/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/retention.h"
#include "lib/world.h"

/* Three hold pattern 1, which is released; the others have contributed something of their own. */
enum { ALICE, BOB, CAROL, DAVE, EVE, MEMBERS };
enum { PATTERN = 1, NEW = 2, OTHER = 3, OWN = 100 };
#define QUERIES       "/v1/queries"
#define CONTRIBUTIONS "/v1/contributions"
#define VERIFICATIONS "/v1/patterns/one/verifications"

#define ZEROS_24 "000000000000000000000000000000000000000000000000"

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    for (unsigned member = ALICE; member < MEMBERS; member++) {
        assert_int_equal(world_join(&world, member, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
        world_contribute(&world, member, member <= CAROL ? PATTERN : OWN + member);
    }
    world_tick(&world);
    return world_is_released(&world, PATTERN) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int64_t memos(void)
{
    return world_number(&world, "SELECT count(*) FROM memo");
}

/* Each does what a request with a key does: recalled, or done and remembered. */
static struct asked ask(unsigned member, const char *path, const char *key)
{
    struct keyed keyed;
    struct asked asked = {.fault = WORLD_UNANSWERED};
    world_keyed(&world, member, path, key, &keyed);
    if (world_recall_query(&world, &keyed, &asked))
        return asked;
    world.memo = &keyed.memo;
    world_query_start(&world, member, PATTERN, false, &asked);
    world_run(&world);
    return asked;
}

static struct contributed contribute(unsigned member, const struct bundle *bundle, const char *key)
{
    struct keyed keyed;
    struct contributed contributed = {.fault = WORLD_UNANSWERED};
    world_keyed(&world, member, CONTRIBUTIONS, key, &keyed);
    if (world_recall_contribution(&world, &keyed, &contributed))
        return contributed;
    world.memo = &keyed.memo;
    world_contribute_start(&world, member, bundle, &contributed);
    world_run(&world);
    return contributed;
}

static struct verified verify(unsigned member, const char *key)
{
    struct keyed keyed;
    struct verified verified = {.fault = WORLD_UNANSWERED};
    world_keyed(&world, member, VERIFICATIONS, key, &keyed);
    if (world_recall_verification(&world, &keyed, &verified))
        return verified;
    world.memo = &keyed.memo;
    return world_verify(&world, member, PATTERN, VERDICT_CONFIRM, FLAWLESS);
}

static void a_query_again_is_the_same_query_and_costs_nothing(void **state)
{
    (void)state;
    struct asked first = ask(DAVE, QUERIES, "a");
    assert_int_equal(first.fault, FAULT_NONE);
    assert_int_equal(first.cost.milli, 1000);
    assert_int_equal(first.balance.milli, 0);
    assert_int_equal(first.count, 1);
    world_contribute(&world, DAVE, NEW);
    struct asked again = ask(DAVE, QUERIES, "a");
    assert_int_equal(again.fault, FAULT_NONE);
    assert_int_equal(again.cost.milli, 1000);
    assert_int_equal(again.balance.milli, 1000); /* today's */
    assert_int_equal(again.count, 1);
    assert_memory_equal(again.id, first.id, sizeof first.id);
    assert_memory_equal(&again.results[0], &first.results[0], sizeof first.results[0]);
    assert_int_equal(world_balance(&world, DAVE), 1000);
    assert_int_equal(memos(), 1);
}

static void results_are_fetched_anew(void **state)
{
    (void)state;
    assert_int_equal(ask(DAVE, QUERIES, "a").count, 1);
    assert_int_equal(world_verify(&world, EVE, PATTERN, VERDICT_CONFIRM, FLAWLESS).fault,
                     FAULT_NONE);
    world_withdraw(&world, ALICE, PATTERN);
    assert_int_equal(ask(DAVE, QUERIES, "a").count, 1); /* until the tick */
    world_tick(&world);
    struct asked again = ask(DAVE, QUERIES, "a");
    assert_int_equal(again.fault, FAULT_NONE);
    assert_int_equal(again.count, 0);
    assert_int_equal(again.cost.milli, 1000);
    world_contribute(&world, ALICE, PATTERN);
    world_tick(&world);
    assert_int_equal(ask(DAVE, QUERIES, "a").count, 1);
}

/* Ids of rows are given out again; another pattern under the id was not found then. */
static void a_pattern_that_got_the_id_of_another_is_not_its_result(void **state)
{
    (void)state;
    uint32_t id = world_pattern_id(&world, PATTERN);
    assert_int_equal(ask(DAVE, QUERIES, "a").count, 1);
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_withdraw(&world, member, PATTERN);
    world_tick(&world);
    for (unsigned pattern = 200; !world_pattern_id(&world, PATTERN); pattern++) {
        for (unsigned member = ALICE; member <= CAROL; member++)
            world_contribute(&world, member, pattern);
        world_tick(&world);
        assert_true(world_is_released(&world, pattern));
        if (world_pattern_id(&world, pattern) == id) {
            assert_int_equal(ask(DAVE, QUERIES, "a").count, 0);
            return;
        }
        assert_true(pattern < 210);
    }
}

static void a_contribution_again_is_paid_once_and_says_the_same(void **state)
{
    (void)state;
    struct bundle bundle = {.patterns = {NEW, OTHER}, .count = 2, .confidence = 80};
    world.settings.max_contributions = 2;
    struct contributed first = contribute(DAVE, &bundle, "a");
    assert_int_equal(first.fault, FAULT_NONE);
    assert_int_equal(first.earned.milli, 1000);
    assert_int_equal(first.added, 1);
    assert_int_equal(first.refusals[1], FAULT_RECORD_LIMIT);
    world.settings.max_contributions = 100;
    assert_int_equal(world_withdraw(&world, DAVE, NEW).fault, FAULT_NONE);
    struct contributed again = contribute(DAVE, &bundle, "a");
    assert_int_equal(again.fault, FAULT_NONE);
    assert_int_equal(again.earned.milli, 1000);
    assert_int_equal(again.balance.milli, 1000); /* without what was taken back */
    assert_int_equal(again.daily_remaining, first.daily_remaining);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.added, 0);
    assert_memory_equal(again.refusals, first.refusals, sizeof first.refusals);
    assert_int_equal(world_instance(&world, DAVE)->has_contributed, true);
    assert_int_equal(world_pattern_id(&world, NEW), 0); /* it stays withdrawn */
}

static void a_verification_again_is_not_verified_twice(void **state)
{
    (void)state;
    struct verified first = verify(DAVE, "a"), again = verify(DAVE, "a");
    assert_int_equal(first.fault, FAULT_NONE);
    assert_int_equal(again.fault, FAULT_NONE);
    assert_int_equal(again.earned.milli, 500);
    assert_int_equal(again.balance.milli, 1500);
    assert_int_equal(world_balance(&world, DAVE), 1500);
    assert_int_equal(verify(DAVE, "b").fault, FAULT_ALREADY_VERIFIED);
    assert_int_equal(verify(DAVE, "b").fault, FAULT_ALREADY_VERIFIED); /* and is not remembered */
    assert_int_equal(memos(), 1);
}

static void other_bytes_under_the_key_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct keyed keyed;
    struct asked asked = {.fault = WORLD_UNANSWERED};
    struct memo_request other = {"POST", QUERIES, "a", "other", 5};
    assert_int_equal(ask(DAVE, QUERIES, "a").fault, FAULT_NONE);
    world_keyed(&world, DAVE, QUERIES, "a", &keyed);
    memo_hash(&keyed.memo, &other);
    assert_true(world_recall_query(&world, &keyed, &asked));
    assert_int_equal(asked.fault, FAULT_IDEMPOTENCY_KEY_REUSED);
    assert_int_equal(memos(), 1);
    assert_int_equal(ask(DAVE, QUERIES, "a").fault, FAULT_NONE);
}

static void another_member_path_or_key_is_another_scope(void **state)
{
    (void)state;
    world_contribute(&world, DAVE, NEW);
    world_contribute(&world, DAVE, OTHER);
    struct asked first = ask(DAVE, QUERIES, "a");
    struct asked others[] = {ask(EVE, QUERIES, "a"), ask(DAVE, QUERIES "/", "a"),
                             ask(DAVE, QUERIES, "A")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(others[i].fault, FAULT_NONE);
        assert_memory_not_equal(others[i].id, first.id, sizeof first.id);
    }
    assert_int_equal(memos(), 4);
    assert_int_equal(world_balance(&world, DAVE), 0);
    assert_int_equal(world_balance(&world, EVE), 0);
}

static void want_of_credits_is_remembered_and_other_refusals_are_not(void **state)
{
    (void)state;
    assert_int_equal(ask(DAVE, QUERIES, "a").fault, FAULT_NONE);
    struct asked poor = ask(DAVE, QUERIES, "b");
    assert_int_equal(poor.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(poor.cost.milli, 1000);
    world_contribute(&world, DAVE, NEW);
    poor = ask(DAVE, QUERIES, "b");
    assert_int_equal(poor.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(poor.cost.milli, 1000);
    assert_int_equal(poor.balance.milli, 1000);
    assert_int_equal(memos(), 2);
    assert_int_equal(verify(ALICE, "c").fault, FAULT_OWN_PATTERN);
    assert_int_equal(memos(), 2);
}

static void two_at_once_with_one_key_are_one(void **state)
{
    (void)state;
    struct keyed keyed[2];
    struct asked asked[2] = {{.fault = WORLD_UNANSWERED}, {.fault = WORLD_UNANSWERED}};
    world_contribute(&world, DAVE, NEW);
    for (size_t i = 0; i < 2; i++) {
        world_keyed(&world, DAVE, QUERIES, "a", &keyed[i]);
        assert_false(world_recall_query(&world, &keyed[i], &asked[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        world.memo = &keyed[i].memo;
        world_query_start(&world, DAVE, PATTERN, false, &asked[i]);
    }
    world_run(&world);
    assert_int_equal(asked[0].fault, FAULT_NONE);
    assert_int_equal(asked[1].fault, WORLD_UNANSWERED);
    assert_false(keyed[0].is_again);
    assert_true(keyed[1].is_again);
    assert_true(world_recall_query(&world, &keyed[1], &asked[1]));
    assert_memory_equal(asked[1].id, asked[0].id, sizeof asked[0].id);
    assert_int_equal(world_balance(&world, DAVE), 1000);
}

/* The tags that the second one held are free again. */
static void two_contributions_at_once_with_one_key_are_one(void **state)
{
    (void)state;
    struct keyed keyed[2];
    struct contributed contributed[2];
    struct bundle bundle = {.patterns = {NEW}, .count = 1, .confidence = 80};
    for (size_t i = 0; i < 2; i++) {
        world_keyed(&world, DAVE, CONTRIBUTIONS, "a", &keyed[i]);
        assert_false(world_recall_contribution(&world, &keyed[i], &contributed[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        world.memo = &keyed[i].memo;
        world_contribute_start(&world, DAVE, &bundle, &contributed[i]);
    }
    world_run(&world);
    assert_true(world_recall_contribution(&world, &keyed[1], &contributed[1]));
    assert_int_equal(contributed[1].earned.milli, 1000);
    assert_int_equal(world_balance(&world, DAVE), 2000);
    world_withdraw(&world, DAVE, NEW);
    assert_int_equal(world_pattern_id(&world, NEW), 0);
}

static void it_is_forgotten_when_its_time_is_over(void **state)
{
    (void)state;
    world_contribute(&world, DAVE, NEW);
    struct asked first = ask(DAVE, QUERIES, "a");
    world.now_s += world.settings.idempotency_retention_s - 1;
    assert_memory_equal(ask(DAVE, QUERIES, "a").id, first.id, sizeof first.id);
    world.now_s += 1;
    assert_memory_not_equal(ask(DAVE, QUERIES, "a").id, first.id, sizeof first.id);
    assert_int_equal(memos(), 1);
    world.now_s += world.settings.idempotency_retention_s;
    retention_sweep(world.coordinator, world.now_s);
    world_run(&world);
    assert_int_equal(memos(), 0);
}

static void of_a_members_keys_the_newest_are_kept(void **state)
{
    (void)state;
    world.settings.require_contribution = false;
    world.settings.max_idempotency_keys = 2;
    struct asked first = ask(DAVE, QUERIES, "a"), of_eve = ask(EVE, QUERIES, "a");
    struct asked second = ask(DAVE, QUERIES, "b");
    ask(DAVE, QUERIES, "c");
    assert_int_equal(memos(), 3);
    assert_memory_equal(ask(DAVE, QUERIES, "b").id, second.id, sizeof second.id);
    assert_memory_equal(ask(EVE, QUERIES, "a").id, of_eve.id, sizeof of_eve.id);
    assert_memory_not_equal(ask(DAVE, QUERIES, "a").id, first.id, sizeof first.id);
}

static void a_restart_forgets_nothing(void **state)
{
    (void)state;
    struct asked first = ask(DAVE, QUERIES, "a");
    world_restart(&world);
    assert_memory_equal(ask(DAVE, QUERIES, "a").id, first.id, sizeof first.id);
}

static void erasure_takes_a_members_memos_along(void **state)
{
    (void)state;
    ask(DAVE, QUERIES, "a");
    ask(EVE, QUERIES, "a");
    assert_int_equal(world_erase(&world, DAVE, NULL), FAULT_NONE);
    assert_int_equal(memos(), 1);
}

static void a_member_that_is_erased_meanwhile_leaves_no_memo(void **state)
{
    (void)state;
    struct keyed keyed;
    struct asked asked = {.fault = WORLD_UNANSWERED};
    world_keyed(&world, DAVE, QUERIES, "a", &keyed);
    assert_int_equal(world_erase(&world, DAVE, NULL), FAULT_NONE);
    assert_false(world_recall_query(&world, &keyed, &asked));
    assert_int_equal(memos(), 0);
}

static void what_cannot_be_read_is_not_answered(void **state)
{
    (void)state;
    static const char *const spoilers[] = {
        "UPDATE memo SET answer = x''",
        "UPDATE memo SET answer = x'00'",
        "UPDATE memo SET answer = zeroblob(5000)",
        "UPDATE memo SET answer = x'" ZEROS_24 "ffffffff'",
    };
    ask(DAVE, QUERIES, "a");
    for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; i++) {
        assert_int_equal(sql_script(world.database, spoilers[i]), FAULT_NONE);
        assert_int_equal(ask(DAVE, QUERIES, "a").fault, FAULT_CORRUPT);
    }
    assert_int_equal(world_balance(&world, DAVE), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_query_again_is_the_same_query_and_costs_nothing),
        TEST(results_are_fetched_anew),
        TEST(a_pattern_that_got_the_id_of_another_is_not_its_result),
        TEST(a_contribution_again_is_paid_once_and_says_the_same),
        TEST(a_verification_again_is_not_verified_twice),
        TEST(other_bytes_under_the_key_are_refused_and_change_nothing),
        TEST(another_member_path_or_key_is_another_scope),
        TEST(want_of_credits_is_remembered_and_other_refusals_are_not),
        TEST(two_at_once_with_one_key_are_one),
        TEST(two_contributions_at_once_with_one_key_are_one),
        TEST(it_is_forgotten_when_its_time_is_over),
        TEST(of_a_members_keys_the_newest_are_kept),
        TEST(a_restart_forgets_nothing),
        TEST(erasure_takes_a_members_memos_along),
        TEST(a_member_that_is_erased_meanwhile_leaves_no_memo),
        TEST(what_cannot_be_read_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
