/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/published.h"
#include "crypto/record.h"
#include "domain/query.h"

/* ---- POST /v1/queries ---- */

struct query_body {
    json_t *terms, *route;
    const char *domain;
    uint8_t min_confidence;
    uint32_t max_results;
    bool priority;
};

#define QUERY(member) offsetof(struct query_body, member)
static const struct field query_fields[] = {
    {"terms", FIELD_LIST, REQUIRED, QUERY(terms), 1, QUERY_TOKENS_MAX},
    {"domain", FIELD_TEXT, OPTIONAL, QUERY(domain), 1, DOMAIN_LENGTH_MAX},
    {"min_confidence", FIELD_FRACTION, OPTIONAL, QUERY(min_confidence), 0, 0},
    {"max_results", FIELD_UNSIGNED, OPTIONAL, QUERY(max_results), 1, SEARCH_HITS_MAX},
    {"priority", FIELD_BOOLEAN, OPTIONAL, QUERY(priority), 0, 0},
    {"route", FIELD_JSON, OPTIONAL, QUERY(route), 0, 0},
};

static int compare_tokens(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void terms_decode(json_t *terms, struct query *query, struct findings *findings)
{
    size_t index;
    json_t *term;
    json_array_foreach (terms, index, term) {
        json_int_t token = json_integer_value(term);
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/terms/%zu", index);
        if (!json_is_integer(term) || token < 1 || token > UINT32_MAX)
            findings_add(findings, pointer, "must be an integer from 1 to 4294967295");
        query->tokens[query->token_count++] = (uint32_t)token;
    }
    qsort(query->tokens, query->token_count, sizeof *query->tokens, compare_tokens);
    for (size_t i = 1; i < query->token_count && !findings->errors; i++)
        if (query->tokens[i] == query->tokens[i - 1])
            findings_add(findings, "/terms", "must be distinct");
}

/* ---- route ---- */

struct route_body {
    const char *sealed_query;
    uint8_t reply_key[REPLY_KEY_LENGTH];
    uint32_t ttl_s, fanout;
};

#define ROUTE(member) offsetof(struct route_body, member)
static const struct field route_fields[] = {
    {"sealed_query", FIELD_TEXT, REQUIRED, ROUTE(sealed_query), 1, B64_LENGTH(SEALED_QUERY_MAX)},
    {"reply_key", FIELD_BYTES, REQUIRED, ROUTE(reply_key), 0, REPLY_KEY_LENGTH},
    {"ttl_s", FIELD_UNSIGNED, REQUIRED, ROUTE(ttl_s), ROUTE_TTL_MIN_S, ROUTE_TTL_MAX_S},
    {"fanout", FIELD_UNSIGNED, REQUIRED, ROUTE(fanout), 1, ROUTE_FANOUT_MAX},
};

static void route_decode(json_t *object, struct arena *arena, struct routing *route,
                         struct findings *findings)
{
    struct route_body body = {0};
    struct sealed_view sealed = {0};
    if (!json_decode(object, "/route", route_fields, sizeof route_fields / sizeof *route_fields,
                     arena, &body, findings))
        return;
    if (!sealed_decode(body.sealed_query, sealed_query_length_is_valid, arena, &sealed))
        findings_add(findings, "/route/sealed_query",
                     "must be base64url of 312, 1080, 4152 or 16440 bytes");
    route->wanted = true;
    route->sealed = sealed.bytes;
    route->sealed_length = sealed.length;
    memcpy(route->reply_key, body.reply_key, sizeof route->reply_key);
    route->ttl_s = body.ttl_s;
    route->fanout = body.fanout;
    bytes_random(route->random_key, sizeof route->random_key);
    for (size_t i = 0; i < ROUTE_FANOUT_MAX; i++)
        api_id_random(route->ids[i]);
}

static void query_decode(const struct query_body *body, struct query *query,
                         struct findings *findings)
{
    terms_decode(body->terms, query, findings);
    if (body->domain && !domain_is_valid(body->domain, strlen(body->domain)))
        findings_add(findings, "/domain", "must be a domain: a-z, 0-9 and '-', at most 64");
    if (body->route)
        route_decode(body->route, &query->operation.arena, &query->route, findings);
    query->domain = body->domain;
    query->confidence_min = body->min_confidence;
    query->max_results = body->max_results;
    query->priority = body->priority;
}

static void route_refuse(struct request *request, uint32_t full_for_s)
{
    const struct settings *settings = api_of(request)->settings;
    struct why why;
    why_set(&why, FAULT_TOO_MANY_REQUESTS,
            "at most %u routed queries may be open, and %u be asked in an hour",
            settings->max_routed_open, settings->max_routed_per_hour);
    api_retry_after(request, full_for_s);
    request_refuse(request, FAULT_TOO_MANY_REQUESTS, &why, NULL);
}

static void query_answer(struct operation *operation, enum fault fault)
{
    const struct query *query = (const struct query *)operation;
    struct request *request = operation->context;
    if (fault == FAULT_INSUFFICIENT_CREDITS)
        request_refuse(request, fault, NULL,
                       json_pack("{s:o, s:o}", "balance", json_credits(query->balance), "cost",
                                 json_credits(query->cost)));
    else if (query->route.full_for_s)
        route_refuse(request, query->route.full_for_s);
    else if (fault)
        api_refuse_metered(request, fault, &query->allowance);
    if (fault)
        return;
    api_meter(request, &query->allowance);
    json_t *results = json_array();
    for (size_t i = 0; i < query->count; i++) {
        json_t *pattern = published_encode(&query->results[i]);
        json_object_set_new(pattern, "score",
                            json_real((double)query->results[i].score_millionths / 1e6));
        json_array_append_new(results, pattern);
    }
    request_answer(request, 200,
                   json_pack("{s:o, s:o, s:o, s:o, s:b}", "query_id",
                             json_b64(query->id, QUERY_ID_LENGTH), "cost",
                             json_credits(query->cost), "balance", json_credits(query->balance),
                             "results", results, "routed", query->route.routed));
}

/* FAULT_NONE: submitted. */
static enum fault query_start(struct request *request, struct query *query)
{
    struct instance *asker = api_caller(request);
    query->number = asker->number;
    query->now_s = api_now_s();
    api_await(request, &query->operation, query_answer);
    api_id_random(query->id);
    return query_submit(query, asker);
}

static struct operation *query_recall(struct request *request)
{
    struct query *query = query_new(api_of(request)->coordinator);
    if (!query)
        return NULL;
    api_await(request, &query->operation, query_answer);
    return &query->operation;
}

static void query_handle(struct request *request)
{
    struct query_body body = {.max_results = QUERY_RESULTS_DEFAULT};
    struct findings findings = {0};
    json_t *root = NULL;
    if (!api_body(request, query_fields, sizeof query_fields / sizeof *query_fields, &body, &root))
        return;
    struct query *query = query_new(api_of(request)->coordinator);
    if (query)
        query_decode(&body, query, &findings);
    json_decref(root);
    if (!query) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    enum fault fault = findings.errors ? FAULT_INVALID_REQUEST : query_start(request, query);
    api_refuse_unsubmitted(request, &query->operation, fault, &findings);
}

void queries_post_handle(struct request *request)
{
    api_keyed(request, query_recall, query_handle);
}
