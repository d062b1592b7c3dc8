/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "crypto/record.h"
#include "domain/membership.h"
#include "domain/tier.h"
#include "store/keyring.h"
#include "util/clock.h"

enum { DOMAIN_LIST_MAX = INSTANCE_DOMAINS_MAX, NAME_MAX_LENGTH = 32, INVITE_MAX_LENGTH = 256 };

/* ---- Members of requests that are names, or lists of names ---- */

/* Joins a list of domains with spaces. False: findings says why. */
static bool domains_decode(json_t *list, struct findings *findings, char *ret)
{
    size_t index, length = 0;
    json_t *element;
    ret[0] = '\0';
    json_array_foreach (list, index, element) {
        const char *name = json_string_value(element);
        size_t name_length = json_string_length(element);
        if (!name || !domain_is_valid(name, name_length)) {
            char pointer[32];
            snprintf(pointer, sizeof pointer, "/domains/%zu", index);
            findings_add(findings, pointer, "must be a domain: a-z, 0-9 and '-', at most 64");
            return false;
        }
        if (index > 0)
            ret[length++] = ' ';
        memcpy(ret + length, name, name_length + 1);
        length += name_length;
    }
    return true;
}

static json_t *domains_encode(const char *domains)
{
    json_t *list = json_array();
    for (const char *end; *domains; domains = *end ? end + 1 : end) {
        end = strchrnul(domains, ' ');
        json_array_append_new(list, json_stringn(domains, (size_t)(end - domains)));
    }
    return list;
}

/* Level and mode by name; the absent (NULL) stay LEVEL_COUNT and MODE_COUNT. */
static bool names_decode(const char *level_text, const char *mode_text, struct findings *findings,
                         enum level *ret_level, enum privacy_mode *ret_mode)
{
    *ret_level = level_text ? level_parse(level_text) : LEVEL_COUNT;
    *ret_mode = mode_text ? privacy_mode_parse(mode_text) : MODE_COUNT;
    if (level_text && *ret_level == LEVEL_COUNT)
        findings_add(findings, "/contribution_level", "must be minimal, standard or extensive");
    if (mode_text && *ret_mode == MODE_COUNT)
        findings_add(findings, "/privacy_mode", "must be high, balanced or open");
    return !findings->errors;
}

/* ---- POST /v1/instances ---- */

struct join_body {
    const char *public_key, *key_check, *level, *mode, *invite, *timestamp, *nonce;
    uint8_t public_key_bytes[32], nonce_bytes[NONCE_LENGTH], signature[64], key_check_bytes[8];
    int64_t timestamp_s;
    json_t *domains;
};

#define JOIN(member) offsetof(struct join_body, member)
static const struct field join_fields[] = {
    {"public_key", FIELD_TEXT, REQUIRED, JOIN(public_key), B64_LENGTH(32), B64_LENGTH(32)},
    {"key_check", FIELD_TEXT, REQUIRED, JOIN(key_check), B64_LENGTH(8), B64_LENGTH(8)},
    {"contribution_level", FIELD_TEXT, REQUIRED, JOIN(level), 1, NAME_MAX_LENGTH},
    {"privacy_mode", FIELD_TEXT, REQUIRED, JOIN(mode), 1, NAME_MAX_LENGTH},
    {"domains", FIELD_LIST, OPTIONAL, JOIN(domains), 0, DOMAIN_LIST_MAX},
    {"invite", FIELD_TEXT, OPTIONAL, JOIN(invite), 0, INVITE_MAX_LENGTH},
    {"timestamp", FIELD_TEXT, REQUIRED, JOIN(timestamp), CLOCK_TEXT_LENGTH, CLOCK_TEXT_LENGTH},
    {"nonce", FIELD_TEXT, REQUIRED, JOIN(nonce), B64_LENGTH(NONCE_LENGTH),
     B64_LENGTH(NONCE_LENGTH)},
    {"signature", FIELD_BYTES, REQUIRED, JOIN(signature), 0, 64},
};

static void b64_or_finding(const char *text, void *bytes, size_t length, const char *pointer,
                           struct findings *findings)
{
    if (!b64_decode(text, strlen(text), bytes, length))
        findings_add(findings, pointer, "must be base64url without padding");
}

/* Strings that are signed as they were sent, and their meaning beside them. */
static void join_body_decode(struct join_body *body, struct join *join, struct findings *findings)
{
    enum level level;
    enum privacy_mode mode;
    b64_or_finding(body->public_key, body->public_key_bytes, 32, "/public_key", findings);
    b64_or_finding(body->key_check, body->key_check_bytes, 8, "/key_check", findings);
    b64_or_finding(body->nonce, body->nonce_bytes, NONCE_LENGTH, "/nonce", findings);
    if (!clock_parse(body->timestamp, CLOCK_TEXT_LENGTH, &body->timestamp_s))
        findings_add(findings, "/timestamp", "must be a time like 2026-01-02T03:04:05Z");
    if (!names_decode(body->level, body->mode, findings, &level, &mode))
        return;
    if (body->domains && !domains_decode(body->domains, findings, join->row.domains))
        return;
    memcpy(&join->row.public_key, body->public_key_bytes, 32);
    memcpy(join->proof.nonce, body->nonce_bytes, NONCE_LENGTH);
    memcpy(&join->proof.signature, body->signature, 64);
    join->row.level = (uint8_t)level;
    join->row.mode = (uint8_t)mode;
    join->public_key_text = body->public_key;
    join->key_check = body->key_check;
    join->has_invite = body->invite != NULL;
    join->invite = body->invite ? body->invite : "";
    join->proof.timestamp = body->timestamp;
    join->proof.timestamp_s = body->timestamp_s;
    join->proof.nonce_text = body->nonce;
}

static void join_answer(struct operation *operation, enum fault fault)
{
    struct join *join = (struct join *)operation;
    struct request *request = operation->context;
    char id[INSTANCE_ID_LENGTH + 1], token[TOKEN_TEXT_LENGTH + 1];
    int64_t expires_at_s = 0;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    instance_id_format(join->row.handle, id);
    if (join->known) {
        request_answer(request, 200, json_pack("{s:s}", "instance_id", id));
        return;
    }
    member_token(operation->coordinator, join->row.handle, join->proof.now_s, token, &expires_at_s);
    request_answer(request, 201,
                   json_pack("{s:s, s:s, s:o}", "instance_id", id, "token", token,
                             "token_expires_at", json_time(expires_at_s)));
}

/* An address may join only so often. Who asks again with a key that has joined is not counted. */
static bool join_is_allowed(struct request *request)
{
    uint32_t retry_after_s = 0;
    enum fault fault = buckets_take(api_of(request)->joins, request->address, clock_monotonic_ms(),
                                    &retry_after_s);
    if (fault == FAULT_NONE)
        return true;
    api_retry_after(request, retry_after_s);
    api_refuse(request, fault);
    return false;
}

/* A 48-bit handle that nobody has. */
static uint64_t handle_random(const struct coordinator *coordinator)
{
    uint64_t handle = 0;
    do {
        bytes_random(&handle, sizeof handle);
        handle &= 0xffffffffffff;
    } while (directory_find(coordinator->directory, handle));
    return handle;
}

void instances_post_handle(struct request *request)
{
    struct coordinator *coordinator = api_of(request)->coordinator;
    struct join_body body = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    if (!coordinator->ready) {
        api_refuse(request, FAULT_STARTING);
        return;
    }
    if (!api_body(request, join_fields, sizeof join_fields / sizeof *join_fields, &body, &root))
        return;
    struct join *join = join_new(coordinator);
    enum fault fault = join ? FAULT_NONE : FAULT_MEMORY;
    if (!fault)
        join_body_decode(&body, join, &findings);
    json_decref(root);
    if (findings.errors) {
        api_refuse_unsubmitted(request, &join->operation, FAULT_INVALID_REQUEST, &findings);
        return;
    }
    if (join && !directory_find_key(coordinator->directory, &join->row.public_key) &&
        !join_is_allowed(request)) {
        operation_free(&join->operation);
        return;
    }
    if (!fault) {
        join->proof.now_s = join->row.joined_at_s = api_now_s();
        join->row.handle = handle_random(coordinator);
        join->operation.answer = join_answer;
        join->operation.context = request;
        fault = join_submit(join);
    }
    api_refuse_unsubmitted(request, join ? &join->operation : NULL, fault, NULL);
}

/* ---- GET, PATCH, DELETE /v1/instances/{id} ---- */

static void profile_answer(struct operation *operation, enum fault fault)
{
    struct profile *profile = (struct profile *)operation;
    struct request *request = operation->context;
    const struct instance_row *row = &profile->row;
    const struct instance *instance =
        directory_find_number(operation->coordinator->directory, profile->number);
    if (fault || !instance) {
        api_refuse(request, fault && fault != FAULT_NOT_FOUND ? fault : FAULT_TOKEN_INVALID);
        return;
    }
    char id[INSTANCE_ID_LENGTH + 1];
    uint32_t missing = 0;
    enum level effective =
        instance_effective_level(instance, api_of(request)->settings, api_now_s(), &missing);
    instance_id_format(row->handle, id);
    request_answer(request, 200,
                   json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I}",
                             "instance_id", id, "contribution_level", level_name(row->level),
                             "effective_level", level_name(effective), "level_missing",
                             (int)missing, "privacy_mode", privacy_of(row->mode)->name, "tier",
                             tier_name(row->tier), "domains", domains_encode(row->domains),
                             "joined_at", json_time(row->joined_at_s), "contributions",
                             (json_int_t)row->contributions, "released", (json_int_t)row->released,
                             "older_sealed", (json_int_t)profile->older_sealed, "carried",
                             (json_int_t)row->carried));
}

/* `profile` may be NULL: memory is out. */
static void profile_start(struct request *request, struct profile *profile,
                          const struct instance *instance)
{
    if (!profile) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    profile->number = instance->number;
    profile->operation.answer = profile_answer;
    profile->operation.context = request;
    operation_submit(&profile->operation);
}

void instance_get_handle(struct request *request)
{
    struct instance *instance = api_own_instance(request);
    if (instance)
        profile_start(request, profile_new(api_of(request)->coordinator), instance);
}

struct patch_body {
    const char *level, *mode;
    json_t *domains;
};

#define PATCH(member) offsetof(struct patch_body, member)
static const struct field patch_fields[] = {
    {"contribution_level", FIELD_TEXT, OPTIONAL, PATCH(level), 1, NAME_MAX_LENGTH},
    {"privacy_mode", FIELD_TEXT, OPTIONAL, PATCH(mode), 1, NAME_MAX_LENGTH},
    {"domains", FIELD_LIST, OPTIONAL, PATCH(domains), 0, DOMAIN_LIST_MAX},
};

void instance_patch_handle(struct request *request)
{
    struct patch_body body = {0};
    struct findings findings = {0};
    enum level level;
    enum privacy_mode mode;
    json_t *root = NULL;
    if (!api_body(request, patch_fields, sizeof patch_fields / sizeof *patch_fields, &body, &root))
        return;
    char *domains = arena_alloc(&request->arena, INSTANCE_DOMAINS_LENGTH_MAX + 1);
    bool good = names_decode(body.level, body.mode, &findings, &level, &mode) && domains &&
                (!body.domains || domains_decode(body.domains, &findings, domains));
    bool has_domains = body.domains != NULL;
    json_decref(root);
    if (!good) {
        if (findings.errors)
            api_refuse_findings(request, FAULT_INVALID_REQUEST, &findings);
        else
            api_refuse(request, FAULT_MEMORY);
        return;
    }
    struct instance *instance = api_own_instance(request);
    if (!instance)
        return;
    struct profile *profile = profile_new(api_of(request)->coordinator);
    if (profile) {
        profile->change = true;
        profile->level = level;
        profile->mode = mode;
        profile->domains = has_domains ? domains : NULL;
    }
    profile_start(request, profile, instance);
}

static void erasure_answer(struct operation *operation, enum fault fault)
{
    struct erasure *erasure = (struct erasure *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault);
        return;
    }
    struct erasure_receipt receipt;
    erasure_receipt(erasure, &receipt);
    request_answer(request, 200,
                   json_pack("{s:{s:s, s:s, s:I, s:I, s:I, s:I, s:I}, s:o}", "receipt",
                             "instance_id", receipt.instance_id, "erased_at", receipt.erased_at,
                             "contributions", (json_int_t)erasure->contributions, "verifications",
                             (json_int_t)erasure->verifications, "votes",
                             (json_int_t)erasure->votes, "queries", (json_int_t)erasure->queries,
                             "deliveries", (json_int_t)erasure->deliveries, "signature",
                             json_b64(&receipt.signature, 64)));
}

void instance_delete_handle(struct request *request)
{
    struct instance *instance = api_own_instance(request);
    if (!instance)
        return;
    struct erasure *erasure = erasure_new(api_of(request)->coordinator, instance);
    if (!erasure) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    erasure->now_s = api_now_s();
    erasure->operation.answer = erasure_answer;
    erasure->operation.context = request;
    erasure_submit(erasure);
}
