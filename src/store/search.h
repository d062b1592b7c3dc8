/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_SEARCH_H
#define CONTINUUM_STORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

enum { SEARCH_TOKENS_MAX = 64, SEARCH_HITS_MAX = 200, SEARCH_DOMAIN_ANY = -1 };

/*
 * The index of released patterns, in memory: which patterns share tokens with a query, best first.
 * One thread uses it. Every FAULT_MEMORY leaves the index as it was, and usable.
 *
 * How a pattern scores: the idf of the query's tokens that it has, divided by the idf of all of the
 * query's tokens, times its weight / 100. idf(token) = log(1 + N / df), where N is the number of
 * patterns and df of those with the token; a token that no pattern has counts with df = 1. Integers
 * throughout, so that every machine ranks alike. Removed patterns still count in N and df until the
 * index rebuilds itself, which it does as soon as they are more than a quarter of N.
 */
struct search;

struct search_facts {       /* what a hit is filtered and weighed by */
    uint32_t released_at_s; /* Unix seconds, not 0 */
    uint16_t domain;        /* the caller's number of a domain */
    uint8_t confidence;     /* hundredths, 0..100 */
    uint8_t weight;         /* trust, hundredths, 1..100: multiplies relevance */
};

/* A pattern of high confidence shows only if it was released by a given time; 0: never. */
struct search_query {
    const uint32_t *tokens;         /* distinct, non-zero, in any order */
    size_t token_count;             /* 1..SEARCH_TOKENS_MAX */
    uint8_t coarse_bits;            /* each finds also its cut to so many bits; 0: only itself */
    int32_t domain;                 /* or SEARCH_DOMAIN_ANY */
    uint8_t confidence_min;         /* hundredths; 0: all */
    uint8_t high_confidence;        /* hundredths: high is at or above it */
    uint32_t high_released_until_s; /* this second included */
    size_t limit;                   /* 1..SEARCH_HITS_MAX */
};

struct search_hit {
    uint32_t pattern;
    uint32_t score_millionths; /* 0..1000000, rounded down */
};

enum fault search_new(struct search **ret_search); /* FAULT_MEMORY */
void search_free(struct search *search);           /* NULL is fine */

/*
 * Adds a pattern under `count` distinct, non-zero tokens, or replaces it when it is there.
 * `pattern` is a row's number: dense and small, for memory grows with the largest one.
 * FAULT_MEMORY.
 */
enum fault search_add(struct search *search, uint32_t pattern, const uint32_t *tokens, size_t count,
                      const struct search_facts *facts);

/* No-op when absent. May, as a replacement may, rebuild: some 0.2 s for a million patterns. */
void search_remove(struct search *search, uint32_t pattern);

/* Replaces the facts; false when absent. */
bool search_update(struct search *search, uint32_t pattern, const struct search_facts *facts);

bool search_has(const struct search *search, uint32_t pattern);

/* The facts of a pattern; false when absent. */
bool search_facts_get(const struct search *search, uint32_t pattern, struct search_facts *ret);

/*
 * Writes the best hits, at most `query->limit`, to `ret_hits` and returns their number. Highest
 * score first (compared before rounding), of equals the one that was added earlier. A pattern
 * without any of the tokens is never a hit.
 */
size_t search_match(const struct search *search, const struct search_query *query,
                    struct search_hit *ret_hits);

/* Returns slack to the system, as far as memory allows: after the load at start, for example. */
void search_compact(struct search *search);

size_t search_count(const struct search *search);  /* patterns */
size_t search_memory(const struct search *search); /* bytes held, slack included */

#endif
