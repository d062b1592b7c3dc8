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
#include "http/stream.h"

struct MHD_Connection;
struct MHD_Response;

/* clang-format off */
/*
 * One request with its answer, as the server sees it. libmicrohttpd calls several times for one request:
 *
 *     RECEIVING --headers, body--> HANDLING --> ANSWERED --> sent, freed
 *         |                           |            ^
 *         |                           +-> WAITING -+     connection suspended; resumed by the next turn, on a
 *         |                           |            |     paced route at its step (pace.h)
 *         +---------- refused ---------------------+     what the client still sends is thrown away
 *
 * An answer that is a stream (stream.h) is suspended and resumed further times, whenever it has to wait for its next
 * piece.
 */
/* clang-format on */
enum phase { PHASE_RECEIVING, PHASE_HANDLING, PHASE_WAITING, PHASE_ANSWERED };

struct header_line {
    struct header_line *next;
    const char *name, *value;
};

/* An answer that is made while it is sent. */
struct stream {
    struct stream_source source; /* without `close`: the answer is none */
    const uint8_t *piece;
    size_t length, sent; /* of the piece */
    bool pulled;         /* and not given yet */
    bool suspended;      /* its connection, for want of a piece */
    bool last, broken;
};

struct exchange {
    struct request request; /* first: a request is its exchange */
    struct exchanges *all;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct route *route;
    const char *authorization; /* the header, as sent; NULL: without */
    enum phase phase;
    bool is_members;   /* it came with a good token */
    bool held;         /* is not counted among those that wait */
    bool closes;       /* its end in the stream of bytes is unknown, or its body is not read */
    bool head_only;    /* HEAD */
    bool headers_lost; /* no memory for a header of the answer */
    char *body;
    size_t body_capacity, received;
    struct header_line *headers;   /* of the answer */
    struct MHD_Response *response; /* NULL: not even a problem document found memory */
    unsigned status;
    uint64_t handled_us, leaves_us; /* on a paced route */
    struct stream stream;
    TAILQ_ENTRY(exchange) queue;
    TAILQ_ENTRY(exchange) by_stream;
};

TAILQ_HEAD(exchange_queue, exchange);

/* All exchanges, and what they have in common. */
struct exchanges {
    struct server_limits limits;
    const struct router *router;
    void *context;
    struct connections *connections;
    struct peers trusted;
    struct buckets *anonymous; /* by address */
    uint8_t id_key[16];
    uint64_t id_count;
    size_t count, waiting_count;
    size_t buffered;                                /* bytes of bodies */
    struct exchange_queue waiting, paced, answered; /* answered: and to be resumed */
    TAILQ_HEAD(, exchange) streams;
    bool draining; /* every answer closes its connection */
    bool closing;  /* no handler is called any more */
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

/* The exchange that `request` is the first member of. */
struct exchange *exchange_of(struct request *request);

/* Gives the exchange its answer; takes over `response`. NULL, or memory is out: the connection is
 * closed without one. */
void exchange_answer(struct exchange *exchange, unsigned status, struct MHD_Response *response,
                     const char *media_type);

/* Its connection is resumed in the next turn, and sends the answer. */
void exchange_resume(struct exchange *exchange);

/* Ends all streams, so that their clients see that they were cut off; those that wait for a piece,
 * when they have it. */
void streams_break(struct exchanges *all);

/* The same for those that wait for a piece that nobody will give any more. */
void streams_abandon(struct exchanges *all);

/* Closes the source, if there is one. */
void stream_close(struct exchange *exchange);

#endif
