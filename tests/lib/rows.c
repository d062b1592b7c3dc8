/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/made_up.h"
#include "store/instances.h"

struct database *rows_open(void)
{
    struct database *database = NULL;
    struct why why = {""};
    assert_int_equal(crypto_init(), FAULT_NONE);
    enum fault fault = database_open(":memory:", DATABASE_WRITER, &database, &why);
    if (fault)
        print_error("%s\n", why.text);
    assert_int_equal(fault, FAULT_NONE);
    return database;
}

int64_t rows_number(struct database *database, const char *sql_literal)
{
    struct statement *row = sql(database, sql_literal);
    bool found = sql_step(row);
    int64_t number = found ? sql_column_integer(row, 0) : 0;
    enum fault fault = sql_end(row);
    if (fault || !found)
        print_error("%s: %s\n", sql_literal, database_error(database));
    assert_true(found);
    assert_int_equal(fault, FAULT_NONE);
    return number;
}

int64_t rows_member(struct database *database, unsigned member)
{
    struct signing_key key;
    int64_t number = 0;
    made_up_member(member, &key);
    struct instance_row row = {.handle = member, .public_key = key.public, .domains = "general"};
    assert_int_equal(instance_insert(database, &row, &number), FAULT_NONE);
    return number;
}

enum fault rows_transfer(struct database *database, const struct transfer *transfer, uint8_t id,
                         bool *ret_made)
{
    struct transfer copy = *transfer;
    memset(copy.id.bytes, id, sizeof copy.id.bytes);
    return ledger_transfer(database, &copy, ret_made);
}

/* Each counts what is wrong. */
static const char *const wrongs[] = {
    "SELECT coalesce(sum(balance_milli), 0) FROM account",
    "SELECT count(*) FROM account WHERE number <> 1 AND balance_milli < 0",
    "SELECT count(*) FROM account a WHERE balance_milli <>"
    " (SELECT coalesce(sum(amount_milli), 0) FROM transfer WHERE credit = a.number)"
    " - (SELECT coalesce(sum(amount_milli), 0) FROM transfer WHERE debit = a.number)",
    "SELECT count(*) FROM (SELECT id FROM transfer WHERE kind <> 'query' AND kind <> 'priority'"
    " GROUP BY id HAVING count(*) > 1)",
    "SELECT count(*) FROM instance i WHERE contributions <>"
    " (SELECT count(*) FROM contribution WHERE instance = i.number)",
    "SELECT count(*) FROM instance i WHERE released <>"
    " (SELECT count(*) FROM contribution WHERE instance = i.number AND state = 1)",
    "SELECT count(*) FROM instance i WHERE unproven <"
    " (SELECT count(*) FROM contribution WHERE instance = i.number AND payment = 1)",
    "SELECT count(*) FROM instance i WHERE next_sequence <="
    " (SELECT coalesce(max(sequence), 0) FROM contribution WHERE instance = i.number)",
    "SELECT count(*) FROM instance WHERE number NOT IN (SELECT number FROM account)",
    "SELECT count(*) FROM account WHERE number >= 16 AND number NOT IN (SELECT number FROM"
    " instance)",
    "SELECT count(*) FROM pattern WHERE id NOT IN (SELECT pattern FROM contribution)",
    "SELECT count(*) FROM (SELECT 1 FROM pattern GROUP BY tag HAVING count(*) > 1)",
    "SELECT count(*) FROM contribution WHERE state = 1 AND pattern NOT IN"
    " (SELECT pattern FROM release)",
    "SELECT count(*) FROM contribution c JOIN pattern p ON p.id = c.pattern WHERE state = 2 AND"
    " NOT spoiled AND pattern NOT IN (SELECT pattern FROM release)",
    "SELECT count(*) FROM release r JOIN pattern p ON p.id = r.pattern WHERE spoiled",
    "SELECT count(*) FROM release r JOIN pattern p ON p.id = r.pattern"
    " JOIN epoch e ON e.number = p.epoch WHERE counted < e.k OR contributor_count < e.k",
    "SELECT count(*) FROM activity a WHERE earned_milli <> (SELECT coalesce(sum(amount_milli), 0)"
    " FROM transfer WHERE credit = a.instance AND created_at / 86400 = a.day)",
    "SELECT count(*) FROM activity a WHERE spent_milli <> (SELECT coalesce(sum(amount_milli), 0)"
    " FROM transfer WHERE debit = a.instance AND created_at / 86400 = a.day)",
    "SELECT count(*) FROM contribution WHERE counted AND (state <> 1 OR pattern NOT IN"
    " (SELECT pattern FROM release))",
    "SELECT count(*) FROM release r WHERE counted < (SELECT count(*) FROM contribution c"
    " WHERE c.pattern = r.pattern AND c.counted)",
    "SELECT count(*) FROM release r WHERE NOT unsettled AND (confirmed, refuted, votes_high,"
    " votes_low) <> ((SELECT count(*) FROM verification v WHERE v.pattern = r.pattern AND verdict),"
    " (SELECT count(*) FROM verification v WHERE v.pattern = r.pattern AND NOT verdict),"
    " (SELECT count(*) FROM vote v WHERE v.pattern = r.pattern AND quality),"
    " (SELECT count(*) FROM vote v WHERE v.pattern = r.pattern AND NOT quality))",
    "SELECT count(*) FROM activity a WHERE verified <> (SELECT count(*) FROM transfer"
    " WHERE credit = a.instance AND kind = 'verify' AND created_at / 86400 = a.day)",
    "SELECT count(*) FROM delivery d JOIN question q ON q.number = d.question"
    " WHERE (d.asker, d.asked_at, d.expires_at) <> (q.asker, q.asked_at, q.expires_at)",
    "SELECT count(*) FROM delivery WHERE (state = 1) <> (number IN (SELECT delivery FROM answer))",
    "SELECT count(*) FROM question q WHERE 8 < (SELECT count(*) FROM delivery"
    " WHERE question = q.number)",
    "SELECT count(*) FROM instance i WHERE last_asked < (SELECT coalesce(max(number), 0)"
    " FROM delivery WHERE instance = i.number)",
    "SELECT count(*) FROM memo WHERE instance NOT IN (SELECT number FROM instance)",
    "SELECT count(*) FROM pragma_foreign_key_check",
    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
};

void rows_assert_sound(struct database *database)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        int64_t wrong = rows_number(database, wrongs[i]);
        if (wrong)
            print_error("%s: %lld\n", wrongs[i], (long long)wrong);
        assert_int_equal(wrong, 0);
    }
}
