/* SPDX-License-Identifier: Apache-2.0 */
#include "client/contribute.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/account.h"
#include "client/canonical.h"
#include "client/evaluate.h"
#include "client/pattern.h"
#include "client/statement.h"
#include "client/text.h"
#include "crypto/share.h"
#include "util/arena.h"
#include "util/cleanup.h"

/*
 * statements -> candidates (canonical, each pattern once) -> chunks, one request each:
 *               OPRF -> records and shares -> POST /v1/contributions -> report
 */

struct candidate {
    const char *m;
    size_t m_length, line;
    double confidence;
};

struct contribution {
    struct continuum_client *client;
    const struct continuum_batch *batch;
    struct federation federation;
    char privacy_mode[16];
    size_t chunk_max; /* records in one request */
    struct candidate *candidates;
    size_t count;
    struct arena arena;
    struct continuum_report *report;
};

static void contribution_done(struct contribution *contribution)
{
    arena_done(&contribution->arena);
    continuum_report_free(contribution->report);
}

static void rejection_add(struct continuum_report *report, size_t line, const char *code,
                          const char *detail)
{
    struct continuum_rejection *rejection = &report->rejected[report->rejected_count++];
    rejection->line = line;
    text_copy(rejection->code, sizeof rejection->code, code);
    text_copy(rejection->detail, sizeof rejection->detail, detail);
}

/* What the coordinator takes from this member in one request. */
static enum fault contribution_prepare(struct contribution *contribution, struct why *why)
{
    struct continuum_status status;
    struct federation *federation = &contribution->federation;
    enum fault fault = client_status(contribution->client, &status, federation, why);
    if (fault)
        return fault;
    snprintf(contribution->privacy_mode, sizeof contribution->privacy_mode, "%s",
             status.privacy_mode);
    contribution->report->carried = status.carried;
    contribution->chunk_max = federation->levels[0].max_records;
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcmp(federation->levels[i].name, status.effective_level) == 0)
            contribution->chunk_max = federation->levels[i].max_records;
    }
    size_t fitting = federation->max_body_bytes / PATTERN_JSON_MAX;
    if (contribution->chunk_max >= fitting)
        contribution->chunk_max = fitting > 1 ? fitting - 1 : 1;
    return FAULT_NONE;
}

static enum fault candidate_add(struct contribution *contribution,
                                const struct continuum_statement *statement)
{
    struct canonical canonical;
    struct why why = {0};
    const char *domain = contribution->batch->domain ? contribution->batch->domain : "general";
    enum fault fault =
        canonical_make(domain, statement->text, statement->text_length, &canonical, &why);
    if (fault == FAULT_MEMORY)
        return fault;
    if (fault) {
        rejection_add(contribution->report, statement->line, fault_code(fault), why.text);
        return FAULT_NONE;
    }
    struct candidate *candidate = &contribution->candidates[contribution->count];
    candidate->m = arena_copy(&contribution->arena, canonical.m, canonical.m_length);
    if (!candidate->m)
        return FAULT_MEMORY;
    candidate->m_length = canonical.m_length;
    candidate->line = statement->line;
    candidate->confidence = confidence_round(statement->confidence, contribution->privacy_mode);
    contribution->count++;
    return FAULT_NONE;
}

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *first = *(const struct candidate *const *)a;
    const struct candidate *second = *(const struct candidate *const *)b;
    int order = strcmp(first->m, second->m);
    if (order)
        return order;
    return first->line < second->line ? -1 : first->line > second->line;
}

/* Leaves the first statement of each pattern, in the order of their lines. */
static enum fault duplicates_drop(struct contribution *contribution)
{
    struct candidate *candidates = contribution->candidates;
    size_t kept = 0;
    struct candidate **sorted =
        arena_array(&contribution->arena, contribution->count, sizeof *sorted);
    if (!sorted)
        return FAULT_MEMORY;
    for (size_t i = 0; i < contribution->count; i++)
        sorted[i] = &candidates[i];
    qsort(sorted, contribution->count, sizeof *sorted, candidate_compare);
    for (size_t i = contribution->count; i-- > 1;) {
        if (strcmp(sorted[i]->m, sorted[i - 1]->m) == 0)
            sorted[i]->m_length = 0;
    }
    for (size_t i = 0; i < contribution->count; i++) {
        if (candidates[i].m_length)
            candidates[kept++] = candidates[i];
    }
    contribution->report->duplicates = contribution->count - kept;
    contribution->count = kept;
    return FAULT_NONE;
}

static enum fault candidates_make(struct contribution *contribution)
{
    const struct continuum_batch *batch = contribution->batch;
    contribution->candidates =
        arena_array(&contribution->arena, batch->count, sizeof *contribution->candidates);
    if (!contribution->candidates)
        return FAULT_MEMORY;
    for (size_t i = 0; i < batch->count; i++) {
        const struct continuum_statement *statement = &batch->statements[i];
        enum fault fault = FAULT_NONE;
        if (!(statement->confidence >= 0 && statement->confidence <= 1))
            rejection_add(contribution->report, statement->line, fault_code(FAULT_INVALID_REQUEST),
                          "The confidence is not a number from 0 to 1, like 0.8.");
        else if (statement->confidence < batch->min_confidence)
            contribution->report->left_out++;
        else
            fault = candidate_add(contribution, statement);
        if (fault)
            return fault;
    }
    return duplicates_drop(contribution);
}

/* The candidates of one request and what is made of them. Outputs of the OPRF and coefficients are
 * secrets. */
struct chunk {
    const struct candidate *candidates;
    size_t count;
    struct oprf_input *inputs;
    struct oprf_output *outputs;
    struct tag *tags;
    json_t *patterns;
};

static void chunk_done(struct chunk *chunk)
{
    if (chunk->outputs)
        bytes_wipe(chunk->outputs, chunk->count * sizeof *chunk->outputs);
    free(chunk->inputs);
    free(chunk->outputs);
    free(chunk->tags);
    json_decref(chunk->patterns);
}

static enum fault chunk_inputs(struct contribution *contribution, struct chunk *chunk)
{
    const struct federation_keys *keys = &contribution->client->keys;
    const struct epoch_parameters *epoch = &contribution->federation.epoch;
    chunk->inputs = calloc(chunk->count, sizeof *chunk->inputs);
    chunk->outputs = calloc(chunk->count, sizeof *chunk->outputs);
    chunk->tags = calloc(chunk->count, sizeof *chunk->tags);
    chunk->patterns = json_array();
    if (!chunk->inputs || !chunk->outputs || !chunk->tags || !chunk->patterns)
        return FAULT_MEMORY;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct candidate *candidate = &chunk->candidates[i];
        uint8_t index[INDEX_PLAINTEXT_LENGTH];
        canonical_index(candidate->m, candidate->m_length, keys, epoch->token_bits, index);
        record_oprf_input(keys, epoch, candidate->m, candidate->m_length, index,
                          chunk->inputs[i].bytes);
    }
    return FAULT_NONE;
}

static enum fault chunk_record(const struct contribution *contribution, struct chunk *chunk,
                               size_t i)
{
    const struct federation_keys *keys = &contribution->client->keys;
    const struct epoch_parameters *epoch = &contribution->federation.epoch;
    const struct candidate *candidate = &chunk->candidates[i];
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX], x, share;
    uint8_t index[INDEX_PLAINTEXT_LENGTH];
    canonical_index(candidate->m, candidate->m_length, keys, epoch->token_bits, index);
    enum fault fault = record_make(keys, epoch, candidate->m, candidate->m_length, index,
                                   &chunk->outputs[i], &record, coefficients);
    if (fault)
        return fault;
    share_abscissa(&epoch->federation_id, &contribution->client->key.public, &x);
    share_evaluate(coefficients, epoch->k, &x, &share);
    bytes_wipe(coefficients, sizeof coefficients);
    chunk->tags[i] = record.tag;
    json_t *pattern = client_pattern_encode(&record, &share, candidate->confidence);
    return json_array_append_new(chunk->patterns, pattern) < 0 ? FAULT_MEMORY : FAULT_NONE;
}

static enum fault chunk_make(struct contribution *contribution, struct chunk *chunk,
                             struct why *why)
{
    enum fault fault = chunk_inputs(contribution, chunk);
    if (!fault)
        fault = client_evaluate(contribution->client, &contribution->federation, chunk->inputs,
                                chunk->count, chunk->outputs, why);
    for (size_t i = 0; !fault && i < chunk->count; i++)
        fault = chunk_record(contribution, chunk, i);
    return fault;
}

static bool result_take(struct continuum_report *report, const struct chunk *chunk, size_t i,
                        const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));
    const char *code = json_string_value(json_object_get(result, "code"));
    size_t line = chunk->candidates[i].line;
    if (!status)
        return false;
    if (strcmp(status, "accepted") != 0) {
        const char *detail = json_string_value(json_object_get(result, "detail"));
        rejection_add(report, line, code ? code : "rejected", detail ? detail : code);
        return true;
    }
    struct continuum_acceptance *acceptance = &report->accepted[report->accepted_count++];
    acceptance->line = line;
    b64_encode(chunk->tags[i].bytes, sizeof chunk->tags[i].bytes, acceptance->tag);
    return true;
}

static bool answer_take(struct continuum_report *report, const struct chunk *chunk, json_t *answer)
{
    int64_t earned;
    json_int_t daily_remaining;
    const json_t *results = json_object_get(answer, "results");
    if (json_array_size(results) != chunk->count ||
        !credits_member(answer, "credits_earned", &earned) ||
        !credits_member(answer, "balance", &report->balance_millicredits) ||
        json_unpack(answer, "{s:I}", "daily_remaining", &daily_remaining) < 0)
        return false;
    for (size_t i = 0; i < chunk->count; i++) {
        if (!result_take(report, chunk, i, json_array_get(results, i)))
            return false;
    }
    report->earned_millicredits += earned;
    report->daily_remaining = daily_remaining;
    return true;
}

static enum fault chunk_send(struct contribution *contribution, const struct candidate *candidates,
                             size_t count, struct why *why)
{
    _cleanup_(chunk_done) struct chunk chunk = {.candidates = candidates, .count = count};
    _cleanup_(json_done) json_t *answer = NULL;
    enum fault fault = chunk_make(contribution, &chunk, why);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body =
        json_pack("{s:I, s:O}", "epoch", (json_int_t)contribution->federation.epoch.number,
                  "patterns", chunk.patterns);
    struct client_request request = {.method = "POST", .path = "/v1/contributions", .body = body};
    if (!body)
        return FAULT_MEMORY;
    fault = session_call(contribution->client, &request, &answer, why);
    if (!fault && !answer_take(contribution->report, &chunk, answer))
        fault = why_set(why, FAULT_CORRUPT,
                        "The coordinator's answer is not what this client expects. Is there a "
                        "newer version of it?");
    return fault;
}

/* A new epoch in the middle of it: everything is computed anew, once. */
static enum fault chunk_contribute(struct contribution *contribution,
                                   const struct candidate *candidates, size_t count,
                                   struct why *why)
{
    enum fault fault = chunk_send(contribution, candidates, count, why);
    if (fault != FAULT_EPOCH_NOT_CURRENT)
        return fault;
    fault = session_federation(contribution->client, &contribution->federation, why);
    return fault ? fault : chunk_send(contribution, candidates, count, why);
}

static enum fault contribution_send(struct contribution *contribution, struct why *why)
{
    const struct continuum_batch *batch = contribution->batch;
    for (size_t done = 0; done < contribution->count;) {
        size_t left = contribution->count - done;
        size_t count = left < contribution->chunk_max ? left : contribution->chunk_max;
        struct why reason = {0};
        enum fault fault =
            chunk_contribute(contribution, contribution->candidates + done, count, &reason);
        if (fault && done)
            return why_set(why, fault, "After %zu patterns that were accepted: %.180s",
                           contribution->report->accepted_count,
                           reason.text[0] ? reason.text : fault_title(fault));
        if (fault)
            return why_set(why, fault, "%s", reason.text);
        done += count;
        if (batch->progress)
            batch->progress(batch->context, done, contribution->count);
    }
    return FAULT_NONE;
}

static struct continuum_report *report_new(size_t count)
{
    struct continuum_report *report = calloc(1, sizeof *report);
    if (!report)
        return NULL;
    report->balance_millicredits = report->daily_remaining = -1;
    report->accepted = calloc(count + 1, sizeof *report->accepted);
    report->rejected = calloc(count + 1, sizeof *report->rejected);
    if (report->accepted && report->rejected)
        return report;
    continuum_report_free(report);
    return NULL;
}

enum fault client_contribute(struct continuum_client *client, const struct continuum_batch *batch,
                             struct continuum_report **ret, struct why *why)
{
    _cleanup_(contribution_done) struct contribution contribution = {
        .client = client, .batch = batch, .report = report_new(batch->count)};
    if (!contribution.report)
        return FAULT_MEMORY;
    enum fault fault = contribution_prepare(&contribution, why);
    if (!fault)
        fault = candidates_make(&contribution);
    if (!fault)
        fault = contribution_send(&contribution, why);
    if (!fault)
        *ret = TAKE(contribution.report);
    return fault;
}
