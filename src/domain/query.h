/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_QUERY_H
#define CONTINUUM_DOMAIN_QUERY_H

#include "domain/coordinator.h"
#include "domain/directory.h"
#include "domain/routing.h"
#include "domain/tier.h"
#include "store/patterns.h"
#include "store/search.h"

/* A released pattern as members get it. */
struct published {
    struct record record;
    struct release_row release;
    uint32_t score_millionths; /* of a query; otherwise 0 */
};

/* What of the released patterns a member may see now. */
struct visibility {
    uint8_t high_confidence; /* hundredths: below it, all */
    uint32_t high_until_s;   /* from it on, those that were released until then; 0: none */
    bool shows_later;        /* what is not shown now will be, though its level stays */
};

void visibility_of(const struct settings *settings, const struct instance *asker, int64_t now_s,
                   struct visibility *ret);
bool visibility_shows(const struct visibility *visibility, uint8_t confidence,
                      uint32_t released_at_s);

/* Whether the level of `asker` shows a released pattern with these facts. */
bool pattern_is_visible(const struct settings *settings, const struct instance *asker,
                        const struct search_facts *facts, int64_t now_s);

/* ---- POST /v1/queries ---- */

enum { QUERY_TOKENS_MAX = 32, QUERY_RESULTS_DEFAULT = 10 };

struct query {
    struct operation operation;
    /* inputs */
    int64_t number, now_s;
    enum tier tier;
    uint8_t id[QUERY_ID_LENGTH]; /* random */
    uint32_t tokens[QUERY_TOKENS_MAX];
    size_t token_count;
    const char *domain; /* NULL: any */
    uint8_t confidence_min;
    size_t max_results;
    bool priority;
    struct routing route;
    /* outputs */
    struct credits cost, balance;
    struct published *results; /* in the arena */
    size_t count;
    struct allowance allowance; /* of queries; also of FAULT_TOO_MANY_REQUESTS */
    /* between the two: what matched in memory, and how much of it is a result */
    enum level level;
    bool is_matched;
    struct search_hit hits[SEARCH_HITS_MAX];
    size_t hit_count, result_count;
};

struct query *query_new(struct coordinator *coordinator);

/*
 * Matches in memory as far as the asker's level sees, then spends, fetches and routes in one
 * command, so that nobody pays for what they do not get, or gets what they do not pay for.
 * Whoever can probably not pay costs no match: the writer is asked first.
 * FAULT_CONTRIBUTION_REQUIRED: returned, the caller's to free. FAULT_INSUFFICIENT_CREDITS:
 * answered, with cost and balance set. FAULT_TOO_MANY_REQUESTS: answered; the tier's quota, or as
 * many routed queries as one may have.
 */
enum fault query_submit(struct query *query, struct instance *asker);

/* ---- GET /v1/patterns/{tag} ---- */

struct lookup {
    struct operation operation;
    uint32_t pattern;
    struct published published; /* output */
};

struct lookup *lookup_new(struct coordinator *coordinator);

/* FAULT_NOT_FOUND: unknown, or sealed: no difference. FAULT_LEVEL_TOO_LOW. As query_submit. */
enum fault lookup_submit(struct lookup *lookup, const struct tag *tag, const struct instance *asker,
                         int64_t now_s);

#endif
