/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_SERVER_H
#define CONTINUUM_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/router.h"

/* Every resource that a stranger can use up, with its limit. */
struct server_limits {
    uint32_t max_connections; /* more wait in the backlog */
    /* Of one IPv4 address or IPv6 /64, but for trusted proxies. */
    uint32_t max_connections_per_address;
    /* Request line and headers. A connection keeps 1 KiB more than that in memory, also when idle;
     * large bodies are read in pieces of about that size. */
    uint32_t max_header_bytes;
    uint32_t max_body_bytes;
    uint32_t max_small_body_bytes; /* of all requests but those to routes with a large body */
    uint32_t max_buffered_bytes; /* bodies of all requests at one time; a large one more gets 503 */
    /* From accept, later from the end of the request line, to the last byte of the body. As long
     * again to read the answer. */
    uint32_t request_timeout_s;
    /* Between requests, until the next request line is complete. */
    uint32_t idle_timeout_s;
    /* Waiting for their answer at one time. More get 503, but for a GET that is for anyone. */
    uint32_t max_pending_requests;
    /* Requests without a good token of one IPv4 address or IPv6 /64, 1 to 1,000,000 each: so many
     * at once, and then so many in a minute. */
    uint32_t anonymous_burst, anonymous_per_minute;
};

struct server_settings {
    struct server_limits limits;
    /* Addresses, separated by commas, whose X-Forwarded-For is believed; may be "". They may have
     * any number of connections. Clients of a UNIX socket are "::". */
    const char *trusted_proxies;
};

struct server;

/*
 * A server on `listen_fd` (bound and listening; stays the caller's), driven by the caller's loop
 * from one thread. `router` must outlive it. FAULT_CONFIGURATION (trusted_proxies), FAULT_SYSTEM,
 * FAULT_MEMORY with `why`.
 */
enum fault server_open(const struct server_settings *settings, int listen_fd,
                       const struct router *router, void *context, struct server **ret,
                       struct why *why);

/* The descriptor that becomes readable when there is something to do. */
int server_fd(const struct server *server);

/* How long the loop may sleep before it must call server_turn again, in us; -1: as long as it
 * likes. To be asked before each wait. */
int64_t server_timeout_us(struct server *server);

/* Does all there is to do now, resumes what was answered, and ends connections that are past their
 * deadline. */
void server_turn(struct server *server);

/* Requests that wait for their answer. */
size_t server_pending(const struct server *server);

/* Whether no request is in progress: arriving, waiting for its answer, or being answered. */
bool server_is_quiet(const struct server *server);

/* No new connections, and every answer from now on closes its connection. Idle connections are
 * closed. */
void server_drain(struct server *server);

/*
 * Answers what still waits with 503, gives the answers up to a second to leave, and closes
 * everything. Every request is gone then: nobody may still hold one that waits. Takes NULL.
 */
void server_close(struct server *server);

#endif
