/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_ROUTING_H
#define CONTINUUM_DOMAIN_ROUTING_H

#include "domain/coordinator.h"
#include "store/routing.h"
#include "store/search.h"

/*
 * Routed queries (docs/PROTOCOL.md, section 6.6): a sealed question goes to members who contributed
 * what matches it, and their sealed answers come back. Neither side learns who the other is.
 */
enum {
    ROUTE_FANOUT_MAX = 8,
    ROUTE_TTL_MIN_S = 60,
    ROUTE_TTL_MAX_S = 604800,
    ROUTE_HITS_MAX = 32, /* patterns whose contributors may be asked */
    ROUTE_KEPT_S = 3600, /* a question and its answers, after its ttl */
    DELIVERIES_MAX = 20, /* in one answer of an inbox */
};

/* ---- The `route` of a query, a part of its command ---- */

struct routing {
    /* inputs */
    bool wanted, priority;
    const uint8_t *sealed; /* the operation's */
    size_t sealed_length;
    uint8_t reply_key[REPLY_KEY_LENGTH];
    uint32_t ttl_s, fanout;
    uint8_t ids[ROUTE_FANOUT_MAX][DELIVERY_ID_LENGTH], random_key[16]; /* random */
    /* outputs */
    bool checked;        /* the limits of routed queries were looked at: */
    uint32_t full_for_s; /* with FAULT_TOO_MANY_REQUESTS: until there is room; 0: not full */
    bool routed;
    int64_t instances[ROUTE_FANOUT_MAX]; /* who is asked */
    size_t count;
};

struct route_rules {
    const struct settings *settings;
    struct arena *arena;
    int64_t now_s;
    const struct search_hit *hits; /* best first */
    size_t hit_count;
};

/* On the writer, before anything else is done for the question. FAULT_TOO_MANY_REQUESTS: `asker`
 * has as many routed queries as one may have. Of the rules settings and now_s are looked at. */
enum fault route_check(struct routing *route, const struct route_rules *rules, int64_t asker,
                       struct database *database);

/*
 * On the writer: draws whom to ask, and stores `question` (whose id, asker and domain are set) with
 * a delivery for each. `routed` is true as soon as somebody holds what matches, also when all their
 * inboxes are full: otherwise whoever fills them could count them.
 */
enum fault route_apply(struct routing *route, const struct route_rules *rules,
                       struct question_row *question, struct database *database);

/* Wakes those who wait for what was routed to them. */
void route_settle(const struct routing *route, struct coordinator *coordinator);

/* ---- GET /v1/inbox ---- */

struct inbox {
    struct operation operation;
    int64_t number, now_s;                       /* inputs */
    size_t max;                                  /* 1 to DELIVERIES_MAX */
    struct delivered deliveries[DELIVERIES_MAX]; /* outputs; leased for lease_s */
    size_t count;
    int64_t next_due_s; /* when a lease ends; 0: nothing is leased */
};

/* Answered: FAULT_TOKEN_INVALID (erased meanwhile). */
struct inbox *inbox_new(struct coordinator *coordinator);

/* ---- POST /v1/inbox/{delivery_id}/answer, DELETE /v1/inbox/{delivery_id} ---- */

struct reply {
    struct operation operation;
    int64_t number, now_s; /* inputs */
    uint8_t delivery[DELIVERY_ID_LENGTH];
    const uint8_t *sealed; /* the operation's; NULL: declined */
    size_t sealed_length;
    uint32_t place;             /* random */
    int64_t question, due_at_s; /* outputs: when the asker may see it; 0: nothing new */
};

/*
 * Answered: FAULT_NOT_FOUND (unknown, another's, expired, or declined before),
 * FAULT_ALREADY_ANSWERED (with other bytes, or declined after an answer). The same again is no
 * fault.
 */
struct reply *reply_new(struct coordinator *coordinator);

/* ---- GET /v1/queries/{id}/answers ---- */

struct answers {
    struct operation operation;
    int64_t number, now_s; /* inputs */
    uint8_t query_id[QUERY_ID_LENGTH];
    struct answer_row answers[ROUTE_FANOUT_MAX]; /* outputs: all that are due */
    size_t count;
    bool news; /* some of them were never handed out before */
    bool open; /* more may come */
    int64_t question;
    int64_t next_due_s; /* when more will be due, or it closes */
};

/* Answered: FAULT_NOT_FOUND (not a routed query of this instance, or gone). */
struct answers *answers_new(struct coordinator *coordinator);

#endif
