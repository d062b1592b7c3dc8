/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/handlers.h"
#include "domain/judgement.h"
#include "util/job.h"

enum { WORD_MAX = 16 };

/* One of two words. False: it is neither. */
static bool word_decode(const char *word, const char *yes, const char *no, bool *ret_is_yes)
{
    *ret_is_yes = strcmp(word, yes) == 0;
    return *ret_is_yes || strcmp(word, no) == 0;
}

/* ---- POST /v1/patterns/{tag}/verifications ---- */

struct verification_body {
    const char *verdict, *verifier;
    uint8_t proof[64], signature[64];
};

#define VERIFICATION(member) offsetof(struct verification_body, member)
static const struct field verification_fields[] = {
    {"verdict", FIELD_TEXT, REQUIRED, VERIFICATION(verdict), 1, WORD_MAX},
    {"verifier", FIELD_TEXT, REQUIRED, VERIFICATION(verifier), B64_LENGTH(VERIFIER_LENGTH),
     B64_LENGTH(VERIFIER_LENGTH)},
    {"proof", FIELD_BYTES, REQUIRED, VERIFICATION(proof), 0, 64},
    {"signature", FIELD_BYTES, REQUIRED, VERIFICATION(signature), 0, 64},
};

static void verification_decode(const struct verification_body *body,
                                struct verification *verification, struct findings *findings)
{
    bool confirms = false;
    if (!word_decode(body->verdict, "confirm", "refute", &confirms))
        findings_add(findings, "/verdict", "must be confirm or refute");
    if (!b64_decode(body->verifier, strlen(body->verifier), verification->verifier,
                    VERIFIER_LENGTH))
        findings_add(findings, "/verifier", "must be base64url without padding");
    verification->verdict = confirms ? VERDICT_CONFIRM : VERDICT_REFUTE;
    verification->verifier_text = body->verifier;
    memcpy(&verification->proof, body->proof, sizeof verification->proof);
    memcpy(&verification->signature, body->signature, sizeof verification->signature);
}

static void verification_answer(struct operation *operation, enum fault fault)
{
    const struct verification *verification = (const struct verification *)operation;
    struct request *request = operation->context;
    if (fault)
        api_refuse(request, fault);
    else
        request_answer(request, 201,
                       json_pack("{s:o, s:o}", "credits_earned", json_credits(verification->earned),
                                 "balance", json_credits(verification->balance)));
}

static struct operation *verification_recall(struct request *request)
{
    struct verification *verification = verification_new(api_of(request)->coordinator);
    if (!verification)
        return NULL;
    api_await(request, &verification->operation, verification_answer);
    return &verification->operation;
}

/* On its way over a worker, which checks the signatures. */
struct proving {
    struct job job;
    struct request *request;
    struct verification *verification;
};

static void proving_run(struct job *job)
{
    verification_prove(((struct proving *)job)->verification);
}

static void proving_done(struct job *job)
{
    const struct proving *proving = (struct proving *)job;
    api_job_end(proving->request);
    operation_submit(&proving->verification->operation);
}

/* FAULT_NONE: on its way, or refused already. */
static enum fault verification_start(struct request *request, struct verification *verification)
{
    struct proving *proving = arena_alloc(&request->arena, sizeof *proving);
    if (!proving)
        return FAULT_MEMORY;
    enum fault fault = verification_find(verification, api_caller(request), api_now_s());
    if (fault)
        return fault;
    *proving = (struct proving){
        .job = {.run = proving_run, .done = proving_done},
        .request = request,
        .verification = verification,
    };
    if (api_job_begin(request))
        workers_submit(api_of(request)->coordinator->workers, &proving->job);
    else
        operation_free(&verification->operation);
    return FAULT_NONE;
}

static void verification_handle(struct request *request)
{
    struct verification_body body = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    if (!api_body(request, verification_fields,
                  sizeof verification_fields / sizeof *verification_fields, &body, &root))
        return;
    json_decref(root);
    struct verification *verification = verification_new(api_of(request)->coordinator);
    if (!verification) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    verification_decode(&body, verification, &findings);
    if (findings.errors) {
        api_refuse_unsubmitted(request, &verification->operation, FAULT_INVALID_REQUEST, &findings);
        return;
    }
    if (!api_tag(request, &verification->tag)) {
        operation_free(&verification->operation);
        return;
    }
    verification->tag_text = request->captures[0];
    api_await(request, &verification->operation, verification_answer);
    api_refuse_unsubmitted(request, &verification->operation,
                           verification_start(request, verification), NULL);
}

void verifications_post_handle(struct request *request)
{
    api_keyed(request, verification_recall, verification_handle);
}

/* ---- GET /v1/patterns/{tag}/verifications ---- */

static json_t *verification_encode(const struct verification_row *row)
{
    return json_pack("{s:o, s:s, s:o}", "verifier", json_b64(row->verifier, VERIFIER_LENGTH),
                     "verdict", row->verdict == VERDICT_CONFIRM ? "confirm" : "refute", "proof",
                     json_b64(&row->proof, 64));
}

static void verifications_answer(struct operation *operation, enum fault fault)
{
    const struct verifications *verifications = (const struct verifications *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *sample = json_array();
    for (size_t i = 0; i < verifications->count; i++)
        json_array_append_new(sample, verification_encode(&verifications->sample[i]));
    request_answer(request, 200,
                   json_pack("{s:I, s:I, s:o}", "confirmed",
                             (json_int_t)verifications->counts.confirmed, "refuted",
                             (json_int_t)verifications->counts.refuted, "sample", sample));
}

void verifications_get_handle(struct request *request)
{
    struct tag tag;
    if (!api_tag(request, &tag))
        return;
    struct verifications *verifications = verifications_new(api_of(request)->coordinator);
    if (!verifications) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    verifications->operation.answer = verifications_answer;
    verifications->operation.context = request;
    api_refuse_unsubmitted(request, &verifications->operation,
                           verifications_submit(verifications, &tag), NULL);
}

/* ---- PUT /v1/patterns/{tag}/vote ---- */

struct vote_body {
    const char *quality;
};

static const struct field vote_fields[] = {
    {"quality", FIELD_TEXT, REQUIRED, offsetof(struct vote_body, quality), 1, WORD_MAX},
};

static void vote_answer(struct operation *operation, enum fault fault)
{
    const struct vote *vote = (const struct vote *)operation;
    struct request *request = operation->context;
    if (fault)
        api_refuse(request, fault);
    else
        request_answer(request, 200, json_pack("{s:s}", "quality", vote->high ? "high" : "low"));
}

void vote_put_handle(struct request *request)
{
    struct vote_body body = {0};
    struct findings findings = {0};
    struct tag tag;
    bool high = false;
    json_t *root = NULL;
    if (!api_body(request, vote_fields, sizeof vote_fields / sizeof *vote_fields, &body, &root))
        return;
    json_decref(root);
    if (!word_decode(body.quality, "high", "low", &high)) {
        findings_add(&findings, "/quality", "must be high or low");
        api_refuse_findings(request, FAULT_INVALID_REQUEST, &findings);
        return;
    }
    if (!api_tag(request, &tag))
        return;
    struct vote *vote = vote_new(api_of(request)->coordinator);
    if (!vote) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    vote->high = high;
    vote->operation.answer = vote_answer;
    vote->operation.context = request;
    api_refuse_unsubmitted(request, &vote->operation,
                           vote_submit(vote, &tag, api_caller(request), api_now_s()), NULL);
}
