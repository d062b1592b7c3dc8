/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "domain/contribution.h"
#include "domain/withdrawal.h"
#include "util/job.h"

/*
 * POST /v1/contributions passes through three threads:
 *
 *     loop    contributions_post_handle       hands the bytes over
 *     worker  parsing_run                     JSON -> offers, each checked alone: a pure function
 *     loop    parsing_done                    epoch, batch size; holds the tags in memory
 *     writer  domain/contribution.c           rows and credits
 *     loop    contribution_answer
 *
 * Small bodies are parsed on the loop: handing them over would cost more.
 */
enum { PARSED_ON_LOOP_MAX = 2048, RECORDS_MAX = 1000 };

/* ---- From bytes to offers ---- */

struct contributions_body {
    uint32_t epoch;
    json_t *patterns;
};

static const struct field contributions_fields[] = {
    {"epoch", FIELD_UNSIGNED, REQUIRED, offsetof(struct contributions_body, epoch), 0, UINT32_MAX},
    {"patterns", FIELD_LIST, REQUIRED, offsetof(struct contributions_body, patterns), 1,
     RECORDS_MAX},
};

struct pattern_body {
    struct view tag, domain, commitments, verify_key, ciphertext, index, share;
    uint8_t confidence;
};

#define PATTERN(member) offsetof(struct pattern_body, member)
static const struct field pattern_fields[] = {
    {"tag", FIELD_VIEW, REQUIRED, PATTERN(tag), 0, 0},
    {"domain", FIELD_VIEW, REQUIRED, PATTERN(domain), 0, 0},
    {"commitments", FIELD_VIEW, REQUIRED, PATTERN(commitments), 0, 0},
    {"verify_key", FIELD_VIEW, REQUIRED, PATTERN(verify_key), 0, 0},
    {"ciphertext", FIELD_VIEW, REQUIRED, PATTERN(ciphertext), 0, 0},
    {"index", FIELD_VIEW, REQUIRED, PATTERN(index), 0, 0},
    {"share", FIELD_VIEW, REQUIRED, PATTERN(share), 0, 0},
    {"confidence", FIELD_HUNDREDTHS, REQUIRED, PATTERN(confidence), 0, 0},
};

/* What a worker needs, and what it makes. */
struct parsing {
    struct job job;
    struct request *request;
    struct contribution *contribution; /* its arena holds the offers */
    unsigned max_json_depth;
    uint8_t k, confidence_step;
    struct federation_id federation_id;
    uint32_t epoch; /* as the body says */
    enum fault fault;
    struct why why;
    struct findings findings;
};

/* B64 of exactly `length` bytes; a refusal of this record otherwise. */
static void field_decode(struct offer *offer, const struct view *view, void *bytes, size_t length)
{
    if (offer->refusal)
        return;
    if (view->length != B64_LENGTH(length))
        offer->refusal = FAULT_RECORD_SIZE;
    else if (!b64_decode(view->bytes, view->length, bytes, length))
        offer->refusal = FAULT_RECORD_ENCODING;
}

static void offer_decode(struct offer *offer, const struct pattern_body *body,
                         const struct parsing *parsing)
{
    struct record *record = &offer->record;
    size_t ciphertext_length = body->ciphertext.length * 6 / 8;
    offer->confidence = body->confidence;
    record->epoch = parsing->epoch;
    record->k = parsing->k;
    if (!ciphertext_length_is_valid(ciphertext_length))
        offer->refusal = FAULT_RECORD_SIZE;
    else if (!domain_is_valid(body->domain.bytes, body->domain.length))
        offer->refusal = FAULT_RECORD_DOMAIN;
    field_decode(offer, &body->tag, &record->tag, sizeof record->tag);
    field_decode(offer, &body->commitments, record->commitments,
                 record->k * sizeof record->commitments[0]);
    field_decode(offer, &body->verify_key, &record->verify_key, sizeof record->verify_key);
    field_decode(offer, &body->ciphertext, record->ciphertext, ciphertext_length);
    field_decode(offer, &body->index, record->index, sizeof record->index);
    field_decode(offer, &body->share, &offer->share, sizeof offer->share);
    if (offer->refusal)
        return;
    memcpy(record->domain, body->domain.bytes, body->domain.length);
    record->domain_length = (uint8_t)body->domain.length;
    record->ciphertext_length = (uint16_t)ciphertext_length;
    offer_check(offer, &parsing->federation_id);
}

static void patterns_decode(struct parsing *parsing, json_t *patterns)
{
    struct contribution *contribution = parsing->contribution;
    size_t index, count = json_array_size(patterns);
    json_t *pattern;
    contribution->offers =
        arena_array(&contribution->operation.arena, count, sizeof *contribution->offers);
    if (!contribution->offers) {
        parsing->fault = FAULT_MEMORY;
        return;
    }
    contribution->count = count;
    json_array_foreach (patterns, index, pattern) {
        struct pattern_body body = {0};
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/patterns/%zu", index);
        if (!json_decode(pattern, pointer, pattern_fields,
                         sizeof pattern_fields / sizeof *pattern_fields,
                         &contribution->operation.arena, &body, &parsing->findings))
            continue;
        if (body.confidence % parsing->confidence_step != 0)
            findings_add(&parsing->findings, pointer,
                         "confidence is finer than your privacy mode allows: steps of 0.%02u",
                         parsing->confidence_step);
        else
            offer_decode(&contribution->offers[index], &body, parsing);
    }
}

static void parsing_run(struct job *job)
{
    struct parsing *parsing = (struct parsing *)job;
    struct contributions_body body = {0};
    json_t *root = NULL;
    parsing->fault = json_parse(parsing->request->body, parsing->request->body_length,
                                parsing->max_json_depth, &root, &parsing->why);
    if (parsing->fault)
        return;
    if (json_decode(root, "", contributions_fields,
                    sizeof contributions_fields / sizeof *contributions_fields,
                    &parsing->contribution->operation.arena, &body, &parsing->findings)) {
        parsing->epoch = body.epoch;
        patterns_decode(parsing, body.patterns);
    }
    json_decref(root);
}

/* ---- From offers to the answer ---- */

static json_t *offer_encode(const struct offer *offer)
{
    if (!offer->refusal)
        return json_pack("{s:s}", "status", "accepted");
    return json_pack("{s:s, s:s, s:s}", "status", "rejected", "code", fault_code(offer->refusal),
                     "detail", fault_title(offer->refusal));
}

static void contribution_answer(struct operation *operation, enum fault fault)
{
    const struct contribution *contribution = (const struct contribution *)operation;
    struct request *request = operation->context;
    size_t accepted = 0;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *results = json_array();
    for (size_t i = 0; i < contribution->count; i++) {
        json_array_append_new(results, offer_encode(&contribution->offers[i]));
        accepted += !contribution->offers[i].refusal;
    }
    request_answer(request, 200,
                   json_pack("{s:o, s:i, s:o, s:o, s:I}", "results", results, "accepted",
                             (int)accepted, "credits_earned", json_credits(contribution->earned),
                             "balance", json_credits(contribution->balance), "daily_remaining",
                             (json_int_t)contribution->daily_remaining));
}

/* The checks that need the loop's memory. FAULT_NONE: submitted. */
static enum fault parsing_submit(struct parsing *parsing, const struct instance *instance)
{
    const struct api *api = api_of(parsing->request);
    struct contribution *contribution = parsing->contribution;
    if (parsing->fault)
        return parsing->fault;
    if (parsing->findings.errors)
        return FAULT_INVALID_REQUEST;
    if (parsing->epoch != api->coordinator->epoch.number)
        return FAULT_EPOCH_NOT_CURRENT;
    enum level level = instance_effective_level(instance, api->settings, contribution->now_s, NULL);
    size_t max_records = api->settings->level_max_records[level];
    if (contribution->count > max_records)
        return why_set(&parsing->why, FAULT_BATCH_TOO_LARGE,
                       "%zu patterns, and your level %s may send %zu in one request",
                       contribution->count, level_name(level), max_records);
    contribution->number = instance->number;
    contribution->mode = instance->mode;
    return contribution_submit(contribution);
}

static void parsing_done(struct job *job)
{
    struct parsing *parsing = (struct parsing *)job;
    struct request *request = parsing->request;
    const struct instance *instance = api_caller(request);
    enum fault fault = instance ? parsing_submit(parsing, instance) : FAULT_TOKEN_INVALID;
    if (fault) {
        operation_free(&parsing->contribution->operation);
        if (parsing->findings.errors && fault == FAULT_INVALID_REQUEST)
            api_refuse_findings(request, &parsing->findings);
        else
            request_refuse(request, fault, parsing->why.text[0] ? &parsing->why : NULL, NULL);
    }
    findings_done(&parsing->findings);
}

void contributions_post_handle(struct request *request)
{
    struct coordinator *coordinator = api_of(request)->coordinator;
    struct parsing *parsing = arena_alloc(&request->arena, sizeof *parsing);
    struct contribution *contribution = contribution_new(coordinator);
    if (!parsing || !contribution) {
        operation_free(contribution ? &contribution->operation : NULL);
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    contribution->now_s = api_now_s();
    contribution->operation.answer = contribution_answer;
    contribution->operation.context = request;
    *parsing = (struct parsing){
        .job = {.run = parsing_run, .done = parsing_done},
        .request = request,
        .contribution = contribution,
        .max_json_depth = api_of(request)->settings->max_json_depth,
        .k = coordinator->epoch.k,
        .confidence_step = privacy_of(api_caller(request)->mode)->confidence_step,
        .federation_id = coordinator->federation_id,
    };
    if (request->body_length > PARSED_ON_LOOP_MAX) {
        workers_submit(coordinator->workers, &parsing->job);
        return;
    }
    parsing_run(&parsing->job);
    parsing_done(&parsing->job);
}

/* ---- GET /v1/contributions ---- */

static const char *const state_names[] = {
    [CONTRIBUTION_SEALED] = "sealed",
    [CONTRIBUTION_RELEASED] = "released",
    [CONTRIBUTION_INVALID] = "invalid",
};

static void page_answer(struct operation *operation, enum fault fault)
{
    const struct contributions_page *page = (const struct contributions_page *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < page->count; i++) {
        const struct contribution_listed *listed = &page->listed[i];
        bool paid = listed->payment == PAYMENT_PAID || listed->payment == PAYMENT_PROVEN;
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:s, s:b}", "tag",
                                              json_b64(&listed->tag, 32), "domain", listed->domain,
                                              "confidence", json_hundredths(listed->confidence),
                                              "accepted_at", json_time(listed->accepted_at_s),
                                              "status", state_names[listed->state], "paid", paid));
    }
    int64_t last = page->count ? page->listed[page->count - 1].sequence : 0;
    request_answer(request, 200,
                   json_pack("{s:o, s:o}", "contributions", list, "next_cursor",
                             api_cursor(last, page->count, page->limit)));
}

void contributions_get_handle(struct request *request)
{
    uint64_t after = 0, limit = 0;
    if (!api_page(request, CONTRIBUTIONS_PAGE_MAX, &after, &limit))
        return;
    struct contributions_page *page = contributions_page_new(api_of(request)->coordinator);
    if (!page) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    page->number = api_caller(request)->number;
    page->after = (int64_t)after;
    page->limit = (size_t)limit;
    page->operation.answer = page_answer;
    page->operation.context = request;
    operation_submit(&page->operation);
}

/* ---- DELETE ---- */

static void withdrawal_answer(struct operation *operation, enum fault fault)
{
    const struct withdrawal *withdrawal = (const struct withdrawal *)operation;
    struct request *request = operation->context;
    if (fault)
        api_refuse(request, fault);
    else
        request_answer(request, 200,
                       json_pack("{s:I, s:o, s:o}", "withdrawn", (json_int_t)withdrawal->withdrawn,
                                 "credits_reversed", json_credits(withdrawal->reversed), "balance",
                                 json_credits(withdrawal->balance)));
}

/* `tag` NULL: all. */
static void withdrawal_start(struct request *request, const struct tag *tag)
{
    struct withdrawal *withdrawal = withdrawal_new(api_of(request)->coordinator);
    if (!withdrawal) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    withdrawal->number = api_caller(request)->number;
    withdrawal->now_s = api_now_s();
    withdrawal->all = tag == NULL;
    if (tag)
        withdrawal->tag = *tag;
    withdrawal->operation.answer = withdrawal_answer;
    withdrawal->operation.context = request;
    enum fault fault = withdrawal_submit(withdrawal);
    if (fault) {
        operation_free(&withdrawal->operation);
        api_refuse(request, fault);
    }
}

void contribution_delete_handle(struct request *request)
{
    struct tag tag;
    if (api_tag(request, &tag))
        withdrawal_start(request, &tag);
}

void contributions_delete_handle(struct request *request)
{
    withdrawal_start(request, NULL);
}
