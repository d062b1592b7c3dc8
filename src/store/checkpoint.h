/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_CHECKPOINT_H
#define CONTINUUM_STORE_CHECKPOINT_H

#include <stdbool.h>
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
 *
 * SQLite before 3.51.3 loses commits when a checkpoint begins on a log of which all is moved, just
 * as a commit of another connection begins it anew (sqlite.org/wal.html, the WAL-reset bug). Here
 * none does: a pass begins only when the writer has counted pages that nobody has moved, and while
 * passes may run nobody else moves any.
 */
struct checkpointer;

enum {
    CHECKPOINT_PAGES = 4096,      /* a long log: 16 MiB */
    CHECKPOINT_PAGES_SHORT = 512, /* when it will be emptied soon, for which the writer must wait */
    CHECKPOINT_PAGES_MAX = 8192,  /* of so long a log the writer moves all that is left */
    CHECKPOINT_LEFT_MAX = 1024,   /* of others so many pages at most */
};

/* Starts the thread, on the database at `path`, which exists. Faults as database_open. */
enum fault checkpointer_new(const char *path, struct checkpointer **ret, struct why *why);

/* Stops after the pass that runs. Takes NULL. */
void checkpointer_free(struct checkpointer *checkpointer);

/*
 * The writer's, after each commit to `database`, which keeps its log (database_keep_log). `pages`:
 * how many that are not moved make it long. FAULT_STORAGE with `why`: since the last call the log
 * could not be moved; it will be tried again.
 */
enum fault checkpointer_turn(struct checkpointer *checkpointer, struct database *database,
                             size_t pages, struct why *why);

/*
 * The writer's, after a commit to `database`: empties the log (database_scrub), unless that would
 * take long because much of it is not moved yet; `at_once`: even then. FAULT_OVERLOADED: that, or a
 * pass runs, or a reader needs the log; to be tried again. FAULT_STORAGE. Both with `why`.
 */
enum fault checkpointer_empty(struct checkpointer *checkpointer, struct database *database,
                              bool at_once, struct why *why);

#endif
