/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "http/exchange.h"

enum {
    BLOCK = 16 * 1024,        /* libmicrohttpd gives no more room than a connection's memory has */
    UNSENT_BYTES = 128 * 1024 /* that the system keeps at most, beside what is on its way */
};

/*
 * The system's buffer of a connection grows to megabytes, and shows room again only when a third of
 * it was read: a client that reads slowly but steadily would meet the deadline of its piece
 * meanwhile. Sockets that are none of TCP have small buffers anyway.
 */
static void buffer_bound(const struct exchange *exchange)
{
    int bytes = UNSENT_BYTES;
    (void)setsockopt(exchange->connection->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
                     sizeof bytes);
}

/* Asks for the next piece, and lets the connection sleep unless it was given at once. */
static void stream_pull(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;
    stream->pulled = true;
    stream->length = stream->sent = 0;
    stream->source.pull(&exchange->request, stream->source.userdata);
    if (!stream->pulled)
        return;
    stream->suspended = true;
    connection_expect(exchange->connection, NULL);
    MHD_suspend_connection(exchange->mhd);
}

/* What libmicrohttpd calls whenever what it had has left. */
static ssize_t on_room(void *userdata, uint64_t position, char *room, size_t size)
{
    struct exchange *exchange = userdata;
    struct stream *stream = &exchange->stream;
    (void)position;
    if (!stream->broken && stream->sent == stream->length && !stream->last)
        stream_pull(exchange);
    if (stream->suspended)
        return 0;
    if (stream->broken)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = stream->length - stream->sent;
    if (stream->sent == 0)
        connection_expect(exchange->connection, &exchange->all->connections->request);
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t count = left < size ? left : size;
    memcpy(room, stream->piece + stream->sent, count);
    stream->sent += count;
    return (ssize_t)count;
}

void request_answer_stream(struct request *request, const char *media_type,
                           const struct stream_source *source)
{
    struct exchange *exchange = exchange_of(request);
    exchange->stream.source = *source;
    exchange->stream.broken = exchange->all->draining;
    TAILQ_INSERT_TAIL(&exchange->all->streams, exchange, by_stream);
    buffer_bound(exchange);
    struct MHD_Response *response =
        exchange->headers_lost
            ? NULL
            : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_room, exchange, NULL);
    /* After the head alone libmicrohttpd would send the end of the chunks, unless there are none.
     */
    if (response && exchange->head_only)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    if (response)
        exchange_answer(exchange, MHD_HTTP_OK, response, media_type);
    else
        request_refuse(request, FAULT_MEMORY, NULL, NULL);
}

static void stream_wake(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;
    stream->pulled = false;
    if (!stream->suspended)
        return;
    stream->suspended = false;
    TAILQ_INSERT_TAIL(&exchange->all->answered, exchange, queue);
}

void stream_give(struct request *request, const void *bytes, size_t length)
{
    struct exchange *exchange = exchange_of(request);
    assert(exchange->stream.pulled && (length > 0 || exchange->stream.last));
    exchange->stream.piece = bytes;
    exchange->stream.length = length;
    stream_wake(exchange);
}

void stream_end(struct request *request, const void *bytes, size_t length)
{
    exchange_of(request)->stream.last = true;
    stream_give(request, bytes, length);
}

void stream_break(struct request *request)
{
    exchange_of(request)->stream.broken = true;
    stream_wake(exchange_of(request));
}

void streams_break(struct exchanges *all)
{
    struct exchange *exchange;
    TAILQ_FOREACH(exchange, &all->streams, by_stream)
    {
        exchange->stream.broken = true;
        /* A client that reads nothing would not be told otherwise. */
        if (!exchange->stream.pulled && exchange->phase == PHASE_ANSWERED)
            connection_cut(exchange->connection);
    }
}

void streams_abandon(struct exchanges *all)
{
    struct exchange *exchange;
    TAILQ_FOREACH(exchange, &all->streams, by_stream)
    {
        if (exchange->stream.pulled)
            stream_break(&exchange->request);
    }
}

void stream_close(struct exchange *exchange)
{
    if (!exchange->stream.source.close)
        return;
    TAILQ_REMOVE(&exchange->all->streams, exchange, by_stream);
    exchange->stream.source.close(exchange->stream.source.userdata);
}
