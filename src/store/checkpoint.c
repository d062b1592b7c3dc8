/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/database.h"
#include "util/cleanup.h"

/* Each pass moves what came in during the one before, until that is little. */
enum { PASSES_MAX = 8, LITTLE = 128 };

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
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    enum progress progress;
    bool closed; /* no further pass */
    /* Pages: of the log at the last commit; of these in the database, or more than are; of the log
     * when it is worth another look, after something was in the way. */
    size_t length, moved, look_again_at;
    enum fault fault; /* of the last passes */
    struct why why;
};

static enum fault log_move(struct database *database, size_t *ret_moved, struct why *why)
{
    enum fault fault = database_checkpoint(database, ret_moved);
    return fault
               ? why_set(why, fault, "the write-ahead log could not be moved into the database: %s",
                         database_error(database))
               : FAULT_NONE;
}

/* The mutex is held but during the pass. False: nothing was moved. */
static bool pass(struct checkpointer *checkpointer)
{
    size_t before = checkpointer->moved, moved = before;
    pthread_mutex_unlock(&checkpointer->mutex);
    enum fault fault = log_move(checkpointer->database, &moved, &checkpointer->why);
    pthread_mutex_lock(&checkpointer->mutex);
    checkpointer->fault = fault;
    checkpointer->moved = moved;
    /* More than was counted: all there was, and the log may have begun anew since. */
    return moved > before && moved <= checkpointer->length;
}

static bool goes_on(const struct checkpointer *checkpointer)
{
    return checkpointer->length - checkpointer->moved > LITTLE &&
           checkpointer->length < CHECKPOINT_PAGES_MAX && !checkpointer->closed;
}

static void catch_up(struct checkpointer *checkpointer)
{
    checkpointer->progress = PROGRESS_RUNS;
    checkpointer->fault = FAULT_NONE;
    bool moves = pass(checkpointer);
    for (int i = 1; i < PASSES_MAX && moves && goes_on(checkpointer); i++)
        moves = pass(checkpointer);
    checkpointer->progress = PROGRESS_ENDED;
}

static void *checkpointer_main(void *argument)
{
    struct checkpointer *checkpointer = argument;
    pthread_mutex_lock(&checkpointer->mutex);
    while (!checkpointer->closed) {
        if (checkpointer->progress == PROGRESS_WANTED)
            catch_up(checkpointer);
        else
            pthread_cond_wait(&checkpointer->changed, &checkpointer->mutex);
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
    }
    database_close(checkpointer->database);
    free(checkpointer);
}

/* What the passes left, unless that is much: then a reader is in the way, or the writer too fast.
 */
static enum fault log_finish(struct checkpointer *checkpointer, struct database *database,
                             size_t pages, struct why *why)
{
    enum fault fault = checkpointer->fault;
    if (fault)
        *why = checkpointer->why;
    else if (checkpointer->length - checkpointer->moved <= CHECKPOINT_LEFT_MAX ||
             checkpointer->length >= CHECKPOINT_PAGES_MAX)
        fault = log_move(database, &checkpointer->moved, why);
    checkpointer->look_again_at =
        checkpointer->moved < checkpointer->length ? checkpointer->length + pages : 0;
    return fault;
}

/* With the mutex held. */
static void log_measure(struct checkpointer *checkpointer, const struct database *database)
{
    size_t length = database_log_pages(database);
    if (length < checkpointer->length || length < checkpointer->moved) /* it began anew */
        checkpointer->moved = checkpointer->look_again_at = 0;
    checkpointer->length = length;
}

enum fault checkpointer_turn(struct checkpointer *checkpointer, struct database *database,
                             size_t pages, struct why *why)
{
    enum fault fault = FAULT_NONE;
    pthread_mutex_lock(&checkpointer->mutex);
    log_measure(checkpointer, database);
    size_t length = checkpointer->length;
    if (checkpointer->progress == PROGRESS_ENDED) {
        checkpointer->progress = PROGRESS_NONE;
        fault = log_finish(checkpointer, database, pages, why);
    } else if (checkpointer->progress == PROGRESS_NONE && length >= checkpointer->look_again_at &&
               length - checkpointer->moved >= pages) {
        checkpointer->progress = PROGRESS_WANTED;
        pthread_cond_signal(&checkpointer->changed);
    }
    pthread_mutex_unlock(&checkpointer->mutex);
    return fault;
}

enum fault checkpointer_empty(struct checkpointer *checkpointer, struct database *database,
                              bool at_once, struct why *why)
{
    pthread_mutex_lock(&checkpointer->mutex);
    log_measure(checkpointer, database);
    bool rests = checkpointer->progress != PROGRESS_RUNS &&
                 (at_once || checkpointer->length - checkpointer->moved <= CHECKPOINT_LEFT_MAX);
    if (rests)
        checkpointer->progress = PROGRESS_NONE;
    size_t moved = checkpointer->moved;
    pthread_mutex_unlock(&checkpointer->mutex);
    if (!rests)
        return why_set(why, FAULT_OVERLOADED,
                       "the write-ahead log could not be emptied: much of it is not moved yet");
    enum fault fault = database_scrub(database, &moved, why);
    pthread_mutex_lock(&checkpointer->mutex);
    /* What is not known counts as moved: no pass shall begin on a log of which all is. */
    bool is_known = fault == FAULT_OVERLOADED && moved < checkpointer->length;
    checkpointer->moved = is_known ? moved : checkpointer->length;
    checkpointer->look_again_at = 0;
    pthread_mutex_unlock(&checkpointer->mutex);
    return fault;
}
