/* SPDX-License-Identifier: Apache-2.0 */
#include "store/readers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/database.h"
#include "util/cleanup.h"

enum { IDLE_MAX = 64 };

struct readers {
    pthread_mutex_t mutex;
    char *path;
    struct database *idle[IDLE_MAX];
    size_t count;
};

/* KiB, negative: enough for the inner pages of what a snapshot touches. */
static const char pragmas[] = "PRAGMA cache_size = -512";

enum fault readers_new(const char *path, struct readers **ret)
{
    struct readers *readers = calloc(1, sizeof *readers);
    if (!readers)
        return FAULT_MEMORY;
    readers->path = strdup(path);
    if (!readers->path || pthread_mutex_init(&readers->mutex, NULL) != 0) {
        free(readers->path);
        free(readers);
        return FAULT_MEMORY;
    }
    *ret = readers;
    return FAULT_NONE;
}

void readers_free(struct readers *readers)
{
    if (!readers)
        return;
    for (size_t i = 0; i < readers->count; i++)
        database_close(readers->idle[i]);
    pthread_mutex_destroy(&readers->mutex);
    free(readers->path);
    free(readers);
}

static struct database *idle_pop(struct readers *readers)
{
    pthread_mutex_lock(&readers->mutex);
    struct database *database = readers->count ? readers->idle[--readers->count] : NULL;
    pthread_mutex_unlock(&readers->mutex);
    return database;
}

enum fault readers_take(struct readers *readers, struct database **ret)
{
    _cleanup_(database_done) struct database *database = idle_pop(readers);
    enum fault fault = FAULT_NONE;
    if (!database) {
        fault = database_open(readers->path, DATABASE_READER, &database, NULL);
        if (!fault)
            fault = sql_script(database, pragmas);
    }
    if (!fault)
        fault = database_begin(database);
    if (!fault)
        *ret = TAKE(database);
    return fault;
}

void readers_give(struct readers *readers, struct database *database)
{
    bool whole = database_commit(database) == FAULT_NONE;
    pthread_mutex_lock(&readers->mutex);
    bool kept = whole && readers->count < IDLE_MAX;
    if (kept)
        readers->idle[readers->count++] = database;
    pthread_mutex_unlock(&readers->mutex);
    if (!kept)
        database_close(database);
}
