/* SPDX-License-Identifier: Apache-2.0 */
#include "api/contributions.h"

#include <stdio.h>
#include <string.h>

struct contributions_body {
    uint32_t epoch;
    json_t *patterns;
};

static const struct field contributions_fields[] = {
    {"epoch", FIELD_UNSIGNED, REQUIRED, offsetof(struct contributions_body, epoch), 0, UINT32_MAX},
    {"patterns", FIELD_LIST, REQUIRED, offsetof(struct contributions_body, patterns), 1,
     CONTRIBUTION_RECORDS_MAX},
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
                         const struct contributions_parameters *parameters)
{
    struct record *record = &offer->record;
    size_t ciphertext_length = body->ciphertext.length * 6 / 8;
    offer->confidence = body->confidence;
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
    offer_check(offer, &parameters->federation_id);
}

/* Reads one element of "patterns" into `offer`, whose epoch and k are set. No field of it is a
 * FIELD_TEXT, the only type that needs an arena. */
static void pattern_decode(json_t *pattern, const char *pointer,
                           const struct contributions_parameters *parameters, struct offer *offer,
                           struct findings *findings)
{
    struct pattern_body body = {0};
    char confidence[48];
    snprintf(confidence, sizeof confidence, "%s/confidence", pointer);
    if (!json_decode(pattern, pointer, pattern_fields,
                     sizeof pattern_fields / sizeof *pattern_fields, NULL, &body, findings))
        return;
    if (body.confidence % parameters->confidence_step != 0)
        findings_add(findings, confidence,
                     "is finer than your privacy mode allows: steps of 0.%02u",
                     parameters->confidence_step);
    else
        offer_decode(offer, &body, parameters);
}

static enum fault patterns_decode(const struct contributions_body *body,
                                  const struct contributions_parameters *parameters,
                                  struct arena *arena, struct contributions *ret,
                                  struct findings *findings)
{
    size_t index, count = json_array_size(body->patterns);
    struct offer *offers = arena_array(arena, count, sizeof *offers);
    json_t *pattern;
    if (!offers)
        return FAULT_MEMORY;
    json_array_foreach (body->patterns, index, pattern) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/patterns/%zu", index);
        offers[index].record.epoch = body->epoch;
        offers[index].record.k = parameters->k;
        pattern_decode(pattern, pointer, parameters, &offers[index], findings);
    }
    if (findings->errors)
        return FAULT_INVALID_REQUEST;
    *ret = (struct contributions){.epoch = body->epoch, .offers = offers, .count = count};
    return FAULT_NONE;
}

enum fault contributions_parse(const struct view *text,
                               const struct contributions_parameters *parameters,
                               struct arena *arena, struct contributions *ret,
                               struct findings *findings)
{
    struct contributions_body body = {0};
    json_t *root = NULL;
    enum fault fault =
        json_parse(text->bytes, text->length, parameters->max_json_depth, &root, findings);
    if (fault)
        return fault;
    if (json_decode(root, "", contributions_fields,
                    sizeof contributions_fields / sizeof *contributions_fields, arena, &body,
                    findings))
        fault = patterns_decode(&body, parameters, arena, ret, findings);
    else
        fault = FAULT_INVALID_REQUEST;
    json_decref(root);
    return fault;
}
