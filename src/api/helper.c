/* SPDX-License-Identifier: Apache-2.0 */
#include "api/evaluation.h"
#include "api/handlers.h"
#include "domain/helper.h"
#include "store/keyring.h"

/* ---- GET /v1/oprf ---- */

static json_t *keys_encode(const struct keyring *keyring)
{
    json_t *list = json_array();
    for (size_t i = 0; i < keyring->oprf_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:o}", "number",
                                              (json_int_t)keyring->oprf[i].epoch, "oprf_public_key",
                                              json_b64(&keyring->oprf[i].key.public, 32)));
    return list;
}

static void oprf_get_handle(struct request *request)
{
    const struct helper *helper = api_of(request)->helper;
    request_answer(request, 200,
                   json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:i, s:i, s:I}}", "protocol", "cfed/v1",
                             "role", "oprf", "coordinator_key", json_b64(&helper->coordinator, 32),
                             "redemption_context",
                             json_b64(&helper->context, sizeof helper->context), "epochs",
                             keys_encode(helper->keyring), "limits", "max_oprf_elements",
                             OPRF_BATCH_MAX, "max_small_body_bytes",
                             (int)api_of(request)->limits->max_small_body_bytes,
                             "oprf_elements_per_day", (json_int_t)helper->elements_per_day));
}

/*
 * ---- POST /v1/oprf/evaluations ----
 *
 *     loop     evaluations_post    spends the token
 *     worker   evaluation_start
 *     loop     bearer_answer       gives it back where a point was none
 */

static struct spending spending_of(const struct evaluation *evaluation)
{
    return (struct spending){evaluation->request->credential, evaluation->blinded,
                             evaluation->count};
}

static void bearer_answer(struct evaluation *evaluation)
{
    struct spending spending = spending_of(evaluation);
    if (evaluation->fault)
        helper_return(api_of(evaluation->request)->helper, &spending);
    evaluation_answer(evaluation);
}

/* What the token does not permit. */
static enum fault token_covers(const struct evaluation *evaluation, struct why *why)
{
    const struct oprf_token *token = evaluation->request->credential;
    if (evaluation->epoch != token->epoch || !evaluation->key)
        return FAULT_EPOCH_NOT_CURRENT;
    if (evaluation->count > token->elements)
        return why_set(why, FAULT_BATCH_TOO_LARGE, "the token is for %u elements, not %zu",
                       token->elements, evaluation->count);
    return FAULT_NONE;
}

static enum fault token_spend(struct evaluation *evaluation, struct why *why)
{
    struct request *request = evaluation->request;
    struct helper *helper = api_of(request)->helper;
    struct spending spending = spending_of(evaluation);
    uint32_t resets_in_s = 0;
    enum fault fault = helper_spend(helper, &spending, api_now_s(), &resets_in_s);
    if (fault == FAULT_TOKEN_INVALID)
        why_set(why, fault, "the token was used already, or has expired");
    if (fault != FAULT_TOO_MANY_REQUESTS)
        return fault;
    api_retry_after(request, resets_in_s);
    return why_set(why, fault, "the %u elements that this helper evaluates in a day are used up",
                   helper->elements_per_day);
}

static void evaluations_post(struct request *request)
{
    struct why why = {""};
    struct evaluation *evaluation = evaluation_read(request);
    if (!evaluation)
        return;
    evaluation->key = keyring_oprf(api_of(request)->helper->keyring, evaluation->epoch);
    enum fault fault = token_covers(evaluation, &why);
    if (!fault)
        fault = token_spend(evaluation, &why);
    if (!fault) {
        evaluation_start(evaluation, bearer_answer);
        return;
    }
    request_refuse(request, fault, &why, NULL);
    evaluation_free(evaluation);
}

/* ---- The table ---- */

/* Sorted by path, then method. */
static const struct route routes[] = {
    {METHOD_GET, "/healthz", ACCESS_HEALTH, health_handle},
    {METHOD_GET, "/readyz", ACCESS_HEALTH, ready_handle},
    {METHOD_GET, "/v1/oprf", ACCESS_ANYONE, oprf_get_handle},
    {METHOD_POST, "/v1/oprf/evaluations", ACCESS_MEMBER, evaluations_post},
};

/* Asked a second time when the body is there: what was found good is not verified again. */
static enum fault authenticate(struct request *request, const char *text, size_t length)
{
    struct oprf_token token;
    if (request->credential)
        return FAULT_NONE;
    enum fault fault = helper_check(api_of(request)->helper, text, length, api_now_s(), &token);
    if (fault)
        return fault;
    struct oprf_token *kept = arena_alloc(&request->arena, sizeof *kept);
    if (!kept)
        return FAULT_MEMORY;
    *kept = token;
    request->credential = kept;
    return FAULT_NONE;
}

const struct router helper_router = {
    .routes = routes,
    .route_count = sizeof routes / sizeof *routes,
    .authenticate = authenticate,
};
