/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/address.h"
#include "client/problem.h"
#include "continuum/client.h"
#include "crypto/bytes.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum {
    RESPONSE_MAX = 32 << 20,
    CONNECT_TIMEOUT_MS = 10000,
    TIMEOUT_MS = 60000,
    TRIES_MAX = 6,      /* of one request whose answers are lost */
    TIMEOUTS_MAX = 2,   /* no other try once the first was so many time limits ago */
    BUSY_TRIES_MAX = 3, /* of one that a busy coordinator refuses */
    PAUSE_MS = 100,     /* before the second try; doubled before each further one */
    WAIT_MAX_S = 10
};

struct client_http {
    CURL *curl;
    unsigned timeout_ms;
    char url[ADDRESS_SIZE];
    char *response; /* of the last exchange */
    size_t response_length, response_size;
    bool response_too_large;
    const struct client_sink *sink; /* of the call that is under way */
    char error[CURL_ERROR_SIZE];
};

static size_t response_append(char *bytes, size_t size, size_t count, void *context)
{
    struct client_http *http = context;
    size_t length = size * count;
    long status = 0;
    if (http->sink)
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return http->sink->take(http->sink->context, bytes, length) ? length : 0;
    if (length > RESPONSE_MAX - http->response_length) {
        http->response_too_large = true;
        return 0;
    }
    if (http->response_length + length > http->response_size) {
        size_t room = (http->response_length + length) * 2;
        char *grown = realloc(http->response, room);
        if (!grown)
            return 0;
        http->response = grown;
        http->response_size = room;
    }
    memcpy(http->response + http->response_length, bytes, length);
    http->response_length += length;
    return length;
}

enum fault client_http_open(const char *url, unsigned timeout_ms, struct client_http **ret)
{
    _cleanup_(client_http_done) struct client_http *http = calloc(1, sizeof *http);
    if (!http || !(http->curl = curl_easy_init()))
        return FAULT_MEMORY;
    snprintf(http->url, sizeof http->url, "%s", url);
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    http->timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS;
    curl_easy_setopt(http->curl, CURLOPT_USERAGENT, "continuum-fed/" CONTINUUM_VERSION);
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, response_append);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    if (address_is_loopback(url)) /* a proxy would carry the token off this machine */
        curl_easy_setopt(http->curl, CURLOPT_PROXY, "");
    *ret = TAKE(http);
    return FAULT_NONE;
}

void client_http_close(struct client_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    free(http->response);
    free(http);
}

void client_http_done(struct client_http **http)
{
    client_http_close(*http);
}

void json_done(struct json_t **json)
{
    json_decref(*json);
}

static void headers_done(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static bool header_add(struct curl_slist **headers, const char *name, const char *value)
{
    char line[512];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer)
        *headers = longer;
    bytes_wipe(line, sizeof line);
    return longer != NULL;
}

static bool headers_make(const struct client_request *request, struct curl_slist **headers)
{
    char text[256];
    bool made = header_add(headers, "Accept", "application/json, application/problem+json") &&
                header_add(headers, "Expect", ""); /* spares a round trip on large bodies */
    if (request->body)
        made = made && header_add(headers, "Content-Type", "application/json");
    if (request->key)
        made = made && header_add(headers, "Idempotency-Key", request->key);
    if (request->token) {
        snprintf(text, sizeof text, "Bearer %s", request->token);
        made = made && header_add(headers, "Authorization", text);
        bytes_wipe(text, sizeof text);
    }
    return made;
}

static void patience_set(struct client_http *http)
{
    bool streams = http->sink != NULL;
    long seconds = ((long)http->timeout_ms + 999) / 1000;
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, streams ? 0L : (long)http->timeout_ms);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, streams ? 1L : 0L);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, streams ? seconds : 0L);
    curl_easy_setopt(http->curl, CURLOPT_ACCEPT_ENCODING, streams ? "gzip" : NULL);
}

/* What went wrong below HTTP, said for a person. */
static enum fault transport_fault(const struct client_http *http, CURLcode code, struct why *why)
{
    switch ((int)code) { /* of a hundred values, these are the ones with something better to say */
    case CURLE_COULDNT_RESOLVE_HOST:
        return why_set(why, FAULT_SYSTEM,
                       "%s cannot be found. Check the address and your connection.", http->url);
    case CURLE_COULDNT_CONNECT:
        return why_set(why, FAULT_SYSTEM, "%s does not answer. Is it running, and the port right?",
                       http->url);
    case CURLE_OPERATION_TIMEDOUT:
        return why_set(why, FAULT_SYSTEM, "%s did not answer in time. Try again.", http->url);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return why_set(why, FAULT_SYSTEM, "%.80s has no certificate that can be trusted: %.100s.",
                       http->url, http->error);
    default:
        if (http->response_too_large)
            return why_set(why, FAULT_CORRUPT, "The answer is over %d MiB; it was not read.",
                           RESPONSE_MAX >> 20);
        return why_set(why, FAULT_SYSTEM, "The connection to %.80s failed: %.100s.", http->url,
                       http->error[0] ? http->error : curl_easy_strerror(code));
    }
}

/* Whether the request may have arrived, and its answer, or a part of it, did not. */
static bool is_lost(CURLcode code)
{
    switch ((int)code) { /* of a hundred values */
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that was cut in "HTTP/1.1" */
    case CURLE_WEIRD_SERVER_REPLY:
        return true;
    default:
        return false;
    }
}

/* A try at a request, and those before it. */
struct
try {
    CURLcode code;
    long status;
    unsigned count;
    bool lost; /* any of them */
    uint64_t started_ms;
};

/* What a sink takes may be nothing, but something says where it ends. */
static bool end_is_known(const struct client_http *http)
{
    struct curl_header *header;
    long version = 0;
    curl_easy_getinfo(http->curl, CURLINFO_HTTP_VERSION, &version);
    return http->sink && (version >= CURL_HTTP_VERSION_2_0 ||
                          curl_easy_header(http->curl, "Transfer-Encoding", 0, CURLH_HEADER, -1,
                                           &header) == CURLHE_OK);
}

/* libcurl takes headers that end in the middle for an answer; then nothing says how long it is. */
static CURLcode try_once(struct client_http *http, struct try *try)
{
    curl_off_t length = -1;
    http->response_length = 0;
    http->response_too_large = false;
    http->error[0] = '\0';
    try->status = 0;
    CURLcode code = curl_easy_perform(http->curl);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &try->status);
    curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    bool is_cut =
        length < 0 && http->response_length == 0 && try->status != 204 && !end_is_known(http);
    return code == CURLE_OK && is_cut ? CURLE_GOT_NOTHING : code;
}

static void pause_ms(uint64_t ms)
{
    nanosleep(
        &(struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000},
        NULL);
}

/* Whether the coordinator asks for patience that it may have; then it had it. */
static bool busy_wait(const struct client_http *http, enum client_repeat repeat,
                      const struct try *try)
{
    curl_off_t wait_s = 0;
    if (repeat == REPEAT_NEVER || try->code != CURLE_OK || try->count >= BUSY_TRIES_MAX ||
        (try->status != 429 && try->status != 503))
        return false;
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &wait_s);
    if (wait_s > WAIT_MAX_S)
        return false;
    pause_ms(wait_s > 0 ? (uint64_t)wait_s * 1000 : 1000);
    return true;
}

/* The same for an answer that was lost. Once one was, a coordinator that is away may come back. */
static bool lost_wait(const struct client_http *http, enum client_repeat repeat,
                      const struct try *try)
{
    bool is_away = try->code == CURLE_COULDNT_CONNECT || try->code == CURLE_SSL_CONNECT_ERROR;
    uint64_t most_ms = (uint64_t)TIMEOUTS_MAX * http->timeout_ms;
    if (repeat != REPEAT_ALWAYS || try->count >= TRIES_MAX ||
        clock_monotonic_ms() - try->started_ms >= most_ms)
        return false;
    if (!is_lost(try->code) && !(is_away && try->lost))
        return false;
    pause_ms((uint64_t)PAUSE_MS << (try->count - 1));
    return true;
}

static void exchange(struct client_http *http, const struct client_request *request,
                     struct try *try)
{
    *try = (struct try){.started_ms = clock_monotonic_ms()};
    do {
        try->code = try_once(http, try);
        try->count++;
        try->lost |= is_lost(try->code);
    } while (lost_wait(http, request->repeat, try) || busy_wait(http, request->repeat, try));
}

static enum fault answer_read(const struct client_http *http, long status, struct json_t **ret,
                              struct why *why)
{
    json_t *answer = NULL;
    if (http->response_length)
        answer = json_loadb(http->response, http->response_length, JSON_REJECT_DUPLICATES, NULL);
    if (status < 200 || status >= 300) {
        enum fault fault = problem_fault(status, answer, why);
        json_decref(answer);
        return fault;
    }
    if (http->response_length && !json_is_object(answer)) {
        json_decref(answer);
        return why_set(why, FAULT_CORRUPT,
                       "%s answered with something else than JSON. Is it a coordinator?",
                       http->url);
    }
    *ret = answer;
    return FAULT_NONE;
}

enum fault client_http_call(struct client_http *http, const struct client_request *request,
                            struct json_t **ret, struct why *why)
{
    char url[ADDRESS_SIZE + 256];
    struct try try;
    _cleanup_(headers_done) struct curl_slist *headers = NULL;
    _cleanup_(free_pointer) char *body = NULL;
    if (request->body) {
        body = json_dumps(request->body, JSON_COMPACT | JSON_REAL_PRECISION(15));
        if (!body)
            return FAULT_MEMORY;
    }
    if (!headers_make(request, &headers))
        return FAULT_MEMORY;
    snprintf(url, sizeof url, "%s%s", http->url, request->path);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, body ? 0L : 1L);
    if (body) {
        curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    }
    curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, request->method);
    http->sink = request->sink;
    patience_set(http);
    /* On a connection that served before, libcurl itself would send again when it breaks. */
    curl_easy_setopt(http->curl, CURLOPT_FRESH_CONNECT, request->repeat == REPEAT_ALWAYS ? 0L : 1L);
    exchange(http, request, &try);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
    if (try.code != CURLE_OK && try.lost && request->key)
        return why_set(why, FAULT_SYSTEM,
                       "%.80s gave no whole answer in %u tries. Whether it did what you asked for "
                       "is not known: your credits tell.",
                       http->url, try.count);
    if (try.code != CURLE_OK)
        return transport_fault(http, try.code, why);
    return answer_read(http, try.status, ret, why);
}
