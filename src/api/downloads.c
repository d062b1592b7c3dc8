/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/handlers.h"
#include "api/published.h"
#include "api/sets.h"
#include "domain/download.h"
#include "http/coding.h"
#include "http/stream.h"
#include "store/keyring.h"
#include "util/job.h"

/*
 * GET /v1/downloads/{id}: a stream that a worker feeds.
 *
 *     writer: whose download is it --> stream --pull--> worker: rows -> lines -> encoder -> piece
 * --+ ^                                                        |
 *                                        +------------------------ stream_give <------------------+
 *
 * Between two pieces nothing is held but the position: no snapshot, no statement. So neither a slow
 * client nor a long download keeps the database from anything, and each pattern is what it is when
 * its piece is made.
 */
enum { PIECE_SIZE = 64 * 1024, LINE_MAX_SIZE = 8 * 1024 };

struct feed {
    struct job job;
    struct request *request;
    struct api *api;
    const struct coordinator *coordinator;
    uint64_t handle; /* of the member; it may go while it reads */
    struct cursor_owner owner;
    struct set_reading reading;
    int64_t expires_at_s;
    struct encoder *encoder;
    bool encoded; /* all of it */
    enum fault fault;
    size_t lines_length, lines_taken, piece_length;
    uint8_t lines[PIECE_SIZE], piece[PIECE_SIZE];
};

/* ---- On a worker ---- */

static json_t *line_encode(const struct feed *feed, const struct published *published,
                           int64_t position)
{
    char cursor[CURSOR_TEXT_LENGTH + 1];
    json_t *line = published_encode(published);
    cursor_seal(feed->coordinator->keyring->token, &feed->owner, position, cursor);
    if (json_object_set_new(line, "cursor", json_string(cursor)) == 0)
        return line;
    json_decref(line);
    return NULL;
}

static bool line_take(void *context, const struct published *published, int64_t position)
{
    struct feed *feed = context;
    json_t *line = line_encode(feed, published, position);
    size_t room = sizeof feed->lines - feed->lines_length;
    size_t length = line ? json_dumpb(line, (char *)feed->lines + feed->lines_length, room,
                                      JSON_COMPACT | JSON_REAL_PRECISION(15))
                         : 0;
    json_decref(line);
    if (length == 0 || length >= room) {
        feed->fault = FAULT_MEMORY;
        return false;
    }
    feed->lines[feed->lines_length + length] = '\n';
    feed->lines_length += length + 1;
    return sizeof feed->lines - feed->lines_length >= LINE_MAX_SIZE;
}

static void lines_refill(struct feed *feed)
{
    feed->lines_length = feed->lines_taken = 0;
    enum fault fault = set_read(feed->coordinator, &feed->reading, line_take, feed);
    if (fault)
        feed->fault = fault;
}

/* Fills the piece, unless rows that are not to be seen take too long: then it stays as it is. */
static void feed_run(struct job *job)
{
    struct feed *feed = (struct feed *)job;
    struct encoder_work work = {.out = feed->piece, .out_room = sizeof feed->piece};
    bool stuck = false;
    while (work.out_room > 0 && !feed->encoded && !stuck) {
        if (feed->lines_taken == feed->lines_length && !feed->reading.ended)
            lines_refill(feed);
        if (feed->fault)
            return;
        work.in = feed->lines + feed->lines_taken;
        work.in_length = feed->lines_length - feed->lines_taken;
        stuck = work.in_length == 0 && !feed->reading.ended;
        feed->encoded = encoder_run(feed->encoder, &work, feed->reading.ended);
        feed->lines_taken = feed->lines_length - work.in_length;
    }
    feed->piece_length = sizeof feed->piece - work.out_room;
}

/* ---- On the loop ---- */

/* False: whoever it was for is gone, or its time is over. */
static bool feed_may_go_on(struct feed *feed)
{
    const struct instance *reader = directory_find(feed->coordinator->directory, feed->handle);
    int64_t now_s = api_now_s();
    if (!reader || now_s >= feed->expires_at_s)
        return false;
    visibility_of(feed->api->settings, reader, now_s, &feed->reading.visibility);
    return true;
}

static void feed_pull(struct request *request, void *userdata)
{
    struct feed *feed = userdata;
    if (feed_may_go_on(feed))
        workers_submit(feed->coordinator->workers, &feed->job);
    else
        stream_break(request);
}

static void feed_done(struct job *job)
{
    struct feed *feed = (struct feed *)job;
    if (feed->fault)
        stream_break(feed->request);
    else if (feed->encoded)
        stream_end(feed->request, feed->piece, feed->piece_length);
    else if (feed->piece_length > 0)
        stream_give(feed->request, feed->piece, feed->piece_length);
    else
        feed_pull(feed->request, feed);
}

static void feed_close(void *userdata)
{
    struct feed *feed = userdata;
    api_stream_end(feed->api, STREAM_DOWNLOAD, feed->handle);
    encoder_free(feed->encoder);
}

/* FAULT_MEMORY. FAULT_INVALID_REQUEST: the parameter `after`. */
static enum fault feed_new(struct request *request, const struct download_row *row,
                           struct feed **ret, struct why *why)
{
    const char *after = request_parameter(request, "after");
    int64_t packed = row->start;
    struct feed *feed = arena_alloc(&request->arena, sizeof *feed);
    char *domain = arena_copy(&request->arena, row->domain, strlen(row->domain));
    if (!feed || !domain || set_cursor_owner(request, domain, &feed->owner))
        return FAULT_MEMORY;
    feed->job = (struct job){.run = feed_run, .done = feed_done};
    feed->request = request;
    feed->api = api_of(request);
    feed->coordinator = feed->api->coordinator;
    feed->handle = request->caller;
    feed->reading.domain = domain;
    feed->expires_at_s = row->expires_at_s;
    if (after && !cursor_open(feed->coordinator->keyring->token, &feed->owner, after, &packed))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "the parameter after is not a cursor of this set that you were given");
    set_position_unpack(packed, &feed->reading.position);
    if (feed->reading.position.after < row->start)
        set_position_unpack(row->start, &feed->reading.position);
    *ret = feed;
    return FAULT_NONE;
}

static void feed_start(struct request *request, struct feed *feed, enum coding coding)
{
    request_answer_header(request, "Vary", "Accept-Encoding");
    /* nginx would otherwise put what the client has not read yet into files of its own. */
    request_answer_header(request, "X-Accel-Buffering", "no");
    if (coding_name(coding))
        request_answer_header(request, "Content-Encoding", coding_name(coding));
    request_answer_stream(request, "application/x-ndjson",
                          &(struct stream_source){feed_pull, feed_close, feed});
}

static void download_answer(struct operation *operation, enum fault fault)
{
    const struct download *download = (const struct download *)operation;
    struct request *request = operation->context;
    enum coding coding = coding_choose(request_header(request, "Accept-Encoding"));
    struct feed *feed = NULL;
    struct encoder *encoder = NULL;
    struct why why = {""};
    if (!fault)
        fault = feed_new(request, &download->row, &feed, &why);
    if (!fault)
        fault = encoder_new(coding, &encoder);
    if (!fault)
        fault = api_stream_begin(request, STREAM_DOWNLOAD, &why);
    if (fault) {
        encoder_free(encoder);
        request_refuse(request, fault, why.text[0] ? &why : NULL, NULL);
        return;
    }
    feed->encoder = encoder;
    feed_start(request, feed, coding);
}

void download_get_handle(struct request *request)
{
    const char *id = request->captures[0];
    struct download *download = download_new(api_of(request)->coordinator);
    if (!download) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    if (!b64_decode(id, strlen(id), download->id, sizeof download->id)) {
        api_refuse_unsubmitted(request, &download->operation, FAULT_NOT_FOUND, NULL);
        return;
    }
    download->instance = api_caller(request)->number;
    download->now_s = api_now_s();
    download->operation.answer = download_answer;
    download->operation.context = request;
    operation_submit(&download->operation);
}
