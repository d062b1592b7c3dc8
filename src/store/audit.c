/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include <string.h>

#include "store/database.h"

/* clang-format off: it would break the SQL wherever a macro stands in it. */

/* An account as people know it: by the id of its instance, or by its name. */
#define NAME_OF(number)                                                                            \
    "coalesce((SELECT printf('fed-%04x-%04x-%04x', handle >> 32 & 65535, handle >> 16 & 65535,"    \
    "  handle & 65535) FROM instance i WHERE i.number = " number "),"                              \
    " (SELECT name FROM account n WHERE n.number = " number " AND name <> 'member'),"              \
    " 'number ' || " number ")"
#define CREDITS(milli) "printf('%.3f', (" milli ") / 1000.0)"
/* Until its burial is through, an account and the tombstone are one. */
#define BURIED(number) "iif(" number " IN (SELECT account FROM burial), 3, " number ")"
#define IS_SPENT       "(kind = 'query' OR kind = 'download' OR kind = 'priority')"

/*
 * What must hold. Each looks for what does not, and says so in one sentence. NOT INDEXED: what is
 * checked is what the rows say, whatever became of their indexes; the last ones check those.
 */
static const char *const checks[] = {
    "SELECT printf('account %d should be the %s, and is not there', column1, column2)"
    " FROM (VALUES (1, 'issuance'), (2, 'revenue'), (3, 'tombstone'))"
    " LEFT JOIN account ON number = column1 AND name = column2 WHERE number IS NULL",

    "SELECT printf('transfer %d has the amount %s: expected more than zero',"
    " sequence, " CREDITS("amount_milli") ")"
                                          " FROM transfer NOT INDEXED WHERE amount_milli <= 0",

    "SELECT printf('transfer %d, \"%s\", goes from %s to %s, as none of its kind may',"
    " sequence, kind, " NAME_OF("debit") ", " NAME_OF(
        "credit") ")"
                  " FROM transfer NOT INDEXED WHERE CASE"
                  " WHEN kind = 'reverse' THEN debit < 3 OR credit <> 1"
                  " WHEN " IS_SPENT " THEN debit < 3 OR credit <> 2"
                  " ELSE debit <> 1 OR credit < 3 END",

    "SELECT printf('transfers %d and %d have the same id: expected once, found %d times',"
    " min(sequence), max(sequence), count(*))"
    " FROM transfer NOT INDEXED WHERE NOT " IS_SPENT " GROUP BY id HAVING count(*) > 1",

    "SELECT printf('account %s is at %s: expected zero or more',"
    " " NAME_OF("a.number") ", " CREDITS(
        "balance_milli") ")"
                         " FROM account a WHERE number <> 1 AND balance_milli < 0",

    "WITH side (number, milli) AS (SELECT credit, amount_milli FROM transfer NOT INDEXED"
    "  UNION ALL SELECT debit, -amount_milli FROM transfer NOT INDEXED),"
    " made AS (SELECT " BURIED(
        "number") " AS number, sum(milli) AS milli FROM side GROUP BY 1),"
                  " held AS (SELECT " BURIED(
                      "number") " AS number, sum(balance_milli) AS balance_milli"
                                "  FROM account GROUP BY 1)"
                                " SELECT printf('account %s: expected %s by its transfers, found "
                                "%s',"
                                " " NAME_OF("a.number") ", " CREDITS(
                                    "coalesce(milli, 0)") ", " CREDITS("balance_milli") ")"
                                                                                        " FROM "
                                                                                        "held a "
                                                                                        "LEFT JOIN "
                                                                                        "made ON "
                                                                                        "made."
                                                                                        "number = "
                                                                                        "a.number"
                                                                                        " WHERE "
                                                                                        "balance_"
                                                                                        "milli <> "
                                                                                        "coalesce("
                                                                                        "milli, 0)",

    "SELECT printf('issued less reversed and spent is %s, and members and the tombstone hold %s',"
    " " CREDITS(
        "-sum(balance_milli) FILTER (WHERE number < 3)") ","
                                                         " " CREDITS(
                                                             "sum(balance_milli) FILTER (WHERE "
                                                             "number >= 3)") ")"
                                                                             " FROM account HAVING "
                                                                             "sum(balance_milli) "
                                                                             "<> 0",

    "SELECT printf('transfer %d names the account number %d, which is not there', sequence,"
    " CASE WHEN debit IN (SELECT number FROM account) THEN credit ELSE debit END)"
    " FROM transfer NOT INDEXED WHERE debit NOT IN (SELECT number FROM account)"
    " OR credit NOT IN (SELECT number FROM account)",

    "SELECT printf('member %s has no account', " NAME_OF(
        "m.number") ")"
                    " FROM instance m WHERE number NOT IN (SELECT number FROM account)",

    "SELECT printf('account number %d belongs to no member', number)"
    " FROM account WHERE number > 3 AND number NOT IN (SELECT number FROM instance)",

    "WITH side (number, day, earned, spent, shown_earned, shown_spent) AS ("
    " SELECT credit, created_at / 86400, amount_milli, 0, 0, 0"
    "  FROM transfer NOT INDEXED WHERE credit >= 16"
    " UNION ALL SELECT debit, created_at / 86400, 0, amount_milli, 0, 0"
    "  FROM transfer NOT INDEXED WHERE debit >= 16"
    " UNION ALL SELECT instance, day, 0, 0, earned_milli, spent_milli FROM activity)"
    " SELECT printf('the totals of %s on %s: expected %s earned and %s spent by its transfers,"
    " found %s and %s', " NAME_OF(
        "s.number") ", date(day * 86400, 'unixepoch'),"
                    " " CREDITS("sum(earned)") ", " CREDITS(
                        "sum(spent)") ","
                                      " " CREDITS("sum(shown_earned)") ", " CREDITS(
                                          "sum(shown_spent)") ")"
                                                              " FROM side s WHERE s.number NOT IN"
                                                              " (SELECT account FROM burial)"
                                                              " GROUP BY s.number, day"
                                                              " HAVING sum(earned) <> "
                                                              "sum(shown_earned) OR sum(spent) <> "
                                                              "sum(shown_spent)",

    "SELECT printf('the totals of number %d on %s belong to no member', instance,"
    " date(day * 86400, 'unixepoch'))"
    " FROM activity WHERE instance NOT IN (SELECT number FROM instance)",

    "SELECT printf('the %s %s is not in the schema', column1, column2)"
    " FROM (VALUES ('trigger', 'transfer_stays'), ('trigger', 'transfer_is_immutable'),"
    " ('index', 'transfer_once'))"
    " LEFT JOIN sqlite_schema ON type = column1 AND name = column2 WHERE name IS NULL",

    "SELECT 'table account: ' || integrity_check FROM pragma_integrity_check('account')"
    " WHERE integrity_check <> 'ok'",
    "SELECT 'table transfer: ' || integrity_check FROM pragma_integrity_check('transfer')"
    " WHERE integrity_check <> 'ok'",
    "SELECT 'table activity: ' || integrity_check FROM pragma_integrity_check('activity')"
    " WHERE integrity_check <> 'ok'",
};

/* clang-format on */

static enum fault check_run(struct database *database, const char *check, struct why *why)
{
    struct statement *wrong = sql(database, check);
    bool found = sql_step(wrong);
    if (found)
        why_set(why, FAULT_CORRUPT, "%s", sql_column_text(wrong, 0));
    enum fault fault = sql_end(wrong);
    if (fault)
        return why_set(why, fault, "cannot read the books: %s", database_error(database));
    return found ? FAULT_CORRUPT : FAULT_NONE;
}

static enum fault books_read(struct database *database, struct books *ret)
{
    struct books books = {0};
    struct statement *row =
        sql(database,
            "SELECT (SELECT count(*) FROM account), count(*),"
            " coalesce(sum(amount_milli) FILTER (WHERE debit = 1), 0),"
            " coalesce(sum(amount_milli) FILTER (WHERE credit = 1), 0),"
            " coalesce(sum(amount_milli) FILTER (WHERE credit = 2), 0),"
            " (SELECT coalesce(sum(balance_milli), 0) FROM account WHERE number >= 16),"
            " (SELECT balance_milli FROM account WHERE number = 3) FROM transfer NOT INDEXED");
    if (sql_step(row))
        books = (struct books){
            .accounts = sql_column_integer(row, 0),
            .transfers = sql_column_integer(row, 1),
            .issued = {sql_column_integer(row, 2)},
            .reversed = {sql_column_integer(row, 3)},
            .revenue = {sql_column_integer(row, 4)},
            .members = {sql_column_integer(row, 5)},
            .tombstone = {sql_column_integer(row, 6)},
        };
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = books;
    return fault;
}

enum fault books_audit(struct database *database, struct books *ret, struct why *why)
{
    /* Sorting all transfers in memory would need as much as there are. */
    enum fault fault = sql_script(database, "PRAGMA temp_store = FILE");
    if (!fault)
        fault = database_begin(database);
    if (fault)
        return why_set(why, fault, "cannot read the books: %s", database_error(database));
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !fault; i++)
        fault = check_run(database, checks[i], why);
    if (!fault && (fault = books_read(database, ret)))
        why_set(why, fault, "cannot read the books: %s", database_error(database));
    database_rollback(database);
    return fault;
}

static void journal_row_read(struct statement *row, struct journal_row *ret)
{
    *ret = (struct journal_row){
        .sequence = sql_column_integer(row, 0),
        .created_at_s = sql_column_integer(row, 1),
        .kind = sql_column_text(row, 3),
        .debit = sql_column_integer(row, 4),
        .credit = sql_column_integer(row, 5),
        .debit_handle = (uint64_t)sql_column_integer(row, 6),
        .credit_handle = (uint64_t)sql_column_integer(row, 7),
        .amount = {sql_column_integer(row, 8)},
    };
    memcpy(ret->id.bytes, sql_column_blob(row, 2, sizeof ret->id.bytes), sizeof ret->id.bytes);
}

enum fault journal_each(struct database *database,
                        enum fault (*each)(void *context, const struct journal_row *row),
                        void *context)
{
    struct statement *row =
        sql(database, "SELECT t.sequence, t.created_at, t.id, t.kind, t.debit, t.credit,"
                      " d.handle, c.handle, t.amount_milli FROM transfer t"
                      " LEFT JOIN instance d ON d.number = t.debit"
                      " LEFT JOIN instance c ON c.number = t.credit ORDER BY t.sequence");
    enum fault fault = FAULT_NONE;
    while (!fault && sql_step(row)) {
        struct journal_row transfer;
        journal_row_read(row, &transfer);
        fault = each(context, &transfer);
    }
    enum fault ended = sql_end(row);
    return fault ? fault : ended;
}
