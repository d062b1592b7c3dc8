/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "client/federation.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* A server in a thread that gives one answer after the other, whatever it is asked, and keeps what
 * it got. */
enum { ANSWERS_MAX = 8, REQUEST_MAX = 8192, PATIENCE_MS = 60000 };

#define SILENCE "silence"

struct canned {
    /* Whole responses; one that ends in the middle of a line is cut there; "" closes the
     * connection, SILENCE says nothing. */
    const char *answers[ANSWERS_MAX];
    size_t count, repeat; /* `repeat`: that many bytes of 'x' behind the last */
    int listener;
    pthread_t thread;
    char url[64];
    char requests[ANSWERS_MAX][REQUEST_MAX];
    _Atomic size_t heard; /* read while it serves, too */
    size_t connections;
};

static void request_read(int fd, char request[REQUEST_MAX])
{
    size_t used = 0;
    for (ssize_t got = 1; got > 0 && used < REQUEST_MAX - 1 && !strstr(request, "\r\n\r\n");) {
        got = recv(fd, request + used, REQUEST_MAX - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    const char *length = strstr(request, "Content-Length: ");
    const char *body = strstr(request, "\r\n\r\n");
    size_t wanted = length ? (size_t)strtoul(length + 16, NULL, 10) : 0;
    while (body && strlen(body + 4) < wanted && used < REQUEST_MAX - 1) {
        ssize_t got = recv(fd, request + used, REQUEST_MAX - 1 - used, 0);
        if (got <= 0)
            return;
        used += (size_t)got;
    }
}

static void padding_send(int fd, size_t count)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    while (count > 0) {
        size_t length = count < sizeof block ? count : sizeof block;
        if (send(fd, block, length, MSG_NOSIGNAL) < 0)
            return;
        count -= length;
    }
}

/* Waits for a request on the connection that is there, or for a new connection in its place. */
static int connection_wait(struct canned *canned, int fd)
{
    struct pollfd both[] = {{.fd = canned->listener, .events = POLLIN},
                            {.fd = fd, .events = POLLIN}}; /* poll passes over -1 */
    if (poll(both, 2, -1) < 0 || !both[0].revents)
        return fd;
    if (fd >= 0)
        close(fd);
    canned->connections++;
    return accept(canned->listener, NULL, NULL);
}

static bool is_whole(const char *answer)
{
    size_t length = strlen(answer);
    return length > 0 && strchr("\n}{]>", answer[length - 1]);
}

static void *canned_serve(void *context)
{
    struct canned *canned = context;
    int fd = -1;
    while (canned->heard < canned->count) {
        fd = connection_wait(canned, fd);
        char *request = canned->requests[canned->heard];
        request_read(fd, request);
        const char *answer = *request ? canned->answers[canned->heard++] : "";
        if (strcmp(answer, SILENCE) == 0)
            continue;
        if (*answer && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
            break;
        if (canned->heard == canned->count)
            padding_send(fd, canned->repeat);
        if (!is_whole(answer)) { /* so wanted, or the client has gone */
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void canned_open(struct canned *canned)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    while (canned->count < ANSWERS_MAX && canned->answers[canned->count])
        canned->count++;
    canned->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(canned->listener >= 0);
    assert_int_equal(bind(canned->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(canned->listener, 4), 0);
    assert_int_equal(getsockname(canned->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(canned->url, sizeof canned->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&canned->thread, NULL, canned_serve, canned), 0);
}

/* Waits until every answer was asked for: a test in which one is left over does not end well. */
static void canned_close(struct canned *canned)
{
    pthread_join(canned->thread, NULL);
    close(canned->listener);
}

static enum fault call_once(struct canned *canned, const struct client_request *request,
                            json_t **ret, struct why *why)
{
    _cleanup_(client_http_done) struct client_http *http = NULL;
    canned_open(canned);
    assert_int_equal(client_http_open(canned->url, PATIENCE_MS, &http), FAULT_NONE);
    enum fault fault = client_http_call(http, request, ret, why);
    canned_close(canned);
    return fault;
}

static const struct client_request reading = {
    .method = "GET", .path = "/v1/x", .repeat = REPEAT_ALWAYS};

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static void a_request_carries_body_type_and_token(void **state)
{
    (void)state;
    struct canned canned = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"}};
    _cleanup_(json_done) json_t *body = json_pack("{s:f}", "confidence", 0.8);
    _cleanup_(json_done) json_t *answer = NULL;
    struct client_request request = {
        .method = "POST", .path = "/v1/y", .body = body, .token = "secret"};
    assert_int_equal(call_once(&canned, &request, &answer, NULL), FAULT_NONE);
    assert_int_equal(json_integer_value(json_object_get(answer, "a")), 1);
    assert_memory_equal(canned.requests[0], "POST /v1/y HTTP/1.1\r\n", 21);
    assert_non_null(strstr(canned.requests[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(canned.requests[0], "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(canned.requests[0], "\r\n\r\n{\"confidence\":0.8}"));
}

static void nothing_of_one_request_leaks_into_the_next_on_the_same_connection(void **state)
{
    (void)state;
    struct canned canned = {.answers = {OK_EMPTY, OK_EMPTY, OK_EMPTY}};
    _cleanup_(json_done) json_t *body = json_pack("{s:i}", "a", 1);
    _cleanup_(json_done) json_t *first = NULL;
    _cleanup_(json_done) json_t *second = NULL;
    _cleanup_(json_done) json_t *third = NULL;
    _cleanup_(client_http_done) struct client_http *http = NULL;
    canned_open(&canned);
    assert_int_equal(client_http_open(canned.url, PATIENCE_MS, &http), FAULT_NONE);
    assert_int_equal(
        client_http_call(http,
                         &(struct client_request){
                             .method = "POST", .path = "/v1/y", .body = body, .token = "secret"},
                         &first, NULL),
        FAULT_NONE);
    assert_int_equal(client_http_call(http, &reading, &second, NULL), FAULT_NONE);
    assert_int_equal(
        client_http_call(
            http,
            &(struct client_request){.method = "DELETE", .path = "/v1/z", .repeat = REPEAT_ALWAYS},
            &third, NULL),
        FAULT_NONE);
    canned_close(&canned);
    assert_int_equal(canned.connections, 1);
    assert_memory_equal(canned.requests[1], "GET /v1/x HTTP/1.1\r\n", 20);
    assert_memory_equal(canned.requests[2], "DELETE /v1/z HTTP/1.1\r\n", 23);
    for (size_t i = 1; i < 3; i++) {
        assert_null(strstr(canned.requests[i], "Authorization"));
        assert_null(strstr(canned.requests[i], "Content-Type"));
        assert_null(strstr(canned.requests[i], "{\"a\""));
    }
}

struct heard {
    char bytes[64];
    size_t length, enough;
};

static bool hear(void *context, const char *bytes, size_t length)
{
    struct heard *heard = context;
    assert_true(heard->length + length < sizeof heard->bytes);
    memcpy(heard->bytes + heard->length, bytes, length);
    heard->length += length;
    return heard->length < heard->enough;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static enum fault stream_once(struct canned *canned, struct heard *heard, struct why *why)
{
    struct client_sink sink = {hear, heard};
    struct client_request request = {
        .method = "GET", .path = "/v1/x", .repeat = REPEAT_IF_REFUSED, .sink = &sink};
    json_t *answer = NULL;
    enum fault fault = call_once(canned, &request, &answer, why);
    assert_null(answer);
    return fault;
}

static void a_sink_gets_what_comes(void **state)
{
    (void)state;
    struct canned canned = {.answers = {CHUNKED "3\r\none\r\n4\r\ntwo\n\r\n0\r\n\r\n"}};
    struct heard heard = {.enough = 64};
    assert_int_equal(stream_once(&canned, &heard, NULL), FAULT_NONE);
    assert_string_equal(heard.bytes, "onetwo\n");
    assert_non_null(strstr(canned.requests[0], "Accept-Encoding: gzip\r\n"));
}

static void a_sink_has_what_came_before_the_connection_broke_and_gets_it_once(void **state)
{
    (void)state;
    struct canned canned = {.answers = {CHUNKED "3\r\none\r\n"}};
    struct heard heard = {.enough = 64};
    struct why why = {""};
    assert_int_equal(stream_once(&canned, &heard, &why), FAULT_SYSTEM);
    assert_string_equal(heard.bytes, "one");
    assert_non_null(strstr(why.text, "failed"));
}

static void a_sink_that_wants_no_more_ends_the_call(void **state)
{
    (void)state;
    struct canned canned = {.answers = {CHUNKED "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"}};
    struct heard heard = {.enough = 3};
    assert_int_equal(stream_once(&canned, &heard, NULL), FAULT_SYSTEM);
    assert_memory_equal(heard.bytes, "one", 3);
}

static void a_sink_gets_no_problem_document(void **state)
{
    (void)state;
    struct canned canned = {.answers = {"HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n"
                                        "{\"code\":\"not-found\"}"}};
    struct heard heard = {.enough = 64};
    assert_int_equal(stream_once(&canned, &heard, NULL), FAULT_NOT_FOUND);
    assert_int_equal(heard.length, 0);
}

static void a_problem_document_becomes_fault_and_sentence(void **state)
{
    (void)state;
    struct canned canned = {
        .answers = {"HTTP/1.1 402 Payment Required\r\nContent-Type: application/problem+json\r\n"
                    "Content-Length: 61\r\n\r\n"
                    "{\"code\":\"insufficient-credits\",\"status\":402,\"detail\":\"Empty\"}"}};
    struct why why = {0};
    json_t *answer = NULL;
    assert_int_equal(call_once(&canned, &reading, &answer, &why), FAULT_INSUFFICIENT_CREDITS);
    assert_null(answer);
    assert_non_null(strstr(why.text, "Empty. Contribute"));
}

static void a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct canned canned = {.answers = {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                                        "Content-Length: 0\r\n\r\n"}};
    json_t *answer = NULL;
    assert_int_equal(call_once(&canned, &reading, &answer, NULL), FAULT_INVALID_REQUEST);
    assert_int_equal(canned.heard, 1);
}

static void an_answer_that_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"a\":1,\"a\":2}",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct canned canned = {.answers = {answers[i]}};
        json_t *answer = NULL;
        assert_int_equal(call_once(&canned, &reading, &answer, NULL), FAULT_CORRUPT);
    }
}

static void an_endless_answer_is_cut_off(void **state)
{
    (void)state;
    struct canned canned = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{"},
                            .repeat = 40 << 20};
    struct why why = {0};
    json_t *answer = NULL;
    assert_int_equal(call_once(&canned, &reading, &answer, &why), FAULT_CORRUPT);
    assert_non_null(strstr(why.text, "32 MiB"));
}

static void a_broken_connection_is_tried_again_only_where_that_is_harmless(void **state)
{
    (void)state;
    struct canned harmless = {.answers = {"", OK_EMPTY}};
    struct canned charged = {.answers = {""}};
    struct client_request query = {
        .method = "POST", .path = "/v1/queries", .repeat = REPEAT_IF_REFUSED};
    _cleanup_(json_done) json_t *answer = NULL;
    json_t *none = NULL;
    assert_int_equal(call_once(&harmless, &reading, &answer, NULL), FAULT_NONE);
    assert_int_equal(call_once(&charged, &query, &none, NULL), FAULT_SYSTEM);
    assert_int_equal(charged.heard, 1);
}

/* Wherever the answer is cut: libcurl has another word for each. */
static void a_lost_answer_is_asked_for_again_with_the_same_key_and_bytes(void **state)
{
    (void)state;
    static const char *const cuts[] = {
        "",
        "HT",
        "HTTP/1.1 2",
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\"",
    };
    _cleanup_(json_done) json_t *body = json_pack("{s:i}", "a", 1);
    struct client_request request = {.method = "POST",
                                     .path = "/v1/queries",
                                     .body = body,
                                     .key = "of-this-request",
                                     .repeat = REPEAT_ALWAYS};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct canned canned = {.answers = {cuts[i], OK_EMPTY}};
        _cleanup_(json_done) json_t *answer = NULL;
        struct why why = {""};
        if (call_once(&canned, &request, &answer, &why))
            fail_msg("cut behind \"%s\": %s", cuts[i], why.text);
        assert_true(json_is_object(answer));
        assert_string_equal(canned.requests[0], canned.requests[1]);
        assert_non_null(strstr(canned.requests[1], "Idempotency-Key: of-this-request\r\n"));
        assert_non_null(strstr(canned.requests[1], "\r\n\r\n{\"a\":1}"));
    }
}

static void a_request_whose_answers_are_all_lost_is_given_up(void **state)
{
    (void)state;
    struct canned canned = {.answers = {"", "HTTP/1", "", "", "HTTP/1.1 200 OK\r\n\r", ""}};
    struct client_request request = {
        .method = "POST", .path = "/v1/queries", .key = "k", .repeat = REPEAT_ALWAYS};
    struct why why = {""};
    json_t *none = NULL;
    assert_int_equal(call_once(&canned, &request, &none, &why), FAULT_SYSTEM);
    assert_int_equal(canned.heard, 6);
    assert_non_null(strstr(why.text, "6 tries"));
    assert_non_null(strstr(why.text, "not known"));
}

/* How often it is asked in one call; SIZE_MAX: not known, for the machine stood still. */
static size_t silent_heard(unsigned limit_ms)
{
    struct canned canned = {.answers = {SILENCE, SILENCE, OK_EMPTY}};
    struct client_request request = {
        .method = "POST", .path = "/v1/queries", .key = "k", .repeat = REPEAT_ALWAYS};
    _cleanup_(client_http_done) struct client_http *http = NULL;
    _cleanup_(json_done) json_t *after = NULL;
    json_t *none = NULL;
    canned_open(&canned);
    assert_int_equal(client_http_open(canned.url, limit_ms, &http), FAULT_NONE);
    uint64_t start_ms = clock_monotonic_ms();
    assert_int_equal(client_http_call(http, &request, &none, NULL), FAULT_SYSTEM);
    uint64_t elapsed_ms = clock_monotonic_ms() - start_ms;
    size_t heard = canned.heard;
    while (client_http_call(http, &request, &after, NULL) != FAULT_NONE)
        assert_true(canned.heard < canned.count);
    canned_close(&canned);
    return heard < 2 && elapsed_ms >= 2 * (uint64_t)limit_ms ? SIZE_MAX : heard;
}

static void a_silent_coordinator_is_asked_again_within_two_time_limits(void **state)
{
    (void)state;
    size_t heard = SIZE_MAX;
    for (unsigned limit_ms = 400; limit_ms < 10000 && heard == SIZE_MAX; limit_ms *= 2)
        heard = silent_heard(limit_ms);
    assert_int_equal(heard, 2);
}

static void a_query_is_not_sent_twice_when_a_kept_connection_breaks(void **state)
{
    (void)state;
    struct canned canned = {.answers = {OK_EMPTY, "", OK_EMPTY}};
    struct client_request query = {
        .method = "POST", .path = "/v1/queries", .repeat = REPEAT_IF_REFUSED};
    _cleanup_(json_done) json_t *before = NULL;
    _cleanup_(json_done) json_t *after = NULL;
    json_t *none = NULL;
    _cleanup_(client_http_done) struct client_http *http = NULL;
    canned_open(&canned);
    assert_int_equal(client_http_open(canned.url, PATIENCE_MS, &http), FAULT_NONE);
    assert_int_equal(client_http_call(http, &reading, &before, NULL), FAULT_NONE);
    assert_int_equal(client_http_call(http, &query, &none, NULL), FAULT_SYSTEM);
    assert_int_equal(client_http_call(http, &reading, &after, NULL), FAULT_NONE);
    canned_close(&canned);
    assert_memory_equal(canned.requests[2], "GET", 3);
}

#define BUSY(after)                                                                                \
    "HTTP/1.1 503 Busy\r\nRetry-After: " after                                                     \
    "\r\nContent-Length: 21\r\n\r\n{\"code\":\"overloaded\"}"

static void a_busy_coordinator_is_asked_again_but_not_forever(void **state)
{
    (void)state;
    struct canned soon = {.answers = {BUSY("1"), OK_EMPTY}};
    struct canned late = {.answers = {BUSY("3600")}};
    struct canned nonce = {.answers = {BUSY("1")}};
    struct client_request once = {.method = "POST", .path = "/v1/tokens", .repeat = REPEAT_NEVER};
    _cleanup_(json_done) json_t *answer = NULL;
    json_t *none = NULL;
    assert_int_equal(call_once(&soon, &reading, &answer, NULL), FAULT_NONE);
    assert_int_equal(call_once(&late, &reading, &none, NULL), FAULT_OVERLOADED);
    assert_int_equal(call_once(&nonce, &once, &none, NULL), FAULT_OVERLOADED);
}

static void a_port_where_nobody_listens_makes_a_sentence(void **state)
{
    (void)state;
    struct why why = {0};
    json_t *answer = NULL;
    _cleanup_(client_http_done) struct client_http *http = NULL;
    assert_int_equal(client_http_open("http://127.0.0.1:1", 2000, &http), FAULT_NONE);
    assert_int_equal(client_http_call(http, &reading, &answer, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "does not answer"));
}

/* --- GET /v1/federation: signed by the coordinator of the vectors --- */

#define COORDINATOR_KEY "faG-E5sfiK9QtDT60PvMbJdpCHd0wcq6TxuvVj-vAPE"
#define FEDERATION(k, oprf_url)                                                                    \
    "{\"protocol\":\"cfed/v1\",\"name\":\"x\",\"federation_id\":\"wY4jRiitypCey0UFxNdtAg\","       \
    "\"coordinator_key\":\"" COORDINATOR_KEY "\",\"key_check\":\"Z3NQYEHEn30\","                   \
    "\"epoch\":{\"number\":7,\"k\":" k ",\"token_bits\":32,"                                       \
    "\"oprf_public_key\":\"3G6ecdV2YDjSPxgvCN6wTjQExe-FVmSjY1SkfeGeHyg\",\"oprf_url\":" oprf_url   \
    ",\"started_at\":\"2026-01-02T03:04:05Z\",\"signature\":\"_MKWx2E2qA6cJEu3tIRbS3d0ITXwvTFV5RC" \
    "s_tcsnNV5RJYZX0Q0sI05_mWlbOQWXSqXeGvs6elm8yn6pbb-AQ\"},"                                      \
    "\"epochs\":[{\"number\":7,\"k\":3,\"token_bits\":32}],"                                       \
    "\"levels\":{\"minimal\":{\"max_records\":20},\"standard\":{\"max_records\":100},"             \
    "\"extensive\":{\"max_records\":1000}},\"limits\":{\"max_body_bytes\":4194304}}"

static enum fault federation_get(const char *body, const struct profile *profile,
                                 struct federation *ret, struct why *why)
{
    char answer[4096];
    _cleanup_(client_http_done) struct client_http *http = NULL;
    struct canned canned = {.answers = {answer}};
    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    canned_open(&canned);
    assert_int_equal(client_http_open(canned.url, PATIENCE_MS, &http), FAULT_NONE);
    enum fault fault = client_federation_get(http, profile, ret, why);
    canned_close(&canned);
    return fault;
}

static const struct profile pinned = {
    .coordinator_key = COORDINATOR_KEY,
    .federation_id = "wY4jRiitypCey0UFxNdtAg",
    .federation_key = "i8uVbitAe6Fx1YlN2ZMGlgTzb0D9JNbv_L9elPX1ni8",
};

static void a_signed_federation_is_read(void **state)
{
    (void)state;
    struct federation federation;
    struct why why = {0};
    struct profile unknown = {0};
    if (federation_get(FEDERATION("3", "null"), &unknown, &federation, &why))
        fail_msg("%s", why.text);
    assert_string_equal(federation.coordinator_key, COORDINATOR_KEY);
    assert_int_equal(federation.epoch.number, 7);
    assert_int_equal(federation.epoch.k, 3);
    assert_int_equal(federation.levels[1].max_records, 100);
    assert_int_equal(federation.max_body_bytes, 4194304);
    assert_int_equal(federation.epoch_count, 1);
}

static void a_federation_whose_signature_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct federation federation;
    assert_int_equal(federation_get(FEDERATION("2", "null"), &pinned, &federation, NULL),
                     FAULT_SIGNATURE_INVALID);
    assert_int_equal(
        federation_get(FEDERATION("3", "\"https://x.example\""), &pinned, &federation, NULL),
        FAULT_SIGNATURE_INVALID);
}

static void another_coordinator_or_federation_is_refused(void **state)
{
    (void)state;
    struct federation federation;
    struct profile other_key = pinned, other_id = pinned;
    other_key.coordinator_key[0] = 'g';
    other_id.federation_id[0] = 'x';
    assert_int_equal(federation_get(FEDERATION("3", "null"), &other_key, &federation, NULL),
                     FAULT_SIGNATURE_INVALID);
    assert_int_equal(federation_get(FEDERATION("3", "null"), &other_id, &federation, NULL),
                     FAULT_SIGNATURE_INVALID);
}

static void a_federation_with_another_key_is_refused(void **state)
{
    (void)state;
    struct federation federation;
    struct profile other = pinned;
    other.federation_key[0] = 'j';
    assert_int_equal(federation_get(FEDERATION("3", "null"), &pinned, &federation, NULL),
                     FAULT_NONE);
    assert_int_equal(federation_get(FEDERATION("3", "null"), &other, &federation, NULL),
                     FAULT_WRONG_FEDERATION_KEY);
}

static void what_is_no_coordinator_is_told_so(void **state)
{
    (void)state;
    struct federation federation;
    struct why why = {0};
    assert_int_equal(federation_get("{\"hello\":\"world\"}", &pinned, &federation, &why),
                     FAULT_CORRUPT);
    assert_non_null(strstr(why.text, "cfed/v1"));
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() != FAULT_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_carries_body_type_and_token),
        cmocka_unit_test(nothing_of_one_request_leaks_into_the_next_on_the_same_connection),
        cmocka_unit_test(a_sink_gets_what_comes),
        cmocka_unit_test(a_sink_has_what_came_before_the_connection_broke_and_gets_it_once),
        cmocka_unit_test(a_sink_that_wants_no_more_ends_the_call),
        cmocka_unit_test(a_sink_gets_no_problem_document),
        cmocka_unit_test(a_problem_document_becomes_fault_and_sentence),
        cmocka_unit_test(a_redirect_is_not_followed),
        cmocka_unit_test(an_answer_that_is_no_object_is_refused),
        cmocka_unit_test(an_endless_answer_is_cut_off),
        cmocka_unit_test(a_broken_connection_is_tried_again_only_where_that_is_harmless),
        cmocka_unit_test(a_lost_answer_is_asked_for_again_with_the_same_key_and_bytes),
        cmocka_unit_test(a_request_whose_answers_are_all_lost_is_given_up),
        cmocka_unit_test(a_silent_coordinator_is_asked_again_within_two_time_limits),
        cmocka_unit_test(a_query_is_not_sent_twice_when_a_kept_connection_breaks),
        cmocka_unit_test(a_busy_coordinator_is_asked_again_but_not_forever),
        cmocka_unit_test(a_port_where_nobody_listens_makes_a_sentence),
        cmocka_unit_test(a_signed_federation_is_read),
        cmocka_unit_test(a_federation_whose_signature_does_not_fit_is_refused),
        cmocka_unit_test(another_coordinator_or_federation_is_refused),
        cmocka_unit_test(a_federation_with_another_key_is_refused),
        cmocka_unit_test(what_is_no_coordinator_is_told_so),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
