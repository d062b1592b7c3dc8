/* SPDX-License-Identifier: Apache-2.0 */
#include "store/judgements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/made_up.h"
#include "lib/rows.h"
#include "store/federation.h"
#include "store/patterns.h"

enum { PATTERNS = 2, MEMBERS = 30 };

static const struct epoch_parameters epoch = {
    .federation_id = {{1}}, .number = 1, .k = 3, .token_bits = 32};

static struct database *database;
static int64_t members[MEMBERS];

static int set_up(void **state)
{
    (void)state;
    struct epoch_row row = {.number = 1, .k = 3, .token_bits = 32};
    database = rows_open();
    assert_int_equal(epoch_insert(database, &row), FAULT_NONE);
    for (unsigned i = 0; i < MEMBERS; i++)
        members[i] = rows_member(database, i);
    for (uint32_t pattern = 1; pattern <= PATTERNS; pattern++) {
        static struct made_up_pattern made_up;
        bool added = false;
        struct contribution_row holder = {.instance = members[0],
                                          .sequence = pattern,
                                          .pattern = pattern,
                                          .min_group = 3,
                                          .epsilon_milli = 1000};
        made_up_pattern(&epoch, pattern, &made_up);
        assert_int_equal(contribution_add(database, &made_up.record, &holder, &added), FAULT_NONE);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    database_close(database);
    return 0;
}

/* True: it was added. */
static bool verify(unsigned member, uint32_t pattern, enum verdict verdict)
{
    struct verification_row row = {.pattern = pattern,
                                   .instance = members[member],
                                   .verifier = {(uint8_t)member, 7},
                                   .verdict = verdict,
                                   .proof = {{(uint8_t)member, 8}},
                                   .created_at_s = 1000 + member};
    bool added = false;
    assert_int_equal(verification_insert(database, &row, &added), FAULT_NONE);
    return added;
}

static void vote(unsigned member, uint32_t pattern, bool high)
{
    assert_int_equal(vote_put(database, pattern, members[member], high, 2000), FAULT_NONE);
}

static struct judgements count(uint32_t pattern)
{
    struct judgements judgements;
    assert_int_equal(judgements_count(database, pattern, &judgements), FAULT_NONE);
    return judgements;
}

static void a_verification_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct verification_row row;
    size_t rows = 0;
    assert_true(verify(3, 1, VERDICT_CONFIRM));
    assert_int_equal(verifications_sample(database, 1, 1, &row, &rows), FAULT_NONE);
    assert_int_equal(rows, 1);
    assert_int_equal(row.pattern, 1);
    assert_int_equal(row.instance, members[3]);
    assert_int_equal(row.verdict, VERDICT_CONFIRM);
    assert_int_equal(row.verifier[0], 3);
    assert_int_equal(row.verifier[1], 7);
    assert_int_equal(row.proof.bytes[0], 3);
    assert_int_equal(row.proof.bytes[1], 8);
    assert_int_equal(row.created_at_s, 1003);
}

static void the_first_verification_of_a_member_stays(void **state)
{
    (void)state;
    assert_true(verify(1, 1, VERDICT_CONFIRM));
    assert_false(verify(1, 1, VERDICT_REFUTE));
    assert_true(verify(1, 2, VERDICT_REFUTE));
    assert_int_equal(count(1).confirmed, 1);
    assert_int_equal(count(1).refuted, 0);
}

static void the_last_vote_of_a_member_stays(void **state)
{
    (void)state;
    vote(1, 1, true);
    vote(1, 1, false);
    vote(2, 1, true);
    assert_int_equal(count(1).votes_high, 1);
    assert_int_equal(count(1).votes_low, 1);
}

static void every_pattern_has_its_own_counts(void **state)
{
    (void)state;
    for (unsigned member = 1; member <= 5; member++)
        verify(member, 1, member <= 3 ? VERDICT_CONFIRM : VERDICT_REFUTE);
    vote(1, 1, true);
    vote(2, 2, false);
    struct judgements expected = {.confirmed = 3, .refuted = 2, .votes_high = 1};
    struct judgements counted = count(1);
    assert_memory_equal(&counted, &expected, sizeof counted);
    counted = count(2);
    assert_memory_equal(&counted, &(struct judgements){.votes_low = 1}, sizeof counted);
}

static void a_sample_has_no_more_than_was_asked_for_and_none_twice(void **state)
{
    (void)state;
    struct verification_row rows[MEMBERS];
    bool seen[MEMBERS] = {false};
    size_t got = 0;
    for (unsigned member = 0; member < MEMBERS; member++)
        verify(member, 1, VERDICT_CONFIRM);
    assert_int_equal(verifications_sample(database, 1, 20, rows, &got), FAULT_NONE);
    assert_int_equal(got, 20);
    for (size_t i = 0; i < got; i++) {
        assert_false(seen[rows[i].verifier[0]]);
        seen[rows[i].verifier[0]] = true;
    }
    assert_int_equal(verifications_sample(database, 2, 20, rows, &got), FAULT_NONE);
    assert_int_equal(got, 0);
}

static void what_a_member_said_goes_one_by_one_and_alone(void **state)
{
    (void)state;
    uint32_t pattern = 0;
    verify(1, 1, VERDICT_CONFIRM);
    vote(1, 1, true);
    vote(1, 2, true);
    verify(2, 2, VERDICT_REFUTE);
    assert_int_equal(judgement_delete_next(database, JUDGEMENT_VERIFICATION, members[1], &pattern),
                     FAULT_NONE);
    assert_int_equal(pattern, 1);
    assert_int_equal(judgement_delete_next(database, JUDGEMENT_VERIFICATION, members[1], &pattern),
                     FAULT_NOT_FOUND);
    for (unsigned left = 2; left > 0; left--)
        assert_int_equal(judgement_delete_next(database, JUDGEMENT_VOTE, members[1], &pattern),
                         FAULT_NONE);
    assert_int_equal(judgement_delete_next(database, JUDGEMENT_VOTE, members[1], &pattern),
                     FAULT_NOT_FOUND);
    struct judgements left = count(2);
    assert_memory_equal(&left, &(struct judgements){.refuted = 1}, sizeof left);
    left = count(1);
    assert_memory_equal(&left, &(struct judgements){0}, sizeof left);
}

static void what_is_said_of_a_pattern_goes_with_its_last_contribution(void **state)
{
    (void)state;
    struct contribution_row row;
    bool last = false;
    verify(1, 1, VERDICT_CONFIRM);
    vote(2, 1, true);
    vote(2, 2, true);
    assert_int_equal(contribution_find(database, 1, members[0], &row), FAULT_NONE);
    assert_int_equal(contribution_delete(database, &row, &last), FAULT_NONE);
    assert_true(last);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM verification"), 0);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM vote"), 1);
}

static void a_pattern_is_rewarded_once(void **state)
{
    (void)state;
    bool first = false;
    assert_int_equal(pattern_reward(database, 1, &first), FAULT_NONE);
    assert_true(first);
    assert_int_equal(pattern_reward(database, 1, &first), FAULT_NONE);
    assert_false(first);
    assert_int_equal(pattern_reward(database, 2, &first), FAULT_NONE);
    assert_true(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_verification_comes_back_as_it_went_in),
        TEST(the_first_verification_of_a_member_stays),
        TEST(the_last_vote_of_a_member_stays),
        TEST(every_pattern_has_its_own_counts),
        TEST(a_sample_has_no_more_than_was_asked_for_and_none_twice),
        TEST(what_a_member_said_goes_one_by_one_and_alone),
        TEST(what_is_said_of_a_pattern_goes_with_its_last_contribution),
        TEST(a_pattern_is_rewarded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
