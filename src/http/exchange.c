/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exchange.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/bytes.h"
#include "http/bucket.h"
#include "http/percent.h"
#include "util/clock.h"

/* A body that is too large is thrown away up to this many times the limit, so that its sender gets
 * to read why. */
enum { DRAIN_FACTOR = 4, BODY_ROOM = 1024 };

/* The headers of which each may stand once: what they say is obeyed. */
struct head {
    const char *authorization, *content_length, *content_type, *idempotency_key, *transfer_encoding;
    bool malformed;
};

static const char **head_slot(struct head *head, const char *name)
{
    const struct {
        const char *name, **slot;
    } slots[] = {
        {"Authorization", &head->authorization},
        {"Content-Length", &head->content_length},
        {"Content-Type", &head->content_type},
        {"Idempotency-Key", &head->idempotency_key},
        {"Transfer-Encoding", &head->transfer_encoding},
    };
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (strcasecmp(name, slots[i].name) == 0)
            return slots[i].slot;
    return NULL;
}

static enum MHD_Result head_take(void *userdata, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct head *head = userdata;
    const char **slot = head_slot(head, name);
    (void)kind;
    /* libmicrohttpd lets "Content-Length :" pass as a header of its own, and takes the first of
     * several: others on the way may read such a request in another way (RFC 9112, section 11.2).
     */
    if (!*name || strpbrk(name, " \t") || (slot && *slot))
        head->malformed = true;
    if (slot)
        *slot = value ? value : "";
    return MHD_YES;
}

/* Whether it is clear where the request ends. */
static bool head_is_framed(const struct head *head)
{
    if (head->malformed)
        return false;
    return !head->transfer_encoding ||
           (!head->content_length && strcasecmp(head->transfer_encoding, "chunked") == 0);
}

static uint64_t head_length(const struct head *head)
{
    return head->content_length ? strtoull(head->content_length, NULL, 10) : 0;
}

static bool head_has_body(const struct head *head)
{
    return head->transfer_encoding || head_length(head);
}

/* Whether the media type is application/json, with any parameters. */
static bool head_is_json(const struct head *head)
{
    static const char json[] = "application/json";
    const char *type = head->content_type;
    if (!type || strncasecmp(type, json, sizeof json - 1) != 0)
        return false;
    type += sizeof json - 1;
    type += strspn(type, " \t");
    return !*type || *type == ';';
}

static enum method method_parse(const char *name)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = {
        {"DELETE", METHOD_DELETE}, {"GET", METHOD_GET},   {"HEAD", METHOD_GET},
        {"PATCH", METHOD_PATCH},   {"POST", METHOD_POST}, {"PUT", METHOD_PUT},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    return METHOD_OTHER;
}

static bool method_sends(enum method method)
{
    return method == METHOD_POST || method == METHOD_PUT || method == METHOD_PATCH;
}

static enum fault exchange_authenticate(struct exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *token = exchange->authorization;
    if (!token || strncasecmp(token, scheme, sizeof scheme - 1) != 0)
        return FAULT_TOKEN_INVALID;
    token += sizeof scheme - 1;
    token += strspn(token, " ");
    return exchange->all->router->authenticate(&exchange->request, token, strcspn(token, " \t"));
}

struct query_check {
    struct arena arena;
    enum fault fault;
};

static enum MHD_Result query_check(void *userdata, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct query_check *check = userdata;
    (void)kind, (void)name;
    char *copy = value ? arena_copy(&check->arena, value, strlen(value)) : NULL;
    if (value && !copy)
        check->fault = FAULT_MEMORY;
    else if (value && !percent_decode(copy))
        check->fault = FAULT_INVALID_REQUEST;
    return check->fault == FAULT_NONE ? MHD_YES : MHD_NO;
}

static enum fault exchange_check_query(struct exchange *exchange, struct why *why)
{
    struct query_check check = {0};
    MHD_get_connection_values(exchange->mhd, MHD_GET_ARGUMENT_KIND, query_check, &check);
    arena_done(&check.arena);
    if (check.fault == FAULT_INVALID_REQUEST)
        why_set(why, FAULT_NONE, "the query string is not well-formed percent-encoding");
    return check.fault;
}

/* Only what is known to need it may be large: bodies are parsed on the loop, and strangers may send
 * them. */
static size_t exchange_body_limit(const struct exchange *exchange)
{
    const struct server_limits *limits = &exchange->all->limits;
    bool large = exchange->route && exchange->route->access & ACCESS_BULK;
    return large || limits->max_body_bytes < limits->max_small_body_bytes
               ? limits->max_body_bytes
               : limits->max_small_body_bytes;
}

static enum fault body_is_too_large(const struct exchange *exchange, struct why *why)
{
    return why_set(why, FAULT_BODY_TOO_LARGE, "at most %zu bytes", exchange_body_limit(exchange));
}

static enum fault exchange_find_route(struct exchange *exchange)
{
    char allow[64] = "";
    enum fault fault =
        router_find(exchange->all->router, &exchange->request, &exchange->route, allow);
    if (fault == FAULT_METHOD_NOT_ALLOWED)
        request_answer_header(&exchange->request, "Allow", allow);
    return fault;
}

/* All that can be said of a request from its headers, in the order that docs/PROTOCOL.md, section
 * 6, gives. */
static enum fault exchange_check(struct exchange *exchange, const struct head *head,
                                 struct why *why)
{
    if (exchange->all->closing)
        return FAULT_SHUTTING_DOWN;
    if (!head_is_framed(head))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "a header is malformed, repeated or not supported");
    enum fault fault = exchange_find_route(exchange);
    if (fault != FAULT_NONE)
        return fault;
    if (head_length(head) > exchange_body_limit(exchange))
        return body_is_too_large(exchange, why);
    if (method_sends(exchange->request.method) && head_has_body(head) && !head_is_json(head))
        return FAULT_UNSUPPORTED_MEDIA_TYPE;
    if (!route_is_open(exchange->route)) {
        fault = exchange_authenticate(exchange);
        exchange->is_members = fault == FAULT_NONE;
    }
    return fault == FAULT_NONE ? exchange_check_query(exchange, why) : fault;
}

/* Whatever else is to be said: who shows no good token may only ask so often. */
static enum fault exchange_admit(struct exchange *exchange, enum fault fault, struct why *why)
{
    struct request *request = &exchange->request;
    bool is_health = exchange->route && exchange->route->access & ACCESS_HEALTH;
    uint32_t retry_after_s = 0;
    char seconds[16];
    if (exchange->is_members || (is_health && peer_is_local(request->address)) ||
        buckets_take(exchange->all->anonymous, request->address, clock_monotonic_ms(),
                     &retry_after_s) == FAULT_NONE)
        return fault;
    snprintf(seconds, sizeof seconds, "%u", retry_after_s);
    request_answer_header(request, "Retry-After", seconds);
    return why_set(why, FAULT_TOO_MANY_REQUESTS,
                   "too many requests without a good token came from this address");
}

static enum MHD_Result forwarded_take(void *userdata, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct exchange *exchange = userdata;
    (void)kind;
    if (value && strcasecmp(name, "X-Forwarded-For") == 0)
        peers_follow(&exchange->all->trusted, value, exchange->connection->address,
                     exchange->request.address);
    return MHD_YES;
}

static void exchange_set_address(struct exchange *exchange)
{
    const uint8_t *peer = exchange->connection->address;
    memcpy(exchange->request.address, peer, sizeof exchange->request.address);
    if (peers_has(&exchange->all->trusted, peer))
        MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, forwarded_take, exchange);
}

/* An id that nobody can guess and that does not repeat, without a system call. */
static void exchange_set_id(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;
    uint64_t count = all->id_count++;
    snprintf(exchange->request.id, sizeof exchange->request.id, "%016" PRIx64,
             bytes_siphash(all->id_key, &count, sizeof count));
}

struct exchange *exchange_new(struct exchanges *all, struct MHD_Connection *mhd,
                              struct connection *connection, const char *method, const char *url)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->request.method = method_parse(method);
    exchange->head_only = strcmp(method, "HEAD") == 0;
    exchange->request.path = url;
    exchange->request.body = "";
    exchange->request.context = all->context;
    exchange->all = all;
    exchange->connection = connection;
    exchange->mhd = mhd;
    all->count++;
    exchange_set_address(exchange);
    exchange_set_id(exchange);
    struct head head = {0};
    struct why why = {0};
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, head_take, &head);
    exchange->authorization = head.authorization; /* stays valid as long as the exchange */
    exchange->closes = !head_is_framed(&head) || head_has_body(&head);
    enum fault fault = exchange_check(exchange, &head, &why);
    fault = exchange_admit(exchange, fault, &why);
    if (fault != FAULT_NONE)
        request_refuse(&exchange->request, fault, &why, NULL);
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    exchange->all->count--;
    stream_close(exchange);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    arena_done(&exchange->request.arena);
    exchange->all->buffered -= exchange->body_capacity;
    free(exchange->body);
    free(exchange);
}

/* Room for `length` more bytes and a NUL, by doubling: what the headers promise is not believed. */
static enum fault body_grow(struct exchange *exchange, size_t length)
{
    struct exchanges *all = exchange->all;
    size_t needed = exchange->request.body_length + length + 1;
    size_t capacity = exchange->body_capacity ? exchange->body_capacity : BODY_ROOM;
    if (needed <= exchange->body_capacity)
        return FAULT_NONE;
    while (capacity < needed)
        capacity *= 2;
    size_t more = capacity - exchange->body_capacity;
    bool large = capacity > all->limits.max_small_body_bytes;
    if (large && all->buffered + more > all->limits.max_buffered_bytes)
        return FAULT_OVERLOADED;
    char *grown = realloc(exchange->body, capacity);
    if (!grown)
        return FAULT_MEMORY;
    all->buffered += more;
    exchange->request.body = exchange->body = grown;
    exchange->body_capacity = capacity;
    return FAULT_NONE;
}

bool exchange_take(struct exchange *exchange, const char *data, size_t length)
{
    size_t limit = exchange_body_limit(exchange);
    exchange->received += length;
    if (exchange->phase == PHASE_ANSWERED)
        return exchange->received <= DRAIN_FACTOR * limit;
    struct request *request = &exchange->request;
    struct why why = {0};
    enum fault fault = exchange->received > limit ? body_is_too_large(exchange, &why)
                                                  : body_grow(exchange, length);
    if (fault) {
        request_refuse(request, fault, why.text[0] ? &why : NULL, NULL);
        return true;
    }
    memcpy(exchange->body + request->body_length, data, length);
    request->body_length += length;
    exchange->body[request->body_length] = '\0';
    return true;
}

/* At the limit, what anyone may read (health, metrics, the federation) still gets through: it is
 * answered at once. */
static bool exchange_may_wait(const struct exchange *exchange)
{
    return exchange->all->waiting_count < exchange->all->limits.max_pending_requests ||
           (route_is_open(exchange->route) && exchange->request.method == METHOD_GET);
}

/* The caller may have been erased while the body was on its way: handlers rely on its being there.
 */
static enum fault exchange_authenticate_again(struct exchange *exchange)
{
    return route_is_open(exchange->route) ? FAULT_NONE : exchange_authenticate(exchange);
}

void exchange_handle(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;
    enum fault fault = FAULT_NONE;
    if (all->closing)
        fault = FAULT_SHUTTING_DOWN;
    else if (!exchange_may_wait(exchange))
        fault = FAULT_OVERLOADED;
    else
        fault = exchange_authenticate_again(exchange);
    if (fault) {
        request_refuse(&exchange->request, fault, NULL, NULL);
        return;
    }
    exchange->phase = PHASE_HANDLING;
    exchange->handled_us = exchange->route->access & ACCESS_PACED ? clock_monotonic_us() : 0;
    exchange->route->handle(&exchange->request);
    if (exchange->phase != PHASE_HANDLING)
        return;
    exchange->phase = PHASE_WAITING;
    TAILQ_INSERT_TAIL(&all->waiting, exchange, queue);
    all->waiting_count += !exchange->held;
}

void exchange_resume(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;
    TAILQ_INSERT_TAIL(&all->answered, exchange, queue);
    all->waiting_count -= !exchange->held;
}
