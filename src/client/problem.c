/* SPDX-License-Identifier: Apache-2.0 */
#include "client/problem.h"

#include <jansson.h>
#include <string.h>

#include "client/text.h"

/* What to do next, by problem code; sorted. */
static const struct {
    const char *code, *advice;
} advices[] = {
    {"contribution-required", "Contribute a pattern first; one is enough."},
    {"epoch-not-current", "The federation has just moved on to a new epoch: try again."},
    {"insufficient-credits", "Contribute or verify patterns to earn more."},
    {"invite-invalid", "Ask whoever invited you for a fresh link."},
    {"invite-required", "Ask a member or the operator for an invite."},
    {"level-too-low", "Contribute more, or join at a higher level."},
    {"overloaded", "Try again in a minute."},
    {"shutting-down", "Try again in a minute."},
    {"signature-invalid",
     "Check that this is the profile with which you joined, and that you have not left."},
    {"starting", "Try again in a minute."},
    {"storage-unavailable", "Nothing was changed; try again later, or tell the operator."},
    {"timestamp-stale", "Set this computer's clock."},
    {"token-invalid", "The membership may have been erased; if so, join again."},
    {"too-many-requests", "Wait, and try again."},
    {"wrong-federation-key",
     "This coordinator serves members with another key: ask one of them for "
     "an invite link, and join by it."},
};

static const char *advice_find(const char *code)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        if (strcmp(advices[i].code, code) == 0)
            return advices[i].advice;
    }
    return NULL;
}

/* Codes of a newer coordinator that this client does not know fall back on their class. */
static enum fault fault_of_code(const char *code, long status)
{
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        if (strcmp(fault_code(fault), code) == 0)
            return fault;
    }
    if (status == 401)
        return FAULT_TOKEN_INVALID;
    if (status == 404)
        return FAULT_NOT_FOUND;
    if (status == 429)
        return FAULT_TOO_MANY_REQUESTS;
    if (status == 503)
        return FAULT_OVERLOADED;
    return status >= 500 ? FAULT_INTERNAL : FAULT_INVALID_REQUEST;
}

enum fault problem_fault(long status, const struct json_t *document, struct why *why)
{
    char detail[160];
    const char *code = json_string_value(json_object_get(document, "code"));
    if (status < 400)
        return why_set(why, FAULT_INVALID_REQUEST,
                       "The address redirects elsewhere (HTTP %ld), which is not followed. Use the "
                       "address that it redirects to.",
                       status);
    if (!code)
        return why_set(why, fault_of_code("", status),
                       "The server answered HTTP %ld without saying why. Is this the address of a "
                       "coordinator?",
                       status);
    const char *said = json_string_value(json_object_get(document, "detail"));
    if (!said || !*said)
        said = json_string_value(json_object_get(document, "title"));
    text_copy(detail, sizeof detail, said ? said : code);
    size_t length = strlen(detail);
    const char *stop = length && strchr(".!?", detail[length - 1]) ? "" : ".";
    const char *advice = advice_find(code);
    return why_set(why, fault_of_code(code, status), "%s%s%s%s", detail, stop, advice ? " " : "",
                   advice ? advice : "");
}
