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

/* Each kind is limited apart: what a member may ask of what is kept of it must not wait for sets
 * that others read. */
static void stream_limits(const struct settings *settings, enum stream_kind kind,
                          uint32_t *ret_in_all, uint32_t *ret_of_one)
{
    bool is_export = kind == STREAM_EXPORT;
    *ret_in_all = is_export ? settings->max_exports : settings->max_downloads;
    *ret_of_one = is_export ? EXPORTS_PER_MEMBER : settings->max_downloads_per_member;
}

enum fault api_stream_begin(struct request *request, enum stream_kind kind, struct why *why)
{
    static const char *const names[STREAM_KINDS] = {"downloads", "exports"};
    struct api *api = api_of(request);
    struct instance *reader = api_caller(request);
    uint32_t in_all = 0, of_one = 0;
    if (!reader)
        return FAULT_TOKEN_INVALID;
    stream_limits(api->settings, kind, &in_all, &of_one);
    if (reader->streams[kind] >= of_one)
        return why_set(why, FAULT_TOO_MANY_REQUESTS,
                       "of %s no more than %u are sent to you at a time", names[kind], of_one);
    if (api->streams[kind] >= in_all)
        return why_set(why, FAULT_OVERLOADED, "of %s no more than %u are sent at a time",
                       names[kind], in_all);
    reader->streams[kind]++;
    api->streams[kind]++;
    return FAULT_NONE;
}

void api_stream_end(struct api *api, enum stream_kind kind, uint64_t handle)
{
    struct instance *reader =
        api->coordinator ? directory_find(api->coordinator->directory, handle) : NULL;
    api->streams[kind]--;
    if (reader)
        reader->streams[kind]--;
}
