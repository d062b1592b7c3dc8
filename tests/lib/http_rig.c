/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto/bytes.h"
#include "http/stream.h"
#include "util/clock.h"

enum { PATIENCE_MS = 10000, TURN_MS = 4, STEP_MAX_US = 5000 };

uint64_t __real_clock_monotonic_us(void);
uint64_t __wrap_clock_monotonic_us(void);
uint64_t __wrap_clock_monotonic_ms(void);

uint64_t __wrap_clock_monotonic_us(void)
{
    static uint64_t seen_us, now_us;
    uint64_t real_us = __real_clock_monotonic_us();
    uint64_t step_us = real_us - seen_us;
    now_us += step_us < STEP_MAX_US ? step_us : STEP_MAX_US;
    seen_us = real_us;
    return now_us;
}

uint64_t __wrap_clock_monotonic_ms(void)
{
    return __wrap_clock_monotonic_us() / 1000;
}

static void count(struct request *request)
{
    struct rig *rig = request->context;
    rig->handled++;
}

static void big(struct request *request)
{
    count(request);
    char *text = malloc(RIG_BIG_BODY);
    assert_non_null(text);
    memset(text, 'x', RIG_BIG_BODY);
    request_answer(request, 200, json_pack("{s:s%}", "text", text, (size_t)RIG_BIG_BODY));
    free(text);
}

static void stream_closed(void *userdata)
{
    struct rig *rig = userdata;
    rig->closed++;
}

static void piece_give(struct request *request, void *userdata)
{
    static const char piece[RIG_PIECE];
    struct rig *rig = userdata;
    if (rig->pulls++ < rig->pieces)
        stream_give(request, piece, sizeof piece);
    else
        stream_end(request, NULL, 0);
}

static void stream(struct request *request)
{
    count(request);
    request_answer_stream(request, "text/plain",
                          &(struct stream_source){piece_give, stream_closed, request->context});
}

static void piece_park(struct request *request, void *userdata)
{
    struct rig *rig = userdata;
    rig->pulls++;
    rig->pulled = request;
}

static void stream_parked(struct request *request)
{
    count(request);
    request_answer_stream(request, "text/plain",
                          &(struct stream_source){piece_park, stream_closed, request->context});
}

static void health(struct request *request)
{
    count(request);
    request_answer(request, 200, json_object());
}

static void echo(struct request *request)
{
    count(request);
    assert_int_equal(request->body[request->body_length], '\0');
    request_answer(
        request, 201,
        json_pack("{s:I, s:s}", "length", (json_int_t)request->body_length, "body", request->body));
}

static void parked(struct request *request)
{
    struct rig *rig = request->context;
    count(request);
    assert_true(rig->parked_count < RIG_PARKED_MAX);
    rig->parked[rig->parked_count++] = request;
}

static void held(struct request *request)
{
    request_hold(request);
    parked(request);
}

static void query(struct request *request)
{
    char address[33];
    count(request);
    for (size_t i = 0; i < 16; i++)
        snprintf(address + 2 * i, 3, "%02x", request->address[i]);
    request_answer(request, 200,
                   json_pack("{s:s?, s:s?, s:s, s:I}", "a", request_parameter(request, "a"), "b",
                             request_parameter(request, "b"), "address", address, "caller",
                             (json_int_t)request->caller));
}

static void thing_delete(struct request *request)
{
    count(request);
    request_answer_header(request, "X-Thing", request->captures[0]);
    request_answer_empty(request, 202);
}

static void thing_get(struct request *request)
{
    count(request);
    request_answer(request, 200, json_pack("{s:s}", "id", request->captures[0]));
}

static const struct route routes[] = {
    {METHOD_GET, "/big", ACCESS_ANYONE, big},
    {METHOD_GET, "/health", ACCESS_HEALTH, health},
    {METHOD_POST, "/open", ACCESS_ANYONE, echo},
    {METHOD_GET, "/stream", ACCESS_ANYONE, stream},
    {METHOD_POST, "/v1/echo", ACCESS_MEMBER, echo},
    {METHOD_GET, "/v1/held", ACCESS_MEMBER, held},
    {METHOD_GET, "/v1/paced", ACCESS_MEMBER | ACCESS_PACED, parked},
    {METHOD_GET, "/v1/parked", ACCESS_MEMBER, parked},
    {METHOD_GET, "/v1/query", ACCESS_MEMBER, query},
    {METHOD_GET, "/v1/stream", ACCESS_MEMBER, stream_parked},
    {METHOD_DELETE, "/v1/things/{id}", ACCESS_MEMBER, thing_delete},
    {METHOD_GET, "/v1/things/{id}", ACCESS_MEMBER, thing_get},
};

static enum fault authenticate(struct request *request, const char *text, size_t length)
{
    if (length != 4 || memcmp(text, "good", 4) != 0)
        return FAULT_TOKEN_INVALID;
    request->caller = 7;
    return FAULT_NONE;
}

static const struct router router = {routes, sizeof routes / sizeof *routes, authenticate};

struct server_settings rig_settings(void)
{
    return (struct server_settings){
        .limits =
            {
                .max_connections = 200,
                .max_connections_per_address = 200,
                .max_header_bytes = 8192,
                .max_body_bytes = 65536,
                .max_small_body_bytes = 65536,
                .max_buffered_bytes = 1 << 20,
                .request_timeout_s = 20,
                .idle_timeout_s = 20,
                .max_pending_requests = RIG_PARKED_MAX,
                .anonymous_burst = 1000000,
                .anonymous_per_minute = 1000000,
            },
        .trusted_proxies = "",
    };
}

void rig_open(struct rig *rig, const struct server_settings *settings)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct why why = {0};
    *rig = (struct rig){.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(crypto_init(), FAULT_NONE);
    assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(rig->listen_fd, 1024), 0);
    assert_int_equal(getsockname(rig->listen_fd, (struct sockaddr *)&address, &length), 0);
    rig->port = ntohs(address.sin_port);
    assert_int_equal(server_open(settings, rig->listen_fd, &router, rig, &rig->server, &why),
                     FAULT_NONE);
}

void rig_close(struct rig *rig)
{
    server_close(rig->server);
    rig->server = NULL;
    assert_int_equal(close(rig->listen_fd), 0);
}

int rig_set_up(void **state)
{
    struct server_settings settings = rig_settings();
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig_open(rig, &settings);
    *state = rig;
    return 0;
}

int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    free(rig);
    return 0;
}

void rig_turn(struct rig *rig, int wait_ms)
{
    struct pollfd wait = {.fd = server_fd(rig->server), .events = POLLIN};
    int64_t longest_us = (wait_ms < TURN_MS ? wait_ms : TURN_MS) * INT64_C(1000);
    int64_t wait_us = clock_sooner(server_timeout_us(rig->server), longest_us);
    poll(&wait, 1, (int)((wait_us + 999) / 1000));
    server_turn(rig->server);
}

void rig_idle(struct rig *rig, uint64_t ms)
{
    uint64_t end = clock_monotonic_ms() + ms;
    for (uint64_t now; (now = clock_monotonic_ms()) < end;)
        rig_turn(rig, (int)(end - now));
}

void rig_await_parked(struct rig *rig, size_t wanted)
{
    uint64_t end = clock_monotonic_ms() + PATIENCE_MS;
    while (rig->parked_count < wanted) {
        assert_true(clock_monotonic_ms() < end);
        rig_turn(rig, 100);
    }
}

int rig_connect(struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(rig->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool rig_send(struct rig *rig, int fd, const void *bytes, size_t length)
{
    uint64_t end = clock_monotonic_ms() + PATIENCE_MS;
    const char *next = bytes;
    while (length) {
        ssize_t sent = send(fd, next, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        }
        assert_true(clock_monotonic_ms() < end);
        rig_turn(rig, 1);
    }
    return true;
}

bool rig_say(struct rig *rig, int fd, const char *text)
{
    return rig_send(rig, fd, text, strlen(text));
}

/* Reads exactly `length` bytes; false: the connection ended before. */
static bool receive(struct rig *rig, int fd, char *bytes, size_t length)
{
    uint64_t end = clock_monotonic_ms() + PATIENCE_MS;
    while (length) {
        ssize_t got = recv(fd, bytes, length, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return false;
        if (got > 0) {
            bytes += got;
            length -= (size_t)got;
            continue;
        }
        assert_true(clock_monotonic_ms() < end);
        rig_turn(rig, 5);
    }
    return true;
}

void reply_done(struct reply *reply)
{
    free(reply->body);
    *reply = (struct reply){0};
}

const char *reply_header(const struct reply *reply, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r"), line);
        return value;
    }
    return NULL;
}

void rig_hear(struct rig *rig, int fd, bool bodyless, struct reply *reply)
{
    size_t length = 0;
    reply_done(reply);
    while (!strstr(reply->head, "\r\n\r\n")) {
        assert_true(length < sizeof reply->head - 1);
        if (!receive(rig, fd, reply->head + length++, 1))
            return;
    }
    const char *promised = reply_header(reply, "Content-Length");
    reply->length = promised && !bodyless ? strtoul(promised, NULL, 10) : 0;
    reply->body = calloc(reply->length + 1, 1);
    assert_non_null(reply->body);
    if (receive(rig, fd, reply->body, reply->length))
        reply->status = (unsigned)strtoul(reply->head + strlen("HTTP/1.1 "), NULL, 10);
}

int rig_ask(struct rig *rig, const char *text, struct reply *reply)
{
    int fd = rig_connect(rig);
    assert_true(rig_say(rig, fd, text));
    rig_hear(rig, fd, strncmp(text, "HEAD ", 5) == 0, reply);
    return fd;
}

void rig_ask_once(struct rig *rig, const char *text, struct reply *reply)
{
    close(rig_ask(rig, text, reply));
}

uint64_t rig_await_end(struct rig *rig, int fd)
{
    char bytes[4096];
    uint64_t start = clock_monotonic_ms();
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return clock_monotonic_ms() - start;
        assert_true(clock_monotonic_ms() - start < PATIENCE_MS);
        if (got < 0)
            rig_turn(rig, 20);
    }
}

bool rig_is_open(struct rig *rig, int fd)
{
    char byte;
    rig_idle(rig, 20);
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static const char *member(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    assert_non_null(text);
    return text;
}

void assert_problem(const struct reply *reply, unsigned status, const char *code)
{
    char type[128];
    assert_int_equal(reply->status, status);
    assert_string_equal(reply_header(reply, "Content-Type"), "application/problem+json");
    assert_string_equal(reply_header(reply, "Cache-Control"), "no-store");
    assert_int_equal(strlen(reply_header(reply, "X-Request-Id")), REQUEST_ID_LENGTH);
    json_t *document = json_loadb(reply->body, reply->length, 0, NULL);
    assert_non_null(document);
    snprintf(type, sizeof type, "urn:continuum:problem:%s", code);
    assert_string_equal(member(document, "code"), code);
    assert_string_equal(member(document, "type"), type);
    assert_true(*member(document, "title"));
    assert_int_equal(json_integer_value(json_object_get(document, "status")), status);
    json_decref(document);
}
