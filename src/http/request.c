/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http/exchange.h"
#include "http/pace.h"
#include "http/percent.h"
#include "http/problem.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"

struct exchange *exchange_of(struct request *request)
{
    return (struct exchange *)(void *)request;
}

const char *request_parameter(struct request *request, const char *name)
{
    const char *raw = NULL;
    if (MHD_lookup_connection_value_n(exchange_of(request)->mhd, MHD_GET_ARGUMENT_KIND, name,
                                      strlen(name), &raw, NULL) == MHD_NO)
        return NULL;
    if (!raw)
        return "";
    char *text = arena_copy(&request->arena, raw, strlen(raw));
    return text && percent_decode(text) ? text : NULL;
}

const char *request_header(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(exchange_of(request)->mhd, MHD_HEADER_KIND, name);
}

void request_answer_header(struct request *request, const char *name, const char *value)
{
    struct exchange *exchange = exchange_of(request);
    struct header_line *line = arena_alloc(&request->arena, sizeof *line);
    const char *name_copy = arena_copy(&request->arena, name, strlen(name));
    const char *value_copy = arena_copy(&request->arena, value, strlen(value));
    if (!line || !name_copy || !value_copy) {
        exchange->headers_lost = true;
        return;
    }
    *line = (struct header_line){exchange->headers, name_copy, value_copy};
    exchange->headers = line;
}

static bool has_header(const struct exchange *exchange, const char *name)
{
    for (const struct header_line *line = exchange->headers; line; line = line->next)
        if (strcasecmp(line->name, name) == 0)
            return true;
    return false;
}

void request_hold(struct request *request)
{
    struct exchange *exchange = exchange_of(request);
    assert(exchange->phase == PHASE_HANDLING);
    exchange->held = true;
}

bool request_is_gone(const struct request *request)
{
    const struct exchange *exchange = (const struct exchange *)(const void *)request;
    char byte;
    return recv(exchange->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The text of `document` as a body that libmicrohttpd sends without copying it. */
static struct MHD_Response *response_of(struct json_t *document)
{
    size_t length = 0;
    char *text = document_text(document, &length);
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer_with_free_callback(length, text, free) : NULL;
    if (!response)
        free(text);
    return response;
}

/* The body for when there is no memory for any other. */
static struct MHD_Response *response_without_memory(void)
{
    static char text[] =
        "{\"type\":\"urn:continuum:problem:out-of-memory\",\"title\":\"Out of memory\","
        "\"status\":503,\"code\":\"out-of-memory\"}";
    return MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
}

static bool headers_add(struct exchange *exchange, struct MHD_Response *response,
                        const char *media_type)
{
    bool added =
        MHD_add_response_header(response, "X-Request-Id", exchange->request.id) &&
        MHD_add_response_header(response, "Cache-Control", "no-store") &&
        (!media_type || MHD_add_response_header(response, "Content-Type", media_type)) &&
        (!exchange->all->draining || MHD_add_response_header(response, "Connection", "close"));
    for (const struct header_line *line = exchange->headers; added && line; line = line->next)
        added = MHD_add_response_header(response, line->name, line->value);
    return added;
}

void exchange_answer(struct exchange *exchange, unsigned status, struct MHD_Response *response,
                     const char *media_type)
{
    struct exchanges *all = exchange->all;
    assert(exchange->phase != PHASE_ANSWERED);
    if (response && !headers_add(exchange, response, media_type)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    exchange->response = response;
    exchange->status = status;
    if (exchange->phase == PHASE_WAITING) {
        TAILQ_REMOVE(&all->waiting, exchange, queue);
        if (exchange->route->access & ACCESS_PACED)
            pace_keep(exchange);
        else
            exchange_resume(exchange);
    }
    exchange->phase = PHASE_ANSWERED;
}

static void exchange_answer_json(struct exchange *exchange, unsigned status,
                                 struct json_t *document, const char *media_type)
{
    struct MHD_Response *response = response_of(document);
    if (response && !exchange->headers_lost) {
        exchange_answer(exchange, status, response, media_type);
        return;
    }
    if (response)
        MHD_destroy_response(response);
    request_answer_header(&exchange->request, "Retry-After", "1");
    exchange_answer(exchange, fault_http_status(FAULT_MEMORY), response_without_memory(),
                    PROBLEM_TYPE);
}

void request_answer(struct request *request, unsigned status, struct json_t *document)
{
    exchange_answer_json(exchange_of(request), status, document, JSON_TYPE);
}

void request_answer_empty(struct request *request, unsigned status)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    exchange_answer(exchange_of(request), status, response, NULL);
}

void request_refuse(struct request *request, enum fault fault, const struct why *why,
                    struct json_t *members)
{
    struct exchange *exchange = exchange_of(request);
    unsigned status = fault_http_status(fault);
    if (status == 401)
        request_answer_header(request, "WWW-Authenticate", "Bearer");
    if ((status == 429 || status == 503) && !has_header(exchange, "Retry-After"))
        request_answer_header(request, "Retry-After", "1");
    exchange_answer_json(exchange, status, problem_document(fault, why, members), PROBLEM_TYPE);
}
