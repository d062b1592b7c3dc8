/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memos.h"

#include <string.h>

#include "store/database.h"
#include "util/arena.h"

static enum fault memo_read(struct statement *row, struct arena *arena, struct memo_row *ret)
{
    size_t length = 0;
    memcpy(ret->body.bytes, sql_column_blob(row, 0, sizeof ret->body.bytes),
           sizeof ret->body.bytes);
    ret->refused = sql_column_integer(row, 1) != 0;
    ret->expires_at_s = sql_column_integer(row, 2);
    const void *answer = sql_column_bytes(row, 3, &length);
    ret->answer = (uint8_t *)arena_copy(arena, answer, length);
    ret->answer_length = length;
    return ret->answer ? FAULT_NONE : FAULT_MEMORY;
}

enum fault memo_find(struct database *database, int64_t instance, const struct memo_hash *scope,
                     int64_t now_s, struct arena *arena, struct memo_row *ret)
{
    struct memo_row memo = {.instance = instance, .scope = *scope};
    struct statement *row = sql(database, "SELECT body, refused, expires_at, answer FROM memo"
                                          " WHERE instance = ? AND scope = ? AND expires_at > ?");
    sql_integer(row, instance);
    sql_blob(row, scope->bytes, sizeof scope->bytes);
    sql_integer(row, now_s);
    enum fault fault = sql_step(row) ? memo_read(row, arena, &memo) : FAULT_NOT_FOUND;
    enum fault ended = sql_end(row);
    if (ended || fault)
        return ended ? ended : fault;
    *ret = memo;
    return FAULT_NONE;
}

static enum fault memo_last(struct database *database, int64_t instance, int64_t *ret)
{
    int64_t last = 0;
    struct statement *row =
        sql(database, "SELECT coalesce(max(number), 0) FROM memo WHERE instance = ?");
    sql_integer(row, instance);
    if (sql_step(row))
        last = sql_column_integer(row, 0);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = last;
    return fault;
}

static enum fault memos_forget_until(struct database *database, int64_t instance, int64_t number)
{
    struct statement *oldest = sql(database, "DELETE FROM memo WHERE instance = ? AND number <= ?");
    sql_integer(oldest, instance);
    sql_integer(oldest, number);
    return sql_run(oldest);
}

enum fault memo_insert(struct database *database, const struct memo_row *row, uint32_t most)
{
    int64_t last = 0;
    enum fault fault = memo_last(database, row->instance, &last);
    if (fault)
        return fault;
    struct statement *insert =
        sql(database, "INSERT OR REPLACE INTO memo (instance, number, scope, body, refused,"
                      " expires_at, answer) VALUES (?, ?, ?, ?, ?, ?, ?)");
    sql_integer(insert, row->instance);
    sql_integer(insert, last + 1);
    sql_blob(insert, row->scope.bytes, sizeof row->scope.bytes);
    sql_blob(insert, row->body.bytes, sizeof row->body.bytes);
    sql_integer(insert, row->refused);
    sql_integer(insert, row->expires_at_s);
    sql_blob(insert, row->answer, row->answer_length);
    fault = sql_run(insert);
    return fault ? fault : memos_forget_until(database, row->instance, last + 1 - most);
}

enum fault memos_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count)
{
    return sql_run_some(sql(database,
                            "DELETE FROM memo WHERE (instance, number) IN (SELECT instance, number"
                            " FROM memo WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"),
                        before_s, max, ret_count);
}

enum fault memos_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                    size_t *ret_count)
{
    return sql_run_some(sql(database,
                            "DELETE FROM memo WHERE (instance, number) IN (SELECT instance, number"
                            " FROM memo WHERE instance = ? LIMIT ?)"),
                        instance, max, ret_count);
}
