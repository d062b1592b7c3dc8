/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/database.h"
#include "util/cleanup.h"

/* Each pass moves what came in during the one before. More than a few only follow a reader's
 * snapshot, which nothing can be moved past. */
enum { PASSES_MAX = 8 };

enum progress {
    PROGRESS_NONE,
    PROGRESS_WANTED,
    PROGRESS_RUNS,
    PROGRESS_ENDED, /* the writer's turn */
};

struct checkpointer {
    struct database *database;
    pthread_t thread;
    bool ready, thread_runs;
    pthread_mutex_t passing; /* held while a pass runs */
    pthread_mutex_t mutex;   /* of what follows */
    pthread_cond_t changed;
    enum progress progress;
    bool closed;
    enum fault fault; /* of the last pass, until it was told */
    struct why why;
    size_t looked_at; /* the writer's: how long the log was when it was moved last */
};

/* *ret_left: what is still to be moved. */
static enum fault pass(struct checkpointer *checkpointer, size_t *ret_left)
{
    pthread_mutex_lock(&checkpointer->passing);
    enum fault fault = database_checkpoint(checkpointer->database, ret_left);
    if (fault)
        why_set(&checkpointer->why, fault,
                "the write-ahead log could not be moved into the database: %s",
                database_error(checkpointer->database));
    pthread_mutex_unlock(&checkpointer->passing);
    return fault;
}

static enum fault catch_up(struct checkpointer *checkpointer)
{
    size_t left = SIZE_MAX;
    enum fault fault = FAULT_NONE;
    for (int i = 0; i < PASSES_MAX && left > CHECKPOINT_LEFT_MAX && !fault; i++)
        fault = pass(checkpointer, &left);
    return fault;
}

static void *checkpointer_main(void *argument)
{
    struct checkpointer *checkpointer = argument;
    pthread_mutex_lock(&checkpointer->mutex);
    while (!checkpointer->closed) {
        if (checkpointer->progress != PROGRESS_WANTED) {
            pthread_cond_wait(&checkpointer->changed, &checkpointer->mutex);
            continue;
        }
        checkpointer->progress = PROGRESS_RUNS;
        pthread_mutex_unlock(&checkpointer->mutex);
        enum fault fault = catch_up(checkpointer);
        pthread_mutex_lock(&checkpointer->mutex);
        checkpointer->fault = fault;
        checkpointer->progress = PROGRESS_ENDED;
    }
    pthread_mutex_unlock(&checkpointer->mutex);
    return NULL;
}

static void close_checkpointer(struct checkpointer **checkpointer)
{
    checkpointer_free(*checkpointer);
}

enum fault checkpointer_new(const char *path, struct checkpointer **ret, struct why *why)
{
    _cleanup_(close_checkpointer) struct checkpointer *checkpointer =
        calloc(1, sizeof *checkpointer);
    if (!checkpointer)
        return FAULT_MEMORY;
    enum fault fault = database_open(path, DATABASE_WRITER, &checkpointer->database, why);
    if (fault)
        return fault;
    pthread_mutex_init(&checkpointer->passing, NULL);
    pthread_mutex_init(&checkpointer->mutex, NULL);
    pthread_cond_init(&checkpointer->changed, NULL);
    checkpointer->ready = true;
    if (pthread_create(&checkpointer->thread, NULL, checkpointer_main, checkpointer) != 0)
        return why_set(why, FAULT_SYSTEM, "cannot start the checkpointer's thread");
    checkpointer->thread_runs = true;
    *ret = TAKE(checkpointer);
    return FAULT_NONE;
}

static void checkpointer_stop(struct checkpointer *checkpointer)
{
    pthread_mutex_lock(&checkpointer->mutex);
    checkpointer->closed = true;
    pthread_mutex_unlock(&checkpointer->mutex);
    pthread_cond_signal(&checkpointer->changed);
    pthread_join(checkpointer->thread, NULL);
}

void checkpointer_free(struct checkpointer *checkpointer)
{
    if (!checkpointer)
        return;
    if (checkpointer->thread_runs)
        checkpointer_stop(checkpointer);
    if (checkpointer->ready) {
        pthread_cond_destroy(&checkpointer->changed);
        pthread_mutex_destroy(&checkpointer->mutex);
        pthread_mutex_destroy(&checkpointer->passing);
    }
    database_close(checkpointer->database);
    free(checkpointer);
}

/* What the passes left. Where a reader is in the way, the log grows on, and so it does until a
 * commit finds all of it moved: it will be looked at again when it is as much longer. */
static enum fault log_finish(struct checkpointer *checkpointer, struct database *database,
                             struct why *why)
{
    size_t left = 0;
    enum fault fault = checkpointer->fault;
    if (fault)
        *why = checkpointer->why;
    else if ((fault = database_checkpoint(database, &left)))
        why_set(why, fault, "the write-ahead log could not be moved into the database: %s",
                database_error(database));
    checkpointer->looked_at = database_log_pages(database);
    return fault;
}

enum fault checkpointer_turn(struct checkpointer *checkpointer, struct database *database,
                             size_t pages, struct why *why)
{
    size_t length = database_log_pages(database);
    if (length < checkpointer->looked_at) /* it began anew */
        checkpointer->looked_at = 0;
    pthread_mutex_lock(&checkpointer->mutex);
    enum progress progress = checkpointer->progress;
    if (progress == PROGRESS_NONE && length - checkpointer->looked_at >= pages)
        checkpointer->progress = PROGRESS_WANTED;
    else if (progress == PROGRESS_ENDED)
        checkpointer->progress = PROGRESS_NONE;
    pthread_mutex_unlock(&checkpointer->mutex);
    pthread_cond_signal(&checkpointer->changed);
    return progress == PROGRESS_ENDED ? log_finish(checkpointer, database, why) : FAULT_NONE;
}

void checkpointer_pause(struct checkpointer *checkpointer)
{
    pthread_mutex_lock(&checkpointer->passing);
}

void checkpointer_resume(struct checkpointer *checkpointer)
{
    pthread_mutex_unlock(&checkpointer->passing);
}
