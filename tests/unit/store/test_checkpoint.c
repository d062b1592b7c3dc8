/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/vfs_fault.h"

/* A writer that commits some 160 pages at a time, as often as fills a log eight times. */
enum { COMMITS_MAX = 8 * CHECKPOINT_PAGES / 160, PAGE_BYTES = 4096, MIB = 1 << 20 };

struct fixture {
    char folder[64], path[96], log[104];
    struct database *database;
    struct checkpointer *checkpointer;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct why why;
    vfs_fault_arm(0, false);
    snprintf(fixture.folder, sizeof fixture.folder, "/tmp/continuum-checkpoint-XXXXXX");
    if (!mkdtemp(fixture.folder))
        return -1;
    snprintf(fixture.path, sizeof fixture.path, "%s/continuum.db", fixture.folder);
    snprintf(fixture.log, sizeof fixture.log, "%s-wal", fixture.path);
    if (database_open(fixture.path, DATABASE_WRITER, &fixture.database, &why) ||
        checkpointer_new(fixture.path, &fixture.checkpointer, &why))
        return -1;
    database_keep_log(fixture.database);
    *state = &fixture;
    return sql_script(fixture.database, "CREATE TABLE filler (bytes BLOB)") ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    vfs_fault_arm(0, false);
    checkpointer_free(fixture->checkpointer);
    database_close(fixture->database);
    unlink(fixture->path);
    return rmdir(fixture->folder);
}

static void append(struct fixture *fixture)
{
    assert_int_equal(database_begin(fixture->database), FAULT_NONE);
    assert_int_equal(
        sql_run(sql(fixture->database, "INSERT INTO filler VALUES (zeroblob(650000))")),
        FAULT_NONE);
    assert_int_equal(database_commit(fixture->database), FAULT_NONE);
}

static enum fault commit(struct fixture *fixture, struct why *why)
{
    append(fixture);
    return checkpointer_turn(fixture->checkpointer, fixture->database, CHECKPOINT_PAGES, why);
}

static int64_t rows_in_file(const struct fixture *fixture)
{
    struct database *reader = NULL;
    struct why why;
    assert_int_equal(database_open(fixture->path, DATABASE_READER, &reader, &why), FAULT_NONE);
    int64_t count = rows_number(reader, "SELECT count(*) FROM filler");
    database_close(reader);
    return count;
}

/* How often the log begins anew in so many commits, by a writer that hurries while the log is not
 * far too long: then the checkpointer may wait for its processor, or for the disk. */
static unsigned commit_many(struct fixture *fixture, unsigned commits)
{
    unsigned restarts = 0;
    struct why why;
    for (unsigned i = 0; i < commits; i++) {
        size_t before = database_log_pages(fixture->database);
        if (before > CHECKPOINT_PAGES_MAX)
            usleep(60000);
        assert_int_equal(commit(fixture, &why), FAULT_NONE);
        restarts += database_log_pages(fixture->database) < before;
    }
    return restarts;
}

static void a_log_begins_anew_while_the_writer_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct stat log;
    assert_true(commit_many(fixture, COMMITS_MAX) >= 2);
    assert_int_equal(stat(fixture->log, &log), 0);
    assert_true(log.st_size < COMMITS_MAX * 160L * PAGE_BYTES / 2);
    assert_int_equal(rows_in_file(fixture), COMMITS_MAX);
}

static void a_commit_by_itself_moves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct stat file;
    for (int i = 0; i < COMMITS_MAX / 4; i++)
        append(fixture);
    assert_true(database_log_pages(fixture->database) > 2 * CHECKPOINT_PAGES);
    assert_int_equal(stat(fixture->path, &file), 0);
    assert_true(file.st_size < MIB);
}

/* Lets the writer turn, without commits, until all of the log is moved. */
static void await_moved(const struct fixture *fixture)
{
    struct why why;
    struct stat file = {0};
    int64_t bytes = rows_number(fixture->database, "PRAGMA page_count") * PAGE_BYTES;
    for (int i = 0; i < 10000 && file.st_size < bytes; i++) {
        assert_int_equal(checkpointer_turn(fixture->checkpointer, fixture->database,
                                           CHECKPOINT_PAGES_SHORT, &why),
                         FAULT_NONE);
        usleep(1000);
        assert_int_equal(stat(fixture->path, &file), 0);
    }
    assert_int_equal(file.st_size, bytes);
}

static void a_log_that_will_be_emptied_is_kept_short(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < COMMITS_MAX / 8; i++) {
        append(fixture);
        size_t pages = database_log_pages(fixture->database);
        assert_true(pages < CHECKPOINT_PAGES / 2);
        if (pages >= CHECKPOINT_PAGES_SHORT)
            await_moved(fixture);
    }
}

static void a_readers_snapshot_holds_the_log_and_nobody_else(void **state)
{
    struct fixture *fixture = *state;
    struct database *reader = NULL;
    struct why why;
    assert_int_equal(database_open(fixture->path, DATABASE_READER, &reader, &why), FAULT_NONE);
    commit_many(fixture, 1);
    assert_int_equal(database_begin(reader), FAULT_NONE);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM filler"), 1);
    assert_int_equal(commit_many(fixture, COMMITS_MAX / 3), 0);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM filler"), 1);
    assert_int_equal(database_commit(reader), FAULT_NONE);
    assert_true(commit_many(fixture, COMMITS_MAX / 2) >= 1);
    database_close(reader);
}

static void a_scrub_empties_the_log_whatever_runs(void **state)
{
    struct fixture *fixture = *state;
    struct why why = {""};
    struct stat log;
    for (unsigned i = 0; i < COMMITS_MAX / 2; i++) {
        assert_int_equal(commit(fixture, &why), FAULT_NONE);
        if (database_log_pages(fixture->database) < CHECKPOINT_PAGES + 400)
            continue;
        enum fault fault = FAULT_OVERLOADED;
        for (int try = 0; try < 10000 && fault == FAULT_OVERLOADED; try++, usleep(1000))
            fault = checkpointer_empty(fixture->checkpointer, fixture->database, true, &why);
        assert_int_equal(fault, FAULT_NONE);
        assert_int_equal(stat(fixture->log, &log), 0);
        assert_int_equal(log.st_size, 0);
    }
}

static void a_disk_that_fails_is_told_and_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct why why = {""};
    enum fault fault = FAULT_NONE;
    while (database_log_pages(fixture->database) < CHECKPOINT_PAGES)
        append(fixture);
    vfs_fault_arm(1, true);
    for (int i = 0; i < 10000 && !fault; i++) {
        fault = checkpointer_turn(fixture->checkpointer, fixture->database, CHECKPOINT_PAGES, &why);
        usleep(1000);
    }
    assert_true(vfs_fault_struck());
    assert_int_equal(fault, FAULT_STORAGE);
    assert_non_null(strstr(why.text, "the write-ahead log could not be moved"));
    vfs_fault_arm(0, false);
    int64_t before = rows_in_file(fixture);
    assert_true(commit_many(fixture, COMMITS_MAX / 2) >= 1);
    assert_int_equal(rows_in_file(fixture), before + COMMITS_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_begins_anew_while_the_writer_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_commit_by_itself_moves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_will_be_emptied_is_kept_short, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_readers_snapshot_holds_the_log_and_nobody_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_scrub_empties_the_log_whatever_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_is_told_and_loses_nothing, set_up,
                                        tear_down),
    };
    vfs_fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
