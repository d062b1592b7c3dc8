/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_HTTP_H
#define CONTINUUM_CLIENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "util/fault.h"

struct json_t;

/* One connection to one coordinator, kept alive; JSON over HTTP/1.1. No redirect is ever followed.
 */
struct client_http;

/* What may be done once more by itself. */
enum client_repeat {
    REPEAT_NEVER,      /* a signed request: its nonce counts once */
    REPEAT_IF_REFUSED, /* after 429 and 503, which change nothing */
    REPEAT_ALWAYS,     /* also when the answer was lost: doing it twice is doing it once */
};

/* Takes the body of an answer of status 200 as it arrives. */
struct client_sink {
    bool (*take)(void *context, const char *bytes, size_t length); /* false: no more, please */
    void *context;
};

struct client_request {
    const char *method, *path; /* "POST", "/v1/tokens" */
    const struct json_t *body; /* or NULL */
    const char *token;         /* bearer, or NULL */
    const char *key;           /* Idempotency-Key, or NULL */
    enum client_repeat repeat;
    /*
     * Or NULL. With it an answer may be of any length and take any time, but not stand still for
     * longer than the timeout; compression is asked for and undone; what it took, it has, also when
     * the call fails.
     */
    const struct client_sink *sink;
};

/* `url` as address_parse made it. FAULT_MEMORY. */
enum fault client_http_open(const char *url, unsigned timeout_ms, struct client_http **ret);

void client_http_close(struct client_http *http);
void client_http_done(struct client_http **http);

/*
 * Sends and waits. *ret is the answer's object, owned by the caller, or NULL for an answer without
 * a body. Where `repeat` lets it, sends the same bytes up to TRIES_MAX times, as long as time
 * limits and waiting leave it (TIMEOUTS_MAX times `timeout_ms`), and waits at most 10 s where the
 * coordinator asks to.
 *
 * FAULT_SYSTEM:  no answer; `why` says whether name, connection, certificate or time failed, and if
 *                it may have been done all the same.
 * FAULT_CORRUPT: the answer is not JSON, or over 32 MiB; FAULT_SYSTEM too: the sink wanted no more.
 * Others:        the coordinator's problem (problem.h).
 */
enum fault client_http_call(struct client_http *http, const struct client_request *request,
                            struct json_t **ret, struct why *why);

/* For `_cleanup_(json_done) struct json_t *answer = NULL;`. */
void json_done(struct json_t **json);

#endif
