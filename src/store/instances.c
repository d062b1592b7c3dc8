/* SPDX-License-Identifier: Apache-2.0 */
#include "store/instances.h"

#include <stdio.h>
#include <string.h>

#include "store/database.h"
#include "store/ledger.h"
#include "store/quotas.h"

enum fault instance_insert(struct database *database, const struct instance_row *row,
                           int64_t *ret_number)
{
    struct statement *insert =
        sql(database, "INSERT INTO instance (handle, public_key, level, mode, domains, joined_at,"
                      " tier) VALUES (?, ?, ?, ?, ?, ?, ?)");
    sql_integer(insert, (int64_t)row->handle);
    sql_blob(insert, row->public_key.bytes, sizeof row->public_key.bytes);
    sql_integer(insert, row->level);
    sql_integer(insert, row->mode);
    sql_text(insert, row->domains);
    sql_integer(insert, row->joined_at_s);
    sql_integer(insert, row->tier);
    enum fault fault = sql_run(insert);
    if (fault)
        return fault;
    int64_t number = sql_last_row(database);
    fault = account_open(database, number);
    if (!fault)
        *ret_number = number;
    return fault;
}

enum fault instance_handle_of_key(struct database *database, const struct public_key *public_key,
                                  uint64_t *ret)
{
    struct statement *row = sql(database, "SELECT handle FROM instance WHERE public_key = ?");
    sql_blob(row, public_key->bytes, sizeof public_key->bytes);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    *ret = (uint64_t)sql_column_integer(row, 0);
    return sql_end(row);
}

enum fault instance_key_of_handle(struct database *database, uint64_t handle,
                                  struct public_key *ret)
{
    struct statement *row = sql(database, "SELECT public_key FROM instance WHERE handle = ?");
    sql_integer(row, (int64_t)handle);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    memcpy(ret->bytes, sql_column_blob(row, 0, sizeof ret->bytes), sizeof ret->bytes);
    return sql_end(row);
}

/* In the order in which instance_read reads them. */
#define INSTANCE_COLUMNS                                                                           \
    "number, handle, public_key, level, mode, domains, joined_at, next_sequence, contributions,"   \
    " released, unproven, tier, carried"

static void instance_read(struct statement *row, struct instance_row *ret)
{
    ret->number = sql_column_integer(row, 0);
    ret->handle = (uint64_t)sql_column_integer(row, 1);
    memcpy(ret->public_key.bytes, sql_column_blob(row, 2, 32), 32);
    ret->level = (uint8_t)sql_column_integer(row, 3);
    ret->mode = (uint8_t)sql_column_integer(row, 4);
    snprintf(ret->domains, sizeof ret->domains, "%s", sql_column_text(row, 5));
    ret->joined_at_s = sql_column_integer(row, 6);
    ret->next_sequence = sql_column_integer(row, 7);
    ret->contributions = sql_column_integer(row, 8);
    ret->released = sql_column_integer(row, 9);
    ret->unproven = sql_column_integer(row, 10);
    ret->tier = (uint8_t)sql_column_integer(row, 11);
    ret->carried = sql_column_integer(row, 12);
}

enum fault instance_get(struct database *database, int64_t number, struct instance_row *ret)
{
    struct statement *row =
        sql(database, "SELECT " INSTANCE_COLUMNS " FROM instance WHERE number = ?");
    sql_integer(row, number);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    instance_read(row, ret);
    return sql_end(row);
}

enum fault instance_update(struct database *database, const struct instance_row *row)
{
    struct statement *update =
        sql(database, "UPDATE instance SET level = ?, mode = ?, domains = ? WHERE number = ?");
    sql_integer(update, row->level);
    sql_integer(update, row->mode);
    sql_text(update, row->domains);
    sql_integer(update, row->number);
    return sql_run(update);
}

enum fault instance_set_tier(struct database *database, uint64_t handle, uint8_t tier,
                             uint8_t *ret_old)
{
    struct statement *row = sql(database, "SELECT tier FROM instance WHERE handle = ?");
    sql_integer(row, (int64_t)handle);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    uint8_t old = (uint8_t)sql_column_integer(row, 0);
    fault = sql_end(row);
    if (fault)
        return fault;
    struct statement *update = sql(database, "UPDATE instance SET tier = ? WHERE handle = ?");
    sql_integer(update, tier);
    sql_integer(update, (int64_t)handle);
    fault = sql_run(update);
    if (!fault)
        *ret_old = old;
    return fault;
}

enum fault instance_count(struct database *database, int64_t number,
                          const struct instance_change *change)
{
    struct statement *update =
        sql(database, "UPDATE instance SET next_sequence = next_sequence + ?, contributions ="
                      " contributions + ?, released = released + ?, unproven = unproven + ?,"
                      " carried = carried + ? WHERE number = ?");
    sql_integer(update, change->next_sequence);
    sql_integer(update, change->contributions);
    sql_integer(update, change->released);
    sql_integer(update, change->unproven);
    sql_integer(update, change->carried);
    sql_integer(update, number);
    return sql_run(update);
}

enum fault instances_each(struct database *database,
                          enum fault (*each)(void *context, const struct instance_row *row),
                          void *context)
{
    struct statement *row = sql(database, "SELECT " INSTANCE_COLUMNS " FROM instance");
    enum fault fault = FAULT_NONE;
    while (!fault && sql_step(row)) {
        struct instance_row instance;
        instance_read(row, &instance);
        fault = each(context, &instance);
    }
    enum fault ended = sql_end(row);
    return fault ? fault : ended;
}

static enum fault activity_read(struct statement *row, struct activity *ret)
{
    struct activity activity = {0};
    if (sql_step(row))
        activity = (struct activity){
            .accepted = sql_column_integer(row, 0),
            .payable = sql_column_integer(row, 1),
            .earned = {sql_column_integer(row, 2)},
            .spent = {sql_column_integer(row, 3)},
            .verified = sql_column_integer(row, 4),
            .contributed = {sql_column_integer(row, 5)},
        };
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = activity;
    return fault;
}

enum fault activity_get(struct database *database, int64_t number, int64_t day,
                        struct activity *ret)
{
    struct statement *row =
        sql(database, "SELECT accepted, payable, earned_milli, spent_milli, verified,"
                      " contributed_milli FROM activity WHERE instance = ? AND day = ?");
    sql_integer(row, number);
    sql_integer(row, day);
    return activity_read(row, ret);
}

enum fault activity_sum(struct database *database, int64_t number, int64_t first_day,
                        int64_t end_day, struct activity *ret)
{
    struct statement *row =
        sql(database, "SELECT total(accepted), total(payable), total(earned_milli),"
                      " total(spent_milli), total(verified), total(contributed_milli)"
                      " FROM activity WHERE instance = ? AND day >= ? AND day < ?");
    sql_integer(row, number);
    sql_integer(row, first_day);
    sql_integer(row, end_day);
    return activity_read(row, ret);
}

enum fault activity_add(struct database *database, int64_t number, int64_t day,
                        const struct activity *amounts)
{
    struct statement *add =
        sql(database, "INSERT INTO activity (instance, day, accepted, payable, earned_milli,"
                      " spent_milli, verified, contributed_milli) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT DO UPDATE SET"
                      " accepted = accepted + excluded.accepted,"
                      " payable = payable + excluded.payable,"
                      " earned_milli = earned_milli + excluded.earned_milli,"
                      " spent_milli = spent_milli + excluded.spent_milli,"
                      " verified = verified + excluded.verified,"
                      " contributed_milli = contributed_milli + excluded.contributed_milli");
    sql_integer(add, number);
    sql_integer(add, day);
    sql_integer(add, amounts->accepted);
    sql_integer(add, amounts->payable);
    sql_integer(add, amounts->earned.milli);
    sql_integer(add, amounts->spent.milli);
    sql_integer(add, amounts->verified);
    sql_integer(add, amounts->contributed.milli);
    return sql_run(add);
}

enum fault activity_retract(struct database *database, int64_t number, int64_t day)
{
    struct statement *retract =
        sql(database, "UPDATE activity SET accepted = accepted - 1 WHERE instance = ? AND day = ?");
    sql_integer(retract, number);
    sql_integer(retract, day);
    return sql_run(retract);
}

enum fault activity_each(struct database *database, int64_t first_day,
                         void (*each)(void *context, int64_t number, int64_t day, int64_t accepted),
                         void *context)
{
    struct statement *row =
        sql(database, "SELECT instance, day, accepted FROM activity WHERE day >= ?");
    sql_integer(row, first_day);
    while (sql_step(row))
        each(context, sql_column_integer(row, 0), sql_column_integer(row, 1),
             sql_column_integer(row, 2));
    return sql_end(row);
}

enum fault instance_delete(struct database *database, int64_t number)
{
    struct statement *days = sql(database, "DELETE FROM activity WHERE instance = ?");
    sql_integer(days, number);
    enum fault fault = sql_run(days);
    if (!fault)
        fault = quotas_delete(database, number);
    if (fault)
        return fault;
    struct statement *row = sql(database, "DELETE FROM instance WHERE number = ?");
    sql_integer(row, number);
    return sql_run(row);
}
