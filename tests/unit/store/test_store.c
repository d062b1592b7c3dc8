/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <poll.h>
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

struct fixture {
    char folder[64], path[96];
    struct store *store;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct why why;
    vfs_fault_arm(0, false);
    snprintf(fixture.folder, sizeof fixture.folder, "/tmp/continuum-store-XXXXXX");
    if (crypto_init() || !mkdtemp(fixture.folder))
        return -1;
    snprintf(fixture.path, sizeof fixture.path, "%s/continuum.db", fixture.folder);
    if (store_open(fixture.path, &fixture.store, &why))
        return -1;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct fixture *fixture = *state;
    char path[128];
    vfs_fault_arm(0, false);
    store_close(fixture->store);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", fixture->path, suffixes[i]);
        unlink(path);
    }
    return rmdir(fixture->folder);
}

/* Adds the nonce of its number, and then does as it was told. */
struct note {
    struct command command;
    uint32_t number;
    enum fault refusal;
    enum fault answer;
    unsigned answered_as; /* from 1 */
};

static unsigned answers;

static enum fault note_apply(struct command *command, struct database *database)
{
    const struct note *note = (const struct note *)command;
    uint8_t nonce[16] = {0};
    memcpy(nonce, &note->number, sizeof note->number);
    struct statement *insert = sql(database, "INSERT INTO nonce (nonce, expires_at) VALUES (?, 1)");
    sql_blob(insert, nonce, sizeof nonce);
    enum fault fault = sql_run(insert);
    return fault ? fault : note->refusal;
}

static void note_done(struct command *command, enum fault fault)
{
    struct note *note = (struct note *)command;
    note->answer = fault;
    note->answered_as = ++answers;
}

static struct note note_of(uint32_t number, enum fault refusal)
{
    return (struct note){.command = {.apply = note_apply, .done = note_done},
                         .number = number,
                         .refusal = refusal,
                         .answer = FAULT_COUNT};
}

static void submit(struct fixture *fixture, struct note *note, uint32_t number, enum fault refusal)
{
    *note = note_of(number, refusal);
    store_submit(fixture->store, &note->command);
}

static void settle(struct fixture *fixture)
{
    while (store_pending(fixture->store) > 0) {
        struct pollfd wait = {.fd = store_fd(fixture->store), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        store_dispatch(fixture->store);
    }
}

static int64_t notes(const struct fixture *fixture)
{
    struct database *reader = NULL;
    struct why why;
    assert_int_equal(store_reader_open(fixture->store, &reader, &why), FAULT_NONE);
    int64_t count = rows_number(reader, "SELECT count(*) FROM nonce");
    database_close(reader);
    return count;
}

static void a_thousand_commands_come_back_in_order_and_are_all_stored(void **state)
{
    enum { COUNT = 1000 };
    static struct note many[COUNT];
    answers = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        submit(*state, &many[i], i, FAULT_NONE);
        if (i % 100 == 99)
            store_dispatch(((struct fixture *)*state)->store);
    }
    settle(*state);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(many[i].answer, FAULT_NONE);
        assert_int_equal(many[i].answered_as, i + 1);
    }
    assert_int_equal(notes(*state), COUNT);
}

static void a_refused_command_harms_no_other(void **state)
{
    struct note first, refused, doubled, last;
    submit(*state, &first, 1, FAULT_NONE);
    submit(*state, &refused, 2, FAULT_INSUFFICIENT_CREDITS);
    submit(*state, &doubled, 1, FAULT_NONE); /* the database refuses it */
    submit(*state, &last, 3, FAULT_NONE);
    settle(*state);
    assert_int_equal(first.answer, FAULT_NONE);
    assert_int_equal(refused.answer, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(doubled.answer, FAULT_STORAGE);
    assert_int_equal(last.answer, FAULT_NONE);
    assert_int_equal(notes(*state), 2);
}

/* Goes on when what it attempts is refused. */
static enum fault bold_apply(struct command *command, struct database *database)
{
    struct note *note = (struct note *)command;
    enum fault outcome = FAULT_NONE;
    enum fault fault = command_attempt(command, note_apply, database, &outcome);
    assert_int_equal(outcome, note->refusal);
    note->refusal = FAULT_NONE;
    note->number += 100;
    return fault ? fault : note_apply(command, database);
}

static void an_attempt_that_is_refused_leaves_nothing_and_the_command_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct note before, after;
    struct note bold = note_of(2, FAULT_NONE), refused = note_of(3, FAULT_INSUFFICIENT_CREDITS);
    bold.command.apply = refused.command.apply = bold_apply;
    submit(fixture, &before, 1, FAULT_NONE);
    store_submit(fixture->store, &bold.command);
    store_submit(fixture->store, &refused.command);
    submit(fixture, &after, 4, FAULT_NONE);
    settle(*state);
    assert_int_equal(bold.answer, FAULT_NONE);
    assert_int_equal(refused.answer, FAULT_NONE);
    assert_int_equal(notes(*state), 5); /* 1, 2 and 102, 103 but not 3, 4 */
}

static void when_the_commit_fails_all_are_told_and_nothing_happened(void **state)
{
    struct note before, some[20], after;
    submit(*state, &before, 100, FAULT_NONE);
    settle(*state);
    vfs_fault_arm(1, true);
    for (uint32_t i = 0; i < 20; i++)
        submit(*state, &some[i], i, i == 3 ? FAULT_INSUFFICIENT_CREDITS : FAULT_NONE);
    settle(*state);
    assert_true(vfs_fault_struck());
    vfs_fault_arm(0, false);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(some[i].answer, FAULT_STORAGE);
    assert_int_equal(notes(*state), 1);
    submit(*state, &after, 0, FAULT_NONE);
    settle(*state);
    assert_int_equal(after.answer, FAULT_NONE);
    assert_int_equal(notes(*state), 2);
}

/* What SQLite does by itself after some errors. */
static enum fault lose_everything(struct command *command, struct database *database)
{
    (void)command;
    database_rollback(database);
    return FAULT_STORAGE;
}

static void a_command_after_which_the_transaction_is_gone_takes_its_batch_along(void **state)
{
    (void)state;
    struct database *database = rows_open();
    struct note notes_of_a_batch[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct job_list batch = {0};
    for (size_t i = 0; i < 3; i++) {
        notes_of_a_batch[i].command.apply = i == 1 ? lose_everything : note_apply;
        job_list_push(&batch, &notes_of_a_batch[i].command.job);
    }
    (void)commands_apply(database, &batch, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(notes_of_a_batch[i].command.fault, FAULT_STORAGE);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM nonce"), 0);
    notes_of_a_batch[1].command.apply = note_apply;
    (void)commands_apply(database, &batch, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(notes_of_a_batch[i].command.fault, FAULT_NONE);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM nonce"), 3);
    database_close(database);
}

static void a_transaction_that_was_left_open_is_ended_before_the_next(void **state)
{
    (void)state;
    struct database *database = rows_open();
    struct note note = {.command = {.apply = note_apply}, .number = 1};
    struct job_list batch = {0};
    job_list_push(&batch, &note.command.job);
    assert_int_equal(sql_script(database, "BEGIN; INSERT INTO nonce VALUES (zeroblob(16), 1)"),
                     FAULT_NONE);
    (void)commands_apply(database, &batch, NULL);
    assert_int_equal(note.command.fault, FAULT_NONE);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM nonce"), 1);
    database_close(database);
}

static void closing_commits_what_is_queued(void **state)
{
    struct fixture *fixture = *state;
    static struct note some[50];
    struct why why;
    for (uint32_t i = 0; i < 50; i++)
        submit(fixture, &some[i], i, FAULT_NONE);
    store_close(fixture->store);
    assert_int_equal(store_open(fixture->path, &fixture->store, &why), FAULT_NONE);
    assert_int_equal(notes(fixture), 50);
}

static void a_reader_sees_one_snapshot_until_it_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct database *reader = NULL;
    struct note note;
    struct why why;
    assert_int_equal(store_reader_open(fixture->store, &reader, &why), FAULT_NONE);
    assert_int_equal(database_begin(reader), FAULT_NONE);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM nonce"), 0);
    submit(fixture, &note, 1, FAULT_NONE);
    settle(fixture);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM nonce"), 0);
    assert_int_equal(database_commit(reader), FAULT_NONE);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM nonce"), 1);
    assert_int_equal(sql_script(reader, "DELETE FROM nonce"), FAULT_STORAGE);
    database_close(reader);
}

static void await_answer(struct fixture *fixture, const struct note *note)
{
    while (note->answer == FAULT_COUNT) {
        struct pollfd wait = {.fd = store_fd(fixture->store), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        store_dispatch(fixture->store);
    }
}

static void who_wants_the_log_emptied_waits_for_a_reader_and_nobody_else_does(void **state)
{
    struct fixture *fixture = *state;
    struct database *reader = NULL;
    struct note gone = note_of(1, FAULT_NONE), others[2];
    struct why why;
    struct stat log;
    char path[128];
    snprintf(path, sizeof path, "%s-wal", fixture->path);
    assert_int_equal(store_reader_open(fixture->store, &reader, &why), FAULT_NONE);
    assert_int_equal(database_begin(reader), FAULT_NONE);
    assert_int_equal(rows_number(reader, "SELECT count(*) FROM nonce"), 0);
    gone.command.scrub = true;
    store_submit(fixture->store, &gone.command);
    for (uint32_t i = 0; i < 2; i++) {
        submit(fixture, &others[i], 2 + i, FAULT_NONE);
        await_answer(fixture, &others[i]);
        assert_int_equal(others[i].answer, FAULT_NONE);
    }
    assert_int_equal(gone.answer, FAULT_COUNT);
    database_close(reader);
    settle(fixture);
    assert_int_equal(gone.answer, FAULT_NONE);
    assert_int_equal(stat(path, &log), 0);
    assert_int_equal(log.st_size, 0);
    assert_int_equal(store_failures(fixture->store, &why), 0);
}

static void a_path_that_cannot_be_opened_is_refused_in_words(void **state)
{
    struct store *store = NULL;
    struct why why = {""};
    (void)state;
    assert_int_equal(store_open("/nonexistent/continuum.db", &store, &why), FAULT_STORAGE);
    assert_null(store);
    assert_non_null(strstr(why.text, "/nonexistent/continuum.db"));
    store_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_thousand_commands_come_back_in_order_and_are_all_stored),
        TEST(a_refused_command_harms_no_other),
        TEST(an_attempt_that_is_refused_leaves_nothing_and_the_command_goes_on),
        TEST(when_the_commit_fails_all_are_told_and_nothing_happened),
        TEST(a_command_after_which_the_transaction_is_gone_takes_its_batch_along),
        TEST(a_transaction_that_was_left_open_is_ended_before_the_next),
        TEST(closing_commits_what_is_queued),
        TEST(a_reader_sees_one_snapshot_until_it_ends_it),
        TEST(who_wants_the_log_emptied_waits_for_a_reader_and_nobody_else_does),
        TEST(a_path_that_cannot_be_opened_is_refused_in_words),
    };
    vfs_fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
