/* SPDX-License-Identifier: Apache-2.0 */
#include "api/contributions.h"
#include "api/handlers.h"
#include "domain/contribution.h"
#include "domain/withdrawal.h"
#include "util/job.h"

/*
 * POST /v1/contributions passes through three threads:
 *
 *     loop    contributions_post_handle       hands the bytes over
 *     worker  contributions_parse             JSON -> offers, each checked alone: a pure function
 *     loop    parsing_done                    epoch, batch size; holds the tags in memory
 *     writer  domain/contribution.c           rows and credits
 *     loop    contribution_answer
 *
 * Small bodies are parsed on the loop: handing them over would cost more.
 */
enum { PARSED_ON_LOOP_MAX = 2048 };

/* What a worker needs, and what it makes. */
struct parsing {
    struct job job;
    struct request *request;
    struct contribution *contribution; /* its arena holds the offers */
    struct contributions_parameters parameters;
    struct contributions contributions;
    enum fault fault;
    struct findings findings;
};

static void parsing_run(struct job *job)
{
    struct parsing *parsing = (struct parsing *)job;
    const struct view body = {parsing->request->body, parsing->request->body_length};
    parsing->fault =
        contributions_parse(&body, &parsing->parameters, &parsing->contribution->operation.arena,
                            &parsing->contributions, &parsing->findings);
}

/* ---- From offers to the answer ---- */

static json_t *rejection_encode(const struct offer *offer)
{
    return json_pack("{s:s, s:s, s:s}", "status", "rejected", "code", fault_code(offer->refusal),
                     "detail", fault_title(offer->refusal));
}

/* One result a record. All that were accepted share one object: they are most of the answer. */
static json_t *results_encode(const struct contribution *contribution, size_t *ret_accepted)
{
    json_t *results = json_array(), *accepted = json_pack("{s:s}", "status", "accepted");
    *ret_accepted = 0;
    for (size_t i = 0; i < contribution->count; i++) {
        const struct offer *offer = &contribution->offers[i];
        if (offer->refusal)
            json_array_append_new(results, rejection_encode(offer));
        else
            json_array_append(results, accepted);
        *ret_accepted += !offer->refusal;
    }
    json_decref(accepted);
    return results;
}

static void contribution_answer(struct operation *operation, enum fault fault)
{
    const struct contribution *contribution = (const struct contribution *)operation;
    struct request *request = operation->context;
    size_t accepted = 0;
    if (fault) {
        api_refuse_metered(request, fault, &contribution->allowance);
        return;
    }
    api_meter(request, &contribution->allowance);
    json_t *results = results_encode(contribution, &accepted);
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
    if (parsing->contributions.epoch != api->coordinator->epoch.number)
        return FAULT_EPOCH_NOT_CURRENT;
    enum level level = instance_effective_level(instance, api->settings, contribution->now_s, NULL);
    size_t max_records = api->settings->level_max_records[level];
    if (parsing->contributions.count > max_records)
        return why_set(&parsing->findings.first, FAULT_BATCH_TOO_LARGE,
                       "%zu patterns, and your level %s may send %zu in one request",
                       parsing->contributions.count, level_name(level), max_records);
    contribution->offers = parsing->contributions.offers;
    contribution->count = parsing->contributions.count;
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
    api_refuse_unsubmitted(request, &parsing->contribution->operation, fault, &parsing->findings);
    findings_done(&parsing->findings);
}

static void parsing_done_elsewhere(struct job *job)
{
    api_job_end(((struct parsing *)job)->request);
    parsing_done(job);
}

static struct operation *contribution_recall(struct request *request)
{
    struct contribution *contribution = contribution_new(api_of(request)->coordinator);
    if (!contribution)
        return NULL;
    api_await(request, &contribution->operation, contribution_answer);
    return &contribution->operation;
}

static void contribution_handle(struct request *request)
{
    struct coordinator *coordinator = api_of(request)->coordinator;
    bool on_loop = request->body_length <= PARSED_ON_LOOP_MAX;
    struct parsing *parsing = arena_alloc(&request->arena, sizeof *parsing);
    struct contribution *contribution = contribution_new(coordinator);
    if (!parsing || !contribution) {
        operation_free(contribution ? &contribution->operation : NULL);
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    contribution->now_s = api_now_s();
    api_await(request, &contribution->operation, contribution_answer);
    *parsing = (struct parsing){
        .job = {.run = parsing_run, .done = parsing_done_elsewhere},
        .request = request,
        .contribution = contribution,
        .parameters =
            {
                .federation_id = coordinator->federation_id,
                .max_json_depth = api_of(request)->settings->max_json_depth,
                .k = coordinator->epoch.k,
                .confidence_step = privacy_of(api_caller(request)->mode)->confidence_step,
            },
    };
    if (on_loop) {
        parsing_run(&parsing->job);
        parsing_done(&parsing->job);
    } else if (api_job_begin(request)) {
        workers_submit(coordinator->workers, &parsing->job);
    } else {
        operation_free(&contribution->operation);
    }
}

void contributions_post_handle(struct request *request)
{
    api_keyed(request, contribution_recall, contribution_handle);
}

/* ---- GET /v1/contributions ---- */

static const char *const state_names[] = {
    [CONTRIBUTION_SEALED] = "sealed",
    [CONTRIBUTION_RELEASED] = "released",
    [CONTRIBUTION_INVALID] = "invalid",
};

static json_t *listed_encode(const struct contribution_listed *listed)
{
    bool paid = listed->payment == PAYMENT_PAID || listed->payment == PAYMENT_PROVEN;
    return json_pack("{s:o, s:I, s:s, s:o, s:o, s:s, s:b}", "tag", json_b64(&listed->tag, 32),
                     "epoch", (json_int_t)listed->epoch, "domain", listed->domain, "confidence",
                     json_hundredths(listed->confidence), "accepted_at",
                     json_time(listed->accepted_at_s), "status", state_names[listed->state], "paid",
                     paid);
}

static void list_answer(struct operation *operation, enum fault fault)
{
    const struct contributions_page *list = (const struct contributions_page *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *contributions = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(contributions, listed_encode(&list->listed[i]));
    int64_t last = list->count ? list->listed[list->count - 1].sequence : 0;
    request_answer(request, 200,
                   json_pack("{s:o, s:o}", "contributions", contributions, "next_cursor",
                             api_cursor(request, last, list->page.more)));
}

void contributions_get_handle(struct request *request)
{
    struct page page;
    if (!api_page(request, &page))
        return;
    struct contributions_page *list = contributions_page_new(api_of(request)->coordinator);
    if (!list) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    list->number = api_caller(request)->number;
    list->page = page;
    list->operation.answer = list_answer;
    list->operation.context = request;
    operation_submit(&list->operation);
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
    withdrawal_submit(withdrawal);
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
