/* SPDX-License-Identifier: Apache-2.0 */
#include "store/epochs.h"

#include <string.h>

#include "store/database.h"

enum fault epochs_list(struct database *database, struct epoch_row ret[EPOCHS_MAX],
                       size_t *ret_count)
{
    struct statement *row = sql(database, "SELECT number, k, token_bits, oprf_public_key,"
                                          " started_at FROM epoch ORDER BY number");
    size_t count = 0;
    bool more = sql_step(row);
    for (; more && count < EPOCHS_MAX; more = sql_step(row))
        epoch_read(row, &ret[count++]);
    enum fault fault = sql_end(row);
    if (fault || more)
        return fault ? fault : FAULT_CORRUPT;
    *ret_count = count;
    return FAULT_NONE;
}

enum fault epoch_token_bits(struct database *database, uint32_t number, uint8_t *ret)
{
    struct statement *row = sql(database, "SELECT token_bits FROM epoch WHERE number = ?");
    sql_integer(row, number);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    *ret = (uint8_t)sql_column_integer(row, 0);
    return sql_end(row);
}

enum fault epoch_forget(struct database *database, uint32_t number, bool *ret_forgotten)
{
    struct statement *delete =
        sql(database, "DELETE FROM epoch WHERE number = ?1"
                      " AND NOT EXISTS (SELECT 1 FROM pattern WHERE epoch = ?1)");
    sql_integer(delete, number);
    enum fault fault = sql_run(delete);
    if (!fault)
        *ret_forgotten = sql_changes(database) == 1;
    return fault;
}

/* What an instance holds of the current epoch. */
#define HELD                                                                                       \
    "SELECT count(*) FROM contribution c WHERE c.instance = instance.number"                       \
    " AND c.sequence >= instance.epoch_sequence"

/* What it was paid for since that began, has not paid back whole, and does not hold. */
#define KEPT_PAY                                                                                   \
    "SELECT count(*) FROM"                                                                         \
    " (SELECT tag FROM"                                                                            \
    "   (SELECT tag, amount_milli AS kept FROM transfer WHERE credit = instance.number"            \
    "     AND kind = 'contribute' AND created_at >= (SELECT max(started_at) FROM epoch)"           \
    "    UNION ALL"                                                                                \
    "    SELECT tag, -amount_milli FROM transfer WHERE debit = instance.number"                    \
    "     AND kind = 'reverse')"                                                                   \
    "   GROUP BY tag HAVING sum(kept) > 0"                                                         \
    "  EXCEPT"                                                                                     \
    "  SELECT p.tag FROM contribution c JOIN pattern p ON p.id = c.pattern"                        \
    "   WHERE c.instance = instance.number)"

enum fault epoch_carry(struct database *database)
{
    return sql_run(sql(database, "UPDATE instance SET epoch_sequence = next_sequence,"
                                 " carried = carried + (" HELD ") + (" KEPT_PAY ")"));
}

enum fault epoch_sealed(struct database *database, struct epoch_scan *scan, uint32_t *ret,
                        size_t *ret_count, bool *ret_more)
{
    struct statement *row =
        sql(database, "SELECT p.id, EXISTS (SELECT 1 FROM release r WHERE r.pattern = p.id)"
                      " FROM pattern p WHERE p.epoch = ? AND p.id > ? ORDER BY p.id LIMIT ?");
    sql_integer(row, scan->epoch);
    sql_integer(row, scan->after);
    sql_integer(row, (int64_t)scan->max);
    uint32_t last = scan->after;
    size_t seen = 0, count = 0;
    for (; sql_step(row); seen++) {
        last = (uint32_t)sql_column_integer(row, 0);
        if (sql_column_integer(row, 1) == 0)
            ret[count++] = last;
    }
    enum fault fault = sql_end(row);
    if (fault)
        return fault;
    scan->after = last;
    *ret_count = count;
    *ret_more = seen == scan->max;
    return FAULT_NONE;
}
