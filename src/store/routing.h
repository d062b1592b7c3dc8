/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_ROUTING_H
#define CONTINUUM_STORE_ROUTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sealed.h"
#include "util/fault.h"

struct arena;
struct database;

/* Questions on their way to members, and what comes back. */

enum { QUERY_ID_LENGTH = 16, DELIVERY_ID_LENGTH = 16 };

struct question_row {
    uint8_t id[QUERY_ID_LENGTH];
    int64_t asker;
    const char *domain; /* NULL: any */
    const uint8_t *sealed;
    size_t sealed_length;
    uint8_t reply_key[REPLY_KEY_LENGTH];
    int64_t asked_at_s, expires_at_s;
};

enum fault question_insert(struct database *database, const struct question_row *row,
                           int64_t *ret_number);

/* How many questions one may have open, and how many asked in the last `recent_s`; 1 or more. */
struct question_limits {
    uint32_t open, recent, recent_s;
};

/* From when on `asker` may ask another: *ret_free_s; not after `now_s`: now. */
enum fault questions_check(struct database *database, int64_t asker, int64_t now_s,
                           const struct question_limits *limits, int64_t *ret_free_s);

/* ---- Whom to ask ---- */

struct candidate {
    int64_t instance;
    int64_t last_asked;        /* grows with time; 0: never */
    bool prefers;              /* declares the pattern's domain as one of its own */
    uint32_t score_millionths; /* the caller's, like the next */
    uint64_t draw;
};

/*
 * Contributors of a released pattern but for `asker`, whose privacy mode is content with as many as
 * were counted: at most `max`, in the order of their numbers from `start` on and around. None when
 * the pattern is not released, or when fewer than its k of them are left.
 */
struct candidates_query {
    uint32_t pattern;
    int64_t asker, start;
    size_t max;
};
enum fault candidates_find(struct database *database, const struct candidates_query *query,
                           struct candidate *ret, size_t *ret_count);

/* The largest number of an instance so far. */
enum fault instance_last(struct database *database, int64_t *ret);

/* What an inbox holds: what waits at `now_s`, how much of it comes from `asker`, and what came in
 * after `since_s`. */
struct inbox_counts {
    int64_t waiting, of_asker, recent;
};
enum fault inbox_count(struct database *database, int64_t instance, int64_t asker, int64_t now_s,
                       int64_t since_s, struct inbox_counts *ret);

/* ---- Deliveries ---- */

enum delivery_state { DELIVERY_WAITING, DELIVERY_ANSWERED, DELIVERY_DECLINED };

struct delivery_row {
    int64_t number; /* not looked at by delivery_insert, like state */
    uint8_t id[DELIVERY_ID_LENGTH];
    int64_t question, instance, asker;
    bool priority;
    int64_t asked_at_s, expires_at_s;
    enum delivery_state state;
};

/* Adds it, and notes that the instance was asked. */
enum fault delivery_insert(struct database *database, const struct delivery_row *row);

/* Of this instance. FAULT_NOT_FOUND. */
enum fault delivery_find(struct database *database, const uint8_t id[DELIVERY_ID_LENGTH],
                         int64_t instance, struct delivery_row *ret);

enum fault delivery_set_state(struct database *database, int64_t number, enum delivery_state state);

/* A delivery as its inbox shows it. Pointers are the arena's. */
struct delivered {
    int64_t number;
    uint8_t id[DELIVERY_ID_LENGTH];
    const char *domain; /* NULL: any */
    const uint8_t *sealed;
    size_t sealed_length;
    uint8_t reply_key[REPLY_KEY_LENGTH];
    bool priority;
    int64_t expires_at_s;
};

/* What of an inbox is neither leased nor expired, priority first, then age. */
struct inbox_query {
    int64_t instance, now_s;
    size_t max;
    struct arena *arena;
};
enum fault inbox_read(struct database *database, const struct inbox_query *query,
                      struct delivered *ret, size_t *ret_count);

enum fault delivery_lease(struct database *database, int64_t number, int64_t until_s);

/* When the next lease of an inbox ends; 0: nothing is leased. */
enum fault inbox_next_due(struct database *database, int64_t instance, int64_t now_s,
                          int64_t *ret_due_s);

/* ---- Answers ---- */

struct answer_row {
    int64_t delivery;
    const uint8_t *sealed; /* the arena's, where it was read */
    size_t sealed_length;
    int64_t due_at_s;
    int64_t place;
};

enum fault answer_insert(struct database *database, const struct answer_row *row);

/* Whether the answer to this delivery has just these bytes. */
enum fault answer_equals(struct database *database, const struct answer_row *row, bool *ret_equal);

/* The question of `asker` with this id. FAULT_NOT_FOUND. */
enum fault question_find(struct database *database, const uint8_t id[QUERY_ID_LENGTH],
                         int64_t asker, int64_t *ret_number, int64_t *ret_expires_at_s);

/*
 * The answers to a question that are due by `now_s`, at most `max`, by batch, and at random within
 * one. *ret_news: among them is one that was never handed out; from now on, all were. *ret_due_s:
 * when the next will be due; 0: none is there.
 */
struct answers_query {
    int64_t question, now_s;
    size_t max;
    struct arena *arena;
};
enum fault answers_read(struct database *database, const struct answers_query *query,
                        struct answer_row *ret, size_t *ret_count);
enum fault answers_hand_out(struct database *database, int64_t question, int64_t now_s,
                            bool *ret_news, int64_t *ret_due_s);

/* ---- The end ---- */

/* Deletes questions that expired at or before `before_s` with all that hangs on them, at most
 * `max`. */
enum fault questions_purge(struct database *database, int64_t before_s, size_t max,
                           size_t *ret_count);

/* Deletes what an instance asked, with all that hangs on it: at most `max` questions. */
enum fault questions_delete_of_instance(struct database *database, int64_t asker, size_t max,
                                        size_t *ret_count);

/* Deletes what an instance was asked, and answered: at most `max` deliveries. */
enum fault deliveries_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                         size_t *ret_count);

#endif
