/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_CONNECTION_H
#define CONTINUUM_HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/linger.h"
#include "http/peer.h"

/*
 * The open connections: how many an address has, and how long each may take. libmicrohttpd's own
 * timeout starts again with every byte, so that a slow drip never meets it; these deadlines do not
 * move.
 *
 *     accept --> request --> none (waits for its answer) --> request (it is written) --> idle --+
 *                   ^                                                                           |
 *                   +---------------------------------------------------------------------------+
 */
struct connection {
    int fd; /* libmicrohttpd's */
    uint8_t address[16];
    bool lingers; /* answered before all was read */
    bool cut;
    struct deadline_list *list; /* that it stands in; NULL: none */
    uint64_t due_ms;
    TAILQ_ENTRY(connection) by_deadline;
    LIST_ENTRY(connection) by_network;
};

/* All deadlines in one list are equally long, so the list is in order. */
struct deadline_list {
    uint64_t length_ms;
    TAILQ_HEAD(, connection) connections;
};

enum { CONNECTION_CHAINS = 1024 };

struct connections {
    struct deadline_list request, idle;
    struct linger_set linger;
    uint8_t key[16];
    LIST_HEAD(, connection) chains[CONNECTION_CHAINS]; /* by the hash of the network */
};

void connections_init(struct connections *connections, int epoll_fd, uint32_t request_timeout_s,
                      uint32_t idle_timeout_s);
void connections_done(struct connections *connections);

/* How many connections the network of `address` has. */
size_t connections_count(const struct connections *connections, const uint8_t address[16]);

/* A new connection on `fd`, whose first request is due; NULL when memory is out. */
struct connection *connection_new(struct connections *connections, int fd,
                                  const uint8_t address[16]);

/* To be called while `fd` is still open. Takes NULL. */
void connection_free(struct connections *connections, struct connection *connection);

/* Starts the deadline of `list`, or none. */
void connection_expect(struct connection *connection, struct deadline_list *list);

/* Ends the connection: nothing more is read or written, and libmicrohttpd will notice. */
void connection_cut(struct connection *connection);

/* Cuts a connection that is idle, unless a request is just arriving. */
void connection_cut_idle(struct connection *connection);
void connections_cut_idle(struct connections *connections);

/* Gives requests that are arriving, and answers that are being read, no longer than `limit_ms` from
 * now. */
void connections_hurry(struct connections *connections, uint64_t limit_ms);

/* Cuts the connections that are past their deadline, and reads what lingers. */
void connections_turn(struct connections *connections);

/* Time until the next deadline in us; -1: there is none. */
int64_t connections_timeout_us(const struct connections *connections);

#endif
