/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_HTTP_RIG_H
#define CONTINUUM_TESTS_HTTP_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/server.h"

enum { RIG_PARKED_MAX = 64, RIG_BIG_BODY = 16 << 20, RIG_PIECE = 64 << 10 };

/*
 * A server on a free port of 127.0.0.1 and clients with real sockets, all in one thread: whatever
 * waits here drives the server meanwhile. Any step that takes longer than ten seconds fails the
 * test. A test of it is linked with
 *
 *     -Wl,--wrap=clock_monotonic_us,--wrap=clock_monotonic_ms
 *
 * so that time passes only while the thread runs or waits: on the clock of both sides no more than
 * five milliseconds go by at once, however long the machine stood still. Its routes:
 *
 *     GET    /big                     anyone   RIG_BIG_BODY bytes and more
 *     GET    /health                  anyone   {}
 *     POST   /open                    anyone   what it got: {length, body}
 *     GET    /stream                  anyone   `pieces` times RIG_PIECE bytes, each given at once
 *     POST   /v1/echo                 member   the same
 *     GET    /v1/held                 member   waits in `parked`, for long (request_hold)
 *     GET    /v1/paced                member   the same, and its answer leaves at a whole step
 *     GET    /v1/parked               member   waits in `parked`
 *     GET    /v1/query                member   {a, b: parameters or null, address: hex, caller}
 *     GET    /v1/stream               member   a stream whose pulls wait in `pulled`
 *     DELETE /v1/things/{id}          member   202 without a body, and the header X-Thing: id
 *     GET    /v1/things/{id}          member   {id}
 */
struct rig {
    struct server *server;
    int listen_fd;
    uint16_t port;
    struct request *parked[RIG_PARKED_MAX];
    size_t parked_count, handled;
    struct request *pulled;       /* the last that wants a piece; the test sets it back */
    size_t pieces, pulls, closed; /* of /stream: how many it has; of all streams */
};

/* Parts of requests. */
#define HOST   "Host: test\r\n"
#define MEMBER "Authorization: Bearer good\r\n"
#define JSON   "Content-Type: application/json\r\n"
#define ASK    " HTTP/1.1\r\n" HOST

/* Limits that no test meets by accident. */
struct server_settings rig_settings(void);

void rig_open(struct rig *rig, const struct server_settings *settings);
void rig_close(struct rig *rig);

/* Of a test whose state is a rig with just these limits. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Lets the server wait and work once, for at most `wait_ms`, and less than those five milliseconds.
 */
void rig_turn(struct rig *rig, int wait_ms);

/* Lets the server work for `ms`. */
void rig_idle(struct rig *rig, uint64_t ms);

/* Lets the server work until `count` requests are parked. */
void rig_await_parked(struct rig *rig, size_t count);

int rig_connect(struct rig *rig);

/* Sends all; false: the connection broke. */
bool rig_send(struct rig *rig, int fd, const void *bytes, size_t length);
bool rig_say(struct rig *rig, int fd, const char *text);

struct reply {
    unsigned status; /* 0: the connection ended before an answer was complete */
    char head[4096];
    char *body;
    size_t length;
};
void reply_done(struct reply *reply);

/* Value of a header, or NULL; overwritten by the next call. */
const char *reply_header(const struct reply *reply, const char *name);

/* Reads one answer. `bodyless`: it answers HEAD. */
void rig_hear(struct rig *rig, int fd, bool bodyless, struct reply *reply);

/* A request on a connection of its own; returns that. */
int rig_ask(struct rig *rig, const char *text, struct reply *reply);

/* The same, and the connection is closed. */
void rig_ask_once(struct rig *rig, const char *text, struct reply *reply);

/* Waits for the end of the connection, throwing away what is still sent. Returns after how many ms.
 */
uint64_t rig_await_end(struct rig *rig, int fd);

/* Whether the connection is still open, after everything else was done. */
bool rig_is_open(struct rig *rig, int fd);

/* The answer is a problem document of this status and code, complete as docs/PROTOCOL.md wants it.
 */
void assert_problem(const struct reply *reply, unsigned status, const char *code);

#endif
