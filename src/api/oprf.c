/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "crypto/group.h"
#include "crypto/oprf.h"
#include "store/keyring.h"

struct evaluations_body {
    uint32_t epoch;
    json_t *blinded;
};

static const struct field evaluations_fields[] = {
    {"epoch", FIELD_UNSIGNED, REQUIRED, offsetof(struct evaluations_body, epoch), 0, UINT32_MAX},
    {"blinded", FIELD_LIST, REQUIRED, offsetof(struct evaluations_body, blinded), 1,
     OPRF_BATCH_MAX},
};

/*
 * POST /v1/oprf/evaluations:
 *
 *     loop     evaluations_post_handle
 *     worker   points_run              only where the tier has a quota, which a request that is
 *     writer   domain/tier.c           refused must not use up, or where it has a key
 *     worker   evaluation_run          50 microseconds an element
 *     loop     evaluation_done
 */
struct evaluation {
    struct job job;
    struct request *request;
    const struct oprf_key *key;
    uint32_t epoch;
    size_t count, bad;
    struct scalar proof_random;
    struct oprf_proof proof;
    struct allowance allowance;
    enum fault fault;
    struct point blinded[OPRF_BATCH_MAX], evaluated[OPRF_BATCH_MAX];
};

static void evaluation_run(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    evaluation->fault = oprf_evaluate(evaluation->key, &evaluation->proof_random,
                                      evaluation->blinded, evaluation->count, evaluation->evaluated,
                                      &evaluation->proof, &evaluation->bad);
}

static void refuse_element(struct request *request, size_t index, const char *detail)
{
    struct findings findings = {0};
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/blinded/%zu", index);
    findings_add(&findings, pointer, "%s", detail);
    api_refuse_findings(request, FAULT_INVALID_REQUEST, &findings);
}

static void evaluation_free(struct evaluation *evaluation)
{
    /* Whoever knows it and the proof knows the key. */
    scalar_wipe(&evaluation->proof_random);
    free(evaluation);
}

static void evaluation_refuse(struct evaluation *evaluation, enum fault fault)
{
    if (fault == FAULT_RECORD_POINT)
        refuse_element(evaluation->request, evaluation->bad, "must be an element of ristretto255");
    else
        api_refuse_metered(evaluation->request, fault, &evaluation->allowance);
}

static void evaluation_answer(const struct evaluation *evaluation)
{
    json_t *elements = json_array();
    for (size_t i = 0; i < evaluation->count; i++)
        json_array_append_new(elements, json_b64(&evaluation->evaluated[i], 32));
    api_meter(evaluation->request, &evaluation->allowance);
    request_answer(evaluation->request, 200,
                   json_pack("{s:I, s:o, s:o}", "epoch", (json_int_t)evaluation->epoch, "evaluated",
                             elements, "proof", json_b64(&evaluation->proof, OPRF_PROOF_LENGTH)));
}

static void evaluation_done(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    api_job_end(evaluation->request);
    if (evaluation->fault)
        evaluation_refuse(evaluation, evaluation->fault);
    else
        evaluation_answer(evaluation);
    evaluation_free(evaluation);
}

static void evaluation_submit(struct evaluation *evaluation)
{
    evaluation->job = (struct job){.run = evaluation_run, .done = evaluation_done};
    workers_submit(api_of(evaluation->request)->coordinator->workers, &evaluation->job);
}

/* ---- With a quota, or an Idempotency-Key ---- */

static void points_run(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    size_t good = 0;
    while (good < evaluation->count && point_is_valid(&evaluation->blinded[good]))
        good++;
    evaluation->bad = good;
    evaluation->fault = good < evaluation->count ? FAULT_RECORD_POINT : FAULT_NONE;
}

static void metering_answer(struct operation *operation, enum fault fault)
{
    struct evaluation *evaluation = operation->context;
    evaluation->allowance = ((const struct metering *)operation)->allowance;
    evaluation->fault = fault;
    if (fault)
        evaluation_done(&evaluation->job);
    else
        evaluation_submit(evaluation);
}

static void metering_settle(struct operation *operation, enum fault fault)
{
    struct evaluation *evaluation = operation->context;
    if (fault != FAULT_REMEMBERED)
        return;
    api_job_end(evaluation->request);
    evaluation_free(evaluation);
}

static void points_done(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    const struct instance *instance = api_caller(evaluation->request);
    struct metering *metering = NULL;
    if (!evaluation->fault && !instance)
        evaluation->fault = FAULT_TOKEN_INVALID;
    if (!evaluation->fault) {
        metering = metering_new(api_of(evaluation->request)->coordinator);
        evaluation->fault = metering ? FAULT_NONE : FAULT_MEMORY;
    }
    if (evaluation->fault) {
        evaluation_done(job);
        return;
    }
    metering->charge = (struct charge){instance->tier, QUOTA_OPRF_ELEMENTS, instance->number,
                                       api_now_s(), (uint32_t)evaluation->count};
    api_await(evaluation->request, &metering->operation, metering_answer);
    metering->operation.context = evaluation;
    metering->operation.settle = metering_settle;
    operation_submit(&metering->operation);
}

/* False: refused already. */
static bool blinded_decode(struct request *request, json_t *list, struct evaluation *evaluation)
{
    size_t index;
    json_t *element;
    json_array_foreach (list, index, element) {
        const char *text = json_string_value(element);
        if (!text || !b64_decode(text, json_string_length(element), &evaluation->blinded[index],
                                 sizeof evaluation->blinded[index])) {
            refuse_element(request, index, "must be base64url of 32 bytes, without padding");
            return false;
        }
    }
    evaluation->count = json_array_size(list);
    return true;
}

/* `counted`: it is within the quota already. */
static void evaluation_start(struct request *request, bool counted)
{
    struct coordinator *coordinator = api_of(request)->coordinator;
    struct evaluations_body body = {0};
    json_t *root = NULL;
    if (!api_body(request, evaluations_fields,
                  sizeof evaluations_fields / sizeof *evaluations_fields, &body, &root))
        return;
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    bool good = evaluation && blinded_decode(request, body.blinded, evaluation);
    json_decref(root);
    if (!evaluation)
        api_refuse(request, FAULT_MEMORY);
    if (good && body.epoch != coordinator->epoch.number) {
        api_refuse(request, FAULT_EPOCH_NOT_CURRENT);
        good = false;
    }
    if (!good || !api_job_begin(request)) {
        free(evaluation);
        return;
    }
    evaluation->job = (struct job){.run = points_run, .done = points_done};
    evaluation->request = request;
    evaluation->epoch = body.epoch;
    evaluation->key = keyring_oprf(coordinator->keyring, body.epoch);
    oprf_blind_random(&evaluation->proof_random);
    if (counted || (api_caller(request)->tier == TIER_UNLIMITED && !request->memo))
        evaluation_submit(evaluation);
    else
        workers_submit(coordinator->workers, &evaluation->job);
}

static void evaluation_handle(struct request *request)
{
    evaluation_start(request, false);
}

/* It was done before: once more, for the elements are not kept, and without counting again. */
static void evaluation_repeat(struct operation *operation, enum fault fault)
{
    struct request *request = operation->context;
    if (!fault && !api_caller(request))
        fault = FAULT_TOKEN_INVALID;
    if (fault)
        api_refuse(request, fault);
    else
        evaluation_start(request, true);
}

static struct operation *evaluation_recall(struct request *request)
{
    struct metering *metering = metering_new(api_of(request)->coordinator);
    if (!metering)
        return NULL;
    api_await(request, &metering->operation, evaluation_repeat);
    return &metering->operation;
}

void evaluations_post_handle(struct request *request)
{
    api_keyed(request, evaluation_recall, evaluation_handle);
}
