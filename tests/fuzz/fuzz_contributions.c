/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "api/contributions.h"
#include "crypto/group.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * The input: a digit that gives k; then the body of POST /v1/contributions. Mutation spoils the
 * tags, so this target puts the right ones there and has it parsed once more.
 */
static const struct federation_id federation_id = {{0xc1, 0x8e, 0x23, 0x46, 0x28, 0xad, 0xca, 0x90,
                                                    0x9e, 0xcb, 0x45, 0x05, 0xc4, 0xd7, 0x6d,
                                                    0x02}};

static void member_check(const json_t *pattern, const char *name, const void *bytes, size_t length)
{
    char text[B64_LENGTH(CIPHERTEXT_LENGTH_MAX) + 1];
    b64_encode(bytes, length, text);
    PROPERTY(strcmp(json_string_value(json_object_get(pattern, name)), text) == 0);
}

/* An accepted record says what the JSON said, byte for byte. */
static void accepted_check(const struct offer *offer, const json_t *pattern)
{
    const struct record *record = &offer->record;
    struct tag tag;
    record_tag(record, &federation_id, &tag);
    PROPERTY(memcmp(&tag, &record->tag, sizeof tag) == 0);
    PROPERTY(strcmp(record->domain, json_string_value(json_object_get(pattern, "domain"))) == 0);
    PROPERTY(strlen(record->domain) == record->domain_length);
    PROPERTY(scalar_is_canonical(&offer->share) && !scalar_is_zero(&offer->share));
    for (size_t j = 0; j < record->k; j++)
        PROPERTY(point_is_valid(&record->commitments[j]));
    member_check(pattern, "tag", &record->tag, sizeof record->tag);
    member_check(pattern, "commitments", record->commitments, record->k * 32U);
    member_check(pattern, "verify_key", &record->verify_key, sizeof record->verify_key);
    member_check(pattern, "ciphertext", record->ciphertext, record->ciphertext_length);
    member_check(pattern, "index", record->index, sizeof record->index);
    member_check(pattern, "share", &offer->share, sizeof offer->share);
}

/* Returns whether there were wrong tags, which are right now. */
static bool offers_check(const struct contributions *contributions,
                         const struct contributions_parameters *parameters, json_t *root)
{
    bool repaired = false;
    PROPERTY(contributions->count == json_array_size(json_object_get(root, "patterns")));
    for (size_t i = 0; i < contributions->count; i++) {
        const struct offer *offer = &contributions->offers[i];
        json_t *pattern = json_array_get(json_object_get(root, "patterns"), i);
        char text[B64_LENGTH(32) + 1];
        struct tag tag;
        PROPERTY(offer->record.k == parameters->k && offer->confidence <= 100 &&
                 offer->record.epoch == contributions->epoch);
        if (offer->refusal == FAULT_NONE)
            accepted_check(offer, pattern);
        if (offer->refusal != FAULT_RECORD_TAG)
            continue;
        record_tag(&offer->record, &federation_id, &tag);
        b64_encode(&tag, sizeof tag, text);
        json_object_set_new(pattern, "tag", json_string(text));
        repaired = true;
    }
    return repaired;
}

static bool body_check(const char *text, size_t length,
                       const struct contributions_parameters *parameters, json_t **ret_root)
{
    const struct view body = {text, length};
    struct arena arena = {0};
    struct contributions contributions = {0};
    struct findings findings = {0};
    bool repaired = false;
    enum fault fault = contributions_parse(&body, parameters, &arena, &contributions, &findings);
    PROPERTY(fault == FAULT_NONE || fault == FAULT_MALFORMED_JSON ||
             fault == FAULT_INVALID_REQUEST);
    PROPERTY((fault == FAULT_INVALID_REQUEST) == (findings.errors != NULL));
    PROPERTY((fault == FAULT_NONE) == (findings.first.text[0] == '\0'));
    PROPERTY((fault == FAULT_NONE) == (contributions.count > 0));
    if (fault == FAULT_NONE) {
        *ret_root = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
        repaired = offers_check(&contributions, parameters, *ret_root);
    }
    findings_done(&findings);
    arena_done(&arena);
    return repaired;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    const struct contributions_parameters parameters = {
        .federation_id = federation_id,
        .max_json_depth = 8,
        .k = (uint8_t)(THRESHOLD_MIN + input_byte(&input) % 4),
        .confidence_step = 10,
    };
    json_t *root = NULL, *again = NULL;
    PROPERTY(crypto_init() == FAULT_NONE);
    if (body_check((const char *)input.bytes, input.length, &parameters, &root)) {
        _cleanup_(free_pointer) char *text = json_dumps(root, JSON_REAL_PRECISION(15));
        PROPERTY(!body_check(text, strlen(text), &parameters, &again) && again != NULL);
    }
    json_decref(root);
    json_decref(again);
    return 0;
}
