/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_STREAM_H
#define CONTINUUM_HTTP_STREAM_H

#include "http/request.h"

/*
 * A long answer, made piece by piece as its client reads it: there is never more than one piece,
 * and the next is asked for when the last byte of it has left.
 *
 *     pull --> stream_give --> sent --> pull --> ... --> stream_end --> sent --> close
 *       |                        |
 *       +--> stream_break -------+--> close       the client sees that it was cut off
 *
 * Each piece has a deadline of its own (request_timeout_s): a download may take hours, but not
 * stand still. A server that drains breaks its streams.
 */
struct stream_source {
    /*
     * Wants the next piece, which must be given (or the end, or a break) exactly once, on the loop,
     * at once or later. Until then the request stays, even when its client has gone.
     */
    void (*pull)(struct request *request, void *userdata);
    /* The answer is over, whole or not; nothing is pulled any more. Called once, not between a pull
     * and what it is given. */
    void (*close)(void *userdata);
    void *userdata;
};

/* Answers with what `source` (copied) will give. Without memory for that it is 503, and closed. */
void request_answer_stream(struct request *request, const char *media_type,
                           const struct stream_source *source);

/* The next piece, at least one byte, which stays valid until the next pull or the close. */
void stream_give(struct request *request, const void *bytes, size_t length);

/* The last piece; of any length. */
void stream_end(struct request *request, const void *bytes, size_t length);

/* There is no next piece: the connection is closed without an end of the answer. */
void stream_break(struct request *request);

#endif
