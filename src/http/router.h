/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_ROUTER_H
#define CONTINUUM_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "http/request.h"

enum {
    ACCESS_ANYONE = 0,
    ACCESS_HEALTH = 1, /* anyone, and from this machine as often as it likes */
    ACCESS_MEMBER = 2, /* a bearer token, checked before the handler is called */
    ACCESS_BULK = 4,   /* a body up to max_body_bytes instead of max_small_body_bytes */
    ACCESS_PACED = 8,  /* answers that are waited for leave at whole steps (pace.h) */
};

/*
 * One row of the route table. `path` is literal but for whole segments in braces
 * ("/v1/patterns/{tag}"), which are captured in order. Rows are sorted by path, then method.
 */
struct route {
    enum method method;
    const char *path;
    unsigned access; /* ACCESS_*, added up */
    void (*handle)(struct request *request);
};

/* Whether it asks for no token. */
bool route_is_open(const struct route *route);

struct router {
    const struct route *routes;
    size_t route_count;
    /* Checks the bearer token `text` and sets request->caller or request->credential; called when
     * the headers are in, and again when the body is. FAULT_TOKEN_INVALID (or FAULT_STARTING,
     * FAULT_MEMORY). */
    enum fault (*authenticate)(struct request *request, const char *text, size_t length);
};

/*
 * The route of request->method and request->path, with request->captures filled in. The first row
 * whose path fits decides, with those of the same path: literal segments, which sort before braces,
 * win. FAULT_NOT_FOUND: also when a capture is empty, contains %00, or is not well-formed
 * percent-encoding. FAULT_METHOD_NOT_ALLOWED: the path exists with other methods, which are written
 * to `allow` ("GET, POST"). FAULT_MEMORY.
 */
enum fault router_find(const struct router *router, struct request *request,
                       const struct route **ret, char allow[64]);

#endif
