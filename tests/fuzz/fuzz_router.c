/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

/* The input: a method, then the path; against the coordinator's own route table. */

static void found_check(const struct request *request, const struct route *route)
{
    size_t captures = 0;
    PROPERTY(route->method == request->method && route->handle);
    for (const char *c = route->path; *c; c++)
        captures += *c == '{';
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        PROPERTY((request->captures[i] != NULL) == (i < captures));
        PROPERTY(i >= captures || request->captures[i][0] != '\0');
    }
    PROPERTY(captures > 0 || strcmp(request->path, route->path) == 0);
}

/* What `allow` names is what the same path answers to. */
static void allow_check(struct request *request, const char *allow)
{
    static const char *const names[] = {"DELETE", "GET", "PATCH", "POST", "PUT"};
    for (enum method method = METHOD_DELETE; method < METHOD_OTHER; method++) {
        const struct route *route = NULL;
        char other[64];
        request->method = method;
        enum fault fault = router_find(&api_router, request, &route, other);
        const char *named = strstr(allow, names[method]);
        PROPERTY((fault == FAULT_METHOD_NOT_ALLOWED) == (named == NULL));
        PROPERTY(fault || route->method == method);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    enum method method = (enum method)(input_byte(&input) % (METHOD_OTHER + 1));
    _cleanup_(free_pointer) char *path = input_text(&input);
    struct request request = {.method = method, .path = path};
    const struct route *route = NULL;
    char allow[64] = "";
    enum fault fault = router_find(&api_router, &request, &route, allow);
    if (fault == FAULT_NONE) {
        found_check(&request, route);
    } else if (fault == FAULT_METHOD_NOT_ALLOWED) {
        PROPERTY(allow[0] != '\0' && route == NULL);
        allow_check(&request, allow);
    } else {
        PROPERTY(fault == FAULT_NOT_FOUND && route == NULL && allow[0] == '\0');
    }
    arena_done(&request.arena);
    return 0;
}
