/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include <string.h>

#include "store/database.h"
#include "store/instances.h"

enum { DAY_S = 86400 };

static const char *const kind_names[] = {
    [TRANSFER_CONTRIBUTE] = "contribute", [TRANSFER_REVERSE] = "reverse",
    [TRANSFER_QUERY] = "query",           [TRANSFER_PRIORITY] = "priority",
    [TRANSFER_VERIFY] = "verify",         [TRANSFER_QUALITY] = "quality",
    [TRANSFER_DOWNLOAD] = "download",
};

const char *transfer_kind_name(enum transfer_kind kind)
{
    return kind_names[kind];
}

static enum transfer_kind kind_parse(const char *name)
{
    enum transfer_kind kind = TRANSFER_CONTRIBUTE;
    while (kind < TRANSFER_DOWNLOAD && strcmp(kind_names[kind], name) != 0)
        kind++;
    return kind;
}

enum fault account_open(struct database *database, int64_t number)
{
    struct statement *insert =
        sql(database, "INSERT INTO account (number, name) VALUES (?, 'member')");
    sql_integer(insert, number);
    return sql_run(insert);
}

enum fault account_balance(struct database *database, int64_t number, struct credits *ret)
{
    struct statement *row = sql(database, "SELECT balance_milli FROM account WHERE number = ?");
    sql_integer(row, number);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    ret->milli = sql_column_integer(row, 0);
    return sql_end(row);
}

static enum fault account_move(struct database *database, int64_t number, int64_t milli)
{
    struct statement *update =
        sql(database, "UPDATE account SET balance_milli = balance_milli + ? WHERE number = ?");
    sql_integer(update, milli);
    sql_integer(update, number);
    return sql_run(update);
}

/* Both balances, and what the members among the two see in their day's totals. */
static enum fault balances_move(struct database *database, const struct transfer *transfer)
{
    int64_t day = transfer->created_at_s / DAY_S;
    struct activity earned = {.earned = transfer->amount};
    if (transfer->kind == TRANSFER_CONTRIBUTE)
        earned.contributed = transfer->amount;
    struct activity spent = {.spent = transfer->amount};
    enum fault fault = account_move(database, transfer->debit, -transfer->amount.milli);
    if (!fault)
        fault = account_move(database, transfer->credit, transfer->amount.milli);
    if (!fault && transfer->debit >= ACCOUNT_MEMBERS)
        fault = activity_add(database, transfer->debit, day, &spent);
    if (!fault && transfer->credit >= ACCOUNT_MEMBERS)
        fault = activity_add(database, transfer->credit, day, &earned);
    return fault;
}

enum fault ledger_transfer(struct database *database, const struct transfer *transfer,
                           bool *ret_made)
{
    struct credits balance = {0};
    enum fault fault = account_balance(database, transfer->debit, &balance);
    if (fault)
        return fault;
    if (transfer->debit != ACCOUNT_ISSUANCE && balance.milli < transfer->amount.milli)
        return FAULT_INSUFFICIENT_CREDITS;
    struct statement *insert =
        sql(database, "INSERT INTO transfer (id, kind, debit, credit, amount_milli, tag,"
                      " created_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    sql_blob(insert, transfer->id.bytes, sizeof transfer->id.bytes);
    sql_text(insert, kind_names[transfer->kind]);
    sql_integer(insert, transfer->debit);
    sql_integer(insert, transfer->credit);
    sql_integer(insert, transfer->amount.milli);
    if (transfer->has_tag)
        sql_blob(insert, transfer->tag.bytes, sizeof transfer->tag.bytes);
    else
        sql_null(insert);
    sql_integer(insert, transfer->created_at_s);
    fault = sql_run(insert);
    if (fault)
        return fault;
    bool made = sql_changes(database) == 1;
    fault = made ? balances_move(database, transfer) : FAULT_NONE;
    if (!fault)
        *ret_made = made;
    return fault;
}

enum fault ledger_amount(struct database *database, const struct transfer_id *id,
                         struct credits *ret)
{
    struct credits amount = {0};
    struct statement *row =
        sql(database, "SELECT amount_milli FROM transfer WHERE id = ? AND kind <> 'query'"
                      " AND kind <> 'download' AND kind <> 'priority'");
    sql_blob(row, id->bytes, sizeof id->bytes);
    if (sql_step(row))
        amount.milli = sql_column_integer(row, 0);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = amount;
    return fault;
}

static void transfer_read(struct statement *row, struct transfer *ret)
{
    *ret = (struct transfer){
        .sequence = sql_column_integer(row, 0),
        .kind = kind_parse(sql_column_text(row, 2)),
        .debit = sql_column_integer(row, 3),
        .credit = sql_column_integer(row, 4),
        .amount = {sql_column_integer(row, 5)},
        .has_tag = !sql_column_is_null(row, 6),
        .created_at_s = sql_column_integer(row, 7),
    };
    memcpy(ret->id.bytes, sql_column_blob(row, 1, sizeof ret->id.bytes), sizeof ret->id.bytes);
    if (ret->has_tag)
        memcpy(ret->tag.bytes, sql_column_blob(row, 6, sizeof ret->tag.bytes),
               sizeof ret->tag.bytes);
}

enum fault ledger_list(struct database *database, int64_t account, struct page *page,
                       struct transfer *ret, size_t *ret_count)
{
    /* Two ranges of two partial indexes, merged: cheaper than it looks, and bounded by the limit.
     */
    struct statement *row = sql(
        database,
        "SELECT sequence, id, kind, debit, credit, amount_milli, tag, created_at FROM ("
        " SELECT * FROM (SELECT * FROM transfer WHERE debit = ?1 AND debit >= 16 AND sequence > ?2"
        "  ORDER BY sequence LIMIT ?3)"
        " UNION ALL"
        " SELECT * FROM (SELECT * FROM transfer WHERE credit = ?1 AND credit >= 16"
        "  AND sequence > ?2 ORDER BY sequence LIMIT ?3)"
        ") ORDER BY sequence LIMIT ?3");
    sql_integer(row, account);
    sql_integer(row, page->after);
    sql_integer(row, (int64_t)page->limit + 1); /* the last one only says that there is more */
    size_t count = 0;
    while (count < page->limit && sql_step(row))
        transfer_read(row, &ret[count++]);
    page->more = count == page->limit && sql_step(row);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret_count = count;
    return fault;
}

/* The balance goes first and whole: what is left of a history may add up to less than nothing. */
static enum fault bury_balance(struct database *database, int64_t account)
{
    struct credits balance = {0};
    enum fault fault = account_balance(database, account, &balance);
    if (!fault)
        fault = sql_run_with(
            sql(database, "INSERT INTO burial (account) VALUES (?) ON CONFLICT DO NOTHING"),
            account);
    if (!fault)
        fault = account_move(database, account, -balance.milli);
    return fault ? fault : account_move(database, ACCOUNT_TOMBSTONE, balance.milli);
}

enum fault ledger_bury(struct database *database, int64_t account, size_t max, size_t *ret_count)
{
    size_t debits = 0, credits = 0;
    enum fault fault = bury_balance(database, account);
    if (!fault)
        fault = sql_run_some(sql(database, "UPDATE transfer SET id = randomblob(16), tag = NULL,"
                                           " debit = 3 WHERE sequence IN (SELECT sequence FROM"
                                           " transfer WHERE debit = ? AND debit >= 16 LIMIT ?)"),
                             account, max, &debits);
    if (!fault && debits < max)
        fault = sql_run_some(sql(database, "UPDATE transfer SET id = randomblob(16), tag = NULL,"
                                           " credit = 3 WHERE sequence IN (SELECT sequence FROM"
                                           " transfer WHERE credit = ? AND credit >= 16 LIMIT ?)"),
                             account, max - debits, &credits);
    if (!fault && debits + credits < max)
        fault = sql_run_with(sql(database, "DELETE FROM burial WHERE account = ?"), account);
    if (!fault && debits + credits < max)
        fault = sql_run_with(sql(database, "DELETE FROM account WHERE number = ?"), account);
    if (!fault)
        *ret_count = debits + credits;
    return fault;
}
