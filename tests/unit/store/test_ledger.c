/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "store/audit.h"
#include "store/instances.h"

enum { NOW_S = 20000 * 86400 + 5, PATTERN_TAG = 0x77 };

struct fixture {
    struct database *database;
    int64_t alice, bob;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.database = rows_open();
    fixture.alice = rows_member(fixture.database, 1);
    fixture.bob = rows_member(fixture.database, 2);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rows_assert_sound(fixture->database);
    database_close(fixture->database);
    return 0;
}

static int64_t balance(struct database *database, int64_t account)
{
    struct credits credits;
    assert_int_equal(account_balance(database, account, &credits), FAULT_NONE);
    return credits.milli;
}

static struct transfer earning(int64_t member, int64_t milli)
{
    struct transfer transfer = {.kind = TRANSFER_CONTRIBUTE,
                                .debit = ACCOUNT_ISSUANCE,
                                .credit = member,
                                .amount = {milli},
                                .has_tag = true,
                                .created_at_s = NOW_S};
    memset(transfer.tag.bytes, PATTERN_TAG, sizeof transfer.tag.bytes);
    return transfer;
}

static struct transfer spending(int64_t member, int64_t milli)
{
    return (struct transfer){.kind = TRANSFER_QUERY,
                             .debit = member,
                             .credit = ACCOUNT_REVENUE,
                             .amount = {milli},
                             .created_at_s = NOW_S};
}

static void make(struct fixture *fixture, struct transfer transfer, uint8_t id)
{
    bool made = false;
    assert_int_equal(rows_transfer(fixture->database, &transfer, id, &made), FAULT_NONE);
    assert_true(made);
}

static void a_transfer_moves_what_leaves_one_account_to_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = fixture->database;
    struct activity today;
    make(fixture, earning(fixture->alice, 2500), 1);
    make(fixture, spending(fixture->alice, 1000), 2);
    assert_int_equal(balance(database, fixture->alice), 1500);
    assert_int_equal(balance(database, fixture->bob), 0);
    assert_int_equal(balance(database, ACCOUNT_ISSUANCE), -2500);
    assert_int_equal(balance(database, ACCOUNT_REVENUE), 1000);
    assert_int_equal(activity_get(database, fixture->alice, NOW_S / 86400, &today), FAULT_NONE);
    assert_int_equal(today.earned.milli, 2500);
    assert_int_equal(today.spent.milli, 1000);
}

static void overdraft_is_refused_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    bool made = false;
    make(fixture, earning(fixture->alice, 999), 1);
    struct transfer transfer = spending(fixture->alice, 1000);
    assert_int_equal(rows_transfer(fixture->database, &transfer, 2, &made),
                     FAULT_INSUFFICIENT_CREDITS);
    assert_false(made);
    assert_int_equal(balance(fixture->database, fixture->alice), 999);
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM transfer"), 1);
}

static void the_last_credit_can_be_spent(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, earning(fixture->alice, 1000), 1);
    make(fixture, spending(fixture->alice, 1000), 2);
    assert_int_equal(balance(fixture->database, fixture->alice), 0);
}

static void the_database_itself_refuses_an_overdraft(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = fixture->database;
    assert_int_equal(
        sql_script(database, "UPDATE account SET balance_milli = -1 WHERE number = 16"),
        FAULT_STORAGE);
    assert_int_equal(sql_script(database, "UPDATE account SET balance_milli = -1 WHERE number = 2"),
                     FAULT_STORAGE);
    assert_int_equal(sql_script(database, "UPDATE account SET balance_milli = -1 WHERE number = 3"),
                     FAULT_STORAGE);
    assert_int_equal(balance(database, fixture->alice), 0);
}

static void
the_database_refuses_a_second_issuer_and_a_member_among_the_systems_accounts(void **state)
{
    struct database *database = ((struct fixture *)*state)->database;
    assert_int_equal(
        sql_script(database, "INSERT INTO account (number, name) VALUES (99, 'issuance')"),
        FAULT_STORAGE);
    assert_int_equal(
        sql_script(database, "INSERT INTO account (number, name) VALUES (4, 'member')"),
        FAULT_STORAGE);
}

static void transfers_cannot_be_changed_or_deleted(void **state)
{
    static const char *const attempts[] = {
        "DELETE FROM transfer",
        "UPDATE transfer SET amount_milli = 1",
        "UPDATE transfer SET kind = 'quality'",
        "UPDATE transfer SET created_at = 0",
        "UPDATE transfer SET credit = 17",
        "UPDATE transfer SET id = randomblob(16)",
        "UPDATE transfer SET tag = NULL",
        "UPDATE transfer SET sequence = 50",
        "UPDATE transfer SET credit = 3",                               /* keeps the tag */
        "UPDATE transfer SET credit = 3, tag = NULL, amount_milli = 1", /* and more */
    };
    struct fixture *fixture = *state;
    make(fixture, earning(fixture->alice, 2500), 1);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (sql_script(fixture->database, attempts[i]) == FAULT_NONE)
            fail_msg("went through: %s", attempts[i]);
    }
    assert_int_equal(rows_number(fixture->database, "SELECT count(*) FROM transfer WHERE id ="
                                                    " x'01010101010101010101010101010101' AND"
                                                    " amount_milli = 2500 AND credit = 16"),
                     1);
}

static void an_earning_is_paid_once(void **state)
{
    struct fixture *fixture = *state;
    struct transfer transfer = earning(fixture->alice, 1000);
    bool made = true;
    make(fixture, transfer, 1);
    assert_int_equal(rows_transfer(fixture->database, &transfer, 1, &made), FAULT_NONE);
    assert_false(made);
    assert_int_equal(balance(fixture->database, fixture->alice), 1000);
    transfer.kind = TRANSFER_REVERSE;
    assert_int_equal(rows_transfer(fixture->database, &transfer, 1, &made), FAULT_NONE);
    assert_false(made);
}

static void an_amount_of_nothing_or_less_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct transfer transfer = earning(fixture->alice, 0);
    bool made = false;
    assert_int_equal(rows_transfer(fixture->database, &transfer, 1, &made), FAULT_STORAGE);
    transfer.amount.milli = -5;
    assert_int_equal(rows_transfer(fixture->database, &transfer, 1, &made), FAULT_STORAGE);
    assert_int_equal(balance(fixture->database, fixture->alice), 0);
}

static void an_unknown_account_has_no_balance_and_pays_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct credits credits = {7};
    bool made = false;
    struct transfer transfer = spending(999, 1);
    assert_int_equal(account_balance(fixture->database, 999, &credits), FAULT_NOT_FOUND);
    assert_int_equal(credits.milli, 7);
    assert_int_equal(rows_transfer(fixture->database, &transfer, 1, &made), FAULT_NOT_FOUND);
}

static void the_amount_of_an_earning_is_found_by_its_id(void **state)
{
    struct fixture *fixture = *state;
    struct credits amount = {1};
    struct transfer_id id;
    make(fixture, earning(fixture->alice, 1500), 1);
    make(fixture, spending(fixture->alice, 500), 2);
    memset(id.bytes, 1, sizeof id.bytes);
    assert_int_equal(ledger_amount(fixture->database, &id, &amount), FAULT_NONE);
    assert_int_equal(amount.milli, 1500);
    memset(id.bytes, 2, sizeof id.bytes);
    assert_int_equal(ledger_amount(fixture->database, &id, &amount), FAULT_NONE);
    assert_int_equal(amount.milli, 0);
}

static void a_list_has_what_came_in_and_went_out_in_order_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct transfer listed[3];
    struct page page = {.limit = 3};
    size_t count = 0, total = 0;
    for (uint8_t i = 0; i < 10; i++) {
        make(fixture, earning(fixture->alice, 1000 + i), (uint8_t)(3 * i));
        make(fixture, earning(fixture->bob, 1), (uint8_t)(3 * i + 1));
        make(fixture, spending(fixture->alice, 10 + i), (uint8_t)(3 * i + 2));
    }
    do {
        assert_int_equal(ledger_list(fixture->database, fixture->alice, &page, listed, &count),
                         FAULT_NONE);
        for (size_t i = 0; i < count; i++, total++) {
            bool came_in = total % 2 == 0;
            int64_t milli = (int64_t)(came_in ? 1000 : 10) + (int64_t)(total / 2);
            assert_true(listed[i].sequence > page.after);
            assert_int_equal(listed[i].kind, came_in ? TRANSFER_CONTRIBUTE : TRANSFER_QUERY);
            assert_int_equal(listed[i].amount.milli, milli);
            assert_int_equal(listed[i].has_tag, came_in);
            assert_int_equal(came_in ? listed[i].credit : listed[i].debit, fixture->alice);
            assert_int_equal(listed[i].created_at_s, NOW_S);
            page.after = listed[i].sequence;
        }
    } while (page.more);
    assert_int_equal(total, 20);
}

static void burying_an_account_keeps_the_books_balanced_and_leaves_no_id_or_tag(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = fixture->database;
    struct credits credits;
    make(fixture, earning(fixture->alice, 2500), 1);
    make(fixture, spending(fixture->alice, 1000), 2);
    make(fixture, earning(fixture->bob, 700), 3);
    size_t count = 0;
    assert_int_equal(ledger_bury(database, fixture->alice, 100, &count), FAULT_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(account_balance(database, fixture->alice, &credits), FAULT_NOT_FOUND);
    assert_int_equal(balance(database, ACCOUNT_TOMBSTONE), 1500);
    assert_int_equal(balance(database, fixture->bob), 700);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM transfer WHERE 16 IN (debit,"
                                           " credit)"),
                     0);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM transfer WHERE tag IS NOT NULL"),
                     1);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM transfer WHERE hex(id) IN"
                                           " ('01010101010101010101010101010101',"
                                           "  '02020202020202020202020202020202')"),
                     0);
    assert_int_equal(instance_delete(database, fixture->alice), FAULT_NONE);
}

/* The audit finds nothing wrong at any time, though the rest of a history adds up to less than
 * nothing. */
static void a_burial_in_steps_balances_at_every_step(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = fixture->database;
    struct books books;
    struct why why = {""};
    size_t count = 1, transfers = 0;
    for (uint8_t i = 0; i < 5; i++)
        make(fixture, earning(fixture->alice, 1000), (uint8_t)(10 + i));
    make(fixture, spending(fixture->alice, 5000), 20);
    make(fixture, earning(fixture->bob, 700), 3);
    while (count == 1) {
        assert_int_equal(ledger_bury(database, fixture->alice, 1, &count), FAULT_NONE);
        transfers += count;
        if (count == 0) /* the account is gone, and the member goes with it */
            assert_int_equal(instance_delete(database, fixture->alice), FAULT_NONE);
        assert_int_equal(books_audit(database, &books, &why), FAULT_NONE);
        assert_int_equal(books.members.milli, 700);
    }
    assert_int_equal(transfers, 6);
    assert_int_equal(rows_number(database, "SELECT count(*) FROM burial"), 0);
    assert_int_equal(balance(database, ACCOUNT_TOMBSTONE), 0);
}

static void burying_an_unknown_account_is_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 7;
    assert_int_equal(ledger_bury(fixture->database, 999, 1, &count), FAULT_NOT_FOUND);
    assert_int_equal(count, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_transfer_moves_what_leaves_one_account_to_the_other),
        TEST(overdraft_is_refused_and_changes_nothing),
        TEST(the_last_credit_can_be_spent),
        TEST(the_database_itself_refuses_an_overdraft),
        TEST(the_database_refuses_a_second_issuer_and_a_member_among_the_systems_accounts),
        TEST(transfers_cannot_be_changed_or_deleted),
        TEST(an_earning_is_paid_once),
        TEST(an_amount_of_nothing_or_less_is_refused),
        TEST(an_unknown_account_has_no_balance_and_pays_nothing),
        TEST(the_amount_of_an_earning_is_found_by_its_id),
        TEST(a_list_has_what_came_in_and_went_out_in_order_page_by_page),
        TEST(burying_an_account_keeps_the_books_balanced_and_leaves_no_id_or_tag),
        TEST(a_burial_in_steps_balances_at_every_step),
        TEST(burying_an_unknown_account_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
