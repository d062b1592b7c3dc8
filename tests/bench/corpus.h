/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_CORPUS_H
#define CONTINUUM_BENCH_CORPUS_H

#include "bench/exchange.h"
#include "crypto/record.h"

/*
 * What is measured with: a federation of a few members, and as many patterns as wanted. Pattern n
 * is the same in every run of a federation. Its terms are drawn from a vocabulary by Zipf's law
 * (the r-th most frequent has a share proportional to 1/r), as those of real text are, roughly.
 *
 * A record is valid in all that the coordinator checks. Only the OPRF was not asked: its output is
 * 64 bytes that nobody but who holds the OPRF key could tell from the right ones.
 */
enum { VOCABULARY = 200000, TERMS_EACH = 8, MEMBERS = 8, CONTRIBUTORS = 3 };

struct member {
    char id[32], token[64];
    struct signing_key key;
    struct scalar x;
};

struct corpus {
    struct epoch_parameters epoch;
    struct federation_keys keys;
    char coordinator_key[B64_LENGTH(32) + 1];
    struct member members[MEMBERS];
    uint32_t *tokens; /* of the vocabulary's terms */
    double *shares;   /* of the first r + 1 terms together */
};

/* Makes a federation key, lets the members join at `port`, and prepares the vocabulary. */
void corpus_open(struct corpus *corpus, uint16_t port);
void corpus_close(struct corpus *corpus);

/* Another federation, as its GET /v1/federation says: corpus->members are strangers to it. */
void corpus_move(struct corpus *corpus, const json_t *federation);

/* Lets one more member join. From any thread. */
void corpus_join(const struct corpus *corpus, struct member *member, uint16_t port);

/* The request with which `member` contributes pattern `number`. */
struct request_bytes corpus_contribution(const struct corpus *corpus, uint64_t number,
                                         const struct member *member);

/* The tokens of pattern `number`, in no order. */
void corpus_tokens(const struct corpus *corpus, uint64_t number, uint32_t ret[TERMS_EACH]);

/* Draws `count` distinct terms (numbers below VOCABULARY). */
void corpus_draw(const struct corpus *corpus, uint64_t *random, size_t count, uint32_t *ret_terms);

/* The record of pattern `number`, and its polynomial. */
void corpus_record(const struct corpus *corpus, uint64_t number, struct record *ret,
                   struct scalar ret_coefficients[THRESHOLD_MAX]);

/*
 * Requests that contribute the patterns `first` and up, `each` in a request, made on all
 * processors. Round 0 holds the first contributor of each pattern, round 1 the second, ...; members
 * take turns.
 */
struct batch_plan {
    const struct corpus *corpus;
    uint64_t first;
    size_t patterns, each, rounds;
};
struct batch {
    struct request_bytes *rounds[CONTRIBUTORS];
    size_t count; /* of requests, in each round */
};
void batch_make(const struct batch_plan *plan, struct batch *ret);
void batch_done(struct batch *batch);

enum { QUERY_TERMS = 6, QUERY_RESULTS = 10 };

/* The tokens of query `number`, ascending. */
void corpus_query(const struct corpus *corpus, uint64_t number, uint32_t ret_tokens[QUERY_TERMS]);

/* The requests of the queries 0 to count - 1, by the members in turn. */
struct request_bytes *queries_make(const struct corpus *corpus, size_t count);

void requests_free(struct request_bytes *requests, size_t count);

#endif
