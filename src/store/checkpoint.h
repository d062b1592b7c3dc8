/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_CHECKPOINT_H
#define CONTINUUM_STORE_CHECKPOINT_H

#include <stddef.h>

#include "util/fault.h"

struct database;

/*
 * Moves the write-ahead log into the database on a thread of its own, so that no commit waits for
 * the pages of thousands of others and for their fsync:
 *
 *     writer         commit, commit, ... the log is long                     commit, the last pages
 *     checkpointer                       pass, pass, ... nearly all is moved
 *
 * A log begins anew only when a commit finds all of it moved, and while somebody writes no pass
 * gets there: hence the writer's part, which is short by then.
 */
struct checkpointer;

enum {
    CHECKPOINT_PAGES = 4096,      /* a long log: 16 MiB */
    CHECKPOINT_PAGES_SHORT = 512, /* when it will be emptied soon, for which the writer must wait */
    CHECKPOINT_LEFT_MAX = 256,    /* what the writer may have to move itself */
};

/* Starts the thread, on the database at `path`, which exists. Faults as database_open. */
enum fault checkpointer_new(const char *path, struct checkpointer **ret, struct why *why);

/* Stops after the pass that runs. Takes NULL. */
void checkpointer_free(struct checkpointer *checkpointer);

/*
 * The writer's, after each commit to `database`, which keeps its log (database_keep_log). `pages`:
 * from how many on it is long. FAULT_STORAGE with `why`: since the last call the log could not be
 * moved; it will be tried again.
 */
enum fault checkpointer_turn(struct checkpointer *checkpointer, struct database *database,
                             size_t pages, struct why *why);

/* No pass runs between these two: SQLite lets only one connection move a log. */
void checkpointer_pause(struct checkpointer *checkpointer);
void checkpointer_resume(struct checkpointer *checkpointer);

#endif
