/* SPDX-License-Identifier: Apache-2.0 */
#include "store/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "store/database.h"

struct fixture {
    char folder[64], path[96];
    struct database *writer;
    struct readers *readers;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/continuum-readers-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/continuum.db", fixture->folder);
    assert_int_equal(database_open(fixture->path, DATABASE_WRITER, &fixture->writer, NULL),
                     FAULT_NONE);
    assert_int_equal(sql_script(fixture->writer, "CREATE TABLE thing (number INTEGER) STRICT"),
                     FAULT_NONE);
    assert_int_equal(readers_new(fixture->path, &fixture->readers), FAULT_NONE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    readers_free(fixture->readers);
    database_close(fixture->writer);
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static struct database *take(const struct fixture *fixture)
{
    struct database *reader = NULL;
    assert_int_equal(readers_take(fixture->readers, &reader), FAULT_NONE);
    return reader;
}

static void thing_add(const struct fixture *fixture)
{
    assert_int_equal(sql_script(fixture->writer, "INSERT INTO thing VALUES (1)"), FAULT_NONE);
}

static int64_t things(struct database *reader)
{
    return rows_number(reader, "SELECT count(*) FROM thing");
}

static void each_has_a_snapshot_of_its_own(void **state)
{
    const struct fixture *fixture = *state;
    struct database *early = take(fixture);
    assert_int_equal(things(early), 0); /* a snapshot begins with the first look */
    thing_add(fixture);
    struct database *late = take(fixture);
    assert_ptr_not_equal(early, late);
    assert_int_equal(things(early), 0);
    assert_int_equal(things(late), 1);
    readers_give(fixture->readers, early);
    readers_give(fixture->readers, late);
}

static void one_that_was_given_back_is_taken_again_and_sees_what_is_new(void **state)
{
    const struct fixture *fixture = *state;
    struct database *reader = take(fixture);
    assert_int_equal(things(reader), 0);
    readers_give(fixture->readers, reader);
    thing_add(fixture);
    assert_ptr_equal(take(fixture), reader);
    assert_int_equal(things(reader), 1);
    readers_give(fixture->readers, reader);
}

static void one_that_was_given_back_keeps_no_log_from_being_emptied(void **state)
{
    const struct fixture *fixture = *state;
    struct why why = {""};
    struct database *reader = take(fixture);
    assert_int_equal(things(reader), 0);
    readers_give(fixture->readers, reader);
    thing_add(fixture);
    size_t moved = 0;
    assert_int_equal(database_scrub(fixture->writer, &moved, &why), FAULT_NONE);
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
    struct readers *readers = NULL;
    struct database *reader = NULL;
    (void)state;
    assert_int_equal(readers_new("/nowhere/continuum.db", &readers), FAULT_NONE);
    assert_int_equal(readers_take(readers, &reader), FAULT_STORAGE);
    assert_null(reader);
    readers_free(readers);
    readers_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_has_a_snapshot_of_its_own),
        TEST(one_that_was_given_back_is_taken_again_and_sees_what_is_new),
        TEST(one_that_was_given_back_keeps_no_log_from_being_emptied),
        cmocka_unit_test(a_file_that_is_not_there_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
