/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"

static int set_up(void **state)
{
    struct database *database = rows_open();
    *state = database;
    return sql_script(database,
                      "CREATE TABLE thing (number INTEGER PRIMARY KEY CHECK (number < 100),"
                      " bytes BLOB, name TEXT) STRICT")
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    database_close(*state);
    return 0;
}

static enum fault insert(struct database *database, int64_t number, const char *name)
{
    struct statement *statement =
        sql(database, "INSERT INTO thing (number, bytes, name) VALUES (?, ?, ?)");
    sql_integer(statement, number);
    sql_blob(statement, "\1\2\0\4", 4);
    if (name)
        sql_text(statement, name);
    else
        sql_null(statement);
    return sql_run(statement);
}

static void what_is_bound_is_what_comes_back(void **state)
{
    struct database *database = *state;
    size_t length = 0;
    assert_int_equal(insert(database, 7, "seven"), FAULT_NONE);
    assert_int_equal(sql_last_row(database), 7);
    assert_int_equal(sql_changes(database), 1);
    struct statement *row = sql(database, "SELECT number, bytes, name FROM thing");
    assert_true(sql_step(row));
    assert_int_equal(sql_column_integer(row, 0), 7);
    assert_memory_equal(sql_column_blob(row, 1, 4), "\1\2\0\4", 4);
    assert_non_null(sql_column_bytes(row, 1, &length));
    assert_int_equal(length, 4);
    assert_string_equal(sql_column_text(row, 2), "seven");
    assert_false(sql_column_is_null(row, 2));
    assert_false(sql_step(row));
    assert_int_equal(sql_end(row), FAULT_NONE);
}

static void a_null_is_null_and_an_empty_text(void **state)
{
    struct database *database = *state;
    assert_int_equal(insert(database, 7, NULL), FAULT_NONE);
    struct statement *row = sql(database, "SELECT name FROM thing");
    assert_true(sql_step(row));
    assert_true(sql_column_is_null(row, 0));
    assert_string_equal(sql_column_text(row, 0), "");
    assert_int_equal(sql_end(row), FAULT_NONE);
}

static void bytes_of_another_length_are_corrupt(void **state)
{
    static const uint8_t zeros[32];
    struct database *database = *state;
    assert_int_equal(insert(database, 7, NULL), FAULT_NONE);
    struct statement *row = sql(database, "SELECT bytes FROM thing");
    assert_true(sql_step(row));
    assert_memory_equal(sql_column_blob(row, 0, 32), zeros, 32);
    assert_int_equal(sql_end(row), FAULT_CORRUPT);
}

static void a_statement_keeps_its_first_fault_and_is_good_again_afterwards(void **state)
{
    struct database *database = *state;
    assert_int_equal(insert(database, 100, NULL), FAULT_STORAGE);
    assert_int_equal(insert(database, 99, NULL), FAULT_NONE);
    assert_int_equal(insert(database, 99, NULL), FAULT_STORAGE);
    assert_int_equal(sql_run(sql(database, "SELECT nothing FROM nowhere")), FAULT_STORAGE);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM thing"), 1);
}

static void a_savepoint_undoes_itself_alone(void **state)
{
    struct database *database = *state;
    assert_int_equal(database_begin(database), FAULT_NONE);
    for (int64_t number = 1; number <= 3; number++) {
        assert_int_equal(database_savepoint(database), FAULT_NONE);
        assert_int_equal(insert(database, number, NULL), FAULT_NONE);
        assert_int_equal(number == 2 ? database_rollback_savepoint(database)
                                     : database_release(database),
                         FAULT_NONE);
    }
    assert_int_equal(database_commit(database), FAULT_NONE);
    assert_int_equal(rows_number(database, "SELECT count(*) * 10 + sum(number) FROM thing"), 24);
}

static void a_savepoint_without_its_transaction_says_so(void **state)
{
    struct database *database = *state;
    assert_int_equal(database_begin(database), FAULT_NONE);
    assert_int_equal(database_savepoint(database), FAULT_NONE);
    database_rollback(database);
    assert_int_equal(database_rollback_savepoint(database), FAULT_STORAGE);
    assert_int_equal(database_release(database), FAULT_STORAGE);
    assert_int_equal(database_commit(database), FAULT_STORAGE);
}

static void foreign_keys_are_kept_and_deleted_bytes_are_overwritten(void **state)
{
    assert_int_equal(rows_number(*state, "PRAGMA foreign_keys"), 1);
    assert_int_equal(rows_number(*state, "PRAGMA secure_delete"), 1);
    assert_int_equal(rows_number(*state, "PRAGMA synchronous"), 2);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    database_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_bound_is_what_comes_back),
        TEST(a_null_is_null_and_an_empty_text),
        TEST(bytes_of_another_length_are_corrupt),
        TEST(a_statement_keeps_its_first_fault_and_is_good_again_afterwards),
        TEST(a_savepoint_undoes_itself_alone),
        TEST(a_savepoint_without_its_transaction_says_so),
        TEST(foreign_keys_are_kept_and_deleted_bytes_are_overwritten),
        TEST(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
