/* SPDX-License-Identifier: Apache-2.0 */
#include "store/judgements.h"

#include <string.h>

#include "store/database.h"

enum fault verification_insert(struct database *database, const struct verification_row *row,
                               bool *ret_added)
{
    struct statement *insert =
        sql(database, "INSERT INTO verification (pattern, instance, verifier, verdict, proof,"
                      " created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    sql_integer(insert, row->pattern);
    sql_integer(insert, row->instance);
    sql_blob(insert, row->verifier, sizeof row->verifier);
    sql_integer(insert, row->verdict);
    sql_blob(insert, row->proof.bytes, sizeof row->proof.bytes);
    sql_integer(insert, row->created_at_s);
    enum fault fault = sql_run(insert);
    if (!fault)
        *ret_added = sql_changes(database) == 1;
    return fault;
}

enum fault verifications_sample(struct database *database, uint32_t pattern, size_t max,
                                struct verification_row *ret, size_t *ret_count)
{
    struct statement *row =
        sql(database, "SELECT instance, verifier, verdict, proof, created_at FROM verification"
                      " WHERE pattern = ? ORDER BY random() LIMIT ?");
    sql_integer(row, pattern);
    sql_integer(row, (int64_t)max);
    size_t count = 0;
    for (; count < max && sql_step(row); count++) {
        struct verification_row *verification = &ret[count];
        verification->pattern = pattern;
        verification->instance = sql_column_integer(row, 0);
        memcpy(verification->verifier, sql_column_blob(row, 1, VERIFIER_LENGTH), VERIFIER_LENGTH);
        verification->verdict = (enum verdict)sql_column_integer(row, 2);
        memcpy(verification->proof.bytes, sql_column_blob(row, 3, 64), 64);
        verification->created_at_s = sql_column_integer(row, 4);
    }
    enum fault fault = sql_end(row);
    if (!fault)
        *ret_count = count;
    return fault;
}

enum fault vote_put(struct database *database, uint32_t pattern, int64_t instance, bool high,
                    int64_t now_s)
{
    struct statement *put =
        sql(database, "INSERT INTO vote (pattern, instance, quality, created_at)"
                      " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET quality = excluded.quality,"
                      " created_at = excluded.created_at");
    sql_integer(put, pattern);
    sql_integer(put, instance);
    sql_integer(put, high);
    sql_integer(put, now_s);
    return sql_run(put);
}

/* Two counts, of ones and of zeros, from a statement with one row. */
static enum fault count_two(struct statement *row, uint32_t pattern, uint32_t *ret_ones,
                            uint32_t *ret_zeros)
{
    sql_integer(row, pattern);
    if (sql_step(row)) {
        *ret_ones = (uint32_t)sql_column_integer(row, 0);
        *ret_zeros = (uint32_t)sql_column_integer(row, 1);
    }
    return sql_end(row);
}

enum fault judgements_count(struct database *database, uint32_t pattern, struct judgements *ret)
{
    struct judgements judgements = {0};
    enum fault fault = count_two(sql(database, "SELECT total(verdict), count(*) - total(verdict)"
                                               " FROM verification WHERE pattern = ?"),
                                 pattern, &judgements.confirmed, &judgements.refuted);
    if (!fault)
        fault = count_two(sql(database, "SELECT total(quality), count(*) - total(quality)"
                                        " FROM vote WHERE pattern = ?"),
                          pattern, &judgements.votes_high, &judgements.votes_low);
    if (!fault)
        *ret = judgements;
    return fault;
}

enum fault judgements_delete_of_pattern(struct database *database, uint32_t pattern)
{
    enum fault fault =
        sql_run_with(sql(database, "DELETE FROM verification WHERE pattern = ?"), pattern);
    return fault ? fault
                 : sql_run_with(sql(database, "DELETE FROM vote WHERE pattern = ?"), pattern);
}

enum fault judgement_delete_next(struct database *database, enum judgement kind, int64_t instance,
                                 uint32_t *ret_pattern)
{
    bool verification = kind == JUDGEMENT_VERIFICATION;
    struct statement *row =
        verification ? sql(database, "SELECT pattern FROM verification WHERE instance = ? LIMIT 1")
                     : sql(database, "SELECT pattern FROM vote WHERE instance = ? LIMIT 1");
    sql_integer(row, instance);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    uint32_t pattern = (uint32_t)sql_column_integer(row, 0);
    fault = sql_end(row);
    if (fault)
        return fault;
    struct statement *delete =
        verification ? sql(database, "DELETE FROM verification WHERE pattern = ? AND instance = ?")
                     : sql(database, "DELETE FROM vote WHERE pattern = ? AND instance = ?");
    sql_integer(delete, pattern);
    sql_integer(delete, instance);
    fault = sql_run(delete);
    if (!fault)
        *ret_pattern = pattern;
    return fault;
}
