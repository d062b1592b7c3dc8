/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/search_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/common.h"

enum { QUERIES_LIMIT = 2000, TOKEN_BYTES = 4 };

static const double seconds_limit = 10;

static const char select_text[] = "SELECT pattern, count(*) AS hits FROM posting"
                                  " WHERE token IN (?, ?, ?, ?, ?, ?)"
                                  " GROUP BY pattern ORDER BY hits DESC LIMIT ?";

static void run(sqlite3 *connection, const char *script)
{
    if (sqlite3_exec(connection, script, NULL, NULL, NULL) != SQLITE_OK)
        fail("%s: %s", script, sqlite3_errmsg(connection));
}

static sqlite3_stmt *prepare(sqlite3 *connection, const char *text)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(connection, text, -1, &statement, NULL) != SQLITE_OK)
        fail("%s: %s", text, sqlite3_errmsg(connection));
    return statement;
}

static void postings_fill(sqlite3 *connection)
{
    sqlite3_stmt *releases = prepare(connection, "SELECT pattern, tokens FROM daemon.release");
    sqlite3_stmt *insert = prepare(connection, "INSERT INTO posting VALUES (?, ?)");
    while (sqlite3_step(releases) == SQLITE_ROW) {
        const unsigned char *tokens = sqlite3_column_blob(releases, 1);
        int length = sqlite3_column_bytes(releases, 1);
        for (int at = 0; at < length; at += TOKEN_BYTES) {
            int64_t token = (int64_t)tokens[at] << 24 | tokens[at + 1] << 16 | tokens[at + 2] << 8 |
                            tokens[at + 3];
            sqlite3_bind_int64(insert, 1, token);
            sqlite3_bind_int64(insert, 2, sqlite3_column_int64(releases, 0));
            if (sqlite3_step(insert) != SQLITE_DONE)
                fail("a posting is refused: %s", sqlite3_errmsg(connection));
            sqlite3_reset(insert);
        }
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(releases);
}

static double measure(sqlite3 *connection, const struct corpus *corpus)
{
    sqlite3_stmt *select = prepare(connection, select_text);
    size_t queries = 0, rows = 0;
    double began_s = wall_s();
    for (; queries < QUERIES_LIMIT && wall_s() - began_s < seconds_limit; queries++) {
        uint32_t tokens[QUERY_TERMS];
        corpus_query(corpus, queries, tokens);
        for (int i = 0; i < QUERY_TERMS; i++)
            sqlite3_bind_int64(select, i + 1, tokens[i]);
        sqlite3_bind_int(select, QUERY_TERMS + 1, QUERY_RESULTS);
        while (sqlite3_step(select) == SQLITE_ROW)
            rows++;
        sqlite3_reset(select);
    }
    double per_second = (double)queries / (wall_s() - began_s);
    if (rows == 0)
        fail("the naive search finds nothing");
    sqlite3_finalize(select);
    return per_second;
}

double search_sql_per_second(const struct bench *bench)
{
    char path[PATH_SIZE], attach[2 * PATH_SIZE];
    sqlite3 *connection = NULL;
    snprintf(path, sizeof path, "%s/naive.db", bench->folder);
    snprintf(attach, sizeof attach, "ATTACH '%s/continuum.db' AS daemon", bench->storage);
    if (sqlite3_open(path, &connection) != SQLITE_OK)
        fail("cannot make %s", path);
    run(connection, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                    "PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY");
    run(connection, attach);
    run(connection,
        "CREATE TABLE posting (token INTEGER NOT NULL, pattern INTEGER NOT NULL) STRICT");
    run(connection, "BEGIN");
    postings_fill(connection);
    run(connection, "COMMIT; CREATE INDEX posting_token ON posting (token, pattern)");
    double per_second = measure(connection, &bench->corpus);
    sqlite3_close(connection);
    unlink(path);
    return per_second;
}
