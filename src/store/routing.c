/* SPDX-License-Identifier: Apache-2.0 */
#include "store/routing.h"

#include <string.h>

#include "store/database.h"
#include "util/arena.h"

/* ---- Questions ---- */

static void bind_text_or_null(struct statement *statement, const char *text)
{
    if (text)
        sql_text(statement, text);
    else
        sql_null(statement);
}

enum fault question_insert(struct database *database, const struct question_row *row,
                           int64_t *ret_number)
{
    struct statement *insert =
        sql(database, "INSERT INTO question (id, asker, domain, sealed, reply_key, asked_at,"
                      " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
    sql_blob(insert, row->id, sizeof row->id);
    sql_integer(insert, row->asker);
    bind_text_or_null(insert, row->domain);
    sql_blob(insert, row->sealed, row->sealed_length);
    sql_blob(insert, row->reply_key, sizeof row->reply_key);
    sql_integer(insert, row->asked_at_s);
    sql_integer(insert, row->expires_at_s);
    enum fault fault = sql_run(insert);
    if (!fault)
        *ret_number = sql_last_row(database);
    return fault;
}

/* The first `count` columns of the only row. */
static enum fault read_integers(struct statement *row, int64_t *ret, int count)
{
    if (sql_step(row))
        for (int i = 0; i < count; i++)
            ret[i] = sql_column_integer(row, i);
    return sql_end(row);
}

/* Of those that count, the last but so many as may: when it counts no more, there is room. */
enum fault questions_check(struct database *database, int64_t asker, int64_t now_s,
                           const struct question_limits *limits, int64_t *ret_free_s)
{
    int64_t free_s[2] = {0};
    struct statement *row =
        sql(database, "SELECT (SELECT expires_at FROM question INDEXED BY question_of_asker"
                      "  WHERE asker = ?1 AND expires_at > ?2"
                      "  ORDER BY expires_at DESC LIMIT 1 OFFSET ?3 - 1),"
                      " (SELECT asked_at + ?5 FROM question WHERE asker = ?1 AND asked_at > ?2 - ?5"
                      "  ORDER BY asked_at DESC LIMIT 1 OFFSET ?4 - 1)");
    sql_integer(row, asker);
    sql_integer(row, now_s);
    sql_integer(row, limits->open);
    sql_integer(row, limits->recent);
    sql_integer(row, limits->recent_s);
    enum fault fault = read_integers(row, free_s, 2);
    if (!fault)
        *ret_free_s = free_s[0] > free_s[1] ? free_s[0] : free_s[1];
    return fault;
}

enum fault question_find(struct database *database, const uint8_t id[QUERY_ID_LENGTH],
                         int64_t asker, int64_t *ret_number, int64_t *ret_expires_at_s)
{
    int64_t found[2] = {0};
    struct statement *row =
        sql(database, "SELECT number, expires_at FROM question WHERE id = ? AND asker = ?");
    sql_blob(row, id, QUERY_ID_LENGTH);
    sql_integer(row, asker);
    enum fault fault = read_integers(row, found, 2);
    if (fault || !found[0])
        return fault ? fault : FAULT_NOT_FOUND;
    *ret_number = found[0];
    *ret_expires_at_s = found[1];
    return FAULT_NONE;
}

/* ---- Whom to ask ---- */

enum fault instance_last(struct database *database, int64_t *ret)
{
    int64_t last = 0;
    enum fault fault = read_integers(sql(database, "SELECT max(number) FROM instance"), &last, 1);
    if (!fault)
        *ret = last;
    return fault;
}

/* Whose contribution is released, and whose privacy mode is content with a group of so many. */
#define ASKABLE "c.pattern = r.pattern AND c.state = 1 AND c.min_group <= r.counted"

/* Whether they are still as many as it takes. */
static enum fault pattern_is_backed(struct database *database, uint32_t pattern, bool *ret)
{
    int64_t backed = 0;
    struct statement *row =
        sql(database, "SELECT e.k <= (SELECT count(*) FROM (SELECT 1 FROM contribution c"
                      "  WHERE " ASKABLE " LIMIT 16))"
                      " FROM release r JOIN pattern p ON p.id = r.pattern"
                      " JOIN epoch e ON e.number = p.epoch WHERE r.pattern = ?1");
    sql_integer(row, pattern);
    enum fault fault = read_integers(row, &backed, 1);
    if (!fault)
        *ret = backed != 0;
    return fault;
}

/* The two halves of the circle: from `start` on, and before it. */
static enum fault candidates_read(struct statement *row, const struct candidates_query *query,
                                  struct candidate *ret, size_t *count)
{
    sql_integer(row, query->pattern);
    sql_integer(row, query->start);
    sql_integer(row, query->asker);
    sql_integer(row, (int64_t)(query->max - *count));
    while (*count < query->max && sql_step(row))
        ret[(*count)++] = (struct candidate){
            .instance = sql_column_integer(row, 0),
            .last_asked = sql_column_integer(row, 1),
            .prefers = sql_column_integer(row, 2) != 0,
        };
    return sql_end(row);
}

#define CANDIDATES(side)                                                                           \
    "SELECT c.instance, i.last_asked, instr(' ' || i.domains || ' ', ' ' || r.domain || ' ')"      \
    " FROM release r JOIN contribution c ON " ASKABLE " JOIN instance i ON i.number = c.instance"  \
    " WHERE r.pattern = ?1 AND c.instance " side " ?2 AND c.instance <> ?3"                        \
    " ORDER BY c.instance LIMIT ?4"

enum fault candidates_find(struct database *database, const struct candidates_query *query,
                           struct candidate *ret, size_t *ret_count)
{
    size_t count = 0;
    bool backed = false;
    enum fault fault = pattern_is_backed(database, query->pattern, &backed);
    if (!fault && backed)
        fault = candidates_read(sql(database, CANDIDATES(">=")), query, ret, &count);
    if (!fault && backed && count < query->max)
        fault = candidates_read(sql(database, CANDIDATES("<")), query, ret, &count);
    if (!fault)
        *ret_count = count;
    return fault;
}

enum fault inbox_count(struct database *database, int64_t instance, int64_t asker, int64_t now_s,
                       int64_t since_s, struct inbox_counts *ret)
{
    int64_t waiting[2] = {0}, recent = 0;
    struct statement *row = sql(database, "SELECT count(*), total(asker = ?) FROM delivery"
                                          " WHERE expires_at > ? AND instance = ? AND state = 0");
    sql_integer(row, asker);
    sql_integer(row, now_s);
    sql_integer(row, instance);
    enum fault fault = read_integers(row, waiting, 2);
    row = sql(database, "SELECT count(*) FROM delivery WHERE instance = ? AND asked_at > ?");
    sql_integer(row, instance);
    sql_integer(row, since_s);
    enum fault counted = read_integers(row, &recent, 1);
    if (fault || counted)
        return fault ? fault : counted;
    *ret = (struct inbox_counts){waiting[0], waiting[1], recent};
    return FAULT_NONE;
}

/* ---- Deliveries ---- */

enum fault delivery_insert(struct database *database, const struct delivery_row *row)
{
    struct statement *insert =
        sql(database, "INSERT INTO delivery (id, question, instance, asker, priority, asked_at,"
                      " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
    sql_blob(insert, row->id, sizeof row->id);
    sql_integer(insert, row->question);
    sql_integer(insert, row->instance);
    sql_integer(insert, row->asker);
    sql_integer(insert, row->priority);
    sql_integer(insert, row->asked_at_s);
    sql_integer(insert, row->expires_at_s);
    enum fault fault = sql_run(insert);
    if (fault)
        return fault;
    int64_t number = sql_last_row(database);
    struct statement *note = sql(database, "UPDATE instance SET last_asked = ? WHERE number = ?");
    sql_integer(note, number);
    sql_integer(note, row->instance);
    return sql_run(note);
}

enum fault delivery_find(struct database *database, const uint8_t id[DELIVERY_ID_LENGTH],
                         int64_t instance, struct delivery_row *ret)
{
    struct statement *row =
        sql(database, "SELECT number, question, asker, priority, asked_at, expires_at, state"
                      " FROM delivery WHERE id = ? AND instance = ?");
    sql_blob(row, id, DELIVERY_ID_LENGTH);
    sql_integer(row, instance);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    *ret = (struct delivery_row){
        .number = sql_column_integer(row, 0),
        .question = sql_column_integer(row, 1),
        .instance = instance,
        .asker = sql_column_integer(row, 2),
        .priority = sql_column_integer(row, 3) != 0,
        .asked_at_s = sql_column_integer(row, 4),
        .expires_at_s = sql_column_integer(row, 5),
        .state = (enum delivery_state)sql_column_integer(row, 6),
    };
    memcpy(ret->id, id, sizeof ret->id);
    return sql_end(row);
}

enum fault delivery_set_state(struct database *database, int64_t number, enum delivery_state state)
{
    struct statement *update = sql(database, "UPDATE delivery SET state = ? WHERE number = ?");
    sql_integer(update, state);
    sql_integer(update, number);
    return sql_run(update);
}

/* A copy of a column's bytes; NULL when memory is out. */
static const uint8_t *column_copy(struct statement *row, int column, struct arena *arena,
                                  size_t *ret_length)
{
    const void *bytes = sql_column_bytes(row, column, ret_length);
    return (const uint8_t *)arena_copy(arena, bytes, *ret_length);
}

/* False: memory is out. */
static bool delivered_read(struct statement *row, struct arena *arena, struct delivered *ret)
{
    const char *domain = sql_column_is_null(row, 2) ? NULL : sql_column_text(row, 2);
    *ret = (struct delivered){
        .number = sql_column_integer(row, 0),
        .domain = domain ? arena_copy(arena, domain, strlen(domain)) : NULL,
        .priority = sql_column_integer(row, 5) != 0,
        .expires_at_s = sql_column_integer(row, 6),
    };
    memcpy(ret->id, sql_column_blob(row, 1, DELIVERY_ID_LENGTH), DELIVERY_ID_LENGTH);
    memcpy(ret->reply_key, sql_column_blob(row, 4, REPLY_KEY_LENGTH), REPLY_KEY_LENGTH);
    ret->sealed = column_copy(row, 3, arena, &ret->sealed_length);
    return ret->sealed && (!domain || ret->domain);
}

enum fault inbox_read(struct database *database, const struct inbox_query *query,
                      struct delivered *ret, size_t *ret_count)
{
    struct statement *row =
        sql(database, "SELECT d.number, d.id, q.domain, q.sealed, q.reply_key, d.priority,"
                      " d.expires_at FROM delivery d CROSS JOIN question q ON q.number = d.question"
                      " WHERE d.instance = ?1 AND d.state = 0 AND d.expires_at > ?2"
                      " AND d.leased_until <= ?2 ORDER BY d.priority DESC, d.number LIMIT ?3");
    sql_integer(row, query->instance);
    sql_integer(row, query->now_s);
    sql_integer(row, (int64_t)query->max);
    size_t count = 0;
    bool room = true;
    while (room && count < query->max && sql_step(row))
        room = delivered_read(row, query->arena, &ret[count++]);
    enum fault fault = sql_end(row);
    if (fault || !room)
        return fault ? fault : FAULT_MEMORY;
    *ret_count = count;
    return FAULT_NONE;
}

enum fault delivery_lease(struct database *database, int64_t number, int64_t until_s)
{
    struct statement *update =
        sql(database, "UPDATE delivery SET leased_until = ? WHERE number = ?");
    sql_integer(update, until_s);
    sql_integer(update, number);
    return sql_run(update);
}

enum fault inbox_next_due(struct database *database, int64_t instance, int64_t now_s,
                          int64_t *ret_due_s)
{
    int64_t due_s = 0;
    struct statement *row =
        sql(database, "SELECT min(leased_until) FROM delivery WHERE leased_until > ?2"
                      " AND expires_at > ?2 AND instance = ?1 AND state = 0");
    sql_integer(row, instance);
    sql_integer(row, now_s);
    enum fault fault = read_integers(row, &due_s, 1);
    if (!fault)
        *ret_due_s = due_s;
    return fault;
}

/* ---- Answers ---- */

enum fault answer_insert(struct database *database, const struct answer_row *row)
{
    struct statement *insert =
        sql(database, "INSERT INTO answer (delivery, sealed, due_at, place) VALUES (?, ?, ?, ?)");
    sql_integer(insert, row->delivery);
    sql_blob(insert, row->sealed, row->sealed_length);
    sql_integer(insert, row->due_at_s);
    sql_integer(insert, row->place);
    return sql_run(insert);
}

enum fault answer_equals(struct database *database, const struct answer_row *row, bool *ret_equal)
{
    int64_t equal = 0;
    struct statement *look = sql(database, "SELECT sealed = ? FROM answer WHERE delivery = ?");
    sql_blob(look, row->sealed, row->sealed_length);
    sql_integer(look, row->delivery);
    enum fault fault = read_integers(look, &equal, 1);
    if (!fault)
        *ret_equal = equal != 0;
    return fault;
}

enum fault answers_read(struct database *database, const struct answers_query *query,
                        struct answer_row *ret, size_t *ret_count)
{
    struct statement *row =
        sql(database, "SELECT a.delivery, a.sealed, a.due_at, a.place FROM delivery d"
                      " JOIN answer a ON a.delivery = d.number WHERE d.question = ?"
                      " AND a.due_at <= ? ORDER BY a.due_at, a.place LIMIT ?");
    sql_integer(row, query->question);
    sql_integer(row, query->now_s);
    sql_integer(row, (int64_t)query->max);
    size_t count = 0;
    bool room = true;
    while (room && count < query->max && sql_step(row)) {
        struct answer_row *answer = &ret[count++];
        *answer = (struct answer_row){.delivery = sql_column_integer(row, 0),
                                      .due_at_s = sql_column_integer(row, 2),
                                      .place = sql_column_integer(row, 3)};
        answer->sealed = column_copy(row, 1, query->arena, &answer->sealed_length);
        room = answer->sealed != NULL;
    }
    enum fault fault = sql_end(row);
    if (fault || !room)
        return fault ? fault : FAULT_MEMORY;
    *ret_count = count;
    return FAULT_NONE;
}

enum fault answers_hand_out(struct database *database, int64_t question, int64_t now_s,
                            bool *ret_news, int64_t *ret_due_s)
{
    struct statement *update =
        sql(database, "UPDATE answer SET handed = 1 WHERE handed = 0 AND due_at <= ? AND delivery"
                      " IN (SELECT number FROM delivery WHERE question = ?)");
    sql_integer(update, now_s);
    sql_integer(update, question);
    enum fault fault = sql_run(update);
    if (fault)
        return fault;
    bool news = sql_changes(database) > 0;
    int64_t due_s = 0;
    struct statement *row =
        sql(database, "SELECT min(a.due_at) FROM delivery d JOIN answer a"
                      " ON a.delivery = d.number WHERE d.question = ? AND a.due_at > ?");
    sql_integer(row, question);
    sql_integer(row, now_s);
    fault = read_integers(row, &due_s, 1);
    if (fault)
        return fault;
    *ret_news = news;
    *ret_due_s = due_s;
    return FAULT_NONE;
}

/* ---- The end ---- */

static enum fault question_delete(struct database *database, int64_t number)
{
    enum fault fault =
        sql_run_with(sql(database, "DELETE FROM answer WHERE delivery IN"
                                   " (SELECT number FROM delivery WHERE question = ?)"),
                     number);
    if (!fault)
        fault = sql_run_with(sql(database, "DELETE FROM delivery WHERE question = ?"), number);
    return fault ? fault
                 : sql_run_with(sql(database, "DELETE FROM question WHERE number = ?"), number);
}

/* Deletes the question that `row` shows, if it shows one. */
static enum fault question_delete_shown(struct database *database, struct statement *row,
                                        bool *ret_more)
{
    int64_t number = 0;
    enum fault fault = read_integers(row, &number, 1);
    *ret_more = !fault && number;
    return *ret_more ? question_delete(database, number) : fault;
}

enum fault questions_purge(struct database *database, int64_t before_s, size_t max,
                           size_t *ret_count)
{
    enum fault fault = FAULT_NONE;
    size_t count = 0;
    for (bool more = true; more && count < max && !fault;) {
        struct statement *row = sql(database, "SELECT number FROM question WHERE expires_at <= ?"
                                              " ORDER BY expires_at LIMIT 1");
        sql_integer(row, before_s);
        fault = question_delete_shown(database, row, &more);
        count += more && !fault;
    }
    if (!fault)
        *ret_count = count;
    return fault;
}

enum fault questions_delete_of_instance(struct database *database, int64_t asker, size_t max,
                                        size_t *ret_count)
{
    enum fault fault = FAULT_NONE;
    size_t count = 0;
    for (bool more = true; more && count < max && !fault;) {
        struct statement *row =
            sql(database, "SELECT number FROM question WHERE asker = ? LIMIT 1");
        sql_integer(row, asker);
        fault = question_delete_shown(database, row, &more);
        count += more && !fault;
    }
    if (!fault)
        *ret_count = count;
    return fault;
}

/* Of the first `max` deliveries to an instance: `delete` is what goes. */
#define DELETE_OF_DELIVERIES(delete, key)                                                          \
    "DELETE FROM " delete " WHERE " key " IN (SELECT number FROM delivery WHERE instance = ?"      \
                          " ORDER BY asked_at, number LIMIT ?)"

enum fault deliveries_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                         size_t *ret_count)
{
    struct statement *answers = sql(database, DELETE_OF_DELIVERIES("answer", "delivery"));
    sql_integer(answers, instance);
    sql_integer(answers, (int64_t)max);
    enum fault fault = sql_run(answers);
    if (fault)
        return fault;
    struct statement *deliveries = sql(database, DELETE_OF_DELIVERIES("delivery", "number"));
    sql_integer(deliveries, instance);
    sql_integer(deliveries, (int64_t)max);
    fault = sql_run(deliveries);
    if (!fault)
        *ret_count = (size_t)sql_changes(database);
    return fault;
}
