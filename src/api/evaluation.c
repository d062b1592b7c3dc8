/* SPDX-License-Identifier: Apache-2.0 */
#include "api/evaluation.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "crypto/group.h"

struct evaluation_body {
    uint32_t epoch;
    json_t *blinded;
};

static const struct field evaluation_fields[] = {
    {"epoch", FIELD_UNSIGNED, REQUIRED, offsetof(struct evaluation_body, epoch), 0, UINT32_MAX},
    {"blinded", FIELD_LIST, REQUIRED, offsetof(struct evaluation_body, blinded), 1, OPRF_BATCH_MAX},
};

static void refuse_element(struct request *request, size_t index, const char *detail)
{
    struct findings findings = {0};
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/blinded/%zu", index);
    findings_add(&findings, pointer, "%s", detail);
    api_refuse_findings(request, FAULT_INVALID_REQUEST, &findings);
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

struct evaluation *evaluation_read(struct request *request)
{
    struct evaluation_body body = {0};
    json_t *root = NULL;
    if (!api_body(request, evaluation_fields, sizeof evaluation_fields / sizeof *evaluation_fields,
                  &body, &root))
        return NULL;
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (!evaluation)
        api_refuse(request, FAULT_MEMORY);
    bool good = evaluation && blinded_decode(request, body.blinded, evaluation);
    json_decref(root);
    if (!good) {
        free(evaluation);
        return NULL;
    }
    evaluation->request = request;
    evaluation->epoch = body.epoch;
    oprf_blind_random(&evaluation->proof_random);
    return evaluation;
}

void evaluation_free(struct evaluation *evaluation)
{
    /* Whoever knows it and the proof knows the key. */
    scalar_wipe(&evaluation->proof_random);
    free(evaluation);
}

/* ---- On a worker ---- */

static void look_run(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    size_t good = 0;
    while (good < evaluation->count && point_is_valid(&evaluation->blinded[good]))
        good++;
    evaluation->bad = good;
    evaluation->fault = good < evaluation->count ? FAULT_RECORD_POINT : FAULT_NONE;
}

static void evaluation_run(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    evaluation->fault = oprf_evaluate(evaluation->key, &evaluation->proof_random,
                                      evaluation->blinded, evaluation->count, evaluation->evaluated,
                                      &evaluation->proof, &evaluation->bad);
}

static void job_done(struct job *job)
{
    struct evaluation *evaluation = (struct evaluation *)job;
    evaluation->done(evaluation);
}

static void evaluation_submit(struct evaluation *evaluation, void (*run)(struct job *job),
                              void (*done)(struct evaluation *evaluation))
{
    evaluation->job = (struct job){.run = run, .done = job_done};
    evaluation->done = done;
    workers_submit(api_of(evaluation->request)->workers, &evaluation->job);
}

void evaluation_look(struct evaluation *evaluation, void (*done)(struct evaluation *evaluation))
{
    evaluation_submit(evaluation, look_run, done);
}

void evaluation_start(struct evaluation *evaluation, void (*done)(struct evaluation *evaluation))
{
    evaluation_submit(evaluation, evaluation_run, done);
}

/* ---- The answer ---- */

static void elements_answer(const struct evaluation *evaluation)
{
    json_t *elements = json_array();
    for (size_t i = 0; i < evaluation->count; i++)
        json_array_append_new(elements, json_b64(&evaluation->evaluated[i], 32));
    api_meter(evaluation->request, &evaluation->allowance);
    request_answer(evaluation->request, 200,
                   json_pack("{s:I, s:o, s:o}", "epoch", (json_int_t)evaluation->epoch, "evaluated",
                             elements, "proof", json_b64(&evaluation->proof, OPRF_PROOF_LENGTH)));
}

void evaluation_answer(struct evaluation *evaluation)
{
    if (evaluation->fault == FAULT_RECORD_POINT)
        refuse_element(evaluation->request, evaluation->bad, "must be an element of ristretto255");
    else if (evaluation->fault)
        api_refuse_metered(evaluation->request, evaluation->fault, &evaluation->allowance);
    else
        elements_answer(evaluation);
    evaluation_free(evaluation);
}
