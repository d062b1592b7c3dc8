/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_EXCHANGE_H
#define CONTINUUM_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/connection.h"
#include "http/router.h"
#include "http/server.h"

struct MHD_Connection;
struct MHD_Response;

/* clang-format off */
/*
 * One request with its answer, as the server sees it. libmicrohttpd calls several times for one request:
 *
 *     RECEIVING --headers, body--> HANDLING --> ANSWERED --> sent, freed
 *         |                           |            ^
 *         |                           +-> WAITING -+     connection suspended; resumed by the next turn
 *         +---------- refused ---------------------+     what the client still sends is thrown away
 */
/* clang-format on */
enum phase { PHASE_RECEIVING, PHASE_HANDLING, PHASE_WAITING, PHASE_ANSWERED };

struct header_line {
    struct header_line *next;
    const char *name, *value;
};

struct exchange {
    struct request request; /* first: a request is its exchange */
    struct exchanges *all;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct route *route;
    const char *authorization; /* the header, as sent; NULL: without */
    enum phase phase;
    bool closes;       /* its end in the stream of bytes is unknown, or its body is not read */
    bool headers_lost; /* no memory for a header of the answer */
    char *body;
    size_t body_capacity, received;
    struct header_line *headers;   /* of the answer */
    struct MHD_Response *response; /* NULL: not even a problem document found memory */
    unsigned status;
    TAILQ_ENTRY(exchange) queue;
};

/* All exchanges, and what they have in common. */
struct exchanges {
    struct server_limits limits;
    const struct router *router;
    void *context;
    struct connections *connections;
    struct peers trusted;
    uint8_t id_key[16];
    uint64_t id_count;
    size_t count, waiting_count;
    size_t buffered;                          /* bytes of bodies */
    TAILQ_HEAD(, exchange) waiting, answered; /* answered: and to be resumed */
    bool draining;                            /* every answer closes its connection */
    bool closing;                             /* no handler is called any more */
};

/* The exchange for a request whose headers are in, refused already if they are enough for that;
 * NULL when memory is out. `url` is the path as sent, and stays valid as long as the exchange. */
struct exchange *exchange_new(struct exchanges *all, struct MHD_Connection *mhd,
                              struct connection *connection, const char *method, const char *url);
void exchange_free(struct exchange *exchange);

/* Takes a piece of the body. False: the client does not stop sending; close the connection. */
bool exchange_take(struct exchange *exchange, const char *data, size_t length);

/* The body is complete: calls the handler. Then the exchange is answered, or waits and the
 * connection must be suspended. */
void exchange_handle(struct exchange *exchange);

#endif
