/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_STORE_H
#define CONTINUUM_STORE_STORE_H

#include "util/fault.h"
#include "util/job.h"

struct database;

/*
 * One change to what is stored, or one look at it. Embed it as the first member of a struct that
 * holds its inputs and outputs, clock and randomness among the inputs.
 */
struct command {
    struct job job; /* the store's */
    /*
     * On the writer, inside the transaction: touches nothing but the database and this command. A
     * fault undoes this command alone; it is a refusal, an answer like any other.
     */
    enum fault (*apply)(struct command *command, struct database *database);
    /*
     * On the loop, after the commit: `fault` is what apply returned, or FAULT_STORAGE when the
     * commit failed and nothing happened. Updates memory, answers, and frees the command.
     */
    void (*done)(struct command *command, enum fault fault);
    bool scrub; /* done only when what was deleted so far is in no file, or SCRUB_PATIENCE_MS later;
                   others do not wait for it */
    bool scrub_follows; /* of a later command: the log is kept short until then */
    enum fault fault;
};

/*
 * The one file of truth and the one thread that writes to it. Commands that wait are applied
 * together, in order, in one transaction (group commit), and are done only when it is on disk.
 */
struct store;

/* As long as a reader, such as a backup, needs the log that is to be emptied. */
enum { SCRUB_PATIENCE_MS = 30000 };

/* Opens the database at `path` and starts the writer. Faults as database_open. */
enum fault store_open(const char *path, struct store **ret, struct why *why);

/* Commits what is queued, stops the writer and closes. What was not dispatched is not `done`. Takes
 * NULL. */
void store_close(struct store *store);

void store_submit(struct store *store, struct command *command);

/* Readable when commands are finished: then call store_dispatch on the loop. */
int store_fd(const struct store *store);
void store_dispatch(struct store *store);

/* Commands that were submitted and are not done yet. */
size_t store_pending(const struct store *store);

/* Troubles with the database since the start, and what the last one was (untouched without any). */
size_t store_failures(struct store *store, struct why *ret);

/* A connection of its own for another thread's snapshots. The caller closes it (database_close). */
enum fault store_reader_open(const struct store *store, struct database **ret, struct why *why);

/*
 * What the writer does with each batch: all `commands` in one transaction. Sets each one's fault.
 * FAULT_STORAGE: nothing of it stands. `why` (may be NULL) tells of that, and of a command's own
 * trouble with the database.
 */
enum fault commands_apply(struct database *database, struct job_list *commands, struct why *why);

/*
 * For an `apply` that calls another one and goes on when that refused: a fault of it, in
 * *ret_outcome, undoes what it did and nothing else of the command. FAULT_STORAGE: neither can be
 * said, and the command must fail.
 */
enum fault command_attempt(struct command *command,
                           enum fault (*apply)(struct command *command, struct database *database),
                           struct database *database, enum fault *ret_outcome);

#endif
