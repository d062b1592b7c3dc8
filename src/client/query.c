/* SPDX-License-Identifier: Apache-2.0 */
#include "client/query.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/account.h"
#include "client/canonical.h"
#include "client/pattern.h"
#include "client/routed.h"
#include "client/terms.h"
#include "client/text.h"
#include "util/cleanup.h"

/* The tokens of a query, distinct and ascending, so that the order of its words does not show. */
struct tokens {
    size_t count;
    uint32_t token[TERMS_OF_QUERY];
};

static void token_insert(struct tokens *tokens, uint32_t token)
{
    size_t at = tokens->count;
    while (at > 0 && tokens->token[at - 1] > token)
        at--;
    if (tokens->count == TERMS_OF_QUERY || (at > 0 && tokens->token[at - 1] == token))
        return;
    memmove(tokens->token + at + 1, tokens->token + at, (tokens->count - at) * sizeof token);
    tokens->token[at] = token;
    tokens->count++;
}

static enum fault tokens_make(const struct continuum_client *client,
                              const struct epoch_parameters *epoch, const char *text,
                              struct tokens *ret, struct why *why)
{
    _cleanup_(free_pointer) char *summary = NULL;
    size_t length;
    struct terms terms;
    enum fault fault = canonical_fold(text, strlen(text), &summary, &length, why);
    if (fault)
        return fault;
    _cleanup_(free_pointer) char *bytes = malloc(length);
    if (!bytes)
        return FAULT_MEMORY;
    terms_extract(summary, length, TERMS_OF_QUERY, bytes, &terms);
    if (terms.count == 0)
        return why_set(why, FAULT_INVALID_REQUEST,
                       "There is no word to search by: only common words or signs. Add a telling "
                       "one.");
    *ret = (struct tokens){0};
    for (size_t i = 0; i < terms.count; i++)
        token_insert(ret, token_of_term(&client->keys, epoch->token_bits, terms.term[i].text,
                                        terms.term[i].length));
    return FAULT_NONE;
}

static json_t *question_encode(const struct continuum_question *question,
                               const struct tokens *tokens)
{
    _cleanup_(json_done) json_t *terms = json_array();
    for (size_t i = 0; i < tokens->count; i++)
        json_array_append_new(terms, json_integer(tokens->token[i]));
    _cleanup_(json_done) json_t *body = json_pack("{s:O}", "terms", terms);
    if (!body || json_array_size(terms) != tokens->count)
        return NULL;
    if (question->domain && json_object_set_new(body, "domain", json_string(question->domain)) < 0)
        return NULL;
    if (question->min_confidence > 0 &&
        json_object_set_new(body, "min_confidence", json_real(question->min_confidence)) < 0)
        return NULL;
    if (question->max_results > 0 &&
        json_object_set_new(body, "max_results", json_integer(question->max_results)) < 0)
        return NULL;
    if (question->priority && json_object_set_new(body, "priority", json_true()) < 0)
        return NULL;
    return TAKE(body);
}

static void answer_done(struct continuum_answer **answer)
{
    continuum_answer_free(*answer);
}

static enum fault results_take(const struct continuum_client *client,
                               const struct federation *federation, const json_t *results,
                               struct continuum_answer *answer)
{
    size_t i;
    json_t *pattern;
    json_array_foreach (results, i, pattern) {
        struct why why = {0};
        enum fault fault = client_pattern_open(pattern, &client->keys, federation,
                                               &answer->results[answer->result_count], &why);
        if (fault == FAULT_MEMORY)
            return fault;
        if (!fault) {
            answer->result_count++;
            continue;
        }
        if (answer->refused++ == 0)
            text_copy(answer->why_refused, sizeof answer->why_refused, why.text);
    }
    return FAULT_NONE;
}

static enum fault answer_take(const struct continuum_client *client,
                              const struct federation *federation, json_t *said,
                              struct continuum_answer **ret, struct why *why)
{
    const json_t *results = json_object_get(said, "results");
    _cleanup_(answer_done) struct continuum_answer *answer = calloc(1, sizeof *answer);
    if (!answer)
        return FAULT_MEMORY;
    if (!json_is_array(results) || !credits_member(said, "cost", &answer->cost_millicredits) ||
        !credits_member(said, "balance", &answer->balance_millicredits))
        return why_set(why, FAULT_CORRUPT,
                       "The coordinator's answer is not what this client expects. Is there a "
                       "newer version of it?");
    text_copy(answer->query_id, sizeof answer->query_id,
              json_string_value(json_object_get(said, "query_id")));
    answer->routed = json_is_true(json_object_get(said, "routed"));
    answer->results = calloc(json_array_size(results) + 1, sizeof *answer->results);
    if (!answer->results)
        return FAULT_MEMORY;
    enum fault fault = results_take(client, federation, results, answer);
    if (!fault)
        *ret = TAKE(answer);
    return fault;
}

/* What opens the answers of a query that was routed, from now on. */
static enum fault question_keep(const struct continuum_client *client, const json_t *said,
                                struct kept *kept, struct why *why)
{
    const char *id = json_string_value(json_object_get(said, "query_id"));
    if (!json_is_true(json_object_get(said, "routed")))
        return FAULT_NONE;
    snprintf(kept->id, sizeof kept->id, "%s", id ? id : "");
    return kept_save(&client->profile, kept, why);
}

enum fault client_query(struct continuum_client *client, const struct continuum_question *question,
                        struct continuum_answer **ret, struct why *why)
{
    struct federation federation;
    struct tokens tokens;
    _cleanup_(json_done) json_t *answer = NULL;
    enum fault fault = session_federation(client, &federation, why);
    if (!fault)
        fault = tokens_make(client, &federation.epoch, question->text, &tokens, why);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body = question_encode(question, &tokens);
    _cleanup_(kept_wipe) struct kept kept = {0};
    json_t *route = NULL;
    if (body && question->route)
        fault = route_make(client, question, &route, &kept, why);
    if (fault)
        return fault;
    if (!body || (route && json_object_set_new(body, "route", route) < 0))
        return FAULT_MEMORY;
    struct client_request request = {.method = "POST", .path = "/v1/queries", .body = body};
    fault = session_call(client, &request, &answer, why);
    if (!fault && question->route)
        fault = question_keep(client, answer, &kept, why);
    if (!fault)
        fault = answer_take(client, &federation, answer, ret, why);
    if (!fault)
        (*ret)->asked = question->route != NULL;
    return fault;
}
