/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"

enum { NOW_S = 20000 * 86400 + 5, ALICE = 16, BOB = 17, CAROL = 18 };

static void move(struct database *database, enum transfer_kind kind, int64_t debit, int64_t credit,
                 int64_t milli)
{
    static uint8_t id;
    bool made = false;
    struct transfer transfer = {
        .kind = kind, .debit = debit, .credit = credit, .amount = {milli}, .created_at_s = NOW_S};
    assert_int_equal(rows_transfer(database, &transfer, ++id, &made), FAULT_NONE);
    assert_true(made);
}

/*
 * Alice (16, fed-0000-0000-0001) has 1.500 of the 3.000 that she earned, Bob (17) the 2.000 that he
 * earned, Carol (18) nothing, and the tombstone what somebody else had.
 */
static struct database *business(void)
{
    struct database *database = rows_open();
    assert_int_equal(rows_member(database, 1), ALICE);
    assert_int_equal(rows_member(database, 2), BOB);
    assert_int_equal(rows_member(database, 3), CAROL);
    int64_t gone = rows_member(database, 4);
    move(database, TRANSFER_CONTRIBUTE, ACCOUNT_ISSUANCE, ALICE, 3000);
    move(database, TRANSFER_CONTRIBUTE, ACCOUNT_ISSUANCE, BOB, 2000);
    move(database, TRANSFER_QUERY, ALICE, ACCOUNT_REVENUE, 1000);
    move(database, TRANSFER_REVERSE, ALICE, ACCOUNT_ISSUANCE, 500);
    move(database, TRANSFER_CONTRIBUTE, ACCOUNT_ISSUANCE, gone, 4000);
    size_t count = 0;
    assert_int_equal(ledger_bury(database, gone, 100, &count), FAULT_NONE);
    assert_int_equal(sql_script(database, "DELETE FROM activity WHERE instance = 19;"
                                          "DELETE FROM instance WHERE number = 19"),
                     FAULT_NONE);
    return database;
}

static void honest_books_balance_and_are_summed_up(void **state)
{
    (void)state;
    struct books books;
    struct why why = {""};
    struct database *database = business();
    assert_int_equal(books_audit(database, &books, &why), FAULT_NONE);
    assert_int_equal(books.accounts, 6);
    assert_int_equal(books.transfers, 5);
    assert_int_equal(books.issued.milli, 9000);
    assert_int_equal(books.reversed.milli, 500);
    assert_int_equal(books.revenue.milli, 1000);
    assert_int_equal(books.members.milli, 3500);
    assert_int_equal(books.tombstone.milli, 4000);
    database_close(database);
}

static void books_without_a_transfer_balance(void **state)
{
    (void)state;
    struct books books;
    struct why why = {""};
    struct database *database = rows_open();
    assert_int_equal(books_audit(database, &books, &why), FAULT_NONE);
    assert_int_equal(books.accounts, 3);
    assert_int_equal(books.transfers, 0);
    assert_int_equal(books.issued.milli, 0);
    database_close(database);
}

static void a_burial_that_is_half_way_through_is_no_discrepancy(void **state)
{
    (void)state;
    struct books books;
    struct why why = {""};
    size_t count = 0;
    struct database *database = business();
    assert_int_equal(ledger_bury(database, ALICE, 1, &count), FAULT_NONE);
    assert_int_equal(count, 1);
    assert_int_equal(books_audit(database, &books, &why), FAULT_NONE);
    assert_int_equal(books.tombstone.milli, 5500);
    assert_int_equal(
        sql_script(database,
                   "UPDATE account SET balance_milli = balance_milli + 1 WHERE number = 3"),
        FAULT_NONE);
    assert_int_equal(books_audit(database, &books, &why), FAULT_CORRUPT);
    assert_string_equal(why.text,
                        "account tombstone: expected 5.500 by its transfers, found 5.501");
    database_close(database);
}

#define FREE_HANDS                                                                                 \
    "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"                             \
    "DROP TRIGGER transfer_stays; DROP TRIGGER transfer_is_immutable;"
#define TRANSFER "INSERT INTO transfer (id, kind, debit, credit, amount_milli, created_at) VALUES "

/* What somebody did with the database file, and what the audit says about it. */
static const struct tampering {
    const char *script, *says;
} tamperings[] = {
    {"UPDATE account SET balance_milli = 9000 WHERE number = 17",
     "account fed-0000-0000-0002: expected 2.000 by its transfers, found 9.000"},
    {"UPDATE account SET balance_milli = balance_milli + 1 WHERE number = 3",
     "account tombstone: expected 4.000 by its transfers, found 4.001"},
    {"UPDATE account SET balance_milli = balance_milli - 1 WHERE number = 1",
     "account issuance: expected -8.500 by its transfers, found -8.501"},
    {"DELETE FROM transfer WHERE sequence = 3",
     "account revenue: expected 0.000 by its transfers, found 1.000"},
    {"UPDATE transfer SET amount_milli = 7000 WHERE sequence = 2",
     "account issuance: expected -13.500 by its transfers, found -8.500"},
    {"UPDATE account SET balance_milli = -1 WHERE number = 16",
     "account fed-0000-0000-0001 is at -0.001: expected zero or more"},
    {"UPDATE account SET balance_milli = -2000 WHERE number = 3",
     "account tombstone is at -2.000: expected zero or more"},
    {"UPDATE transfer SET amount_milli = 0 WHERE sequence = 4",
     "transfer 4 has the amount 0.000: expected more than zero"},
    {"UPDATE transfer SET credit = 17 WHERE sequence = 3",
     "transfer 3, \"query\", goes from fed-0000-0000-0001 to fed-0000-0000-0002, as none of its"
     " kind may"},
    {"UPDATE transfer SET debit = 17 WHERE sequence = 1",
     "transfer 1, \"contribute\", goes from fed-0000-0000-0002 to fed-0000-0000-0001, as none of"
     " its kind may"},
    {"UPDATE transfer SET credit = 2 WHERE sequence = 4",
     "transfer 4, \"reverse\", goes from fed-0000-0000-0001 to revenue, as none of its kind may"},
    {"DROP INDEX transfer_once; UPDATE transfer SET id = (SELECT id FROM transfer WHERE sequence ="
     " 1) WHERE sequence = 2",
     "transfers 1 and 2 have the same id: expected once, found 2 times"},
    {"DELETE FROM account WHERE number = 17",
     "issued less reversed and spent is 7.500, and members and the tombstone hold 5.500"},
    {TRANSFER "(randomblob(16), 'contribute', 1, 99, 1000, 0); INSERT INTO account VALUES (98,"
              " 'member', 0); UPDATE account SET balance_milli = balance_milli - 1000 WHERE number"
              " = 1; UPDATE account SET balance_milli = 1000 WHERE number = 98",
     "account number 98: expected 0.000 by its transfers, found 1.000"},
    {TRANSFER "(randomblob(16), 'contribute', 1, 99, 1000, 0), (randomblob(16), 'reverse', 99, 1,"
              " 1000, 0)",
     "transfer 6 names the account number 99, which is not there"},
    {"DELETE FROM account WHERE number = 18", "member fed-0000-0000-0003 has no account"},
    {"INSERT INTO account (number, name) VALUES (99, 'member')",
     "account number 99 belongs to no member"},
    {"UPDATE account SET name = 'revenues' WHERE number = 2",
     "account 2 should be the revenue, and is not there"},
    {"UPDATE activity SET earned_milli = 2999 WHERE instance = 16",
     "the totals of fed-0000-0000-0001 on 2024-10-04: expected 3.000 earned and 1.500 spent by its"
     " transfers, found 2.999 and 1.500"},
    {"UPDATE activity SET spent_milli = 0 WHERE instance = 16",
     "the totals of fed-0000-0000-0001 on 2024-10-04: expected 3.000 earned and 1.500 spent by its"
     " transfers, found 3.000 and 0.000"},
    {"DELETE FROM activity WHERE instance = 17",
     "the totals of fed-0000-0000-0002 on 2024-10-04: expected 2.000 earned and 0.000 spent by its"
     " transfers, found 0.000 and 0.000"},
    {"INSERT INTO activity (instance, day) VALUES (99, 1)",
     "the totals of number 99 on 1970-01-02 belong to no member"},
    {"DROP INDEX transfer_once; CREATE TRIGGER transfer_stays BEFORE DELETE ON transfer BEGIN"
     " SELECT 1; END; CREATE TRIGGER transfer_is_immutable BEFORE UPDATE ON transfer BEGIN"
     " SELECT 1; END",
     "the index transfer_once is not in the schema"},
    {"SELECT 1", "the trigger transfer_stays is not in the schema"},
};

static void every_tampering_is_found_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tamperings / sizeof *tamperings; i++) {
        struct database *database = business();
        struct books books = {.accounts = -7};
        struct why why = {""};
        assert_int_equal(sql_script(database, FREE_HANDS), FAULT_NONE);
        if (sql_script(database, tamperings[i].script))
            fail_msg("%s: %s", tamperings[i].script, database_error(database));
        assert_int_equal(books_audit(database, &books, &why), FAULT_CORRUPT);
        assert_string_equal(why.text, tamperings[i].says);
        assert_int_equal(books.accounts, -7);
        database_close(database);
    }
}

/* Where the triggers stand, what is left to integrity_check is what its rows may be. */
static void a_row_that_breaks_a_check_of_its_table_is_found(void **state)
{
    (void)state;
    static const struct tampering rows[] = {
        {"UPDATE account SET name = 'issuance' WHERE number = 16",
         "table account: CHECK constraint failed in account"},
        {TRANSFER "(x'00', 'bonus', 1, 16, 1, 1728000005); UPDATE account SET balance_milli ="
                  " balance_milli + 1 WHERE number = 16; UPDATE account SET balance_milli ="
                  " balance_milli - 1 WHERE number = 1; UPDATE activity SET earned_milli = 3001"
                  " WHERE instance = 16",
         "table transfer: CHECK constraint failed in transfer"},
        {"UPDATE activity SET accepted = -1 WHERE instance = 16",
         "table activity: CHECK constraint failed in activity"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct database *database = business();
        struct books books;
        struct why why = {""};
        assert_int_equal(sql_script(database, "PRAGMA ignore_check_constraints = ON"), FAULT_NONE);
        if (sql_script(database, rows[i].script))
            fail_msg("%s: %s", rows[i].script, database_error(database));
        assert_int_equal(sql_script(database, "PRAGMA ignore_check_constraints = OFF"), FAULT_NONE);
        assert_int_equal(books_audit(database, &books, &why), FAULT_CORRUPT);
        assert_string_equal(why.text, rows[i].says);
        database_close(database);
    }
}

static void a_database_without_books_is_said_to_have_none(void **state)
{
    (void)state;
    struct books books;
    struct why why = {""};
    struct database *database = rows_open();
    assert_int_equal(sql_script(database, FREE_HANDS "DROP TABLE transfer"), FAULT_NONE);
    assert_int_equal(books_audit(database, &books, &why), FAULT_STORAGE);
    assert_string_equal(why.text, "cannot read the books: no such table: transfer");
    database_close(database);
}

struct seen {
    struct journal_row rows[8];
    size_t count, enough;
};

static enum fault see(void *context, const struct journal_row *row)
{
    struct seen *seen = context;
    if (seen->count == seen->enough)
        return FAULT_SYSTEM;
    seen->rows[seen->count++] = *row;
    return FAULT_NONE;
}

static void the_journal_tells_all_transfers_in_order(void **state)
{
    (void)state;
    struct seen seen = {.enough = 8};
    struct database *database = business();
    assert_int_equal(journal_each(database, see, &seen), FAULT_NONE);
    assert_int_equal(seen.count, 5);
    for (size_t i = 0; i < seen.count; i++)
        assert_int_equal(seen.rows[i].sequence, i + 1);
    const struct journal_row *spent = &seen.rows[2], *buried = &seen.rows[4];
    assert_int_equal(spent->debit, ALICE);
    assert_int_equal(spent->debit_handle, 1);
    assert_int_equal(spent->credit, ACCOUNT_REVENUE);
    assert_int_equal(spent->amount.milli, 1000);
    assert_int_equal(spent->created_at_s, NOW_S);
    assert_int_equal(buried->credit, ACCOUNT_TOMBSTONE);
    assert_int_equal(buried->credit_handle, 0);
    database_close(database);
}

static void the_journal_ends_where_its_reader_gives_up(void **state)
{
    (void)state;
    struct seen seen = {.enough = 2};
    struct database *database = business();
    assert_int_equal(journal_each(database, see, &seen), FAULT_SYSTEM);
    assert_int_equal(seen.count, 2);
    database_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_books_balance_and_are_summed_up),
        cmocka_unit_test(books_without_a_transfer_balance),
        cmocka_unit_test(a_burial_that_is_half_way_through_is_no_discrepancy),
        cmocka_unit_test(every_tampering_is_found_and_named),
        cmocka_unit_test(a_row_that_breaks_a_check_of_its_table_is_found),
        cmocka_unit_test(a_database_without_books_is_said_to_have_none),
        cmocka_unit_test(the_journal_tells_all_transfers_in_order),
        cmocka_unit_test(the_journal_ends_where_its_reader_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
