/* SPDX-License-Identifier: Apache-2.0 */
#include "api/evaluation.h"
#include "api/handlers.h"
#include "crypto/oprf_token.h"
#include "domain/helper.h"
#include "store/keyring.h"

/* Counts the elements against the caller's quota, and then calls `answer`. NULL: memory is out. */
static struct metering *elements_charge(struct request *request, size_t elements,
                                        void (*answer)(struct operation *operation,
                                                       enum fault fault))
{
    const struct instance *instance = api_caller(request);
    struct metering *metering = metering_new(api_of(request)->coordinator);
    if (!metering)
        return NULL;
    metering->charge = (struct charge){instance->tier, QUOTA_OPRF_ELEMENTS, instance->number,
                                       api_now_s(), (uint32_t)elements};
    api_await(request, &metering->operation, answer);
    return metering;
}

/* Whether nothing is to be counted or remembered of the request. */
static bool is_free(const struct request *request)
{
    return api_caller(request)->tier == TIER_UNLIMITED && !request->memo;
}

/*
 * ---- POST /v1/oprf/evaluations ----
 *
 *     loop     evaluations_post_handle
 *     worker   evaluation_look         only where the tier has a quota, which a request that is
 *     writer   domain/tier.c           refused must not use up, or where it has a key
 *     worker   evaluation_start
 *     loop     member_answer
 */

static void member_answer(struct evaluation *evaluation)
{
    api_job_end(evaluation->request);
    evaluation_answer(evaluation);
}

static void evaluation_metered(struct operation *operation, enum fault fault)
{
    struct evaluation *evaluation = operation->context;
    evaluation->allowance = ((const struct metering *)operation)->allowance;
    evaluation->fault = fault;
    if (fault)
        member_answer(evaluation);
    else
        evaluation_start(evaluation, member_answer);
}

static void evaluation_settle(struct operation *operation, enum fault fault)
{
    struct evaluation *evaluation = operation->context;
    if (fault != FAULT_REMEMBERED)
        return;
    api_job_end(evaluation->request);
    evaluation_free(evaluation);
}

static void evaluation_charge(struct evaluation *evaluation)
{
    struct request *request = evaluation->request;
    struct metering *metering = NULL;
    if (!evaluation->fault && !api_caller(request))
        evaluation->fault = FAULT_TOKEN_INVALID;
    if (!evaluation->fault) {
        metering = elements_charge(request, evaluation->count, evaluation_metered);
        evaluation->fault = metering ? FAULT_NONE : FAULT_MEMORY;
    }
    if (evaluation->fault) {
        member_answer(evaluation);
        return;
    }
    metering->operation.context = evaluation;
    metering->operation.settle = evaluation_settle;
    operation_submit(&metering->operation);
}

/* `counted`: it is within the quota already. */
static void evaluation_begin(struct request *request, bool counted)
{
    const struct coordinator *coordinator = api_of(request)->coordinator;
    struct evaluation *evaluation = evaluation_read(request);
    if (!evaluation)
        return;
    bool current = evaluation->epoch == coordinator->epoch.number;
    if (!current)
        api_refuse(request, FAULT_EPOCH_NOT_CURRENT);
    if (!current || !api_job_begin(request)) {
        evaluation_free(evaluation);
        return;
    }
    evaluation->key = keyring_oprf(coordinator->keyring, evaluation->epoch);
    if (counted || is_free(request))
        evaluation_start(evaluation, member_answer);
    else
        evaluation_look(evaluation, evaluation_charge);
}

static void evaluation_handle(struct request *request)
{
    evaluation_begin(request, false);
}

/* Once more, for the elements are not kept. */
static void evaluation_repeat(struct operation *operation, enum fault fault)
{
    struct request *request = operation->context;
    if (!fault && !api_caller(request))
        fault = FAULT_TOKEN_INVALID;
    if (fault)
        api_refuse(request, fault);
    else
        evaluation_begin(request, true);
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
    const char *helper = api_of(request)->settings->oprf_url;
    struct why why;
    if (!*helper) {
        api_keyed(request, evaluation_recall, evaluation_handle);
        return;
    }
    why_set(&why, FAULT_NOT_FOUND, "evaluations are at oprf_url, %.150s", helper);
    request_refuse(request, FAULT_NOT_FOUND, &why, NULL);
}

/*
 * ---- POST /v1/oprf/tokens ----
 *
 * An Idempotency-Key means nothing here: a token is not kept, and another one for the same key
 * would be for elements that nobody counted.
 */

struct token_body {
    uint32_t epoch, elements;
    struct oprf_context context;
};

#define TOKEN(member) offsetof(struct token_body, member)
static const struct field token_fields[] = {
    {"epoch", FIELD_UNSIGNED, REQUIRED, TOKEN(epoch), 0, UINT32_MAX},
    {"elements", FIELD_UNSIGNED, REQUIRED, TOKEN(elements), 1, OPRF_BATCH_MAX},
    {"redemption_context", FIELD_BYTES, REQUIRED, TOKEN(context), 0, OPRF_CONTEXT_LENGTH},
};

/* What is asked for; the request's. */
struct token_order {
    struct request *request;
    struct token_body body;
};

/* NULL: refused already. */
static struct token_order *token_read(struct request *request)
{
    struct token_order *order = arena_alloc(&request->arena, sizeof *order);
    json_t *root = NULL;
    if (!order) {
        api_refuse(request, FAULT_MEMORY);
        return NULL;
    }
    *order = (struct token_order){.request = request};
    if (!api_body(request, token_fields, sizeof token_fields / sizeof *token_fields, &order->body,
                  &root))
        return NULL;
    json_decref(root);
    if (order->body.epoch == api_of(request)->coordinator->epoch.number)
        return order;
    api_refuse(request, FAULT_EPOCH_NOT_CURRENT);
    return NULL;
}

static void token_give(const struct token_order *order, const struct allowance *allowance)
{
    struct request *request = order->request;
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    struct oprf_token token = {
        .epoch = order->body.epoch,
        .elements = (uint16_t)order->body.elements,
        .expires_at_s = api_now_s() + OPRF_TOKEN_TTL_S,
    };
    bytes_random(token.nonce, sizeof token.nonce);
    oprf_token_sign(&api_of(request)->coordinator->keyring->signing, &order->body.context, &token,
                    text);
    api_meter(request, allowance);
    request_answer(
        request, 200,
        json_pack("{s:s, s:o}", "token", text, "token_expires_at", json_time(token.expires_at_s)));
}

static void token_metered(struct operation *operation, enum fault fault)
{
    const struct allowance *allowance = &((const struct metering *)operation)->allowance;
    const struct token_order *order = operation->context;
    if (fault)
        api_refuse_metered(order->request, fault, allowance);
    else
        token_give(order, allowance);
}

static void token_handle(struct request *request)
{
    static const struct allowance no_quota;
    struct token_order *order = token_read(request);
    if (!order)
        return;
    if (is_free(request)) {
        token_give(order, &no_quota);
        return;
    }
    struct metering *metering = elements_charge(request, order->body.elements, token_metered);
    if (!metering) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    metering->operation.context = order;
    operation_submit(&metering->operation);
}

void oprf_tokens_post_handle(struct request *request)
{
    if (*api_of(request)->settings->oprf_url)
        token_handle(request);
    else
        api_refuse(request, FAULT_NOT_FOUND);
}
