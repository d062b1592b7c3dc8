/* SPDX-License-Identifier: Apache-2.0 */
#include "store/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/made_up.h"
#include "lib/rows.h"
#include "store/federation.h"

enum { K = 3, PATTERNS = 7, MEMBERS = 5 };

static const struct epoch_parameters epoch = {
    .federation_id = {{1}}, .number = 1, .k = K, .token_bits = 32};

struct fixture {
    struct database *database;
    struct made_up_pattern patterns[PATTERNS + 1];
    int64_t members[MEMBERS], sequences[MEMBERS];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct epoch_row row = {.number = 1, .k = K, .token_bits = 32};
    fixture = (struct fixture){.database = rows_open()};
    assert_int_equal(epoch_insert(fixture.database, &row), FAULT_NONE);
    for (unsigned i = 0; i <= PATTERNS; i++)
        made_up_pattern(&epoch, i, &fixture.patterns[i]);
    for (unsigned i = 0; i < MEMBERS; i++)
        fixture.members[i] = rows_member(fixture.database, i);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    database_close(((struct fixture *)*state)->database);
    return 0;
}

/* True: it was added. */
static bool add(struct fixture *fixture, unsigned member, uint32_t pattern)
{
    bool added = false;
    struct contribution_row row = {.instance = fixture->members[member],
                                   .sequence = ++fixture->sequences[member],
                                   .pattern = pattern,
                                   .share = {{(uint8_t)(member + 1)}},
                                   .confidence = (uint8_t)(70 + member),
                                   .min_group = member == 4 ? 5 : K,
                                   .epsilon_milli = 1000,
                                   .accepted_at_s = 5000 + member};
    assert_int_equal(
        contribution_add(fixture->database, &fixture->patterns[pattern].record, &row, &added),
        FAULT_NONE);
    return added;
}

static void release(struct fixture *fixture, uint32_t pattern, uint32_t counted)
{
    struct release_row row = {.pattern = pattern,
                              .secret = {{(uint8_t)pattern, 2, 3}},
                              .tokens = {0x01020304, 0xfffefdfc},
                              .token_count = 2,
                              .counted = counted,
                              .contributor_count = counted + 1,
                              .confidence = 83,
                              .token_bits = 24,
                              .released_at_s = 777};
    memcpy(row.domain, fixture->patterns[pattern].record.domain, sizeof row.domain);
    assert_int_equal(release_insert(fixture->database, &row), FAULT_NONE);
}

static void a_record_comes_back_as_it_went_in(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    bool spoiled = true;
    memset(&record, 0, sizeof record);
    assert_true(add(fixture, 0, 1));
    assert_int_equal(pattern_get(fixture->database, 1, &record, &spoiled), FAULT_NONE);
    assert_false(spoiled);
    assert_memory_equal(&record, &fixture->patterns[1].record, sizeof record);
    assert_int_equal(pattern_spoil(fixture->database, 1), FAULT_NONE);
    assert_int_equal(pattern_get(fixture->database, 1, &record, &spoiled), FAULT_NONE);
    assert_true(spoiled);
    assert_int_equal(pattern_get(fixture->database, 2, &record, &spoiled), FAULT_NOT_FOUND);
}

static void a_contribution_comes_back_as_it_went_in(void **state)
{
    struct fixture *fixture = *state;
    struct contribution_row row;
    assert_true(add(fixture, 2, 1));
    assert_int_equal(contribution_find(fixture->database, 1, fixture->members[2], &row),
                     FAULT_NONE);
    assert_int_equal(row.instance, fixture->members[2]);
    assert_int_equal(row.sequence, 1);
    assert_int_equal(row.pattern, 1);
    assert_int_equal(row.share.bytes[0], 3);
    assert_int_equal(row.confidence, 72);
    assert_int_equal(row.min_group, K);
    assert_int_equal(row.epsilon_milli, 1000);
    assert_int_equal(row.accepted_at_s, 5002);
    assert_int_equal(row.state, CONTRIBUTION_SEALED);
    assert_int_equal(row.payment, PAYMENT_NONE);
    row.state = CONTRIBUTION_INVALID;
    row.payment = PAYMENT_DUE;
    assert_false(row.counted);
    row.counted = true;
    assert_int_equal(contribution_update(fixture->database, &row), FAULT_NONE);
    assert_int_equal(contribution_find(fixture->database, 1, fixture->members[2], &row),
                     FAULT_NONE);
    assert_int_equal(row.state, CONTRIBUTION_INVALID);
    assert_int_equal(row.payment, PAYMENT_DUE);
    assert_true(row.counted);
    assert_int_equal(contribution_find(fixture->database, 1, fixture->members[1], &row),
                     FAULT_NOT_FOUND);
}

static void the_same_instance_adds_a_pattern_once(void **state)
{
    struct fixture *fixture = *state;
    struct contribution_row row;
    assert_true(add(fixture, 0, 1));
    assert_false(add(fixture, 0, 1));
    assert_true(add(fixture, 1, 1));
    assert_int_equal(contribution_find(fixture->database, 1, fixture->members[0], &row),
                     FAULT_NONE);
    assert_int_equal(row.sequence, 1);
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM contribution"), 2);
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM pattern"), 1);
}

static int64_t effort(const struct fixture *fixture)
{
    return rows_number(fixture->database,
                       "SELECT coalesce(sum(length(tag) + length(verify_key) + length(commitments)"
                       " + length(search_index) + length(ciphertext)), 0) FROM effort");
}

static void a_pattern_that_is_there_costs_the_writing_of_one(void **state)
{
    struct fixture *fixture = *state;
    int64_t written = rows_number(fixture->database, "SELECT 32 + 32 + 3 * 32 + 80");
    assert_true(add(fixture, 0, 1));
    assert_int_equal(effort(fixture), 0);
    assert_true(add(fixture, 1, 1));
    assert_int_equal(effort(fixture),
                     written + (int64_t)fixture->patterns[1].record.ciphertext_length);
}

static void the_last_contribution_takes_pattern_and_release_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct contribution_row row;
    struct release_row released;
    bool last = true;
    add(fixture, 0, 1);
    add(fixture, 1, 1);
    add(fixture, 0, 2);
    release(fixture, 1, K);
    for (unsigned member = 0; member < 2; member++) {
        assert_int_equal(contribution_find(fixture->database, 1, fixture->members[member], &row),
                         FAULT_NONE);
        assert_int_equal(contribution_delete(fixture->database, &row, &last), FAULT_NONE);
        assert_int_equal(last, member == 1);
        assert_int_equal(release_get(fixture->database, 1, &released),
                         member == 0 ? FAULT_NONE : FAULT_NOT_FOUND);
    }
    assert_int_equal(rows_number(fixture->database, "SELECT group_concat(id) FROM pattern"), 2);
    assert_int_equal(
        rows_number(fixture->database, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void a_pattern_with_contributions_cannot_be_deleted(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, 0, 1);
    assert_int_equal(sql_script(fixture->database, "DELETE FROM pattern"), FAULT_STORAGE);
    assert_int_equal(sql_script(fixture->database, "DELETE FROM instance"), FAULT_STORAGE);
}

static void a_list_pages_through_ones_own_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct contribution_listed listed[3];
    struct page page = {.limit = 3};
    size_t count = 0, total = 0;
    for (uint32_t pattern = 1; pattern <= PATTERNS; pattern++) {
        add(fixture, 0, pattern);
        add(fixture, 1, pattern);
    }
    do {
        assert_int_equal(
            contributions_list(fixture->database, fixture->members[0], &page, listed, &count),
            FAULT_NONE);
        assert_in_range(count, 1, 3);
        for (size_t i = 0; i < count; i++, total++) {
            const struct record *record = &fixture->patterns[total + 1].record;
            assert_int_equal(listed[i].sequence, total + 1);
            assert_memory_equal(&listed[i].tag, &record->tag, sizeof record->tag);
            assert_string_equal(listed[i].domain, record->domain);
            assert_int_equal(listed[i].confidence, 70);
            assert_int_equal(listed[i].accepted_at_s, 5000);
            page.after = listed[i].sequence;
        }
    } while (page.more);
    assert_int_equal(total, PATTERNS);
}

static void the_next_contribution_is_found_past_the_gaps(void **state)
{
    struct fixture *fixture = *state;
    struct contribution_row row;
    bool last = false;
    for (uint32_t pattern = 1; pattern <= 3; pattern++)
        add(fixture, 0, pattern);
    assert_int_equal(contribution_next(fixture->database, fixture->members[0], 1, &row),
                     FAULT_NONE);
    assert_int_equal(row.sequence, 2);
    assert_int_equal(contribution_delete(fixture->database, &row, &last), FAULT_NONE);
    assert_int_equal(contribution_next(fixture->database, fixture->members[0], 1, &row),
                     FAULT_NONE);
    assert_int_equal(row.sequence, 3);
    assert_int_equal(contribution_next(fixture->database, fixture->members[0], 3, &row),
                     FAULT_NOT_FOUND);
}

static bool count_contributor(void *context, const struct contributor *contributor)
{
    unsigned *count = context;
    struct signing_key key;
    made_up_member(*count, &key);
    assert_memory_equal(&contributor->public_key, &key.public, sizeof key.public);
    assert_int_equal(contributor->contribution.share.bytes[0], *count + 1);
    return ++*count < 4;
}

static void contributors_come_in_the_order_of_their_instances_until_stopped(void **state)
{
    struct fixture *fixture = *state;
    unsigned count = 0;
    for (unsigned member = MEMBERS; member-- > 0;)
        add(fixture, member, 1);
    assert_int_equal(contributors_each(fixture->database, 1, count_contributor, &count),
                     FAULT_NONE);
    assert_int_equal(count, 4);
}

static void a_release_comes_back_as_it_went_in(void **state)
{
    struct fixture *fixture = *state;
    struct release_row row = {.counted = 99};
    add(fixture, 0, 1);
    assert_int_equal(release_get(fixture->database, 1, &row), FAULT_NOT_FOUND);
    assert_int_equal(row.counted, 99);
    release(fixture, 1, K);
    assert_int_equal(release_get(fixture->database, 1, &row), FAULT_NONE);
    assert_int_equal(row.pattern, 1);
    assert_string_equal(row.domain, fixture->patterns[1].record.domain);
    assert_int_equal(row.secret.bytes[1], 2);
    assert_int_equal(row.token_count, 2);
    assert_int_equal(row.tokens[0], 0x01020304);
    assert_int_equal(row.tokens[1], 0xfffefdfc);
    assert_int_equal(row.counted, K);
    assert_int_equal(row.contributor_count, K + 1);
    assert_int_equal(row.confidence, 83);
    assert_int_equal(row.released_at_s, 777);
    assert_int_equal(release_delete(fixture->database, 1), FAULT_NONE);
    assert_int_equal(release_get(fixture->database, 1, &row), FAULT_NOT_FOUND);
}

struct loading {
    struct fixture *fixture;
    unsigned count, releases;
};

/* Pattern p has p contributions; odd ones are released; 2 is missing. */
static enum fault check_loaded(void *context, const struct pattern_loaded *pattern)
{
    static const uint32_t order[] = {1, 3, 4, 5, 6};
    struct loading *loading = context;
    uint32_t id = order[loading->count++];
    const struct record *record = &loading->fixture->patterns[id].record;
    assert_int_equal(pattern->pattern, id);
    assert_memory_equal(&pattern->tag, &record->tag, sizeof record->tag);
    assert_int_equal(pattern->k, K);
    assert_int_equal(pattern->contributions, id < MEMBERS ? id : MEMBERS);
    return FAULT_NONE;
}

static enum fault check_release(void *context, const struct release_row *row)
{
    struct loading *loading = context;
    uint32_t id = 1 + 2 * loading->releases++;
    assert_int_equal(row->pattern, id);
    assert_int_equal(row->secret.bytes[0], id);
    assert_string_equal(row->domain, loading->fixture->patterns[id].record.domain);
    assert_int_equal(row->token_count, 2);
    assert_int_equal(row->token_bits, 24);
    return FAULT_NONE;
}

static void loading_sees_every_pattern_with_its_contributions_and_every_release(void **state)
{
    struct fixture *fixture = *state;
    struct loading loading = {.fixture = fixture};
    uint32_t last = 99;
    assert_int_equal(pattern_last(fixture->database, &last), FAULT_NONE);
    assert_int_equal(last, 0);
    for (uint32_t pattern = 1; pattern <= 6; pattern++)
        for (unsigned member = 0; member < pattern && member < MEMBERS && pattern != 2; member++)
            add(fixture, member, pattern);
    for (uint32_t pattern = 1; pattern <= 5; pattern += 2)
        release(fixture, pattern, K);
    assert_int_equal(pattern_spoil(fixture->database, 6), FAULT_NONE);
    assert_int_equal(patterns_each(fixture->database, check_loaded, &loading), FAULT_NONE);
    assert_int_equal(releases_each(fixture->database, check_release, &loading), FAULT_NONE);
    assert_int_equal(loading.count, 5);
    assert_int_equal(loading.releases, 3);
    assert_int_equal(pattern_last(fixture->database, &last), FAULT_NONE);
    assert_int_equal(last, 6);
}

static enum fault note_pattern(void *context, uint32_t pattern)
{
    *(unsigned *)context |= 1u << pattern;
    return FAULT_NONE;
}

static unsigned unsettled(struct fixture *fixture)
{
    unsigned found = 0;
    assert_int_equal(releases_unsettled_each(fixture->database, note_pattern, &found), FAULT_NONE);
    return found;
}

static void groups_that_changed_since_their_settlement_are_found(void **state)
{
    enum { QUIET = 1, GREW, SHRANK, SEALED };
    struct fixture *fixture = *state;
    struct judgements counts;
    struct contribution_row row;
    bool last = false;
    for (uint32_t pattern = QUIET; pattern <= SEALED; pattern++) {
        for (unsigned member = 0; member < 4; member++)
            add(fixture, member, pattern);
        if (pattern != SEALED)
            release(fixture, pattern, K);
    }
    assert_int_equal(unsettled(fixture), 0);
    add(fixture, 4, GREW);
    add(fixture, 4, SEALED);
    assert_int_equal(contribution_find(fixture->database, SHRANK, fixture->members[1], &row),
                     FAULT_NONE);
    assert_int_equal(contribution_delete(fixture->database, &row, &last), FAULT_NONE);
    assert_int_equal(unsettled(fixture), 1u << GREW | 1u << SHRANK);
    assert_int_equal(release_settle(fixture->database, SHRANK, 3, &counts), FAULT_NONE);
    assert_int_equal(unsettled(fixture), 1u << GREW);
    /* The tick saw four of the five. */
    assert_int_equal(release_settle(fixture->database, GREW, 4, &counts), FAULT_NONE);
    assert_int_equal(unsettled(fixture), 1u << GREW);
    assert_int_equal(release_settle(fixture->database, GREW, 5, &counts), FAULT_NONE);
    assert_int_equal(unsettled(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_record_comes_back_as_it_went_in),
        TEST(a_contribution_comes_back_as_it_went_in),
        TEST(the_same_instance_adds_a_pattern_once),
        TEST(a_pattern_that_is_there_costs_the_writing_of_one),
        TEST(the_last_contribution_takes_pattern_and_release_with_it),
        TEST(a_pattern_with_contributions_cannot_be_deleted),
        TEST(a_list_pages_through_ones_own_oldest_first),
        TEST(the_next_contribution_is_found_past_the_gaps),
        TEST(contributors_come_in_the_order_of_their_instances_until_stopped),
        TEST(a_release_comes_back_as_it_went_in),
        TEST(loading_sees_every_pattern_with_its_contributions_and_every_release),
        TEST(groups_that_changed_since_their_settlement_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
