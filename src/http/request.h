/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_REQUEST_H
#define CONTINUUM_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/fault.h"

struct json_t;
struct memo;

/* HEAD counts as GET; METHOD_OTHER is any method that no route can have. */
enum method { METHOD_DELETE, METHOD_GET, METHOD_PATCH, METHOD_POST, METHOD_PUT, METHOD_OTHER };

enum { CAPTURES_MAX = 2, REQUEST_ID_LENGTH = 16 };

/*
 * One HTTP request, whole. The server makes it; handlers read it and answer it exactly once, at
 * once or later, always on the loop thread. It stays valid until the answer was handed over, also
 * when the client has gone.
 */
struct request {
    enum method method;
    const char *path; /* as sent, without the query string */
    /* What stood for the {...} of the route's path, percent-decoded. */
    const char *captures[CAPTURES_MAX];
    const char *body; /* NUL behind it; "" when there is none */
    size_t body_length;
    uint64_t caller;        /* handle of the bearer token, when the route asks for one */
    const void *credential; /* what else `authenticate` made of the token, or NULL */
    /* Of the client (IPv4 mapped into IPv6), behind a trusted proxy the one that it names. */
    uint8_t address[16];
    char id[REQUEST_ID_LENGTH + 1]; /* X-Request-Id */
    struct arena arena;             /* freed with the request */
    void *context;                  /* what server_open was given */
    struct memo *memo;              /* the handler's, of an Idempotency-Key; NULL: there is none */
};

/* Value of a query parameter, with percent-encoding and '+' decoded; "" when it has none. NULL:
 * there is no such parameter, or memory is out. Of several the first. */
const char *request_parameter(struct request *request, const char *name);

/* Value of a header, or NULL. Of several the first. */
const char *request_header(struct request *request, const char *name);

/* Adds a header to the answer to come; both strings are copied. */
void request_answer_header(struct request *request, const char *name, const char *value);

/* Inside of its handler: the request may wait for long. It is not counted by max_pending_requests:
 * the caller has a limit of its own. */
void request_hold(struct request *request);

/* Whether the client has closed its end of a connection that waits: nobody will read the answer. */
bool request_is_gone(const struct request *request);

/* Answers with a JSON document; takes over the reference to `document`. NULL (memory is out)
 * answers 503. */
void request_answer(struct request *request, unsigned status, struct json_t *document);

/* Answers with a status alone, without a body (202, 204). */
void request_answer_empty(struct request *request, unsigned status);

/*
 * Answers with a problem document (RFC 9457) of `fault`. `why` (may be NULL) becomes `detail`.
 * `members` (may be NULL) is an object whose members are added; its reference is taken over. 401
 * gets WWW-Authenticate; 429 and 503 get Retry-After: 1 unless request_answer_header set one.
 */
void request_refuse(struct request *request, enum fault fault, const struct why *why,
                    struct json_t *members);

#endif
