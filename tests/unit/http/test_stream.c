/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=clock_monotonic_us,--wrap=clock_monotonic_ms */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/stream.h"
#include "lib/http_rig.h"
#include "util/clock.h"

#define PARKED "GET /v1/stream HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer good\r\n"
#define FREE   "GET /stream HTTP/1.1\r\nHost: test\r\n"
#define CLOSE  "Connection: close\r\n\r\n"
#define END    "\r\n0\r\n\r\n"

enum { PATIENCE_MS = 10000, ROOM = 8 << 20 };

/* Reads what comes until the connection ends; returns how much, with a NUL behind it. */
static size_t read_all(struct rig *rig, int fd, char *text)
{
    uint64_t start = clock_monotonic_ms();
    size_t length = 0;
    for (;;) {
        ssize_t got = recv(fd, text + length, ROOM - 1 - length, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        assert_true(clock_monotonic_ms() - start < PATIENCE_MS);
        if (got > 0)
            length += (size_t)got;
        else
            rig_turn(rig, 5);
    }
    text[length] = '\0';
    return length;
}

static bool ends_well(const char *text, size_t length)
{
    return length > strlen(END) && strcmp(text + length - strlen(END), END) == 0;
}

static struct request *await_pull(struct rig *rig)
{
    uint64_t start = clock_monotonic_ms();
    struct request *request;
    while (!rig->pulled) {
        assert_true(clock_monotonic_ms() - start < PATIENCE_MS);
        rig_turn(rig, 5);
    }
    request = rig->pulled;
    rig->pulled = NULL;
    return request;
}

static void await_closed(struct rig *rig, size_t count)
{
    uint64_t start = clock_monotonic_ms();
    while (rig->closed < count) {
        assert_true(clock_monotonic_ms() - start < PATIENCE_MS);
        rig_turn(rig, 5);
    }
}

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct server_settings settings = rig_settings();
    settings.limits.request_timeout_s = 1;
    rig_open(rig, &settings);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    free(rig);
    return 0;
}

static void pieces_arrive_as_they_are_given(void **state)
{
    struct rig *rig = *state;
    char *text = malloc(ROOM);
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED CLOSE);
    stream_give(await_pull(rig), "one", 3);
    stream_give(await_pull(rig), "two", 3);
    stream_end(await_pull(rig), "three", 5);
    size_t length = read_all(rig, fd, text);
    assert_non_null(strstr(text, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(text, "\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"));
    assert_true(ends_well(text, length));
    assert_int_equal(rig->pulls, 3);
    assert_int_equal(rig->closed, 1);
    close(fd);
    free(text);
}

static void the_connection_goes_on_after_a_stream(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED "\r\n");
    stream_end(await_pull(rig), NULL, 0);
    await_closed(rig, 1);
    char text[4096];
    rig_idle(rig, 20);
    assert_true(recv(fd, text, sizeof text, MSG_DONTWAIT) > 0);
    rig_say(rig, fd, "GET /health HTTP/1.1\r\nHost: test\r\n\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(fd);
}

static void many_large_pieces_arrive_whole(void **state)
{
    struct rig *rig = *state;
    char *text = malloc(ROOM);
    rig->pieces = 50;
    int fd = rig_connect(rig);
    rig_say(rig, fd, FREE CLOSE);
    size_t length = read_all(rig, fd, text);
    assert_true(length > 50 * RIG_PIECE);
    assert_true(ends_well(text, length));
    close(fd);
    rig->pulls = 0;
    fd = rig_connect(rig);
    rig_say(rig, fd, "GET /stream HTTP/1.0\r\n\r\n");
    length = read_all(rig, fd, text);
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(length - (size_t)(body + 4 - text), 50 * RIG_PIECE);
    close(fd);
    free(text);
}

static void head_pulls_nothing(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_ask(rig, "HEAD /stream HTTP/1.1\r\nHost: test\r\n\r\n", &reply);
    char byte;
    assert_int_equal(reply.status, 200);
    await_closed(rig, 1);
    rig_idle(rig, 20);
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0); /* closed, and no end of any chunks */
    assert_int_equal(rig->pulls, 0);
    reply_done(&reply);
    close(fd);
}

static void a_break_shows_as_one(void **state)
{
    struct rig *rig = *state;
    char *text = malloc(ROOM);
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED "\r\n");
    stream_give(await_pull(rig), "one", 3);
    stream_break(await_pull(rig));
    size_t length = read_all(rig, fd, text);
    assert_non_null(strstr(text, "\r\none\r\n"));
    assert_false(ends_well(text, length));
    assert_int_equal(rig->closed, 1);
    close(fd);
    free(text);
}

/* One piece is what the server holds; what the system keeps in its sockets is beyond us. */
static void nothing_is_pulled_that_is_not_read(void **state)
{
    struct rig *rig = *state;
    rig->pieces = SIZE_MAX;
    int fd = rig_connect(rig);
    rig_say(rig, fd, FREE "\r\n");
    size_t pulls;
    do {
        pulls = rig->pulls;
        assert_true(pulls < (16 << 20) / RIG_PIECE);
        rig_idle(rig, 100);
    } while (rig->pulls != pulls);
    close(fd);
    await_closed(rig, 1);
}

static void who_reads_nothing_is_cut_off(void **state)
{
    struct rig *rig = *state;
    rig->pieces = SIZE_MAX;
    int fd = rig_connect(rig);
    rig_say(rig, fd, FREE "\r\n");
    uint64_t start = clock_monotonic_ms();
    while (!rig->closed) {
        char byte;
        assert_true(clock_monotonic_ms() - start < PATIENCE_MS);
        recv(fd, &byte, 1, MSG_DONTWAIT); /* a drip does not count */
        rig_turn(rig, 20);
    }
    assert_true(clock_monotonic_ms() - start >= 900);
    close(fd);
}

static void a_long_stream_outlives_its_deadline(void **state)
{
    struct rig *rig = *state;
    char *bytes = malloc(1 << 20);
    rig->pieces = SIZE_MAX;
    int fd = rig_connect(rig);
    rig_say(rig, fd, FREE "\r\n");
    uint64_t start = clock_monotonic_ms();
    while (clock_monotonic_ms() - start < 1500) {
        assert_int_not_equal(recv(fd, bytes, 1 << 20, MSG_DONTWAIT), 0);
        rig_idle(rig, 50);
    }
    assert_int_equal(rig->closed, 0);
    close(fd);
    free(bytes);
    await_closed(rig, 1);
}

/* Some 250 KB/s, far less than what fills the system's buffers within a deadline. */
static void a_slow_but_steady_reader_is_not_cut_off(void **state)
{
    struct rig *rig = *state;
    char *bytes = malloc(RIG_PIECE);
    rig->pieces = SIZE_MAX;
    int fd = rig_connect(rig);
    rig_say(rig, fd, FREE "\r\n");
    uint64_t start = clock_monotonic_ms();
    while (clock_monotonic_ms() - start < 2500) {
        assert_int_not_equal(recv(fd, bytes, RIG_PIECE, MSG_DONTWAIT), 0);
        rig_idle(rig, 250);
    }
    assert_int_equal(rig->closed, 0);
    close(fd);
    free(bytes);
    await_closed(rig, 1);
}

static void a_piece_may_take_longer_than_a_deadline(void **state)
{
    struct rig *rig = *state;
    char *text = malloc(ROOM);
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED CLOSE);
    struct request *request = await_pull(rig);
    assert_int_equal(server_timeout_us(rig->server), -1);
    rig_idle(rig, 1200);
    stream_end(request, "late", 4);
    size_t length = read_all(rig, fd, text);
    assert_true(ends_well(text, length));
    close(fd);
    free(text);
}

static void a_client_that_left_is_noticed_with_the_next_piece(void **state)
{
    struct rig *rig = *state;
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED "\r\n");
    struct request *request = await_pull(rig);
    close(fd);
    rig_idle(rig, 50);
    assert_int_equal(rig->closed, 0); /* whoever makes the piece may rely on its request */
    for (int i = 0; i < 5 && !rig->closed; i++) {
        stream_give(request, "piece", 5);
        rig_idle(rig, 20);
        request = rig->pulled;
        rig->pulled = NULL;
    }
    assert_int_equal(rig->closed, 1);
    assert_true(server_is_quiet(rig->server));
}

static void draining_cuts_streams_off(void **state)
{
    struct rig *rig = *state;
    char *text = malloc(ROOM);
    rig->pieces = SIZE_MAX;
    int stuck = rig_connect(rig), waiting = rig_connect(rig);
    rig_say(rig, stuck, FREE "\r\n");
    rig_say(rig, waiting, PARKED "\r\n");
    struct request *request = await_pull(rig);
    rig_idle(rig, 100);
    server_drain(rig->server);
    await_closed(rig, 1); /* without a byte being read */
    assert_false(server_is_quiet(rig->server));
    stream_give(request, "one", 3);
    size_t length = read_all(rig, waiting, text);
    assert_false(ends_well(text, length));
    assert_int_equal(rig->closed, 2);
    assert_true(server_is_quiet(rig->server));
    close(stuck);
    close(waiting);
    free(text);
}

static void closing_ends_streams_that_nobody_feeds_any_more(void **state)
{
    struct rig *rig = *state;
    int fd = rig_connect(rig);
    rig_say(rig, fd, PARKED "\r\n");
    await_pull(rig);
    server_close(rig->server);
    rig->server = NULL;
    assert_int_equal(rig->closed, 1);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_arrive_as_they_are_given),
        TEST(the_connection_goes_on_after_a_stream),
        TEST(many_large_pieces_arrive_whole),
        TEST(head_pulls_nothing),
        TEST(a_break_shows_as_one),
        TEST(nothing_is_pulled_that_is_not_read),
        TEST(who_reads_nothing_is_cut_off),
        TEST(a_long_stream_outlives_its_deadline),
        TEST(a_slow_but_steady_reader_is_not_cut_off),
        TEST(a_piece_may_take_longer_than_a_deadline),
        TEST(a_client_that_left_is_noticed_with_the_next_piece),
        TEST(draining_cuts_streams_off),
        TEST(closing_ends_streams_that_nobody_feeds_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
