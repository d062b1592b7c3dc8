/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <stdio.h>
#include <string.h>

#include "crypto/cursor.h"
#include "store/keyring.h"
#include "util/clock.h"
#include "util/number.h"

enum { DAY_S = 86400 };

struct api *api_of(const struct request *request)
{
    return request->context;
}

struct instance *api_caller(const struct request *request)
{
    return directory_find(api_of(request)->coordinator->directory, request->caller);
}

int64_t api_now_s(void)
{
    return clock_now_s();
}

bool api_job_begin(struct request *request)
{
    struct instance *instance = api_caller(request);
    struct why why;
    if (instance->jobs < api_of(request)->settings->max_jobs_per_member) {
        instance->jobs++;
        return true;
    }
    why_set(&why, FAULT_TOO_MANY_REQUESTS, "%u requests of yours are being computed already",
            instance->jobs);
    request_refuse(request, FAULT_TOO_MANY_REQUESTS, &why, NULL);
    return false;
}

void api_job_end(const struct request *request)
{
    struct instance *instance = api_caller(request);
    if (instance)
        instance->jobs--;
}

void api_refuse(struct request *request, enum fault fault)
{
    request_refuse(request, fault, NULL, NULL);
}

void api_refuse_findings(struct request *request, enum fault fault, struct findings *findings)
{
    json_t *errors = json_incref(findings->errors);
    request_refuse(request, fault, &findings->first,
                   errors ? json_pack("{s:o}", "errors", errors) : NULL);
    findings_done(findings);
}

void api_refuse_unsubmitted(struct request *request, struct operation *operation, enum fault fault,
                            struct findings *findings)
{
    if (!fault)
        return;
    operation_free(operation);
    if (findings)
        api_refuse_findings(request, fault, findings);
    else
        api_refuse(request, fault);
}

bool api_body(struct request *request, const struct field *fields, size_t count, void *target,
              json_t **ret_root)
{
    struct findings findings = {0};
    json_t *root = NULL;
    enum fault fault = json_parse(request->body, request->body_length,
                                  api_of(request)->settings->max_json_depth, &root, &findings);
    if (!fault && !json_decode(root, "", fields, count, &request->arena, target, &findings))
        fault = FAULT_INVALID_REQUEST;
    if (fault) {
        api_refuse_findings(request, fault, &findings);
        json_decref(root);
        return false;
    }
    *ret_root = root;
    return true;
}

bool api_page(struct request *request, struct page *ret)
{
    const char *cursor = request_parameter(request, "cursor");
    const char *limit = request_parameter(request, "limit");
    const struct keyring *keyring = api_of(request)->coordinator->keyring;
    struct cursor_owner owner = {request->caller, request->path};
    uint64_t number = PAGE_DEFAULT;
    enum fault fault = FAULT_NONE;
    struct why why;
    *ret = (struct page){0};
    if (limit && !number_parse(limit, 1, PAGE_MAX, &number))
        fault = why_set(&why, FAULT_INVALID_REQUEST,
                        "the parameter limit must be a number from 1 to %d", PAGE_MAX);
    else if (cursor && !cursor_open(keyring->token, &owner, cursor, &ret->after))
        fault = why_set(&why, FAULT_INVALID_REQUEST,
                        "the parameter cursor is not one that you were given");
    if (fault)
        request_refuse(request, fault, &why, NULL);
    ret->limit = (size_t)number;
    return fault == FAULT_NONE;
}

bool api_tag(struct request *request, struct tag *ret)
{
    const char *text = request->captures[0];
    if (b64_decode(text, strlen(text), ret->bytes, sizeof ret->bytes))
        return true;
    api_refuse(request, FAULT_NOT_FOUND);
    return false;
}

void api_id_random(uint8_t ret[16])
{
    bytes_random(ret, 16);
    if (ret[0] >> 2 == 62)
        ret[0] ^= 0x80;
}

bool sealed_decode(const char *text, bool (*is_valid)(size_t length), struct arena *arena,
                   struct sealed_view *ret)
{
    size_t text_length = strlen(text), length = text_length * 6 / 8;
    uint8_t *bytes = is_valid(length) ? arena_alloc(arena, length) : NULL;
    if (!bytes || !b64_decode(text, text_length, bytes, length))
        return false;
    *ret = (struct sealed_view){.bytes = bytes, .length = length};
    return true;
}

json_t *api_cursor(const struct request *request, int64_t position, bool more)
{
    char text[CURSOR_TEXT_LENGTH + 1];
    if (!more)
        return json_null();
    struct cursor_owner owner = {request->caller, request->path};
    cursor_seal(api_of(request)->coordinator->keyring->token, &owner, position, text);
    return json_string(text);
}

void api_retry_after(struct request *request, uint32_t seconds)
{
    char text[16];
    snprintf(text, sizeof text, "%u", seconds);
    request_answer_header(request, "Retry-After", text);
}

void api_meter(struct request *request, const struct allowance *allowance)
{
    const char *name = quota_name(allowance->quota);
    char text[96];
    if (allowance->resets_in_s == 0)
        return;
    snprintf(text, sizeof text, "\"%s\";q=%u;w=%d", name, allowance->limit, DAY_S);
    request_answer_header(request, "RateLimit-Policy", text);
    snprintf(text, sizeof text, "\"%s\";r=%u;t=%u", name, allowance->left, allowance->resets_in_s);
    request_answer_header(request, "RateLimit", text);
}

void api_refuse_metered(struct request *request, enum fault fault,
                        const struct allowance *allowance)
{
    struct why why = {""};
    api_meter(request, allowance);
    if (fault == FAULT_TOO_MANY_REQUESTS) {
        api_retry_after(request, allowance->resets_in_s);
        why_set(&why, fault, "%u %s, and %u are left of the %u that your tier %s has today (UTC)",
                allowance->amount, quota_name(allowance->quota), allowance->left, allowance->limit,
                tier_name(allowance->tier));
    }
    request_refuse(request, fault, &why, NULL);
}

struct instance *api_own_instance(struct request *request)
{
    uint64_t handle = 0;
    bool own = instance_id_parse(request->captures[0], &handle) && handle == request->caller;
    struct instance *instance = own ? api_caller(request) : NULL;
    if (!instance)
        api_refuse(request, FAULT_NOT_FOUND);
    return instance;
}

enum fault api_stream_begin(struct request *request, struct why *why)
{
    struct api *api = api_of(request);
    struct instance *reader = api_caller(request);
    const struct settings *settings = api->settings;
    if (!reader)
        return FAULT_TOKEN_INVALID;
    if (reader->downloads >= settings->max_downloads_per_member)
        return why_set(why, FAULT_TOO_MANY_REQUESTS, "%u downloads are being sent to you already",
                       reader->downloads);
    if (api->downloads >= settings->max_downloads)
        return why_set(why, FAULT_OVERLOADED, "%u downloads are being sent already",
                       api->downloads);
    reader->downloads++;
    api->downloads++;
    return FAULT_NONE;
}

void api_stream_end(struct api *api, uint64_t handle)
{
    struct instance *reader =
        api->coordinator ? directory_find(api->coordinator->directory, handle) : NULL;
    api->downloads--;
    if (reader)
        reader->downloads--;
}
