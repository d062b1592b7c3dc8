/* SPDX-License-Identifier: Apache-2.0 */
#include "store/numbers.h"

#include "store/database.h"
#include "store/patterns.h"

enum fault numbers_find(struct database *database, const struct tag *tag, uint32_t period,
                        struct numbers *ret)
{
    struct statement *row = sql(database, "SELECT period, contributor_count, confidence FROM shown"
                                          " WHERE tag = ? AND period >= ?");
    sql_blob(row, tag->bytes, sizeof tag->bytes);
    sql_integer(row, period);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    ret->period = (uint32_t)sql_column_integer(row, 0);
    ret->contributor_count = (uint32_t)sql_column_integer(row, 1);
    ret->confidence = (uint8_t)sql_column_integer(row, 2);
    return sql_end(row);
}

enum fault numbers_forget(struct database *database, uint32_t period, size_t max)
{
    struct statement *delete =
        sql(database, "DELETE FROM shown WHERE tag IN"
                      " (SELECT tag FROM shown WHERE period < ? ORDER BY period LIMIT ?)");
    sql_integer(delete, period);
    sql_integer(delete, (int64_t)max);
    return sql_run(delete);
}

enum fault numbers_are_stale(struct database *database, uint32_t period, bool *ret)
{
    struct statement *row = sql(database, "SELECT 1 FROM shown WHERE period < ? LIMIT 1");
    sql_integer(row, period);
    bool stale = sql_step(row);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = stale;
    return fault;
}

enum fault numbers_redraw(struct database *database, const struct release_row *release)
{
    struct statement *update =
        sql(database, "UPDATE release SET counted = ?, period = ?, contributor_count = ?,"
                      " confidence = ? WHERE pattern = ?");
    sql_integer(update, release->counted);
    sql_integer(update, release->period);
    sql_integer(update, release->contributor_count);
    sql_integer(update, release->confidence);
    sql_integer(update, release->pattern);
    return sql_run(update);
}

enum fault numbers_due(struct database *database, uint32_t period,
                       struct calendar_place *ret_places, size_t max, size_t *ret_count)
{
    struct statement *row =
        sql(database, "SELECT period, pattern FROM release WHERE period < ?1"
                      " AND (period, pattern) > (?2, ?3) ORDER BY period, pattern LIMIT ?4");
    sql_integer(row, period);
    sql_integer(row, ret_places[0].period);
    sql_integer(row, ret_places[0].pattern);
    sql_integer(row, (int64_t)max);
    size_t count = 0;
    for (; count < max && sql_step(row); count++)
        ret_places[count] = (struct calendar_place){(uint32_t)sql_column_integer(row, 0),
                                                    (uint32_t)sql_column_integer(row, 1)};
    enum fault fault = sql_end(row);
    if (!fault)
        *ret_count = count;
    return fault;
}
