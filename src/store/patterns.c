/* SPDX-License-Identifier: Apache-2.0 */
#include "store/patterns.h"

#include <stdio.h>
#include <string.h>

#include "store/database.h"

static enum fault pattern_insert(struct database *database, uint32_t id,
                                 const struct record *record)
{
    struct statement *insert =
        sql(database, "INSERT INTO pattern (id, tag, epoch, domain, verify_key, commitments,"
                      " search_index, ciphertext) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (id) DO NOTHING");
    sql_integer(insert, id);
    sql_blob(insert, record->tag.bytes, sizeof record->tag.bytes);
    sql_integer(insert, record->epoch);
    sql_text(insert, record->domain);
    sql_blob(insert, record->verify_key.bytes, sizeof record->verify_key.bytes);
    sql_blob(insert, record->commitments, record->k * sizeof record->commitments[0]);
    sql_blob(insert, record->index, sizeof record->index);
    sql_blob(insert, record->ciphertext, record->ciphertext_length);
    return sql_run(insert);
}

/* Writes as much as pattern_insert does of a new one: how long it takes shall not tell that there
 * is one already. */
static enum fault effort_make(struct database *database, const struct record *record)
{
    struct statement *replace =
        sql(database, "REPLACE INTO effort (id, tag, epoch, domain, verify_key, commitments,"
                      " search_index, ciphertext) VALUES (1, zeroblob(32), ?, 'effort',"
                      " zeroblob(32), zeroblob(?), zeroblob(80), zeroblob(?))");
    sql_integer(replace, record->epoch);
    sql_integer(replace, (int64_t)(record->k * sizeof record->commitments[0]));
    sql_integer(replace, (int64_t)record->ciphertext_length);
    return sql_run(replace);
}

enum fault release_unsettle(struct database *database, uint32_t pattern)
{
    return sql_run_with(sql(database, "UPDATE release SET unsettled = 1 WHERE pattern = ?"),
                        pattern);
}

enum fault release_settle(struct database *database, uint32_t pattern, size_t seen,
                          struct judgements *ret_judgements)
{
    struct judgements judgements;
    enum fault fault = judgements_count(database, pattern, &judgements);
    if (fault)
        return fault;
    struct statement *update =
        sql(database, "UPDATE release SET unsettled = ?2 <>"
                      " (SELECT count(*) FROM contribution WHERE pattern = ?1), confirmed = ?3,"
                      " refuted = ?4, votes_high = ?5, votes_low = ?6 WHERE pattern = ?1");
    sql_integer(update, pattern);
    sql_integer(update, (int64_t)seen);
    sql_integer(update, judgements.confirmed);
    sql_integer(update, judgements.refuted);
    sql_integer(update, judgements.votes_high);
    sql_integer(update, judgements.votes_low);
    fault = sql_run(update);
    if (!fault)
        *ret_judgements = judgements;
    return fault;
}

enum fault contribution_add(struct database *database, const struct record *record,
                            const struct contribution_row *row, bool *ret_added)
{
    enum fault fault = pattern_insert(database, row->pattern, record);
    bool is_known = !fault && sql_changes(database) == 0;
    if (is_known)
        fault = effort_make(database, record);
    if (is_known && !fault)
        fault = release_unsettle(database, row->pattern);
    if (fault)
        return fault;
    struct statement *insert =
        sql(database, "INSERT INTO contribution (instance, sequence, pattern, share, confidence,"
                      " min_group, epsilon_milli, accepted_at, state, payment, carried)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pattern, instance)"
                      " DO NOTHING");
    sql_integer(insert, row->instance);
    sql_integer(insert, row->sequence);
    sql_integer(insert, row->pattern);
    sql_blob(insert, row->share.bytes, sizeof row->share.bytes);
    sql_integer(insert, row->confidence);
    sql_integer(insert, row->min_group);
    sql_integer(insert, row->epsilon_milli);
    sql_integer(insert, row->accepted_at_s);
    sql_integer(insert, row->state);
    sql_integer(insert, row->payment);
    sql_integer(insert, row->carried);
    fault = sql_run(insert);
    if (!fault)
        *ret_added = sql_changes(database) == 1;
    return fault;
}

enum { CONTRIBUTION_COLUMN_COUNT = 13 };
#define CONTRIBUTION_COLUMNS                                                                       \
    "c.instance, c.sequence, c.pattern, c.share, c.confidence, c.min_group, c.epsilon_milli,"      \
    " c.accepted_at, c.state, c.payment, c.counted, c.carried, c.sealed_at"

static void contribution_read(struct statement *row, struct contribution_row *ret)
{
    *ret = (struct contribution_row){
        .instance = sql_column_integer(row, 0),
        .sequence = sql_column_integer(row, 1),
        .pattern = (uint32_t)sql_column_integer(row, 2),
        .confidence = (uint8_t)sql_column_integer(row, 4),
        .min_group = (uint8_t)sql_column_integer(row, 5),
        .epsilon_milli = (uint32_t)sql_column_integer(row, 6),
        .accepted_at_s = sql_column_integer(row, 7),
        .state = (enum contribution_state)sql_column_integer(row, 8),
        .payment = (enum payment)sql_column_integer(row, 9),
        .counted = sql_column_integer(row, 10) != 0,
        .carried = sql_column_integer(row, 11) != 0,
        .sealed_at_s = sql_column_integer(row, 12),
    };
    memcpy(ret->share.bytes, sql_column_blob(row, 3, 32), 32);
}

static enum fault contribution_read_one(struct statement *row, struct contribution_row *ret)
{
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    contribution_read(row, ret);
    return sql_end(row);
}

enum fault contribution_find(struct database *database, uint32_t pattern, int64_t instance,
                             struct contribution_row *ret)
{
    struct statement *row = sql(database, "SELECT " CONTRIBUTION_COLUMNS " FROM contribution c"
                                          " WHERE c.pattern = ? AND c.instance = ?");
    sql_integer(row, pattern);
    sql_integer(row, instance);
    return contribution_read_one(row, ret);
}

enum fault contribution_any(struct database *database, uint32_t pattern,
                            struct contribution_row *ret)
{
    struct statement *row = sql(database, "SELECT " CONTRIBUTION_COLUMNS " FROM contribution c"
                                          " WHERE c.pattern = ? LIMIT 1");
    sql_integer(row, pattern);
    return contribution_read_one(row, ret);
}

enum fault contributions_sealed_before(struct database *database, int64_t instance, int64_t *ret)
{
    struct statement *row =
        sql(database, "SELECT count(*) FROM (SELECT state FROM contribution WHERE instance = ?1"
                      " AND sequence < (SELECT epoch_sequence FROM instance WHERE number = ?1)"
                      " LIMIT 20000) WHERE state = 0");
    sql_integer(row, instance);
    int64_t count = sql_step(row) ? sql_column_integer(row, 0) : 0;
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = count;
    return fault;
}

enum fault contribution_next(struct database *database, int64_t instance, int64_t after,
                             struct contribution_row *ret)
{
    struct statement *row =
        sql(database, "SELECT " CONTRIBUTION_COLUMNS " FROM contribution c WHERE c.instance = ?"
                      " AND c.sequence > ? ORDER BY c.sequence LIMIT 1");
    sql_integer(row, instance);
    sql_integer(row, after);
    return contribution_read_one(row, ret);
}

enum fault contributions_unreleased(struct database *database, int64_t before_s,
                                    const struct contribution_look *look,
                                    struct contribution_position *position,
                                    struct contribution_row *ret, size_t *ret_count)
{
    struct statement *row = sql(database, "SELECT " CONTRIBUTION_COLUMNS " FROM contribution c"
                                          " WHERE (c.instance, c.sequence) > (?, ?)"
                                          " ORDER BY c.instance, c.sequence LIMIT ?");
    struct contribution_position at = *position;
    size_t seen = 0, count = 0;
    sql_integer(row, at.instance);
    sql_integer(row, at.sequence);
    sql_integer(row, (int64_t)look->rows);
    while (count < look->max && sql_step(row)) {
        contribution_read(row, &ret[count]);
        at = (struct contribution_position){ret[count].instance, ret[count].sequence};
        count += ret[count].state != CONTRIBUTION_RELEASED && ret[count].accepted_at_s < before_s &&
                 ret[count].sealed_at_s < before_s;
        seen++;
    }
    enum fault fault = sql_end(row);
    if (fault)
        return fault;
    *position = seen < look->rows && count < look->max ? (struct contribution_position){0} : at;
    *ret_count = count;
    return FAULT_NONE;
}

enum fault contribution_update(struct database *database, const struct contribution_row *row)
{
    struct statement *update =
        sql(database, "UPDATE contribution SET state = ?, payment = ?, counted = ?, sealed_at = ?"
                      " WHERE instance = ? AND sequence = ?");
    sql_integer(update, row->state);
    sql_integer(update, row->payment);
    sql_integer(update, row->counted);
    sql_integer(update, row->sealed_at_s);
    sql_integer(update, row->instance);
    sql_integer(update, row->sequence);
    return sql_run(update);
}

static enum fault pattern_delete(struct database *database, uint32_t pattern)
{
    enum fault fault = release_delete(database, pattern);
    if (!fault)
        fault = judgements_delete_of_pattern(database, pattern);
    if (fault)
        return fault;
    return sql_run_with(sql(database, "DELETE FROM pattern WHERE id = ?"), pattern);
}

enum fault contribution_delete(struct database *database, const struct contribution_row *row,
                               bool *ret_last)
{
    struct statement *delete =
        sql(database, "DELETE FROM contribution WHERE instance = ? AND sequence = ?");
    sql_integer(delete, row->instance);
    sql_integer(delete, row->sequence);
    enum fault fault = sql_run(delete);
    if (fault)
        return fault;
    struct statement *others =
        sql(database, "SELECT 1 FROM contribution WHERE pattern = ? LIMIT 1");
    sql_integer(others, row->pattern);
    bool last = !sql_step(others);
    fault = sql_end(others);
    if (!fault)
        fault = last ? pattern_delete(database, row->pattern)
                     : release_unsettle(database, row->pattern);
    if (!fault)
        *ret_last = last;
    return fault;
}

enum fault contributions_list(struct database *database, int64_t instance, struct page *page,
                              struct contribution_listed *ret, size_t *ret_count)
{
    struct statement *row =
        sql(database, "SELECT c.sequence, p.tag, p.domain, c.confidence, c.accepted_at, c.state,"
                      " c.payment, p.epoch FROM contribution c JOIN pattern p ON p.id = c.pattern"
                      " WHERE c.instance = ? AND c.sequence > ? ORDER BY c.sequence LIMIT ?");
    sql_integer(row, instance);
    sql_integer(row, page->after);
    sql_integer(row, (int64_t)page->limit + 1); /* the last one only says that there is more */
    size_t count = 0;
    for (; count < page->limit && sql_step(row); count++) {
        struct contribution_listed *listed = &ret[count];
        listed->sequence = sql_column_integer(row, 0);
        memcpy(listed->tag.bytes, sql_column_blob(row, 1, 32), 32);
        snprintf(listed->domain, sizeof listed->domain, "%s", sql_column_text(row, 2));
        listed->confidence = (uint8_t)sql_column_integer(row, 3);
        listed->accepted_at_s = sql_column_integer(row, 4);
        listed->state = (enum contribution_state)sql_column_integer(row, 5);
        listed->payment = (enum payment)sql_column_integer(row, 6);
        listed->epoch = (uint32_t)sql_column_integer(row, 7);
    }
    page->more = count == page->limit && sql_step(row);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret_count = count;
    return fault;
}

enum fault contributors_each(struct database *database, uint32_t pattern,
                             bool (*each)(void *context, const struct contributor *contributor),
                             void *context)
{
    struct statement *row =
        sql(database, "SELECT " CONTRIBUTION_COLUMNS ", i.public_key FROM contribution c"
                      " JOIN instance i ON i.number = c.instance WHERE c.pattern = ?"
                      " ORDER BY c.instance");
    sql_integer(row, pattern);
    bool more = true;
    while (more && sql_step(row)) {
        struct contributor contributor;
        contribution_read(row, &contributor.contribution);
        memcpy(contributor.public_key.bytes, sql_column_blob(row, CONTRIBUTION_COLUMN_COUNT, 32),
               32);
        more = each(context, &contributor);
    }
    return sql_end(row);
}

enum fault contributors_stand(struct database *database, uint32_t pattern,
                              const struct contributor *contributors, size_t count, bool *ret)
{
    struct statement *row =
        sql(database,
            "SELECT instance, sequence FROM contribution WHERE pattern = ? ORDER BY instance");
    sql_integer(row, pattern);
    size_t seen = 0;
    while (seen < count && sql_step(row)) {
        const struct contribution_row *expected = &contributors[seen].contribution;
        int64_t instance = sql_column_integer(row, 0);
        if (instance > expected->instance)
            break;
        if (instance < expected->instance)
            continue;
        if (sql_column_integer(row, 1) != expected->sequence)
            break;
        seen++;
    }
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = seen == count;
    return fault;
}

enum { RECORD_COLUMN_COUNT = 7 };
#define RECORD_COLUMNS                                                                             \
    "p.tag, p.epoch, p.domain, p.verify_key, p.commitments, p.search_index, p.ciphertext"

/* RECORD_COLUMNS from column `first` on. */
static void record_read(struct statement *row, int first, struct record *ret)
{
    size_t commitments = 0, ciphertext = 0;
    memcpy(ret->tag.bytes, sql_column_blob(row, first, 32), 32);
    ret->epoch = (uint32_t)sql_column_integer(row, first + 1);
    snprintf(ret->domain, sizeof ret->domain, "%s", sql_column_text(row, first + 2));
    ret->domain_length = (uint8_t)strlen(ret->domain);
    memcpy(ret->verify_key.bytes, sql_column_blob(row, first + 3, 32), 32);
    const void *bytes = sql_column_bytes(row, first + 4, &commitments);
    ret->k = (uint8_t)(commitments / sizeof ret->commitments[0]);
    if (ret->k > THRESHOLD_MAX)
        ret->k = THRESHOLD_MAX;
    memcpy(ret->commitments, bytes, ret->k * sizeof ret->commitments[0]);
    memcpy(ret->index, sql_column_blob(row, first + 5, INDEX_LENGTH), INDEX_LENGTH);
    bytes = sql_column_bytes(row, first + 6, &ciphertext);
    if (ciphertext > sizeof ret->ciphertext)
        ciphertext = sizeof ret->ciphertext;
    memcpy(ret->ciphertext, bytes, ciphertext);
    ret->ciphertext_length = (uint16_t)ciphertext;
}

enum fault pattern_get(struct database *database, uint32_t pattern, struct record *ret,
                       bool *ret_spoiled)
{
    struct statement *row =
        sql(database, "SELECT p.spoiled, " RECORD_COLUMNS " FROM pattern p WHERE p.id = ?");
    sql_integer(row, pattern);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    *ret_spoiled = sql_column_integer(row, 0) != 0;
    record_read(row, 1, ret);
    return sql_end(row);
}

enum fault pattern_spoil(struct database *database, uint32_t pattern)
{
    return sql_run_with(sql(database, "UPDATE pattern SET spoiled = 1 WHERE id = ?"), pattern);
}

enum fault pattern_reward(struct database *database, uint32_t pattern, bool *ret_first)
{
    struct statement *update =
        sql(database, "UPDATE pattern SET rewarded = 1 WHERE id = ? AND rewarded = 0");
    enum fault fault = sql_run_with(update, pattern);
    if (!fault)
        *ret_first = sql_changes(database) == 1;
    return fault;
}

/* Tokens are stored as they pass over the wire: four bytes each, big-endian. */
static void tokens_encode(const struct release_row *row, uint8_t ret[TOKENS_MAX * 4])
{
    for (size_t i = 0; i < row->token_count; i++)
        for (size_t byte = 0; byte < 4; byte++)
            ret[i * 4 + byte] = (uint8_t)(row->tokens[i] >> (24 - 8 * byte));
}

static void tokens_decode(struct statement *statement, int column, struct release_row *ret)
{
    size_t length = 0;
    const uint8_t *bytes = sql_column_bytes(statement, column, &length);
    ret->token_count = length / 4 < TOKENS_MAX ? length / 4 : TOKENS_MAX;
    for (size_t i = 0; i < ret->token_count; i++)
        ret->tokens[i] = (uint32_t)bytes[i * 4] << 24 | (uint32_t)bytes[i * 4 + 1] << 16 |
                         (uint32_t)bytes[i * 4 + 2] << 8 | (uint32_t)bytes[i * 4 + 3];
}

enum fault release_insert(struct database *database, const struct release_row *row)
{
    uint8_t tokens[TOKENS_MAX * 4];
    tokens_encode(row, tokens);
    struct statement *insert = sql(
        database, "INSERT INTO release (pattern, domain, secret, tokens, counted,"
                  " contributor_count, confidence, released_at, period, token_bits, sequence)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT last + 1 FROM release_counter))");
    sql_integer(insert, row->pattern);
    sql_text(insert, row->domain);
    sql_blob(insert, row->secret.bytes, sizeof row->secret.bytes);
    sql_blob(insert, tokens, row->token_count * 4);
    sql_integer(insert, row->counted);
    sql_integer(insert, row->contributor_count);
    sql_integer(insert, row->confidence);
    sql_integer(insert, row->released_at_s);
    sql_integer(insert, row->period);
    sql_integer(insert, row->token_bits);
    return sql_run(insert);
}

enum { RELEASE_COLUMN_COUNT = 14 };
#define RELEASE_COLUMNS                                                                            \
    "r.pattern, r.domain, r.secret, r.tokens, r.counted, r.contributor_count, r.confidence,"       \
    " r.released_at, r.confirmed, r.refuted, r.votes_high, r.votes_low, r.period, r.token_bits"

static void release_read(struct statement *row, struct release_row *ret)
{
    ret->pattern = (uint32_t)sql_column_integer(row, 0);
    snprintf(ret->domain, sizeof ret->domain, "%s", sql_column_text(row, 1));
    memcpy(ret->secret.bytes, sql_column_blob(row, 2, 32), 32);
    tokens_decode(row, 3, ret);
    ret->counted = (uint32_t)sql_column_integer(row, 4);
    ret->contributor_count = (uint32_t)sql_column_integer(row, 5);
    ret->confidence = (uint8_t)sql_column_integer(row, 6);
    ret->released_at_s = sql_column_integer(row, 7);
    ret->judgements = (struct judgements){
        .confirmed = (uint32_t)sql_column_integer(row, 8),
        .refuted = (uint32_t)sql_column_integer(row, 9),
        .votes_high = (uint32_t)sql_column_integer(row, 10),
        .votes_low = (uint32_t)sql_column_integer(row, 11),
    };
    ret->period = (uint32_t)sql_column_integer(row, 12);
    ret->token_bits = (uint8_t)sql_column_integer(row, 13);
}

enum fault release_get(struct database *database, uint32_t pattern, struct release_row *ret)
{
    struct statement *row =
        sql(database, "SELECT " RELEASE_COLUMNS " FROM release r WHERE r.pattern = ?");
    sql_integer(row, pattern);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    release_read(row, ret);
    return sql_end(row);
}

enum fault published_get(struct database *database, uint32_t pattern, struct record *ret_record,
                         struct release_row *ret_release)
{
    struct statement *row = sql(database, "SELECT " RELEASE_COLUMNS ", " RECORD_COLUMNS
                                          " FROM release r JOIN pattern p ON p.id = r.pattern"
                                          " WHERE r.pattern = ?");
    sql_integer(row, pattern);
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    release_read(row, ret_release);
    record_read(row, RELEASE_COLUMN_COUNT, ret_record);
    return sql_end(row);
}

enum fault set_each(struct database *database, const char *domain, int64_t after,
                    bool (*each)(void *context, const struct set_entry *entry), void *context,
                    bool *ret_ended)
{
    struct statement *row =
        sql(database, "SELECT " RELEASE_COLUMNS ", " RECORD_COLUMNS ", r.sequence"
                      " FROM release r INDEXED BY release_of_set CROSS JOIN pattern p"
                      " ON p.id = r.pattern WHERE r.domain = ? AND r.sequence > ?"
                      " ORDER BY r.sequence");
    sql_text(row, domain);
    sql_integer(row, after);
    struct set_entry entry;
    bool more = true;
    while (more && sql_step(row)) {
        release_read(row, &entry.release);
        record_read(row, RELEASE_COLUMN_COUNT, &entry.record);
        entry.sequence = sql_column_integer(row, RELEASE_COLUMN_COUNT + RECORD_COLUMN_COUNT);
        more = !sql_fault(row) && each(context, &entry);
    }
    enum fault fault = sql_end(row);
    if (!fault)
        *ret_ended = more;
    return fault;
}

enum fault release_delete(struct database *database, uint32_t pattern)
{
    return sql_run_with(sql(database, "DELETE FROM release WHERE pattern = ?"), pattern);
}

/*
 * Two scans in the order of the patterns' ids, side by side: the patterns, and how many
 * contributions each has (from the index alone). A join would seek where these only step.
 */
enum fault patterns_each(struct database *database,
                         enum fault (*each)(void *context, const struct pattern_loaded *pattern),
                         void *context)
{
    struct statement *patterns =
        sql(database, "SELECT p.id, p.tag, e.k FROM pattern p CROSS JOIN epoch e"
                      " ON e.number = p.epoch ORDER BY p.id");
    struct statement *counts = sql(
        database, "SELECT pattern, count(*) FROM contribution GROUP BY pattern ORDER BY pattern");
    bool counted = sql_step(counts);
    enum fault fault = FAULT_NONE;
    while (!fault && sql_step(patterns)) {
        struct pattern_loaded pattern = {
            .pattern = (uint32_t)sql_column_integer(patterns, 0),
            .k = (uint8_t)sql_column_integer(patterns, 2),
        };
        memcpy(pattern.tag.bytes, sql_column_blob(patterns, 1, 32), 32);
        if (counted && sql_column_integer(counts, 0) == pattern.pattern) {
            pattern.contributions = (uint32_t)sql_column_integer(counts, 1);
            counted = sql_step(counts);
        }
        fault = each(context, &pattern);
    }
    enum fault ended[] = {sql_end(patterns), sql_end(counts)};
    fault = fault ? fault : ended[0];
    return fault ? fault : ended[1];
}

enum fault pattern_last(struct database *database, uint32_t *ret)
{
    uint32_t last = 0;
    struct statement *row = sql(database, "SELECT max(id) FROM pattern");
    if (sql_step(row))
        last = (uint32_t)sql_column_integer(row, 0);
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = last;
    return fault;
}

enum fault releases_each(struct database *database,
                         enum fault (*each)(void *context, const struct release_row *release),
                         void *context)
{
    struct statement *row =
        sql(database, "SELECT " RELEASE_COLUMNS " FROM release r ORDER BY r.pattern");
    enum fault fault = FAULT_NONE;
    while (!fault && sql_step(row)) {
        struct release_row release;
        release_read(row, &release);
        fault = each(context, &release);
    }
    enum fault ended = sql_end(row);
    return fault ? fault : ended;
}

enum fault releases_unsettled_each(struct database *database,
                                   enum fault (*each)(void *context, uint32_t pattern),
                                   void *context)
{
    struct statement *row = sql(database, "SELECT pattern FROM release WHERE unsettled = 1");
    enum fault fault = FAULT_NONE;
    while (!fault && sql_step(row))
        fault = each(context, (uint32_t)sql_column_integer(row, 0));
    enum fault ended = sql_end(row);
    return fault ? fault : ended;
}
