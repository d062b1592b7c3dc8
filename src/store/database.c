/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/database_connection.h"
#include "store/migrations.h"
#include "util/cleanup.h"

/* More statements than the code has, so that the table never fills; a power of two. */
enum { STATEMENTS_MAX = 256, BUSY_TIMEOUT_MS = 5000 };

struct statement {
    const char *text;
    struct sqlite3_stmt *compiled;
    struct database *database;
    int parameter;
    enum fault fault;
};

struct database {
    sqlite3 *connection;
    struct statement statements[STATEMENTS_MAX];
    size_t log_pages;
};

static enum fault fault_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FAULT_NONE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FAULT_CORRUPT;
    case SQLITE_NOMEM:
        return FAULT_MEMORY;
    default:
        return FAULT_STORAGE;
    }
}

/* cache_size is negative KiB; by itself a commit moves the log into the database every 4096 pages.
 */
static const char pragmas[] = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                              "PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;";

static const char writer_pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                     "PRAGMA wal_autocheckpoint = 4096;"
                                     "PRAGMA journal_size_limit = 67108864;";

/*
 * What a long transaction must be able to take back goes to a file without a name beside the
 * database: kept in memory it would be searched from the front again and again, and elsewhere there
 * may be no room or no right to write.
 */
static enum fault database_set_temporary_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (sqlite3_temp_directory || !slash)
        return FAULT_NONE;
    sqlite3_temp_directory = sqlite3_mprintf("%.*s", (int)(slash - path), path);
    return sqlite3_temp_directory ? FAULT_NONE : FAULT_MEMORY;
}

static enum fault database_prepare(struct database *database, enum database_mode mode,
                                   struct why *why)
{
    enum fault fault = sql_script(database, pragmas);
    if (!fault && mode == DATABASE_WRITER)
        fault = sql_script(database, writer_pragmas);
    if (fault)
        return why_set(why, fault, "the database cannot be used: %s", database_error(database));
    return mode == DATABASE_WRITER ? migrations_apply(database, why) : FAULT_NONE;
}

enum fault database_open(const char *path, enum database_mode mode, struct database **ret,
                         struct why *why)
{
    _cleanup_(database_done) struct database *database = calloc(1, sizeof *database);
    if (!database)
        return FAULT_MEMORY;
    if (database_set_temporary_folder(path))
        return FAULT_MEMORY;
    int flags =
        mode == DATABASE_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    int result = sqlite3_open_v2(path, &database->connection,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK)
        return why_set(why, fault_of(result), "cannot open the database %s: %s", path,
                       sqlite3_errstr(result));
    sqlite3_busy_timeout(database->connection, BUSY_TIMEOUT_MS);
    enum fault fault = database_prepare(database, mode, why);
    if (fault)
        return fault;
    *ret = TAKE(database);
    return FAULT_NONE;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(database->statements[i].compiled);
    sqlite3_close(database->connection);
    free(database);
}

void database_done(struct database **database)
{
    database_close(*database);
}

enum fault database_map(struct database *database, bool mapped)
{
    return sql_script(database,
                      mapped ? "PRAGMA mmap_size = 1099511627776" : "PRAGMA mmap_size = 0");
}

const char *database_error(const struct database *database)
{
    return sqlite3_errmsg(database->connection);
}

enum fault database_begin(struct database *database)
{
    /* For want of memory the last one may not even have been rolled back. */
    if (!sqlite3_get_autocommit(database->connection))
        database_rollback(database);
    bool reads_only = sqlite3_db_readonly(database->connection, "main") == 1;
    return reads_only ? sql_run(sql(database, "BEGIN")) : sql_run(sql(database, "BEGIN IMMEDIATE"));
}

enum fault database_commit(struct database *database)
{
    return sql_run(sql(database, "COMMIT"));
}

void database_rollback(struct database *database)
{
    /* SQLite rolls back by itself after some errors; then this is an error that means nothing. */
    (void)sql_run(sql(database, "ROLLBACK"));
}

enum fault database_savepoint(struct database *database)
{
    return sql_run(sql(database, "SAVEPOINT command"));
}

enum fault database_release(struct database *database)
{
    return sql_run(sql(database, "RELEASE command"));
}

enum fault database_rollback_savepoint(struct database *database)
{
    enum fault fault = sql_run(sql(database, "ROLLBACK TO command"));
    return fault ? fault : database_release(database);
}

static int log_grown(void *context, sqlite3 *connection, const char *schema, int pages)
{
    struct database *database = context;
    (void)connection;
    (void)schema;
    database->log_pages = (size_t)pages;
    return SQLITE_OK;
}

void database_keep_log(struct database *database)
{
    sqlite3_wal_hook(database->connection, log_grown, database);
}

size_t database_log_pages(const struct database *database)
{
    return database->log_pages;
}

enum fault database_checkpoint(struct database *database, size_t *ret_moved)
{
    int moved = 0;
    int result = sqlite3_wal_checkpoint_v2(database->connection, "main", SQLITE_CHECKPOINT_PASSIVE,
                                           NULL, &moved);
    if ((result & 0xff) == SQLITE_BUSY)
        return FAULT_NONE;
    if (result == SQLITE_OK)
        *ret_moved = (size_t)moved;
    return fault_of(result);
}

enum fault database_scrub(struct database *database, size_t *ret_moved, struct why *why)
{
    int moved = -1;
    sqlite3_busy_timeout(database->connection, 0);
    int result = sqlite3_wal_checkpoint_v2(database->connection, "main", SQLITE_CHECKPOINT_TRUNCATE,
                                           NULL, &moved);
    sqlite3_busy_timeout(database->connection, BUSY_TIMEOUT_MS);
    if (moved >= 0)
        *ret_moved = (size_t)moved;
    if ((result & 0xff) == SQLITE_BUSY)
        return why_set(why, FAULT_OVERLOADED,
                       "the write-ahead log could not be emptied: a reader holds it");
    return result == SQLITE_OK
               ? FAULT_NONE
               : why_set(why, FAULT_STORAGE, "the write-ahead log could not be emptied: %s",
                         database_error(database));
}

enum fault database_verify(struct database *database, struct why *why)
{
    struct statement *row = sql(database, "PRAGMA quick_check(1)");
    struct why found = {""};
    if (sql_step(row) && strcmp(sql_column_text(row, 0), "ok") != 0)
        why_set(&found, FAULT_CORRUPT, "the database is damaged: %s", sql_column_text(row, 0));
    enum fault fault = sql_end(row);
    if (fault)
        return why_set(why, fault, "the database cannot be read: %s", database_error(database));
    return found.text[0] ? why_set(why, FAULT_CORRUPT, "%s", found.text) : FAULT_NONE;
}

sqlite3 *database_connection(const struct database *database)
{
    return database->connection;
}

struct statement *sql(struct database *database, const char *text)
{
    size_t slot = ((uintptr_t)text >> 3) % STATEMENTS_MAX;
    struct statement *statement = &database->statements[slot];
    while (statement->text && statement->text != text) {
        slot = (slot + 1) % STATEMENTS_MAX;
        statement = &database->statements[slot];
    }
    statement->text = text;
    statement->database = database;
    statement->parameter = 0;
    statement->fault = FAULT_NONE;
    if (!statement->compiled)
        statement->fault = fault_of(sqlite3_prepare_v3(
            database->connection, text, -1, SQLITE_PREPARE_PERSISTENT, &statement->compiled, NULL));
    return statement;
}

static void keep_fault(struct statement *statement, int result)
{
    if (!statement->fault)
        statement->fault = fault_of(result);
}

void sql_integer(struct statement *statement, int64_t value)
{
    if (!statement->fault)
        keep_fault(statement,
                   sqlite3_bind_int64(statement->compiled, ++statement->parameter, value));
}

/* Bound bytes are not copied: they must live until sql_end, as the bytes of our commands do. */
void sql_text(struct statement *statement, const char *text)
{
    if (!statement->fault)
        keep_fault(statement, sqlite3_bind_text(statement->compiled, ++statement->parameter, text,
                                                -1, SQLITE_STATIC));
}

void sql_blob(struct statement *statement, const void *bytes, size_t length)
{
    if (!statement->fault)
        keep_fault(statement, sqlite3_bind_blob64(statement->compiled, ++statement->parameter,
                                                  bytes, length, SQLITE_STATIC));
}

void sql_null(struct statement *statement)
{
    if (!statement->fault)
        keep_fault(statement, sqlite3_bind_null(statement->compiled, ++statement->parameter));
}

bool sql_step(struct statement *statement)
{
    if (statement->fault)
        return false;
    int result = sqlite3_step(statement->compiled);
    keep_fault(statement, result);
    return result == SQLITE_ROW;
}

int64_t sql_column_integer(struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->compiled, column);
}

const void *sql_column_bytes(struct statement *statement, int column, size_t *ret_length)
{
    const void *bytes = sqlite3_column_blob(statement->compiled, column);
    *ret_length = (size_t)sqlite3_column_bytes(statement->compiled, column);
    return bytes;
}

const void *sql_column_blob(struct statement *statement, int column, size_t length)
{
    static const uint8_t zeros[512];
    size_t found = 0;
    const void *bytes = sql_column_bytes(statement, column, &found);
    if (found == length)
        return bytes;
    if (!statement->fault)
        statement->fault = FAULT_CORRUPT;
    return length <= sizeof zeros ? zeros : NULL;
}

const char *sql_column_text(struct statement *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement->compiled, column);
    return text ? (const char *)text : "";
}

bool sql_column_is_null(struct statement *statement, int column)
{
    return sqlite3_column_type(statement->compiled, column) == SQLITE_NULL;
}

enum fault sql_fault(const struct statement *statement)
{
    return statement->fault;
}

int sql_column_count(struct statement *statement)
{
    return sqlite3_column_count(statement->compiled);
}

const char *sql_column_name(struct statement *statement, int column)
{
    const char *name = sqlite3_column_name(statement->compiled, column);
    return name ? name : "";
}

/* Tables are STRICT and none has a REAL. */
enum sql_type sql_column_type(struct statement *statement, int column)
{
    switch (sqlite3_column_type(statement->compiled, column)) {
    case SQLITE_INTEGER:
        return SQL_INTEGER;
    case SQLITE_TEXT:
        return SQL_TEXT;
    case SQLITE_BLOB:
        return SQL_BLOB;
    default:
        return SQL_NULL;
    }
}

enum fault sql_end(struct statement *statement)
{
    if (statement->compiled) {
        sqlite3_reset(statement->compiled);
        sqlite3_clear_bindings(statement->compiled);
    }
    return statement->fault;
}

enum fault sql_first(struct statement *statement)
{
    if (sql_step(statement))
        return FAULT_NONE;
    enum fault fault = sql_end(statement);
    return fault ? fault : FAULT_NOT_FOUND;
}

enum fault sql_run(struct statement *statement)
{
    while (sql_step(statement)) {
    }
    return sql_end(statement);
}

enum fault sql_run_with(struct statement *statement, int64_t value)
{
    sql_integer(statement, value);
    return sql_run(statement);
}

enum fault sql_run_some(struct statement *statement, int64_t value, size_t max, size_t *ret_count)
{
    sql_integer(statement, value);
    sql_integer(statement, (int64_t)max);
    enum fault fault = sql_run(statement);
    if (!fault)
        *ret_count = (size_t)sql_changes(statement->database);
    return fault;
}

int64_t sql_changes(struct database *database)
{
    return sqlite3_changes64(database->connection);
}

int64_t sql_last_row(struct database *database)
{
    return sqlite3_last_insert_rowid(database->connection);
}

enum fault sql_script(struct database *database, const char *script)
{
    return fault_of(sqlite3_exec(database->connection, script, NULL, NULL, NULL));
}
