/* SPDX-License-Identifier: Apache-2.0 */
#include "store/instances.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"

static int set_up(void **state)
{
    *state = rows_open();
    return 0;
}

static int tear_down(void **state)
{
    database_close(*state);
    return 0;
}

static struct instance_row row_of(uint8_t number)
{
    struct instance_row row = {.handle = UINT64_C(0xffffffffff00) + number,
                               .level = 2,
                               .mode = 1,
                               .joined_at_s = 1000 + number};
    memset(row.public_key.bytes, number, sizeof row.public_key.bytes);
    snprintf(row.domains, sizeof row.domains, "general code");
    return row;
}

static void a_new_instance_has_a_number_an_account_and_nothing_else(void **state)
{
    struct instance_row row = row_of(1), found;
    struct credits balance = {1};
    int64_t number = 0;
    assert_int_equal(instance_insert(*state, &row, &number), FAULT_NONE);
    assert_int_equal(number, 16);
    assert_int_equal(instance_get(*state, number, &found), FAULT_NONE);
    assert_int_equal(found.number, 16);
    assert_int_equal(found.handle, row.handle);
    assert_memory_equal(&found.public_key, &row.public_key, sizeof row.public_key);
    assert_int_equal(found.level, 2);
    assert_int_equal(found.mode, 1);
    assert_string_equal(found.domains, "general code");
    assert_int_equal(found.joined_at_s, 1001);
    assert_int_equal(found.next_sequence, 1);
    assert_int_equal(found.contributions + found.released + found.unproven, 0);
    assert_int_equal(account_balance(*state, number, &balance), FAULT_NONE);
    assert_int_equal(balance.milli, 0);
}

static void no_two_have_the_same_key_or_handle(void **state)
{
    struct instance_row row = row_of(1), same_key = row_of(2), same_handle = row_of(3);
    int64_t number = 0;
    assert_int_equal(instance_insert(*state, &row, &number), FAULT_NONE);
    same_key.public_key = row.public_key;
    same_handle.handle = row.handle;
    assert_int_equal(instance_insert(*state, &same_key, &number), FAULT_STORAGE);
    assert_int_equal(instance_insert(*state, &same_handle, &number), FAULT_STORAGE);
    assert_int_equal(number, 16);
}

static void a_key_finds_its_handle(void **state)
{
    struct instance_row row = row_of(1), stranger = row_of(2);
    uint64_t handle = 5;
    int64_t number = 0;
    assert_int_equal(instance_insert(*state, &row, &number), FAULT_NONE);
    assert_int_equal(instance_handle_of_key(*state, &stranger.public_key, &handle),
                     FAULT_NOT_FOUND);
    assert_int_equal(handle, 5);
    assert_int_equal(instance_handle_of_key(*state, &row.public_key, &handle), FAULT_NONE);
    assert_int_equal(handle, row.handle);
}

static void an_update_stores_level_mode_and_domains_and_nothing_else(void **state)
{
    struct instance_row row = row_of(1), found;
    assert_int_equal(instance_insert(*state, &row, &row.number), FAULT_NONE);
    row.level = 0;
    row.mode = 2;
    row.contributions = 77;
    row.joined_at_s = 0;
    snprintf(row.domains, sizeof row.domains, "x");
    assert_int_equal(instance_update(*state, &row), FAULT_NONE);
    assert_int_equal(instance_get(*state, row.number, &found), FAULT_NONE);
    assert_int_equal(found.level, 0);
    assert_int_equal(found.mode, 2);
    assert_string_equal(found.domains, "x");
    assert_int_equal(found.contributions, 0);
    assert_int_equal(found.joined_at_s, 1001);
}

static void counters_move_and_never_below_zero(void **state)
{
    struct instance_row row = row_of(1), found;
    struct instance_change up = {3, 3, 2, 1, 1}, down = {0, -1, -1, -1, -1};
    struct instance_change too_far = {.released = -2}, too_much_paid = {.carried = -1};
    assert_int_equal(instance_insert(*state, &row, &row.number), FAULT_NONE);
    assert_int_equal(instance_count(*state, row.number, &up), FAULT_NONE);
    assert_int_equal(instance_count(*state, row.number, &down), FAULT_NONE);
    assert_int_equal(instance_count(*state, row.number, &too_far), FAULT_STORAGE);
    assert_int_equal(instance_count(*state, row.number, &too_much_paid), FAULT_STORAGE);
    assert_int_equal(instance_get(*state, row.number, &found), FAULT_NONE);
    assert_int_equal(found.next_sequence, 4);
    assert_int_equal(found.contributions, 2);
    assert_int_equal(found.released, 1);
    assert_int_equal(found.unproven, 0);
}

static void days_add_up(void **state)
{
    struct activity day = {.accepted = 3,
                           .payable = 2,
                           .earned = {2000},
                           .spent = {500},
                           .contributed = {1500}},
                    found;
    int64_t alice = rows_member(*state, 1), bob = rows_member(*state, 2);
    for (int64_t today = 100; today < 110; today++)
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(activity_add(*state, alice, today, &day), FAULT_NONE);
    assert_int_equal(activity_get(*state, alice, 105, &found), FAULT_NONE);
    assert_int_equal(found.accepted, 6);
    assert_int_equal(found.payable, 4);
    assert_int_equal(found.earned.milli, 4000);
    assert_int_equal(found.contributed.milli, 3000);
    assert_int_equal(found.spent.milli, 1000);
    assert_int_equal(activity_sum(*state, alice, 107, 200, &found), FAULT_NONE);
    assert_int_equal(found.accepted, 18);
    assert_int_equal(found.spent.milli, 3000);
    assert_int_equal(found.contributed.milli, 9000);
    assert_int_equal(activity_sum(*state, alice, 0, 102, &found), FAULT_NONE);
    assert_int_equal(found.accepted, 12);
    assert_int_equal(activity_get(*state, alice, 99, &found), FAULT_NONE);
    assert_int_equal(found.accepted + found.payable + found.earned.milli + found.spent.milli, 0);
    assert_int_equal(activity_sum(*state, bob, 0, 200, &found), FAULT_NONE);
    assert_int_equal(found.accepted, 0);
}

static void sum_day(void *context, int64_t number, int64_t day, int64_t accepted)
{
    *(int64_t *)context += number * 1000000 + day * 1000 + accepted;
}

static void days_are_visited_from_the_first_one_on(void **state)
{
    struct activity day = {.accepted = 3};
    int64_t alice = rows_member(*state, 1), sum = 0;
    for (int64_t today = 100; today < 103; today++)
        assert_int_equal(activity_add(*state, alice, today, &day), FAULT_NONE);
    assert_int_equal(activity_each(*state, 101, sum_day, &sum), FAULT_NONE);
    assert_int_equal(sum, 2 * 16 * 1000000 + 203 * 1000 + 6);
}

struct visits {
    unsigned count, stop_at;
};

static enum fault visit(void *context, const struct instance_row *row)
{
    struct visits *visits = context;
    assert_int_equal(row->number, 16 + visits->count);
    return ++visits->count == visits->stop_at ? FAULT_MEMORY : FAULT_NONE;
}

static void all_instances_are_visited_until_somebody_says_stop(void **state)
{
    struct visits all = {0}, some = {.stop_at = 3};
    for (unsigned i = 0; i < 5; i++)
        rows_member(*state, i);
    assert_int_equal(instances_each(*state, visit, &all), FAULT_NONE);
    assert_int_equal(all.count, 5);
    assert_int_equal(instances_each(*state, visit, &some), FAULT_MEMORY);
    assert_int_equal(some.count, 3);
}

static void a_deleted_instance_is_gone_and_its_number_is_never_used_again(void **state)
{
    struct activity day = {.accepted = 3};
    struct instance_row found;
    size_t buried = 0;
    rows_member(*state, 1);
    int64_t bob = rows_member(*state, 2);
    assert_int_equal(activity_add(*state, bob, 100, &day), FAULT_NONE);
    assert_int_equal(ledger_bury(*state, bob, 100, &buried), FAULT_NONE);
    assert_int_equal(instance_delete(*state, bob), FAULT_NONE);
    assert_int_equal(instance_get(*state, bob, &found), FAULT_NOT_FOUND);
    assert_int_equal(rows_number(*state, "SELECT count(*) FROM activity"), 0);
    assert_int_equal(rows_member(*state, 2), bob + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_new_instance_has_a_number_an_account_and_nothing_else),
        TEST(no_two_have_the_same_key_or_handle),
        TEST(a_key_finds_its_handle),
        TEST(an_update_stores_level_mode_and_domains_and_nothing_else),
        TEST(counters_move_and_never_below_zero),
        TEST(days_add_up),
        TEST(days_are_visited_from_the_first_one_on),
        TEST(all_instances_are_visited_until_somebody_says_stop),
        TEST(a_deleted_instance_is_gone_and_its_number_is_never_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
