/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_DATABASE_H
#define CONTINUUM_STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct sqlite3_stmt;

/*
 * One SQLite connection with its prepared statements. Only the .c files of store/ use what is
 * declared here below database_close; everybody else passes the pointer through.
 */
struct database;

enum database_mode { DATABASE_WRITER, DATABASE_READER };

/*
 * Opens the database file `path` (":memory:" for tests). A writer creates it, sets WAL and
 * synchronous=FULL and brings the schema up to date; a reader sees committed snapshots.
 * FAULT_CORRUPT: damaged, or a schema of the future, or one that was tampered with; FAULT_STORAGE:
 * any other refusal.
 */
enum fault database_open(const char *path, enum database_mode mode, struct database **ret,
                         struct why *why);

/* Whether to read the file through a memory mapping: twice as fast for one long scan, but what was
 * touched counts as resident memory until the mapping is gone. To be called outside of
 * transactions. */
enum fault database_map(struct database *database, bool mapped);

/* Takes NULL. */
void database_close(struct database *database);

/* For `_cleanup_(database_done) struct database *database = NULL;`. */
void database_done(struct database **database);

/* A transaction of many commands: a savepoint each, one commit. Readers: a snapshot. */
enum fault database_begin(struct database *database);
enum fault database_commit(struct database *database);
void database_rollback(struct database *database);
enum fault database_savepoint(struct database *database);
enum fault database_release(struct database *database);
/* A fault: there is no savepoint any more, perhaps no transaction either; roll all of it back. */
enum fault database_rollback_savepoint(struct database *database);

/*
 * Moves everything from the write-ahead log into the database and empties the log, so that what was
 * deleted is in no file: deleted rows are overwritten with zeros (secure_delete). *ret_moved: how
 * many pages of the log are moved now, where SQLite tells. FAULT_OVERLOADED: a reader's snapshot
 * needs it; waits for nobody. FAULT_STORAGE.
 */
enum fault database_scrub(struct database *database, size_t *ret_moved, struct why *why);

/*
 * From now on commits leave the write-ahead log to grow: somebody else moves it into the database
 * (checkpoint.h). Without this SQLite does it in the middle of a commit, every 16 MiB.
 */
void database_keep_log(struct database *database);

/* Pages in the log after the last commit; 0: none yet, or database_keep_log was not called. */
size_t database_log_pages(const struct database *database);

/*
 * Moves what it can from the log into the database, on disk, without waiting for anybody and while
 * others go on reading and writing. *ret_moved: pages of the log that are in the database by now;
 * untouched when somebody else does the same at this moment. FAULT_STORAGE: the disk failed.
 */
enum fault database_checkpoint(struct database *database, size_t *ret_moved);

/*
 * Copies the database as it is at this moment, while others go on writing, to the new file `path`,
 * mode 0600, whole and on disk or not at all. It needs no write-ahead log beside it.
 * FAULT_SYSTEM with `why`: there is a file of that name, which stays as it is, or it cannot be
 * written. FAULT_STORAGE: the database cannot be read. Not to be called inside a transaction.
 */
enum fault database_copy(struct database *database, const char *path, struct why *why);

/* Reads all of it and checks that it fits together (PRAGMA quick_check). FAULT_CORRUPT with `why`.
 */
enum fault database_verify(struct database *database, struct why *why);

/* The last error of SQLite in words, for the log. */
const char *database_error(const struct database *database);

/*
 * A statement in use. It keeps its first fault, so that code reads sql, bind, bind, step with one
 * check at the end. Parameters are bound from left to right. Each `sql` ends with sql_run or
 * sql_end.
 */
struct statement;

/* The prepared statement of `text`, a string literal: kept by its address. Never NULL. */
struct statement *sql(struct database *database, const char *text);

void sql_integer(struct statement *statement, int64_t value);
void sql_text(struct statement *statement, const char *text);
void sql_blob(struct statement *statement, const void *bytes, size_t length);
void sql_null(struct statement *statement);

/* True: there is a row, and the columns can be read. False: the end, or a fault. */
bool sql_step(struct statement *statement);

/* Steps to the first row, which the caller reads before sql_end. FAULT_NOT_FOUND: there is none;
 * then, and with any other fault, the statement has ended. */
enum fault sql_first(struct statement *statement);

int64_t sql_column_integer(struct statement *statement, int column);
/* Valid until the next step. A length other than `length` makes the statement FAULT_CORRUPT and
 * returns zeros. */
const void *sql_column_blob(struct statement *statement, int column, size_t length);
const void *sql_column_bytes(struct statement *statement, int column, size_t *ret_length);
const char *sql_column_text(struct statement *statement, int column);
bool sql_column_is_null(struct statement *statement, int column);

/* Its first fault so far. */
enum fault sql_fault(const struct statement *statement);

/* What a statement shows, for those that show whatever there is. Names live as long as it. */
enum sql_type { SQL_NULL, SQL_INTEGER, SQL_TEXT, SQL_BLOB };
int sql_column_count(struct statement *statement);
const char *sql_column_name(struct statement *statement, int column);
enum sql_type sql_column_type(struct statement *statement, int column);

/* Ends the statement; its first fault. */
enum fault sql_end(struct statement *statement);

/* Runs a statement without rows to its end. */
enum fault sql_run(struct statement *statement);

/* The same for a statement whose only parameter is one integer. */
enum fault sql_run_with(struct statement *statement, int64_t value);

/* Binds the last two parameters, the second being how many rows it may change at most, and runs it.
 * *ret_count: how many it changed. */
enum fault sql_run_some(struct statement *statement, int64_t value, size_t max, size_t *ret_count);

/* Rows that the last INSERT, UPDATE or DELETE changed. */
int64_t sql_changes(struct database *database);
int64_t sql_last_row(struct database *database);

/* Runs several statements without parameters or rows. */
enum fault sql_script(struct database *database, const char *script);

#endif
