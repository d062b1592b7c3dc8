/* SPDX-License-Identifier: Apache-2.0 */
#include "http/router.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/percent.h"

/* Length of a path's segment, up to the next slash or the end. */
static size_t segment_length(const char *path)
{
    return strcspn(path, "/");
}

/* Whether `path` fits the route's `pattern`; *ret_captured is where its captured segments begin. */
static bool path_fits(const char *pattern, const char *path, const char *ret_captured[CAPTURES_MAX])
{
    size_t count = 0;
    memset(ret_captured, 0, CAPTURES_MAX * sizeof *ret_captured);
    for (;;) {
        size_t wanted = segment_length(pattern), length = segment_length(path);
        if (*pattern == '{') {
            if (!length || count == CAPTURES_MAX)
                return false;
            ret_captured[count++] = path;
        } else if (wanted != length || memcmp(pattern, path, length) != 0) {
            return false;
        }
        pattern += wanted;
        path += length;
        if (*pattern != *path)
            return false;
        if (!*pattern)
            return true;
        pattern++;
        path++;
    }
}

/* Decodes what was captured into the request. */
static enum fault captures_take(struct request *request, const char *captured[CAPTURES_MAX])
{
    for (size_t i = 0; i < CAPTURES_MAX && captured[i]; i++) {
        size_t length = segment_length(captured[i]);
        char *text = arena_copy(&request->arena, captured[i], length);
        if (!text)
            return FAULT_MEMORY;
        if (!percent_decode(text))
            return FAULT_NOT_FOUND;
        request->captures[i] = text;
    }
    return FAULT_NONE;
}

static const char *method_name(enum method method)
{
    switch (method) {
    case METHOD_DELETE:
        return "DELETE";
    case METHOD_GET:
        return "GET";
    case METHOD_PATCH:
        return "PATCH";
    case METHOD_POST:
        return "POST";
    case METHOD_PUT:
        return "PUT";
    case METHOD_OTHER:
        break;
    }
    return "";
}

bool route_is_open(const struct route *route)
{
    return !(route->access & ACCESS_MEMBER);
}

enum fault router_find(const struct router *router, struct request *request,
                       const struct route **ret, char allow[64])
{
    const char *captured[CAPTURES_MAX] = {0};
    const struct route *end = router->routes + router->route_count, *first = router->routes;
    while (first < end && !path_fits(first->path, request->path, captured))
        first++;
    if (first == end)
        return FAULT_NOT_FOUND;
    char methods[64] = "";
    for (const struct route *route = first; route < end; route++) {
        if (strcmp(route->path, first->path) != 0)
            break;
        if (route->method == request->method) {
            enum fault fault = captures_take(request, captured);
            if (fault == FAULT_NONE)
                *ret = route;
            return fault;
        }
        size_t used = strlen(methods);
        snprintf(methods + used, sizeof methods - used, "%s%s", used ? ", " : "",
                 method_name(route->method));
    }
    memcpy(allow, methods, sizeof methods);
    return FAULT_METHOD_NOT_ALLOWED;
}
