/* SPDX-License-Identifier: Apache-2.0 */
#include "store/export.h"

#include "store/database.h"

/*
 * Each selects what is held of instance ?1 in one table, in the order of the first column, which is
 * not shown, from above ?2 on, at most ?3 rows. Other tables' rows are named by what the member
 * knows them by: tags and ids.
 */
/* clang-format off */
static const struct {
    const char *kind, *select;
} kinds[] = {
    {"instance",
     "SELECT number, printf('fed-%04x-%04x-%04x', handle >> 32 & 65535, handle >> 16 & 65535,"
     "   handle & 65535) AS instance_id, public_key,"
     "  CASE level WHEN 0 THEN 'minimal' WHEN 1 THEN 'standard' ELSE 'extensive' END"
     "   AS contribution_level,"
     "  CASE mode WHEN 0 THEN 'high' WHEN 1 THEN 'balanced' ELSE 'open' END AS privacy_mode,"
     "  domains, joined_at, CASE tier WHEN 0 THEN 'unlimited' ELSE 'free' END AS tier,"
     "  contributions, released, unproven, carried"
     " FROM instance WHERE number = ?1 AND number > ?2 LIMIT ?3"},

    {"account",
     "SELECT number, balance_milli"
     " FROM account WHERE number = ?1 AND number > ?2 LIMIT ?3"},

    {"contribution",
     "SELECT c.sequence, p.tag, p.epoch, p.domain, c.share, c.confidence, c.min_group,"
     "  c.epsilon_milli AS epsilon, c.accepted_at, nullif(c.sealed_at, 0) AS sealed_at,"
     "  CASE c.state WHEN 0 THEN 'sealed' WHEN 1 THEN 'released' ELSE 'invalid' END AS status,"
     "  CASE c.payment WHEN 0 THEN 'none' WHEN 3 THEN 'due' ELSE 'paid' END AS payment,"
     "  c.carried, p.verify_key, p.commitments, p.search_index AS \"index\", p.ciphertext"
     " FROM contribution c JOIN pattern p ON p.id = c.pattern"
     " WHERE c.instance = ?1 AND c.sequence > ?2 ORDER BY c.sequence LIMIT ?3"},

    {"verification",
     "SELECT v.pattern, p.tag, v.verifier,"
     "  CASE v.verdict WHEN 1 THEN 'confirm' ELSE 'refute' END AS verdict, v.proof, v.created_at"
     " FROM verification v JOIN pattern p ON p.id = v.pattern"
     " WHERE v.instance = ?1 AND v.pattern > ?2 ORDER BY v.pattern LIMIT ?3"},

    {"vote",
     "SELECT v.pattern, p.tag, CASE v.quality WHEN 1 THEN 'high' ELSE 'low' END AS quality,"
     "  v.created_at"
     " FROM vote v JOIN pattern p ON p.id = v.pattern"
     " WHERE v.instance = ?1 AND v.pattern > ?2 ORDER BY v.pattern LIMIT ?3"},

    {"transfer",
     "SELECT sequence, id AS transfer_id, kind, amount_milli, tag, created_at"
     " FROM transfer WHERE credit = ?1 AND credit >= 16 AND sequence > ?2"
     " ORDER BY sequence LIMIT ?3"},

    {"transfer",
     "SELECT sequence, id AS transfer_id, kind, -amount_milli AS amount_milli, tag, created_at"
     " FROM transfer WHERE debit = ?1 AND debit >= 16 AND sequence > ?2"
     " ORDER BY sequence LIMIT ?3"},

    {"activity",
     "SELECT day, date(day * 86400, 'unixepoch') AS day, accepted, payable, verified,"
     "  earned_milli, spent_milli, contributed_milli"
     " FROM activity WHERE instance = ?1 AND day > ?2 ORDER BY day LIMIT ?3"},

    {"quota",
     "SELECT day * 4 + kind, date(day * 86400, 'unixepoch') AS day,"
     "  CASE kind WHEN 0 THEN 'contributions' WHEN 1 THEN 'queries' ELSE 'oprf_elements' END"
     "   AS of, used"
     " FROM quota WHERE instance = ?1 AND day * 4 + kind > ?2 ORDER BY day, kind LIMIT ?3"},

    {"memo",
     "SELECT number, scope, body, refused, answer, expires_at"
     " FROM memo WHERE instance = ?1 AND number > ?2 ORDER BY number LIMIT ?3"},

    {"download",
     "SELECT * FROM (SELECT row_number() OVER (ORDER BY id) AS place, id AS download_id, domain,"
     "  expires_at FROM download WHERE instance = ?1)"
     " WHERE place > ?2 ORDER BY place LIMIT ?3"},

    {"question",
     "SELECT number, id AS query_id, domain, sealed AS sealed_query, reply_key, asked_at,"
     "  expires_at"
     " FROM question WHERE asker = ?1 AND number > ?2 ORDER BY number LIMIT ?3"},

    {"delivery",
     "SELECT d.number, d.id AS delivery_id, d.priority, d.expires_at,"
     "  nullif(d.leased_until, 0) AS leased_until_at,"
     "  CASE d.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'answered' ELSE 'declined' END AS state,"
     "  q.sealed AS sealed_query, a.sealed AS sealed_answer"
     " FROM delivery d JOIN question q ON q.number = d.question"
     " LEFT JOIN answer a ON a.delivery = d.number"
     " WHERE d.instance = ?1 AND d.number > ?2 ORDER BY d.number LIMIT ?3"},
};
/* clang-format on */

enum { KINDS = sizeof kinds / sizeof *kinds };

static void row_read(struct statement *statement, const char *kind, struct export_row *ret)
{
    static const enum export_type types[] = {
        [SQL_INTEGER] = EXPORT_INTEGER,
        [SQL_TEXT] = EXPORT_TEXT,
        [SQL_BLOB] = EXPORT_BYTES,
        [SQL_NULL] = EXPORT_NULL,
    };
    ret->kind = kind;
    ret->count = 0;
    for (int column = 1; column < sql_column_count(statement); column++) {
        struct export_cell *cell = &ret->cells[ret->count++];
        *cell = (struct export_cell){.name = sql_column_name(statement, column),
                                     .type = types[sql_column_type(statement, column)]};
        if (cell->type == EXPORT_INTEGER)
            cell->integer = sql_column_integer(statement, column);
        else if (cell->type != EXPORT_NULL)
            cell->bytes = sql_column_bytes(statement, column, &cell->length);
        if (!cell->bytes)
            cell->bytes = ""; /* SQLite has no pointer for nothing */
    }
}

enum fault export_read(struct database *database, int64_t instance, size_t max,
                       struct export_position *position,
                       bool (*take)(void *context, const struct export_row *row), void *context)
{
    enum fault fault = FAULT_NONE;
    bool taken = true;
    while (position->kind < KINDS && max > 0 && taken && !fault) {
        struct export_row row;
        size_t shown = 0;
        struct statement *statement = sql(database, kinds[position->kind].select);
        sql_integer(statement, instance);
        sql_integer(statement, position->after);
        sql_integer(statement, (int64_t)max);
        while (taken && sql_step(statement)) {
            row_read(statement, kinds[position->kind].kind, &row);
            taken = take(context, &row);
            if (taken)
                position->after = sql_column_integer(statement, 0);
            shown += taken;
        }
        fault = sql_end(statement);
        if (taken && shown < max)
            *position = (struct export_position){.kind = position->kind + 1, .after = INT64_MIN};
        max -= shown;
    }
    position->ended = position->kind == KINDS;
    return fault;
}
