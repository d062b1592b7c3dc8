/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_EVALUATION_H
#define CONTINUUM_API_EVALUATION_H

#include "crypto/oprf.h"
#include "domain/tier.h"
#include "http/request.h"
#include "util/job.h"

/* POST /v1/oprf/evaluations, as far as a coordinator and a helper do it alike. */
struct evaluation {
    struct job job;
    struct request *request;
    const struct oprf_key *key; /* for the caller to fill in */
    uint32_t epoch;             /* as asked for */
    size_t count, bad;
    struct scalar proof_random;
    struct oprf_proof proof;
    struct allowance allowance; /* of the caller's quota; zeros: none */
    enum fault fault;
    void (*done)(struct evaluation *evaluation);
    struct point blinded[OPRF_BATCH_MAX], evaluated[OPRF_BATCH_MAX];
};

/* Reads the body; to be freed by evaluation_free. NULL: the request was refused already. */
struct evaluation *evaluation_read(struct request *request);
void evaluation_free(struct evaluation *evaluation);

/* On a worker, and then calls `done` on the loop with `fault` set: looks at the points
 * (FAULT_RECORD_POINT, `bad` is the first that is none); or evaluates, for 50 microseconds an
 * element. */
void evaluation_look(struct evaluation *evaluation, void (*done)(struct evaluation *evaluation));
void evaluation_start(struct evaluation *evaluation, void (*done)(struct evaluation *evaluation));

/* Answers with what was evaluated, or refuses with `fault`, and frees. */
void evaluation_answer(struct evaluation *evaluation);

#endif
