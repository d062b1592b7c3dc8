/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/judgement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/world.h"

/* Three hold pattern 1, which is released; the others have contributed something of their own. */
enum { ALICE, BOB, CAROL, DAVE, EVE, FRANK, GRACE, HEIDI, MEMBERS, STRANGER = MEMBERS };
enum { PATTERN = 1, SEALED = 2, OWN = 100 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, STRANGER + 1, MODE_BALANCED);
    for (unsigned member = ALICE; member < MEMBERS; member++)
        world_contribute(&world, member, member <= CAROL ? PATTERN : OWN + member);
    world_contribute(&world, ALICE, SEALED);
    world_tick(&world);
    return world_is_released(&world, PATTERN) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static enum fault verify(unsigned member, enum verdict verdict)
{
    return world_verify(&world, member, PATTERN, verdict, FLAWLESS).fault;
}

static void vote_all(unsigned high, unsigned low)
{
    for (unsigned i = 0; i < high + low; i++)
        assert_int_equal(world_vote(&world, DAVE + i, PATTERN, i < high), FAULT_NONE);
}

static struct release_row released(void)
{
    struct published published;
    assert_int_equal(world_lookup(&world, ALICE, PATTERN, &published), FAULT_NONE);
    return published.release;
}

static int64_t rewards(void)
{
    return world_number(&world, "SELECT count(*) FROM transfer WHERE kind = 'quality'");
}

static int64_t verifications(void)
{
    return world_number(&world, "SELECT count(*) FROM verification");
}

/* ---- Formulas ---- */

static void quality_is_the_weighted_share_of_what_speaks_for_a_pattern(void **state)
{
    (void)state;
    assert_int_equal(judgements_quality(&(struct judgements){0}), -1);
    assert_int_equal(judgements_quality(&(struct judgements){.votes_low = 1}), 0);
    assert_int_equal(judgements_quality(&(struct judgements){.confirmed = 1}), 100);
    assert_int_equal(judgements_quality(&(struct judgements){.votes_high = 2, .votes_low = 1}), 67);
    assert_int_equal(judgements_quality(&(struct judgements){.confirmed = 1, .votes_low = 1}), 67);
    assert_int_equal(judgements_quality(&(struct judgements){.refuted = 1, .votes_high = 1}), 33);
}

static void trust_is_confidence_until_somebody_speaks_against_it(void **state)
{
    (void)state;
    assert_int_equal(judgements_trust(&(struct judgements){0}, 80), 80);
    assert_int_equal(judgements_trust(&(struct judgements){.confirmed = 9, .votes_high = 9}, 80),
                     80);
    assert_int_equal(judgements_trust(&(struct judgements){.refuted = 1}, 80), 40);
    assert_int_equal(judgements_trust(&(struct judgements){.votes_low = 2, .votes_high = 2}, 90),
                     60);
    assert_int_equal(judgements_trust(&(struct judgements){.refuted = UINT32_MAX}, 100), 1);
    assert_int_equal(judgements_trust(&(struct judgements){0}, 0), 1);
}

static void high_is_two_thirds_of_enough_votes(void **state)
{
    (void)state;
    assert_false(judgements_are_high(&(struct judgements){.votes_high = 4}, 5));
    assert_true(judgements_are_high(&(struct judgements){.votes_high = 5}, 5));
    assert_true(judgements_are_high(&(struct judgements){.votes_high = 4, .votes_low = 2}, 5));
    assert_false(judgements_are_high(&(struct judgements){.votes_high = 3, .votes_low = 2}, 5));
    assert_false(judgements_are_high(&(struct judgements){.confirmed = 9}, 5));
}

/* ---- Verifications ---- */

static void a_verification_earns_half_a_credit_and_shows_at_the_next_tick(void **state)
{
    (void)state;
    struct judgements counts;
    size_t count = 0;
    struct verified answer = world_verify(&world, DAVE, PATTERN, VERDICT_CONFIRM, FLAWLESS);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.earned.milli, 500);
    assert_int_equal(answer.balance.milli, 1500);
    assert_int_equal(verify(EVE, VERDICT_REFUTE), FAULT_NONE);
    assert_int_equal(released().judgements.confirmed, 0);
    world_tick(&world);
    assert_int_equal(released().judgements.confirmed, 1);
    assert_int_equal(released().judgements.refuted, 1);
    assert_int_equal(world_verifications(&world, PATTERN, &counts, &count), FAULT_NONE);
    assert_int_equal(counts.confirmed, 1);
    assert_int_equal(counts.refuted, 1);
    assert_int_equal(count, 2);
}

static void only_who_can_read_a_pattern_can_verify_it(void **state)
{
    (void)state;
    int64_t balance = world_balance(&world, DAVE);
    assert_int_equal(world_verify(&world, DAVE, PATTERN, VERDICT_CONFIRM, FLAW_BLIND).fault,
                     FAULT_PROOF_INVALID);
    assert_int_equal(world_verify(&world, DAVE, PATTERN, VERDICT_CONFIRM, FLAW_SIGNATURE).fault,
                     FAULT_PROOF_INVALID);
    assert_int_equal(verifications(), 0);
    assert_int_equal(world_balance(&world, DAVE), balance);
    assert_int_equal(verify(DAVE, VERDICT_CONFIRM), FAULT_NONE);
}

static void nobody_verifies_twice_whatever_they_say(void **state)
{
    (void)state;
    assert_int_equal(verify(DAVE, VERDICT_CONFIRM), FAULT_NONE);
    assert_int_equal(verify(DAVE, VERDICT_CONFIRM), FAULT_ALREADY_VERIFIED);
    assert_int_equal(verify(DAVE, VERDICT_REFUTE), FAULT_ALREADY_VERIFIED);
    assert_int_equal(verifications(), 1);
    assert_int_equal(world_balance(&world, DAVE), 1500);
}

static void contributors_judge_no_pattern_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(verify(ALICE, VERDICT_CONFIRM), FAULT_OWN_PATTERN);
    assert_int_equal(world_verify(&world, ALICE, PATTERN, VERDICT_CONFIRM, FLAW_BLIND).fault,
                     FAULT_OWN_PATTERN);
    assert_int_equal(world_vote(&world, BOB, PATTERN, true), FAULT_OWN_PATTERN);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM vote"), 0);
}

static void sealed_and_unknown_patterns_are_the_same_to_a_judge(void **state)
{
    (void)state;
    struct judgements counts;
    size_t count = 0;
    for (unsigned pattern = SEALED; pattern <= SEALED + 1; pattern++) {
        assert_int_equal(world_verify(&world, DAVE, pattern, VERDICT_CONFIRM, FLAWLESS).fault,
                         FAULT_NOT_FOUND);
        assert_int_equal(world_vote(&world, DAVE, pattern, true), FAULT_NOT_FOUND);
        assert_int_equal(world_verifications(&world, pattern, &counts, &count), FAULT_NOT_FOUND);
    }
    assert_int_equal(world_verify(&world, ALICE, SEALED, VERDICT_CONFIRM, FLAWLESS).fault,
                     FAULT_NOT_FOUND);
}

static void who_never_contributed_judges_nothing(void **state)
{
    (void)state;
    assert_int_equal(world_verify(&world, STRANGER, PATTERN, VERDICT_CONFIRM, FLAW_BLIND).fault,
                     FAULT_PROOF_INVALID);
    assert_int_equal(verify(STRANGER, VERDICT_CONFIRM), FAULT_CONTRIBUTION_REQUIRED);
    assert_int_equal(world_vote(&world, STRANGER, PATTERN, true), FAULT_CONTRIBUTION_REQUIRED);
    assert_int_equal(verifications(), 0);
    world.settings.require_contribution = false;
    assert_int_equal(verify(STRANGER, VERDICT_CONFIRM), FAULT_NONE);
}

static void what_the_level_does_not_show_is_not_judged(void **state)
{
    (void)state;
    world.settings.high_confidence = 80;
    world_instance(&world, DAVE)->level = LEVEL_MINIMAL;
    assert_int_equal(verify(DAVE, VERDICT_CONFIRM), FAULT_LEVEL_TOO_LOW);
    assert_int_equal(world_vote(&world, DAVE, PATTERN, true), FAULT_LEVEL_TOO_LOW);
    assert_int_equal(verify(EVE, VERDICT_CONFIRM), FAULT_NONE);
}

static void above_the_daily_limit_verifications_count_unpaid(void **state)
{
    (void)state;
    world.settings.daily_verification_limit = 0;
    struct verified answer = world_verify(&world, DAVE, PATTERN, VERDICT_CONFIRM, FLAWLESS);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.earned.milli, 0);
    world.settings.daily_verification_limit = 1;
    answer = world_verify(&world, EVE, PATTERN, VERDICT_CONFIRM, FLAWLESS);
    assert_int_equal(answer.earned.milli, 500);
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_contribute(&world, member, 7);
    world_tick(&world);
    answer = world_verify(&world, EVE, 7, VERDICT_REFUTE, FLAWLESS);
    assert_int_equal(answer.fault, FAULT_NONE);
    assert_int_equal(answer.earned.milli, 0);
    assert_int_equal(released().judgements.confirmed, 2);
}

/* ---- Votes ---- */

static void a_vote_is_changeable_and_counts_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(world_vote(&world, DAVE, PATTERN, i % 2 == 0), FAULT_NONE);
    assert_int_equal(released().judgements.votes_high, 0);
    world_tick(&world);
    assert_int_equal(released().judgements.votes_high, 1);
    assert_int_equal(released().judgements.votes_low, 0);
    assert_int_equal(world_vote(&world, DAVE, PATTERN, false), FAULT_NONE);
    world_tick(&world);
    assert_int_equal(released().judgements.votes_high, 0);
    assert_int_equal(released().judgements.votes_low, 1);
}

static void high_quality_pays_each_counted_contributor_once_whatever_is_said_later(void **state)
{
    (void)state;
    /* GRACE came after the release: she is none of the counted. */
    world_contribute(&world, GRACE, PATTERN);
    world_tick(&world);
    int64_t before = world_balance(&world, ALICE), late = world_balance(&world, GRACE);
    world.settings.quality_votes = 3;
    vote_all(2, 0);
    world_tick(&world);
    assert_int_equal(rewards(), 0);
    vote_all(2, 1);
    assert_int_equal(rewards(), 0);
    world_tick(&world);
    assert_int_equal(rewards(), 3);
    assert_int_equal(world_balance(&world, ALICE), before + 2000);
    assert_int_equal(world_balance(&world, GRACE), late);
    vote_all(0, 3);
    world_tick(&world);
    vote_all(3, 0);
    world_tick(&world);
    world_tick(&world);
    assert_int_equal(rewards(), 3);
    assert_int_equal(world_balance(&world, ALICE), before + 2000);
}

static void a_rewarded_pattern_that_is_released_again_rewards_nobody_else(void **state)
{
    (void)state;
    world.settings.quality_votes = 3;
    vote_all(3, 0);
    world_tick(&world);
    assert_int_equal(rewards(), 3);
    world_withdraw(&world, ALICE, PATTERN);
    world_tick(&world);
    assert_false(world_is_released(&world, PATTERN));
    world_contribute(&world, GRACE, PATTERN);
    world_tick(&world);
    assert_true(world_is_released(&world, PATTERN));
    assert_int_equal(rewards(), 3);
    assert_int_equal(released().judgements.votes_high, 3);
}

/* ---- What lasts ---- */

static void judgements_outlast_an_unrelease_and_die_with_the_pattern(void **state)
{
    (void)state;
    assert_int_equal(verify(DAVE, VERDICT_CONFIRM), FAULT_NONE);
    assert_int_equal(world_vote(&world, EVE, PATTERN, false), FAULT_NONE);
    world_withdraw(&world, ALICE, PATTERN);
    world_tick(&world);
    assert_int_equal(verify(FRANK, VERDICT_CONFIRM), FAULT_NOT_FOUND);
    world_contribute(&world, ALICE, PATTERN);
    world_tick(&world);
    assert_int_equal(released().judgements.confirmed, 1);
    assert_int_equal(released().judgements.votes_low, 1);
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_withdraw(&world, member, PATTERN);
    assert_int_equal(verifications(), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM vote"), 0);
}

static void an_erased_member_takes_what_it_said_with_it(void **state)
{
    (void)state;
    assert_int_equal(verify(DAVE, VERDICT_REFUTE), FAULT_NONE);
    assert_int_equal(world_vote(&world, DAVE, PATTERN, false), FAULT_NONE);
    assert_int_equal(verify(EVE, VERDICT_CONFIRM), FAULT_NONE);
    world_tick(&world);
    assert_int_equal(released().judgements.refuted, 1);
    assert_int_equal(world_erase(&world, DAVE, NULL), FAULT_NONE);
    assert_int_equal(verifications(), 1);
    world_tick(&world);
    assert_int_equal(released().judgements.refuted, 0);
    assert_int_equal(released().judgements.votes_low, 0);
    assert_int_equal(released().judgements.confirmed, 1);
}

static uint32_t score(void)
{
    struct asked asked = world_query(&world, ALICE, PATTERN);
    assert_int_equal(asked.fault, FAULT_NONE);
    assert_int_equal(asked.count, 1);
    return asked.results[0].score_millionths;
}

static void what_is_refuted_ranks_lower_also_after_a_restart(void **state)
{
    (void)state;
    world.settings.require_contribution = false; /* questions are free */
    uint32_t before = score();
    assert_int_equal(verify(DAVE, VERDICT_REFUTE), FAULT_NONE);
    assert_int_equal(score(), before);
    world_restart(&world); /* before the tick: the group is marked again */
    world_tick(&world);
    assert_int_equal(score(), before / 2);
    world_restart(&world);
    assert_int_equal(score(), before / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(quality_is_the_weighted_share_of_what_speaks_for_a_pattern),
        cmocka_unit_test(trust_is_confidence_until_somebody_speaks_against_it),
        cmocka_unit_test(high_is_two_thirds_of_enough_votes),
        TEST(a_verification_earns_half_a_credit_and_shows_at_the_next_tick),
        TEST(only_who_can_read_a_pattern_can_verify_it),
        TEST(nobody_verifies_twice_whatever_they_say),
        TEST(contributors_judge_no_pattern_of_their_own),
        TEST(sealed_and_unknown_patterns_are_the_same_to_a_judge),
        TEST(who_never_contributed_judges_nothing),
        TEST(what_the_level_does_not_show_is_not_judged),
        TEST(above_the_daily_limit_verifications_count_unpaid),
        TEST(a_vote_is_changeable_and_counts_once),
        TEST(high_quality_pays_each_counted_contributor_once_whatever_is_said_later),
        TEST(a_rewarded_pattern_that_is_released_again_rewards_nobody_else),
        TEST(judgements_outlast_an_unrelease_and_die_with_the_pattern),
        TEST(an_erased_member_takes_what_it_said_with_it),
        TEST(what_is_refuted_ranks_lower_also_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
