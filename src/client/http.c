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

enum { RESPONSE_MAX = 32 << 20, CONNECT_TIMEOUT_MS = 10000, REPEATS_MAX = 2, WAIT_MAX_S = 10 };

struct client_http {
    CURL *curl;
    char url[ADDRESS_SIZE];
    char *response; /* of the last exchange */
    size_t response_length, response_size;
    bool response_too_large;
    char error[CURL_ERROR_SIZE];
};

static size_t response_append(char *bytes, size_t size, size_t count, void *context)
{
    struct client_http *http = context;
    size_t length = size * count;
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
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, timeout_ms ? (long)timeout_ms : 60000L);
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
    if (request->token) {
        snprintf(text, sizeof text, "Bearer %s", request->token);
        made = made && header_add(headers, "Authorization", text);
        bytes_wipe(text, sizeof text);
    }
    return made;
}

/* What went wrong below HTTP, said for a person. */
static enum fault transport_fault(const struct client_http *http, CURLcode code, struct why *why)
{
    switch ((int)code) { /* of a hundred values, these are the ones with something better to say */
    case CURLE_COULDNT_RESOLVE_HOST:
        return why_set(why, FAULT_SYSTEM,
                       "%s cannot be found. Check the address and your connection.", http->url);
    case CURLE_COULDNT_CONNECT:
        return why_set(why, FAULT_SYSTEM,
                       "%s does not answer. Is the coordinator running, and the port right?",
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

/* Whether the same once more is permitted and promising; waits for as long as the coordinator asks
 * to. */
static bool repeat_is_due(const struct client_http *http, enum client_repeat repeat, CURLcode code,
                          long status)
{
    curl_off_t wait_s = 0;
    if (code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
        code == CURLE_PARTIAL_FILE)
        return repeat == REPEAT_ALWAYS;
    if (repeat == REPEAT_NEVER || code != CURLE_OK || (status != 429 && status != 503))
        return false;
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &wait_s);
    if (wait_s > WAIT_MAX_S)
        return false;
    nanosleep(&(struct timespec){.tv_sec = wait_s > 0 ? (time_t)wait_s : 1}, NULL);
    return true;
}

static CURLcode exchange(struct client_http *http, const struct client_request *request,
                         long *ret_status)
{
    CURLcode code = CURLE_OK;
    for (int attempt = 0; attempt <= REPEATS_MAX; attempt++) {
        http->response_length = 0;
        http->response_too_large = false;
        http->error[0] = '\0';
        *ret_status = 0;
        code = curl_easy_perform(http->curl);
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, ret_status);
        if (attempt == REPEATS_MAX || !repeat_is_due(http, request->repeat, code, *ret_status))
            break;
    }
    return code;
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
    long status;
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
    /* On a connection that served before, libcurl itself would send again when it breaks. */
    curl_easy_setopt(http->curl, CURLOPT_FRESH_CONNECT, request->repeat == REPEAT_ALWAYS ? 0L : 1L);
    CURLcode code = exchange(http, request, &status);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
    if (code != CURLE_OK)
        return transport_fault(http, code, why);
    return answer_read(http, status, ret, why);
}
