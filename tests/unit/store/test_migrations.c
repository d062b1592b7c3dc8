/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rows.h"

struct fixture {
    char folder[64], path[96];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.folder, sizeof fixture.folder, "/tmp/continuum-migrations-XXXXXX");
    if (crypto_init() || !mkdtemp(fixture.folder))
        return -1;
    snprintf(fixture.path, sizeof fixture.path, "%s/continuum.db", fixture.folder);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct fixture *fixture = *state;
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", fixture->path, suffixes[i]);
        unlink(path);
    }
    return rmdir(fixture->folder);
}

static struct database *open_it(const struct fixture *fixture)
{
    struct database *database = NULL;
    struct why why;
    assert_int_equal(database_open(fixture->path, DATABASE_WRITER, &database, &why), FAULT_NONE);
    return database;
}

static void refuses_to_open(const struct fixture *fixture, enum fault expected, const char *words)
{
    struct database *database = NULL;
    struct why why = {""};
    assert_int_equal(database_open(fixture->path, DATABASE_WRITER, &database, &why), expected);
    assert_null(database);
    if (!strstr(why.text, words))
        fail_msg("said: %s", why.text);
}

/* Changes the database behind its owner's back. */
static void tamper(const struct fixture *fixture, const char *script)
{
    struct database *database = open_it(fixture);
    assert_int_equal(sql_script(database, script), FAULT_NONE);
    database_close(database);
}

static void migrations_are_numbered_without_a_gap(void **state)
{
    (void)state;
    assert_true(migration_count >= 1);
    for (size_t i = 0; i < migration_count; i++) {
        assert_int_equal(migrations[i].number, i + 1);
        assert_true(strlen(migrations[i].name) > 0 && strlen(migrations[i].sql) > 0);
    }
}

static void a_fresh_database_gets_every_migration_once(void **state)
{
    struct database *database = open_it(*state);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM schema_migration"),
                     migration_count);
    assert_int_equal(rows_number(database, "SELECT max(number) FROM schema_migration"),
                     migration_count);
    rows_assert_sound(database);
    database_close(database);
}

static void a_database_that_is_opened_again_is_left_as_it_is(void **state)
{
    struct database *database = open_it(*state);
    int64_t member = rows_member(database, 1);
    int64_t version = rows_number(database, "PRAGMA schema_version");
    database_close(database);
    database = open_it(*state);
    assert_int_equal(rows_number(database, "SELECT max(number) FROM instance"), member);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM schema_migration"),
                     migration_count);
    assert_int_equal(rows_number(database, "PRAGMA schema_version"), version);
    database_close(database);
}

static void a_schema_of_the_future_is_refused(void **state)
{
    tamper(*state, "INSERT INTO schema_migration VALUES (9999, 'later', zeroblob(32), 0)");
    refuses_to_open(*state, FAULT_CORRUPT, "newer version");
}

static void a_migration_that_was_changed_is_refused(void **state)
{
    tamper(*state, "UPDATE schema_migration SET hash = zeroblob(32) WHERE number = 1");
    refuses_to_open(*state, FAULT_CORRUPT, "changed");
}

static void a_hash_of_another_length_is_refused(void **state)
{
    tamper(*state, "UPDATE schema_migration SET hash = x'00' WHERE number = 1");
    refuses_to_open(*state, FAULT_CORRUPT, "");
}

static void a_gap_in_the_history_is_refused(void **state)
{
    tamper(*state, "UPDATE schema_migration SET number = number + 1");
    refuses_to_open(*state, FAULT_CORRUPT, "");
}

static void tables_that_are_there_already_are_not_overwritten(void **state)
{
    tamper(*state, "DELETE FROM schema_migration");
    refuses_to_open(*state, FAULT_STORAGE, "migration 1 failed");
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    FILE *file = fopen(fixture->path, "w");
    assert_non_null(file);
    for (int i = 0; i < 500; i++)
        fputs("This is not a database.\n", file);
    assert_int_equal(fclose(file), 0);
    refuses_to_open(fixture, FAULT_CORRUPT, "cannot be used");
}

static void system_accounts_are_there_and_empty(void **state)
{
    struct database *database = open_it(*state);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM account WHERE balance_milli = 0"
                                           " AND number IN (1, 2, 3)"),
                     3);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM account"), 3);
    database_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(migrations_are_numbered_without_a_gap),
        TEST(a_fresh_database_gets_every_migration_once),
        TEST(a_database_that_is_opened_again_is_left_as_it_is),
        TEST(a_schema_of_the_future_is_refused),
        TEST(a_migration_that_was_changed_is_refused),
        TEST(a_hash_of_another_length_is_refused),
        TEST(a_gap_in_the_history_is_refused),
        TEST(tables_that_are_there_already_are_not_overwritten),
        TEST(a_file_that_is_no_database_is_refused),
        TEST(system_accounts_are_there_and_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
