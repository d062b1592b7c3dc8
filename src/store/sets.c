/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sets.h"

#include <stdio.h>
#include <string.h>

#include "store/database.h"

#define SET_COLUMNS "number, domain, patterns, bytes, updated_at"

static void set_row_read(struct statement *row, struct set_row *ret)
{
    *ret = (struct set_row){
        .number = sql_column_integer(row, 0),
        .patterns = sql_column_integer(row, 2),
        .bytes = sql_column_integer(row, 3),
        .updated_at_s = sql_column_integer(row, 4),
    };
    snprintf(ret->domain, sizeof ret->domain, "%s", sql_column_text(row, 1));
}

enum fault sets_list(struct database *database, struct page *page, struct set_row *ret,
                     size_t *ret_count)
{
    struct statement *row = sql(database, "SELECT " SET_COLUMNS " FROM release_set"
                                          " WHERE number > ? ORDER BY number LIMIT ?");
    sql_integer(row, page->after);
    sql_integer(row, (int64_t)page->limit + 1);
    size_t count = 0;
    bool more = sql_step(row);
    for (; more && count < page->limit; more = sql_step(row))
        set_row_read(row, &ret[count++]);
    enum fault fault = sql_end(row);
    if (fault)
        return fault;
    page->more = more;
    *ret_count = count;
    return FAULT_NONE;
}

enum fault set_get(struct database *database, const char *domain, struct set_row *ret)
{
    struct statement *row =
        sql(database, "SELECT " SET_COLUMNS " FROM release_set WHERE domain = ?");
    sql_text(row, domain);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    set_row_read(row, ret);
    return sql_end(row);
}

enum fault set_count(struct database *database, const char *domain, int64_t after, int64_t *ret)
{
    int64_t count = 0;
    struct statement *row =
        sql(database, "SELECT count(*) FROM release WHERE domain = ? AND sequence > ?");
    sql_text(row, domain);
    sql_integer(row, after);
    if (sql_step(row))
        count = sql_column_integer(row, 0);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = count;
    return fault;
}

enum fault download_insert(struct database *database, const struct download_row *row)
{
    struct statement *insert =
        sql(database, "INSERT INTO download (id, instance, domain, start, expires_at)"
                      " VALUES (?, ?, ?, ?, ?)");
    sql_blob(insert, row->id, sizeof row->id);
    sql_integer(insert, row->instance);
    sql_text(insert, row->domain);
    sql_integer(insert, row->start);
    sql_integer(insert, row->expires_at_s);
    return sql_run(insert);
}

enum fault download_get(struct database *database, const uint8_t id[DOWNLOAD_ID_LENGTH],
                        int64_t instance, int64_t now_s, struct download_row *ret)
{
    struct statement *row = sql(database, "SELECT domain, start, expires_at FROM download"
                                          " WHERE id = ? AND instance = ? AND expires_at > ?");
    sql_blob(row, id, DOWNLOAD_ID_LENGTH);
    sql_integer(row, instance);
    sql_integer(row, now_s);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    *ret = (struct download_row){
        .instance = instance,
        .start = sql_column_integer(row, 1),
        .expires_at_s = sql_column_integer(row, 2),
    };
    memcpy(ret->id, id, sizeof ret->id);
    snprintf(ret->domain, sizeof ret->domain, "%s", sql_column_text(row, 0));
    return sql_end(row);
}

enum fault downloads_count(struct database *database, int64_t instance, int64_t now_s,
                           size_t *ret_count, int64_t *ret_expires_at_s)
{
    size_t count = 0;
    int64_t expires_at_s = 0;
    struct statement *row =
        sql(database, "SELECT count(*), coalesce(min(expires_at), 0) FROM download"
                      " WHERE instance = ? AND expires_at > ?");
    sql_integer(row, instance);
    sql_integer(row, now_s);
    if (sql_step(row)) {
        count = (size_t)sql_column_integer(row, 0);
        expires_at_s = sql_column_integer(row, 1);
    }
    enum fault fault = sql_end(row);
    if (fault)
        return fault;
    *ret_count = count;
    *ret_expires_at_s = expires_at_s;
    return FAULT_NONE;
}

enum fault downloads_purge(struct database *database, int64_t before_s, size_t max,
                           size_t *ret_count)
{
    return sql_run_some(sql(database, "DELETE FROM download WHERE id IN (SELECT id FROM download"
                                      " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"),
                        before_s, max, ret_count);
}

enum fault downloads_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                        size_t *ret_count)
{
    return sql_run_some(sql(database, "DELETE FROM download WHERE id IN"
                                      " (SELECT id FROM download WHERE instance = ? LIMIT ?)"),
                        instance, max, ret_count);
}
