/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/credits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/world.h"

enum { ALICE, BOB, CAROL, DAVE, EVE };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, EVE + 1, MODE_BALANCED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rows_assert_sound(world.database);
    world_done(&world);
    return 0;
}

static void release(unsigned pattern, unsigned first)
{
    for (unsigned member = first; member < first + 3; member++)
        assert_int_equal(world_contribute(&world, member, pattern).added, 1);
    world_tick(&world);
    assert_true(world_is_released(&world, pattern));
}

static void a_contribution_earns_one_credit_whatever_others_hold(void **state)
{
    (void)state;
    struct contributed first = world_contribute(&world, ALICE, 1);
    struct contributed second = world_contribute(&world, BOB, 1);
    assert_int_equal(first.earned.milli, 1000);
    assert_int_equal(first.balance.milli, 1000);
    assert_int_equal(first.daily_remaining, 199);
    assert_memory_equal(&first, &second, sizeof first);
}

static void the_same_pattern_again_earns_nothing(void **state)
{
    (void)state;
    struct bundle twice = {.patterns = {1, 1, 2}, .count = 3, .confidence = 80};
    struct contributed answer;
    world_contribute_start(&world, ALICE, &twice, &answer);
    world_run(&world);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.earned.milli, 2000);
    answer = world_contribute(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.earned.milli, 0);
    assert_int_equal(answer.balance.milli, 2000);
    assert_int_equal(answer.daily_remaining, 198);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution"), 2);
}

static void above_the_daily_limit_patterns_are_kept_unpaid_until_the_next_day(void **state)
{
    (void)state;
    world.settings.daily_contribution_limit = 2;
    struct bundle three = {.patterns = {1, 2, 3}, .count = 3, .confidence = 80};
    struct contributed answer;
    world_contribute_start(&world, ALICE, &three, &answer);
    world_run(&world);
    assert_int_equal(answer.added, 3);
    assert_int_equal(answer.earned.milli, 2000);
    assert_int_equal(answer.daily_remaining, 0);
    assert_int_equal(world_contribute(&world, ALICE, 4).earned.milli, 0);
    world.now_s += 86400;
    answer = world_contribute(&world, ALICE, 5);
    assert_int_equal(answer.earned.milli, 1000);
    assert_int_equal(answer.daily_remaining, 1);
}

static void withdrawing_does_not_give_the_day_back(void **state)
{
    (void)state;
    world.settings.daily_contribution_limit = 1;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    assert_int_equal(world_withdraw(&world, ALICE, 1).reversed.milli, 1000);
    assert_int_equal(world_contribute(&world, ALICE, 2).earned.milli, 0);
}

static void what_is_released_already_earns_nothing(void **state)
{
    (void)state;
    release(1, ALICE);
    struct contributed answer = world_contribute(&world, DAVE, 1);
    assert_int_equal(answer.added, 1);
    assert_int_equal(answer.earned.milli, 0);
    assert_int_equal(answer.daily_remaining, 200);
    world_tick(&world);
    assert_int_equal(world_balance(&world, DAVE), 0);
}

static void an_unproven_member_is_paid_when_its_patterns_are_released(void **state)
{
    (void)state;
    world.settings.unproven_allowance = 2;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    assert_int_equal(world_contribute(&world, ALICE, 2).earned.milli, 1000);
    struct contributed answer = world_contribute(&world, ALICE, 3);
    assert_int_equal(answer.earned.milli, 0);
    assert_int_equal(answer.balance.milli, 2000);
    assert_int_equal(answer.daily_remaining, 197);
    /* 3 was due: its release pays for it. */
    assert_int_equal(world_contribute(&world, BOB, 3).added, 1);
    assert_int_equal(world_contribute(&world, CAROL, 3).added, 1);
    world_tick(&world);
    assert_int_equal(world_balance(&world, ALICE), 3000);
    /* 1 is proven now: there is room again. */
    assert_int_equal(world_contribute(&world, BOB, 1).added, 1);
    assert_int_equal(world_contribute(&world, CAROL, 1).added, 1);
    world_tick(&world);
    assert_int_equal(world_balance(&world, ALICE), 3000);
    assert_int_equal(world_contribute(&world, ALICE, 4).earned.milli, 1000);
}

static void what_was_spent_before_it_could_be_taken_back_stays_unproven(void **state)
{
    (void)state;
    world.settings.unproven_allowance = 2;
    for (unsigned round = 0; round < 3; round++) {
        world_contribute(&world, ALICE, 2 * round + 1);
        world_contribute(&world, ALICE, 2 * round + 2);
        world_query(&world, ALICE, 1);
        world_query(&world, ALICE, 1);
        world_withdraw(&world, ALICE, WORLD_ALL);
    }
    /* Junk that is withdrawn once its credits are spent is no mint: two were paid, ever. */
    assert_int_equal(world_balance(&world, ALICE), 0);
    assert_int_equal(world_contribute(&world, ALICE, 9).earned.milli, 0);
}

static void credit_on_release_pays_everybody_at_the_release_and_once(void **state)
{
    (void)state;
    world.settings.credit_on = CREDIT_ON_RELEASE;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 0);
    release(1, BOB);
    for (unsigned member = ALICE; member <= DAVE; member++)
        assert_int_equal(world_balance(&world, member), 1000);
    /* Falls below the threshold, and comes back. */
    world_withdraw(&world, ALICE, 1);
    world_withdraw(&world, BOB, 1);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world_contribute(&world, EVE, 1).added, 1);
    world_tick(&world);
    assert_true(world_is_released(&world, 1));
    assert_int_equal(world_balance(&world, CAROL), 1000);
    assert_int_equal(world_balance(&world, EVE), 1000);
}

static void a_bad_share_loses_its_credit_when_the_pattern_is_released_and_not_before(void **state)
{
    (void)state;
    assert_int_equal(world_contribute_bad(&world, EVE, 1).earned.milli, 1000);
    assert_int_equal(world_contribute(&world, ALICE, 1).added, 1);
    assert_int_equal(world_contribute(&world, BOB, 1).added, 1);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world_balance(&world, EVE), 1000);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state <> 0"), 0);
    assert_int_equal(world_contribute(&world, CAROL, 1).added, 1);
    world_tick(&world);
    assert_true(world_is_released(&world, 1));
    assert_int_equal(world_balance(&world, EVE), 0);
    assert_int_equal(world_balance(&world, CAROL), 1000);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 2"), 1);
}

static void a_spoiled_pattern_takes_everybodys_credit_back(void **state)
{
    (void)state;
    world.spoiled[9] = true;
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_contribute(&world, member, 9).earned.milli, 1000);
    world_tick(&world);
    assert_false(world_is_released(&world, 9));
    for (unsigned member = ALICE; member <= CAROL; member++)
        assert_int_equal(world_balance(&world, member), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 2"), 3);
    world_restart(&world);
    world_tick(&world);
    assert_false(world_is_released(&world, 9));
}

static void a_restart_lets_nobody_keep_the_credit_for_a_spoiled_pattern(void **state)
{
    (void)state;
    world.spoiled[9] = true;
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_contribute(&world, member, 9);
    world_tick(&world);
    assert_int_equal(world_contribute(&world, DAVE, 9).earned.milli, 1000);
    world_restart(&world);
    world_tick(&world);
    assert_int_equal(world_balance(&world, DAVE), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution WHERE state = 2"), 4);
}

static void withdrawing_takes_back_what_was_paid_and_the_tag_never_pays_again(void **state)
{
    (void)state;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    world.settings.price_contribute.milli = 9000; /* what counts is what was paid then */
    struct withdrawn answer = world_withdraw(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.withdrawn, 1);
    assert_int_equal(answer.reversed.milli, 1000);
    assert_int_equal(answer.balance.milli, 0);
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 0);
    answer = world_withdraw(&world, ALICE, 1);
    assert_int_equal(answer.withdrawn, 1);
    assert_int_equal(answer.reversed.milli, 0);
    assert_int_equal(world_withdraw(&world, ALICE, 1).fault, FAULT_NOT_FOUND);
}

static void withdrawing_takes_no_more_than_the_balance(void **state)
{
    (void)state;
    world.settings.price_query.milli = 700;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    assert_int_equal(world_query(&world, ALICE, 1).balance.milli, 300);
    struct withdrawn answer = world_withdraw(&world, ALICE, 1);
    assert_int_equal(answer.reversed.milli, 300);
    assert_int_equal(answer.balance.milli, 0);
    /* With nothing left to take, the tag still does not pay again. */
    assert_int_equal(world_contribute(&world, ALICE, 2).earned.milli, 1000);
    world.settings.price_query.milli = 1000;
    assert_int_equal(world_query(&world, ALICE, 1).balance.milli, 0);
    assert_int_equal(world_withdraw(&world, ALICE, 2).reversed.milli, 0);
    assert_int_equal(world_contribute(&world, ALICE, 2).earned.milli, 0);
}

static void withdrawing_all_leaves_nothing_however_many_there_are(void **state)
{
    (void)state;
    struct contributed answer;
    world.settings.daily_contribution_limit = 300;
    world.settings.unproven_allowance = 300;
    for (unsigned first = 0; first < 272; first += 16) { /* more than one step of a withdrawal */
        struct bundle bundle = {.count = 16, .confidence = 80};
        for (unsigned i = 0; i < 16; i++)
            bundle.patterns[i] = first + i;
        world_contribute_start(&world, ALICE, &bundle, &answer);
        world_run(&world);
    }
    assert_int_equal(answer.balance.milli, 272000);
    assert_int_equal(world_contribute(&world, BOB, 3).added, 1);
    struct withdrawn withdrawn = world_withdraw(&world, ALICE, WORLD_ALL);
    assert_int_equal(withdrawn.fault, FAULT_NONE);
    assert_int_equal(withdrawn.withdrawn, 272);
    assert_int_equal(withdrawn.reversed.milli, 272000);
    assert_int_equal(withdrawn.balance.milli, 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 1);
    withdrawn = world_withdraw(&world, ALICE, WORLD_ALL);
    assert_int_equal(withdrawn.fault, FAULT_NONE);
    assert_int_equal(withdrawn.withdrawn, 0);
}

static void a_query_is_paid_found_or_not(void **state)
{
    (void)state;
    release(1, ALICE);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.cost.milli, 1000);
    assert_int_equal(answer.balance.milli, 0);
    assert_int_equal(answer.count, 1);
    answer = world_query(&world, BOB, 2);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.balance.milli, 0);
}

static void a_query_at_zero_is_refused_with_cost_and_balance(void **state)
{
    (void)state;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    world_query(&world, ALICE, 1);
    struct asked answer = world_query(&world, ALICE, 1);
    assert_int_equal(answer.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(answer.cost.milli, 1000);
    assert_int_equal(answer.balance.milli, 0);
    assert_int_equal(answer.count, 0);
}

static void two_queries_race_for_the_last_credit_and_one_wins(void **state)
{
    (void)state;
    struct asked first, second;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    world_query_start(&world, ALICE, 1, false, &first);
    world_query_start(&world, ALICE, 2, false, &second);
    world_run(&world);
    assert_int_equal(first.fault, FAULT_NONE);
    assert_int_equal(second.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(world_balance(&world, ALICE), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM transfer WHERE kind = 'query'"), 1);
}

static void priority_costs_more_and_is_paid_whole_or_not_at_all(void **state)
{
    (void)state;
    struct asked answer;
    for (unsigned pattern = 0; pattern < 8; pattern++)
        assert_int_equal(world_contribute(&world, ALICE, pattern).earned.milli, 1000);
    world_query_start(&world, ALICE, 1, true, &answer);
    world_run(&world);
    assert_int_equal(answer.cost.milli, 6000);
    assert_int_equal(answer.balance.milli, 2000);
    world_query_start(&world, ALICE, 1, true, &answer);
    world_run(&world);
    assert_int_equal(answer.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(answer.balance.milli, 2000);
    assert_int_equal(world_balance(&world, ALICE), 2000);
}

static void who_never_contributed_may_not_ask_and_who_did_may_even_after_withdrawing(void **state)
{
    (void)state;
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_CONTRIBUTION_REQUIRED);
    world_contribute(&world, ALICE, 1);
    world_withdraw(&world, ALICE, 1);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    world_restart(&world);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(world_query(&world, BOB, 1).fault, FAULT_CONTRIBUTION_REQUIRED);
}

static void without_require_contribution_nothing_is_charged(void **state)
{
    (void)state;
    struct asked answer;
    world.settings.require_contribution = false;
    world_query_start(&world, ALICE, 1, true, &answer);
    world_run(&world);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.cost.milli, 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM transfer"), 0);
}

static void erasing_leaves_the_credits_to_the_tombstone(void **state)
{
    (void)state;
    size_t contributions = 0;
    world_contribute(&world, ALICE, 1);
    world_contribute(&world, ALICE, 2);
    assert_int_equal(world_erase(&world, ALICE, &contributions), FAULT_NONE);
    assert_int_equal(contributions, 2);
    assert_int_equal(world_number(&world, "SELECT balance_milli FROM account WHERE number = 3"),
                     2000);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM activity"), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 0);
    /* It may come back, as somebody new. */
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_balance(&world, ALICE), 0);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_CONTRIBUTION_REQUIRED);
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
}

static void a_clock_that_comes_back_from_the_next_month_leaves_what_was_earned_there(void **state)
{
    (void)state;
    struct accounted account = world_account(&world, ALICE);
    assert_int_equal(account.earned_monthly, 0);
    world.now_s = clock_month_end(world.now_s) - 1;
    assert_int_equal(world_contribute(&world, ALICE, 1).earned.milli, 1000);
    world.now_s += 1;
    assert_int_equal(world_contribute(&world, ALICE, 2).earned.milli, 1000);
    assert_int_equal(world_contribute(&world, ALICE, 3).earned.milli, 1000);
    assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    for (int round = 0; round < 2; round++) {
        account = world_account(&world, ALICE);
        assert_int_equal(account.earned_monthly, 2000);
        assert_int_equal(account.spent_monthly, 1000);
        assert_int_equal(account.daily, 2000);
        world.now_s -= 1;
        account = world_account(&world, ALICE);
        assert_int_equal(account.earned_monthly, 1000);
        assert_int_equal(account.spent_monthly, 0);
        assert_int_equal(account.daily, 1000);
        assert_int_equal(account.available, 2000);
        world.now_s += 1;
    }
}

static void transfer_ids_differ_by_all_that_they_pay_for(void **state)
{
    (void)state;
    struct tag tag = {{1}}, other = {{2}};
    static const uint8_t query_id[16] = {1};
    const struct payable payables[] = {
        {.kind = TRANSFER_CONTRIBUTE, .instance = 16, .tag = &tag},
        {.kind = TRANSFER_REVERSE, .instance = 16, .tag = &tag},
        {.kind = TRANSFER_CONTRIBUTE, .instance = 17, .tag = &tag},
        {.kind = TRANSFER_CONTRIBUTE, .instance = 16 + (INT64_C(1) << 32), .tag = &tag},
        {.kind = TRANSFER_CONTRIBUTE, .instance = 16, .tag = &other},
        {.kind = TRANSFER_QUERY, .instance = 16, .query_id = query_id},
        {.kind = TRANSFER_PRIORITY, .instance = 16, .query_id = query_id},
    };
    enum { COUNT = sizeof payables / sizeof *payables };
    struct transfer_id ids[COUNT], again;
    for (size_t i = 0; i < COUNT; i++) {
        credits_transfer_id(&world.keyring, &payables[i], &ids[i]);
        credits_transfer_id(&world.keyring, &payables[i], &again);
        assert_memory_equal(&ids[i], &again, sizeof again);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&ids[i], &ids[j], sizeof ids[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_contribution_earns_one_credit_whatever_others_hold),
        TEST(the_same_pattern_again_earns_nothing),
        TEST(above_the_daily_limit_patterns_are_kept_unpaid_until_the_next_day),
        TEST(withdrawing_does_not_give_the_day_back),
        TEST(what_is_released_already_earns_nothing),
        TEST(an_unproven_member_is_paid_when_its_patterns_are_released),
        TEST(what_was_spent_before_it_could_be_taken_back_stays_unproven),
        TEST(credit_on_release_pays_everybody_at_the_release_and_once),
        TEST(a_bad_share_loses_its_credit_when_the_pattern_is_released_and_not_before),
        TEST(a_spoiled_pattern_takes_everybodys_credit_back),
        TEST(a_restart_lets_nobody_keep_the_credit_for_a_spoiled_pattern),
        TEST(withdrawing_takes_back_what_was_paid_and_the_tag_never_pays_again),
        TEST(withdrawing_takes_no_more_than_the_balance),
        TEST(withdrawing_all_leaves_nothing_however_many_there_are),
        TEST(a_query_is_paid_found_or_not),
        TEST(a_query_at_zero_is_refused_with_cost_and_balance),
        TEST(two_queries_race_for_the_last_credit_and_one_wins),
        TEST(priority_costs_more_and_is_paid_whole_or_not_at_all),
        TEST(who_never_contributed_may_not_ask_and_who_did_may_even_after_withdrawing),
        TEST(without_require_contribution_nothing_is_charged),
        TEST(erasing_leaves_the_credits_to_the_tombstone),
        TEST(a_clock_that_comes_back_from_the_next_month_leaves_what_was_earned_there),
        TEST(transfer_ids_differ_by_all_that_they_pay_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
