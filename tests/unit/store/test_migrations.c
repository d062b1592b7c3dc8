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
    tamper(*state, "DELETE FROM schema_migration WHERE number = 1");
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

static void tables_drop(struct database *database)
{
    char drop[128];
    assert_int_equal(sql_script(database, "PRAGMA foreign_keys = OFF"), FAULT_NONE);
    for (bool more = true; more;) {
        struct statement *row = sql(database, "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                              " AND name NOT LIKE 'sqlite_%'"
                                              " AND name <> 'schema_migration'");
        more = sql_step(row);
        if (more)
            snprintf(drop, sizeof drop, "DROP TABLE %s", sql_column_text(row, 0));
        assert_int_equal(sql_end(row), FAULT_NONE);
        assert_int_equal(more ? sql_script(database, drop) : FAULT_NONE, FAULT_NONE);
    }
}

/* A file as the first version of the program left it: a released pattern, of whose contributors
 * one wished for a larger group and another came later. */
static void leave_version_1(const struct fixture *fixture)
{
    static const char undo[] =
        "DELETE FROM sqlite_sequence; DELETE FROM schema_migration WHERE number > 1;";
    static const char rows[] =
        "INSERT INTO epoch VALUES (1, 2, 32, zeroblob(32), 0);"
        "INSERT INTO instance (number, handle, public_key, level, mode, domains, joined_at,"
        " next_sequence, contributions, released) VALUES"
        " (16, 1, randomblob(32), 0, 0, '', 0, 2, 1, 1),"
        " (17, 2, randomblob(32), 0, 0, '', 0, 2, 1, 1),"
        " (18, 3, randomblob(32), 0, 0, '', 0, 2, 1, 1),"
        " (19, 4, randomblob(32), 0, 0, '', 0, 2, 1, 1);"
        "INSERT INTO account (number, name) VALUES (16, 'member'), (17, 'member'), (18, 'member'),"
        " (19, 'member');"
        "INSERT INTO transfer (id, kind, debit, credit, amount_milli, created_at) VALUES"
        " (zeroblob(16), 'contribute', 1, 16, 1000, 86400),"
        " (randomblob(16), 'contribute', 1, 16, 500, 86401),"
        " (randomblob(16), 'contribute', 1, 17, 2000, 2), (randomblob(16), 'query', 16, 2, 700, 3);"
        "UPDATE account SET balance_milli = CASE number WHEN 1 THEN -3500 WHEN 2 THEN 700"
        " WHEN 16 THEN 800 WHEN 17 THEN 2000 ELSE 0 END;"
        "INSERT INTO activity (instance, day, earned_milli, spent_milli) VALUES (16, 1, 1500, 0),"
        " (16, 0, 0, 700), (17, 0, 2000, 0);"
        "INSERT INTO pattern VALUES (1, zeroblob(32), 1, 0, 'general', zeroblob(32), zeroblob(64),"
        " zeroblob(80), zeroblob(144));"
        "INSERT INTO contribution VALUES (16, 1, 1, zeroblob(32), 80, 2, 1000, 10, 1, 0),"
        " (17, 1, 1, zeroblob(32), 80, 2, 1000, 20, 1, 0),"
        " (18, 1, 1, zeroblob(32), 80, 5, 1000, 20, 1, 0),"
        " (19, 1, 1, zeroblob(32), 80, 2, 1000, 30, 1, 0);"
        "INSERT INTO release VALUES (1, 'general', zeroblob(32), zeroblob(4), 2, 3, 80, 20, 0);";
    struct database *database = open_it(fixture);
    tables_drop(database);
    assert_int_equal(sql_script(database, undo), FAULT_NONE);
    assert_int_equal(sql_script(database, migrations[0].sql), FAULT_NONE);
    assert_int_equal(sql_script(database, rows), FAULT_NONE);
    database_close(database);
}

static void schema_read(struct database *database, char *ret, size_t size)
{
    struct statement *row = sql(database, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM"
                                          " sqlite_schema WHERE sql IS NOT NULL ORDER BY name)");
    assert_true(sql_step(row));
    assert_in_range(snprintf(ret, size, "%s", sql_column_text(row, 0)), 1, size - 1);
    assert_int_equal(sql_end(row), FAULT_NONE);
}

static void a_database_of_version_1_becomes_what_a_fresh_one_is(void **state)
{
    static char upgraded[32 * 1024], fresh[32 * 1024];
    leave_version_1(*state);
    struct database *database = open_it(*state), *other = rows_open();
    schema_read(database, upgraded, sizeof upgraded);
    schema_read(other, fresh, sizeof fresh);
    assert_string_equal(upgraded, fresh);
    rows_assert_sound(database);
    assert_int_equal(rows_number(database, "SELECT total(counted) FROM contribution"
                                           " WHERE instance IN (16, 17)"),
                     2);
    assert_int_equal(rows_number(database, "SELECT total(counted) FROM contribution"), 2);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM activity WHERE contributed_milli"
                                           " = earned_milli"),
                     3);
    assert_int_equal(rows_number(database, "SELECT sequence FROM release"), 1);
    assert_int_equal(rows_number(database, "SELECT last FROM release_counter"), 1);
    assert_int_equal(rows_number(database, "SELECT patterns FROM release_set"), 1);
    database_close(other);
    database_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(migrations_are_numbered_without_a_gap),
        TEST(a_fresh_database_gets_every_migration_once),
        TEST(a_database_of_version_1_becomes_what_a_fresh_one_is),
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
