/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "store/checkpoint.h"
#include "store/database.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { SCRUB_RETRY_MS = 20 };

/* Of the writer: whether the log is to be emptied, and who waits for it. */
struct scrub {
    bool due; /* until it succeeds: a reader may be in its way */
    uint64_t since_ms;
    struct job_list held;
};

struct store {
    struct job_exchange exchange;
    pthread_t writer;
    bool exchange_ready, writer_runs;
    struct database *database;
    struct checkpointer *checkpointer;
    char *path;
    size_t failures; /* under the exchange's mutex, like the next */
    struct why failure;
};

/*
 * False: a savepoint did not do as told, because memory or the disk failed and perhaps SQLite
 * rolled everything back by itself. Then the transaction is not what it seems, and none of it may
 * stand.
 */
static bool command_apply(struct command *command, struct database *database, struct why *why)
{
    command->fault = database_savepoint(database);
    if (command->fault)
        return false;
    command->fault = command->apply(command, database);
    if (command->fault == FAULT_STORAGE || command->fault == FAULT_CORRUPT)
        why_set(why, command->fault, "%s: %s", fault_title(command->fault),
                database_error(database));
    enum fault ended =
        command->fault ? database_rollback_savepoint(database) : database_release(database);
    return ended == FAULT_NONE;
}

enum fault command_attempt(struct command *command,
                           enum fault (*apply)(struct command *command, struct database *database),
                           struct database *database, enum fault *ret_outcome)
{
    enum fault fault = database_savepoint(database);
    if (fault)
        return fault;
    enum fault outcome = apply(command, database);
    fault = outcome ? database_rollback_savepoint(database) : database_release(database);
    if (!fault)
        *ret_outcome = outcome;
    return fault;
}

enum fault commands_apply(struct database *database, struct job_list *commands, struct why *why)
{
    bool whole = database_begin(database) == FAULT_NONE;
    for (struct job *job = commands->first; job && whole; job = job->next)
        whole = command_apply((struct command *)job, database, why);
    if (whole && database_commit(database) == FAULT_NONE)
        return FAULT_NONE;
    why_set(why, FAULT_STORAGE, "%s", database_error(database));
    database_rollback(database);
    for (struct job *job = commands->first; job; job = job->next)
        ((struct command *)job)->fault = FAULT_STORAGE;
    return FAULT_STORAGE;
}

static void store_note_failure(struct store *store, const struct why *why)
{
    pthread_mutex_lock(&store->exchange.mutex);
    store->failures++;
    store->failure = *why;
    pthread_mutex_unlock(&store->exchange.mutex);
}

/* Takes those out of a batch that are not done before the log is emptied. *ret_follows: one of the
 * next batches will have some. */
static void scrub_hold(struct scrub *scrub, struct job_list *commands, bool *ret_follows)
{
    struct job_list others = {0};
    for (struct job *job = job_list_pop(commands); job; job = job_list_pop(commands)) {
        const struct command *command = (struct command *)job;
        bool holds = command->scrub && !command->fault;
        if (holds && !scrub->held.first)
            scrub->since_ms = clock_monotonic_ms();
        scrub->due |= holds;
        *ret_follows |= command->scrub_follows;
        job_list_push(holds ? &scrub->held : &others, job);
    }
    *commands = others;
}

/* `idle`: nobody waits for the writer now. */
static void store_scrub(struct store *store, struct scrub *scrub, bool idle)
{
    struct why why = {""};
    enum fault fault = checkpointer_empty(store->checkpointer, store->database, idle, &why);
    bool too_late = clock_monotonic_ms() - scrub->since_ms >= SCRUB_PATIENCE_MS;
    scrub->due = fault != FAULT_NONE;
    if (fault == FAULT_OVERLOADED && !too_late)
        return;
    if (fault && scrub->held.first)
        store_note_failure(store, &why);
    job_finish(&store->exchange, &scrub->held);
}

static bool writer_take(struct store *store, const struct scrub *scrub, struct job_list *ret)
{
    return scrub->due ? job_take_within(&store->exchange, true, SCRUB_RETRY_MS, ret)
                      : job_take(&store->exchange, true, ret);
}

static void *writer_main(void *argument)
{
    struct store *store = argument;
    struct job_list commands = {0};
    struct scrub scrub = {0};
    while (writer_take(store, &scrub, &commands)) {
        struct why why = {""};
        bool idle = !commands.first, follows = scrub.due;
        if (!idle)
            (void)commands_apply(store->database, &commands, &why); /* each knows its fault */
        if (why.text[0])
            store_note_failure(store, &why);
        scrub_hold(&scrub, &commands, &follows);
        job_finish(&store->exchange, &commands);
        if (scrub.due)
            store_scrub(store, &scrub, idle);
        if (checkpointer_turn(store->checkpointer, store->database,
                              follows ? CHECKPOINT_PAGES_SHORT : CHECKPOINT_PAGES, &why))
            store_note_failure(store, &why);
    }
    job_finish(&store->exchange, &scrub.held);
    return NULL;
}

static void close_store(struct store **store)
{
    store_close(*store);
}

enum fault store_open(const char *path, struct store **ret, struct why *why)
{
    _cleanup_(close_store) struct store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path)))
        return FAULT_MEMORY;
    enum fault fault = database_open(path, DATABASE_WRITER, &store->database, why);
    if (!fault)
        fault = checkpointer_new(path, &store->checkpointer, why);
    if (!fault)
        fault = job_exchange_init(&store->exchange);
    if (fault)
        return fault;
    database_keep_log(store->database);
    store->exchange_ready = true;
    if (pthread_create(&store->writer, NULL, writer_main, store) != 0)
        return why_set(why, FAULT_SYSTEM, "cannot start the writer's thread");
    store->writer_runs = true;
    *ret = TAKE(store);
    return FAULT_NONE;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->writer_runs) {
        job_exchange_close(&store->exchange);
        pthread_join(store->writer, NULL);
    }
    if (store->exchange_ready)
        job_exchange_done(&store->exchange);
    checkpointer_free(store->checkpointer);
    database_close(store->database);
    free(store->path);
    free(store);
}

static void command_finished(struct job *job)
{
    struct command *command = (struct command *)job;
    command->done(command, command->fault);
}

void store_submit(struct store *store, struct command *command)
{
    command->job.done = command_finished;
    command->fault = FAULT_NONE;
    job_submit(&store->exchange, &command->job);
}

int store_fd(const struct store *store)
{
    return store->exchange.event_fd;
}

void store_dispatch(struct store *store)
{
    job_dispatch(&store->exchange);
}

size_t store_pending(const struct store *store)
{
    return store->exchange.out;
}

size_t store_failures(struct store *store, struct why *ret)
{
    pthread_mutex_lock(&store->exchange.mutex);
    size_t failures = store->failures;
    if (failures)
        *ret = store->failure;
    pthread_mutex_unlock(&store->exchange.mutex);
    return failures;
}

enum fault store_reader_open(const struct store *store, struct database **ret, struct why *why)
{
    return database_open(store->path, DATABASE_READER, ret, why);
}
