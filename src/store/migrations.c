/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrations.h"

#include <string.h>

#include "crypto/hash.h"
#include "store/database.h"

enum { MIGRATION_HASH_LENGTH = 32 };

static void migration_hash(const struct migration *migration, uint8_t ret[MIGRATION_HASH_LENGTH])
{
    hash_once(NULL, 0, "continuum/migration", migration->sql, strlen(migration->sql), ret,
              MIGRATION_HASH_LENGTH);
}

/* How many migrations the database has seen; each must be one of ours, unchanged. */
static enum fault migrations_check(struct database *database, size_t *ret_applied, struct why *why)
{
    size_t applied = 0;
    struct why found = {""};
    struct statement *rows =
        sql(database, "SELECT number, hash FROM schema_migration ORDER BY number");
    while (!found.text[0] && sql_step(rows)) {
        uint8_t hash[MIGRATION_HASH_LENGTH];
        if (applied == migration_count) {
            why_set(&found, FAULT_CORRUPT,
                    "the database has schema %lld and this program knows only %zu: it was "
                    "written by a newer version, use that one",
                    (long long)sql_column_integer(rows, 0), migration_count);
            break;
        }
        migration_hash(&migrations[applied], hash);
        if (sql_column_integer(rows, 0) != migrations[applied].number ||
            memcmp(sql_column_blob(rows, 1, sizeof hash), hash, sizeof hash) != 0)
            why_set(&found, FAULT_CORRUPT,
                    "migration %u of the database is not this program's: one of them was changed",
                    migrations[applied].number);
        applied++;
    }
    enum fault fault = sql_end(rows);
    if (fault)
        return why_set(why, fault, "cannot read the schema: %s", database_error(database));
    if (found.text[0])
        return why_set(why, FAULT_CORRUPT, "%s", found.text);
    *ret_applied = applied;
    return FAULT_NONE;
}

static enum fault migration_apply(struct database *database, const struct migration *migration)
{
    uint8_t hash[MIGRATION_HASH_LENGTH];
    migration_hash(migration, hash);
    enum fault fault = sql_script(database, migration->sql);
    if (fault)
        return fault;
    struct statement *insert =
        sql(database, "INSERT INTO schema_migration (number, name, hash, applied_at)"
                      " VALUES (?, ?, ?, unixepoch())");
    sql_integer(insert, migration->number);
    sql_text(insert, migration->name);
    sql_blob(insert, hash, sizeof hash);
    return sql_run(insert);
}

enum fault migrations_apply(struct database *database, struct why *why)
{
    enum fault fault =
        sql_script(database, "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER PRIMARY"
                             " KEY, name TEXT NOT NULL, hash BLOB NOT NULL, applied_at INTEGER NOT"
                             " NULL) STRICT");
    if (fault)
        return why_set(why, fault, "cannot read the schema: %s", database_error(database));
    size_t applied = 0;
    fault = migrations_check(database, &applied, why);
    for (; !fault && applied < migration_count; applied++) {
        fault = database_begin(database);
        if (!fault)
            fault = migration_apply(database, &migrations[applied]);
        if (!fault)
            fault = database_commit(database);
        if (fault) {
            why_set(why, fault, "migration %u failed: %s", migrations[applied].number,
                    database_error(database));
            database_rollback(database);
        }
    }
    return fault;
}
