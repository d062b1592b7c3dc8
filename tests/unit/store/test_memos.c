/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "util/arena.h"

enum { DAY_S = 86400 };

struct fixture {
    struct database *database;
    struct arena arena;
    int64_t alice, bob;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.database = rows_open()};
    fixture.alice = rows_member(fixture.database, 0);
    fixture.bob = rows_member(fixture.database, 1);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    database_close(fixture->database);
    return 0;
}

static void insert(struct fixture *fixture, int64_t instance, uint8_t scope, int64_t expires_at_s)
{
    uint8_t answer[] = {scope, 1, 2};
    struct memo_row row = {.instance = instance,
                           .scope = {{scope}},
                           .body = {{(uint8_t)(scope + 1)}},
                           .refused = scope % 2,
                           .answer = answer,
                           .answer_length = sizeof answer,
                           .expires_at_s = expires_at_s};
    assert_int_equal(memo_insert(fixture->database, &row, 3), FAULT_NONE);
}

static enum fault find(struct fixture *fixture, int64_t instance, uint8_t scope, int64_t now_s,
                       struct memo_row *ret)
{
    struct memo_hash hash = {{scope}};
    return memo_find(fixture->database, instance, &hash, now_s, &fixture->arena, ret);
}

static bool has(struct fixture *fixture, int64_t instance, uint8_t scope)
{
    struct memo_row row;
    return find(fixture, instance, scope, 0, &row) == FAULT_NONE;
}

static void a_memo_is_found_as_it_was_made(void **state)
{
    struct fixture *fixture = *state;
    struct memo_row row;
    insert(fixture, fixture->alice, 7, DAY_S);
    assert_int_equal(find(fixture, fixture->alice, 7, 0, &row), FAULT_NONE);
    assert_int_equal(row.body.bytes[0], 8);
    assert_true(row.refused);
    assert_int_equal(row.answer_length, 3);
    assert_memory_equal(row.answer, "\7\1\2", 3);
    assert_int_equal(row.expires_at_s, DAY_S);
}

static void it_is_of_one_member_and_scope_and_of_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct memo_row row;
    insert(fixture, fixture->alice, 7, DAY_S);
    assert_int_equal(find(fixture, fixture->bob, 7, 0, &row), FAULT_NOT_FOUND);
    assert_int_equal(find(fixture, fixture->alice, 8, 0, &row), FAULT_NOT_FOUND);
    assert_int_equal(find(fixture, fixture->alice, 7, DAY_S - 1, &row), FAULT_NONE);
    assert_int_equal(find(fixture, fixture->alice, 7, DAY_S, &row), FAULT_NOT_FOUND);
}

static void the_newest_of_each_member_are_kept(void **state)
{
    struct fixture *fixture = *state;
    insert(fixture, fixture->bob, 1, DAY_S);
    for (uint8_t scope = 1; scope <= 5; scope++)
        insert(fixture, fixture->alice, scope, DAY_S);
    for (uint8_t scope = 1; scope <= 5; scope++)
        assert_int_equal(has(fixture, fixture->alice, scope), scope > 2);
    assert_true(has(fixture, fixture->bob, 1));
}

static void one_in_the_place_of_an_expired_one_is_the_newest(void **state)
{
    struct fixture *fixture = *state;
    struct memo_row row;
    insert(fixture, fixture->alice, 1, 10);
    insert(fixture, fixture->alice, 2, DAY_S);
    insert(fixture, fixture->alice, 1, 2 * DAY_S);
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM memo"), 2);
    assert_int_equal(find(fixture, fixture->alice, 1, DAY_S, &row), FAULT_NONE);
    insert(fixture, fixture->alice, 3, DAY_S);
    insert(fixture, fixture->alice, 4, DAY_S);
    assert_false(has(fixture, fixture->alice, 2));
    assert_true(has(fixture, fixture->alice, 1));
}

static void what_expired_first_goes_first_and_in_small_steps(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 0;
    insert(fixture, fixture->alice, 1, 30);
    insert(fixture, fixture->bob, 2, 10);
    insert(fixture, fixture->alice, 3, 20);
    insert(fixture, fixture->bob, 4, DAY_S);
    assert_int_equal(memos_purge(fixture->database, 30, 2, &count), FAULT_NONE);
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM memo"), 2);
    assert_true(has(fixture, fixture->alice, 1));
    assert_int_equal(count, 2);
    assert_int_equal(memos_purge(fixture->database, 30, 2, &count), FAULT_NONE);
    assert_int_equal(count, 1);
    assert_false(has(fixture, fixture->alice, 1));
    assert_true(has(fixture, fixture->bob, 4));
}

static void a_member_leaves_with_all_of_its_own_in_steps(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 0;
    insert(fixture, fixture->alice, 1, DAY_S);
    insert(fixture, fixture->alice, 2, DAY_S);
    insert(fixture, fixture->bob, 1, DAY_S);
    for (size_t step = 0; step < 3; step++) {
        assert_int_equal(memos_delete_of_instance(fixture->database, fixture->alice, 1, &count),
                         FAULT_NONE);
        assert_int_equal(count, step < 2);
    }
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM memo"), 1);
    assert_true(has(fixture, fixture->bob, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_memo_is_found_as_it_was_made),
        TEST(it_is_of_one_member_and_scope_and_of_its_time),
        TEST(the_newest_of_each_member_are_kept),
        TEST(one_in_the_place_of_an_expired_one_is_the_newest),
        TEST(what_expired_first_goes_first_and_in_small_steps),
        TEST(a_member_leaves_with_all_of_its_own_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
