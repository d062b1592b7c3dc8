/* SPDX-License-Identifier: Apache-2.0 */
#include "client/download.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/account.h"
#include "client/pattern.h"
#include "client/text.h"
#include "crypto/record.h"
#include "util/cleanup.h"

enum { PAGE = 200, LINE_MAX_SIZE = 64 * 1024, IDLE_TRIES_MAX = 4 };

/* ---- The list ---- */

static bool set_read(json_t *entry, struct continuum_set *ret)
{
    const char *domain, *updated_at;
    json_int_t patterns, bytes;
    if (json_unpack(entry, "{s:s, s:s, s:I, s:I}", "domain", &domain, "updated_at", &updated_at,
                    "patterns", &patterns, "bytes", &bytes) < 0 ||
        patterns < 0 || bytes < 0 || !credits_member(entry, "price", &ret->price_millicredits))
        return false;
    text_copy(ret->domain, sizeof ret->domain, domain);
    text_copy(ret->updated_at, sizeof ret->updated_at, updated_at);
    ret->patterns = (uint64_t)patterns;
    ret->bytes = (uint64_t)bytes;
    return true;
}

static enum fault sets_append(struct continuum_sets *sets, const json_t *page, struct why *why)
{
    size_t i, count = sets->count + json_array_size(page);
    json_t *entry;
    struct continuum_set *grown = realloc(sets->sets, (count + 1) * sizeof *grown);
    if (!grown)
        return FAULT_MEMORY;
    sets->sets = grown;
    json_array_foreach (page, i, entry) {
        if (!set_read(entry, &grown[sets->count]))
            return answer_not_understood(why);
        sets->count++;
    }
    return FAULT_NONE;
}

static void sets_done(struct continuum_sets **sets)
{
    continuum_sets_free(*sets);
}

enum fault client_sets(struct continuum_client *client, struct continuum_sets **ret,
                       struct why *why)
{
    char path[128] = "/v1/sets?limit=200";
    _cleanup_(sets_done) struct continuum_sets *sets = calloc(1, sizeof *sets);
    if (!sets)
        return FAULT_MEMORY;
    for (bool more = true; more;) {
        struct client_request request = {.method = "GET", .path = path, .repeat = REPEAT_ALWAYS};
        _cleanup_(json_done) json_t *answer = NULL;
        enum fault fault = session_call(client, &request, &answer, why);
        if (fault)
            return fault;
        const json_t *page = json_object_get(answer, "sets");
        const char *next = json_string_value(json_object_get(answer, "next_cursor"));
        if (!json_is_array(page) || (next && strlen(next) >= CONTINUUM_CURSOR_SIZE))
            return answer_not_understood(why);
        fault = sets_append(sets, page, why);
        if (fault)
            return fault;
        more = next != NULL;
        if (more)
            snprintf(path, sizeof path, "/v1/sets?limit=%d&cursor=%s", PAGE, next);
    }
    *ret = TAKE(sets);
    return FAULT_NONE;
}

/* ---- The purchase ---- */

static enum fault purchase_read(json_t *answer, struct continuum_purchase *ret, struct why *why)
{
    const char *id, *expires_at;
    json_int_t patterns;
    struct continuum_purchase purchase = {0};
    if (json_unpack(answer, "{s:s, s:s, s:I}", "download_id", &id, "expires_at", &expires_at,
                    "patterns", &patterns) < 0 ||
        patterns < 0 || strlen(id) >= sizeof purchase.download_id ||
        !credits_member(answer, "balance", &purchase.balance_millicredits))
        return answer_not_understood(why);
    text_copy(purchase.download_id, sizeof purchase.download_id, id);
    text_copy(purchase.expires_at, sizeof purchase.expires_at, expires_at);
    purchase.patterns = (uint64_t)patterns;
    *ret = purchase;
    return FAULT_NONE;
}

enum fault client_purchase(struct continuum_client *client, const char *domain, const char *since,
                           struct continuum_purchase *ret, struct why *why)
{
    char path[128];
    if (!domain_is_valid(domain, strlen(domain)))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "\"%.70s\" is not a domain. It has up to 64 characters: a-z, 0-9 and -.",
                       domain);
    _cleanup_(json_done) json_t *answer = NULL;
    _cleanup_(json_done) json_t *body = json_object();
    if (!body || (since && json_object_set_new(body, "since", json_string(since)) < 0))
        return FAULT_MEMORY;
    snprintf(path, sizeof path, "/v1/sets/%s/downloads", domain);
    struct client_request request = {.method = "POST", .path = path, .body = body};
    enum fault fault = session_call(client, &request, &answer, why);
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "Nothing of the domain %.64s is released yet.", domain);
    if (fault == FAULT_INVALID_REQUEST && since)
        return why_set(why, fault, "The cursor is none that a download of %.64s gave to you.",
                       domain);
    return fault ? fault : purchase_read(answer, ret, why);
}

/* ---- The download ---- */

struct reader {
    const struct continuum_client *client;
    const struct federation *federation;
    struct continuum_download *download;
    struct why *why;
    enum fault fault; /* of what was read, as opposed to the connection's */
    bool enough;
    uint64_t lines;
    size_t length; /* of the line that is not whole yet */
    char line[LINE_MAX_SIZE];
};

static enum fault pattern_take(struct reader *reader, json_t *pattern, const char *cursor)
{
    struct continuum_download *download = reader->download;
    struct continuum_result result;
    struct why why = {0};
    json_object_set_new(pattern, "score", json_real(0)); /* which is for results of a query */
    enum fault fault =
        client_pattern_open(pattern, &reader->client->keys, reader->federation, &result, &why);
    if (fault == FAULT_MEMORY)
        return fault;
    if (!fault) {
        reader->enough = !download->take(download->context, &result, cursor);
        free(result.text);
        if (reader->enough)
            return FAULT_NONE;
        download->taken++;
    } else if (download->refused++ == 0) {
        text_copy(download->why_refused, sizeof download->why_refused, why.text);
    }
    text_copy(download->cursor, sizeof download->cursor, cursor);
    return FAULT_NONE;
}

static enum fault line_take(struct reader *reader)
{
    _cleanup_(json_done) json_t *pattern =
        json_loadb(reader->line, reader->length, JSON_REJECT_DUPLICATES, NULL);
    const char *cursor = json_string_value(json_object_get(pattern, "cursor"));
    if (!cursor || strlen(cursor) >= CONTINUUM_CURSOR_SIZE ||
        cursor[strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")])
        return answer_not_understood(reader->why);
    reader->lines++;
    reader->length = 0;
    return pattern_take(reader, pattern, cursor);
}

static bool bytes_take(void *context, const char *bytes, size_t length)
{
    struct reader *reader = context;
    while (length > 0 && !reader->fault && !reader->enough) {
        const char *newline = memchr(bytes, '\n', length);
        size_t part = newline ? (size_t)(newline - bytes) : length;
        if (part > sizeof reader->line - reader->length) {
            reader->fault = answer_not_understood(reader->why);
            return false;
        }
        memcpy(reader->line + reader->length, bytes, part);
        reader->length += part;
        bytes += part + (newline != NULL);
        length -= part + (newline != NULL);
        if (newline)
            reader->fault = line_take(reader);
    }
    return !reader->fault && !reader->enough;
}

/* Whether the same again may go better. */
static bool is_passing(enum fault fault)
{
    return fault == FAULT_SYSTEM || fault == FAULT_SHUTTING_DOWN || fault == FAULT_STARTING ||
           fault == FAULT_OVERLOADED;
}

static enum fault reader_run(struct continuum_client *client, struct reader *reader)
{
    const struct continuum_download *download = reader->download;
    struct client_sink sink = {bytes_take, reader};
    char path[128];
    snprintf(path, sizeof path, "/v1/downloads/%.22s%s%.32s", download->download_id,
             download->cursor[0] ? "?after=" : "", download->cursor);
    struct client_request request = {
        .method = "GET", .path = path, .repeat = REPEAT_IF_REFUSED, .sink = &sink};
    json_t *answer = NULL;
    reader->length = 0;
    enum fault fault = session_call(client, &request, &answer, reader->why);
    json_decref(answer);
    if (reader->fault || reader->enough)
        return reader->fault;
    return fault;
}

enum fault client_download(struct continuum_client *client, struct continuum_download *download,
                           struct why *why)
{
    struct federation federation;
    enum fault fault = session_federation(client, &federation, why);
    if (fault)
        return fault;
    _cleanup_(free_pointer) struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return FAULT_MEMORY;
    *reader = (struct reader){
        .client = client, .federation = &federation, .download = download, .why = why};
    for (unsigned idle = 0; idle <= IDLE_TRIES_MAX;) {
        uint64_t before = reader->lines;
        if (idle > 0)
            nanosleep(&(struct timespec){.tv_sec = (time_t)1 << (idle - 1)}, NULL);
        fault = reader_run(client, reader);
        if (reader->fault || !is_passing(fault))
            break;
        idle = reader->lines > before ? 0 : idle + 1;
    }
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "This download has expired: it can be read for 24 hours.");
    return fault;
}
