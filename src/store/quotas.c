/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quotas.h"

#include "store/database.h"

enum { DAY_S = 86400 };

enum fault quota_used(struct database *database, int64_t instance, int64_t day, enum quota quota,
                      int64_t *ret)
{
    int64_t used = 0;
    struct statement *row =
        sql(database, "SELECT used FROM quota WHERE instance = ? AND day = ? AND kind = ?");
    sql_integer(row, instance);
    sql_integer(row, day);
    sql_integer(row, quota);
    if (sql_step(row))
        used = sql_column_integer(row, 0);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = used;
    return fault;
}

enum fault quota_add(struct database *database, int64_t instance, int64_t day, enum quota quota,
                     int64_t amount)
{
    struct statement *add =
        sql(database, "INSERT INTO quota (instance, day, kind, used) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT DO UPDATE SET used = used + excluded.used");
    sql_integer(add, instance);
    sql_integer(add, day);
    sql_integer(add, quota);
    sql_integer(add, amount);
    return sql_run(add);
}

enum fault quotas_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count)
{
    return sql_run_some(
        sql(database, "DELETE FROM quota WHERE (instance, day, kind) IN (SELECT instance, day, kind"
                      " FROM quota WHERE day < ? ORDER BY day LIMIT ?)"),
        before_s / DAY_S, max, ret_count);
}

enum fault quotas_delete(struct database *database, int64_t instance)
{
    return sql_run_with(sql(database, "DELETE FROM quota WHERE instance = ?"), instance);
}
