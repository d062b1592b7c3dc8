/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/number.h"

enum { PAGE_DEFAULT = 100 };

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

void api_refuse(struct request *request, enum fault fault)
{
    request_refuse(request, fault, NULL, NULL);
}

void api_refuse_findings(struct request *request, struct findings *findings)
{
    json_t *errors = json_incref(findings->errors);
    request_refuse(request, FAULT_INVALID_REQUEST, &findings->first,
                   json_pack("{s:o}", "errors", errors));
    findings_done(findings);
}

bool api_body(struct request *request, const struct field *fields, size_t count, void *target,
              json_t **ret_root)
{
    struct why why = {""};
    struct findings findings = {0};
    json_t *root = NULL;
    enum fault fault = json_parse(request->body, request->body_length,
                                  api_of(request)->settings->max_json_depth, &root, &why);
    if (fault) {
        request_refuse(request, fault, &why, NULL);
        return false;
    }
    if (!json_decode(root, "", fields, count, &request->arena, target, &findings)) {
        api_refuse_findings(request, &findings);
        json_decref(root);
        return false;
    }
    *ret_root = root;
    return true;
}

/* The query parameter `name` as a number in the range; *ret stays when it is absent. False: refused
 * already. */
static bool parameter_number(struct request *request, const char *name, uint64_t min, uint64_t max,
                             uint64_t *ret)
{
    const char *text = request_parameter(request, name);
    struct why why;
    if (!text || number_parse(text, min, max, ret))
        return true;
    why_set(&why, FAULT_INVALID_REQUEST,
            "the parameter %s is not valid: a number from %" PRIu64 " to %" PRIu64, name, min, max);
    request_refuse(request, FAULT_INVALID_REQUEST, &why, NULL);
    return false;
}

bool api_page(struct request *request, uint64_t max, uint64_t *ret_after, uint64_t *ret_limit)
{
    *ret_after = 0;
    *ret_limit = PAGE_DEFAULT;
    return parameter_number(request, "cursor", 0, INT64_MAX, ret_after) &&
           parameter_number(request, "limit", 1, max, ret_limit);
}

bool api_tag(struct request *request, struct tag *ret)
{
    const char *text = request->captures[0];
    if (b64_decode(text, strlen(text), ret->bytes, sizeof ret->bytes))
        return true;
    api_refuse(request, FAULT_NOT_FOUND);
    return false;
}

json_t *api_cursor(int64_t last_sequence, size_t count, size_t limit)
{
    if (count < limit)
        return json_null();
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, last_sequence);
    return json_string(text);
}
