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
#include <jansson.h>

#include "lib/http_rig.h"
#include "util/clock.h"

static void assert_between(uint64_t ms, uint64_t low, uint64_t high)
{
    assert_true(ms >= low);
    assert_true(ms <= high);
}

/* Sends a byte every 50 ms until the connection breaks. Returns after how many ms it did. */
static uint64_t drip(struct rig *rig, int fd, char byte)
{
    uint64_t start = clock_monotonic_ms();
    while (rig_is_open(rig, fd)) {
        assert_true(clock_monotonic_ms() - start < 9000);
        rig_send(rig, fd, &byte, 1);
        rig_idle(rig, 30);
    }
    return clock_monotonic_ms() - start;
}

static void a_drip_of_bytes_does_not_move_the_deadline(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    settings.limits.request_timeout_s = 1;
    rig_open(&rig, &settings);
    int fd = rig_connect(&rig);
    rig_say(&rig, fd, "GET /health" ASK "X-Slow: ");
    assert_between(drip(&rig, fd, 'x'), 900, 9000);
    close(fd);
    fd = rig_connect(&rig);
    rig_say(&rig, fd,
            "POST /open" ASK "Content-Type: application/json\r\n"
            "Content-Length: 60000\r\n\r\n");
    assert_between(drip(&rig, fd, 'x'), 900, 9000);
    assert_true(server_is_quiet(rig.server));
    close(fd);
    rig_close(&rig);
}

static void a_client_that_says_nothing_is_cut_off(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    settings.limits.request_timeout_s = 1;
    rig_open(&rig, &settings);
    int fd = rig_connect(&rig);
    assert_between(rig_await_end(&rig, fd), 900, 9000);
    close(fd);
    rig_close(&rig);
}

static void an_idle_connection_is_closed_and_one_that_begins_a_request_has_its_time(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.idle_timeout_s = 1;
    settings.limits.request_timeout_s = 3;
    rig_open(&rig, &settings);
    int idle = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int busy = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int dripping = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    rig_say(&rig, busy, "GET /health" ASK);
    assert_between(drip(&rig, dripping, 'G'), 800, 9000);
    rig_await_end(&rig, idle);
    assert_true(rig_is_open(&rig, busy));
    rig_say(&rig, busy, "\r\n");
    rig_hear(&rig, busy, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(idle);
    close(busy);
    close(dripping);
    rig_close(&rig);
}

static void a_waiting_request_has_no_deadline_and_its_answer_a_new_one(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.request_timeout_s = settings.limits.idle_timeout_s = 1;
    rig_open(&rig, &settings);
    int fd = rig_connect(&rig);
    rig_say(&rig, fd, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(&rig, 1);
    assert_int_equal(server_timeout_us(rig.server), -1);
    rig_idle(&rig, 1500);
    request_answer(rig.parked[0], 200, json_object());
    rig_hear(&rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(fd);
    rig_close(&rig);
}

static void a_slow_reader_is_cut_off(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    settings.limits.request_timeout_s = 1;
    rig_open(&rig, &settings);
    int fd = rig_connect(&rig);
    rig_say(&rig, fd, "GET /big" ASK "\r\n");
    while (rig.handled == 0)
        rig_turn(&rig, 20);
    uint64_t start = clock_monotonic_ms();
    while (!server_is_quiet(rig.server)) {
        char byte;
        assert_true(clock_monotonic_ms() - start < 9000);
        recv(fd, &byte, 1, MSG_DONTWAIT);
        rig_turn(&rig, 20);
    }
    assert_between(clock_monotonic_ms() - start, 900, 9000);
    close(fd);
    rig_close(&rig);
}

static void an_address_has_only_so_many_connections(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.max_connections_per_address = 2;
    rig_open(&rig, &settings);
    int first = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int second = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int third = rig_connect(&rig);
    assert_between(rig_await_end(&rig, third), 0, 9000);
    assert_true(rig_is_open(&rig, first) && rig_is_open(&rig, second));
    close(first);
    rig_idle(&rig, 20);
    int fourth = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(second);
    close(third);
    close(fourth);
    rig_close(&rig);
}

static void a_trusted_proxy_has_many_connections_and_names_its_clients(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.max_connections_per_address = 1;
    settings.trusted_proxies = "10.0.0.2, 127.0.0.1";
    rig_open(&rig, &settings);
    int first = rig_ask(&rig, "GET /v1/query" ASK MEMBER "\r\n", &reply);
    assert_non_null(strstr(reply.body, "ffff7f000001"));
    int second = rig_ask(&rig,
                         "GET /v1/query" ASK MEMBER "X-Forwarded-For: 203.0.113.1\r\n"
                         "x-forwarded-for: 192.0.2.9, 10.0.0.2\r\n\r\n",
                         &reply);
    assert_non_null(strstr(reply.body, "ffffc0000209"));
    reply_done(&reply);
    close(first);
    close(second);
    rig_close(&rig);
}

static void nobody_else_is_believed_whom_they_forward_for(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.trusted_proxies = "10.0.0.2";
    rig_open(&rig, &settings);
    close(rig_ask(&rig, "GET /v1/query" ASK MEMBER "X-Forwarded-For: 192.0.2.9\r\n\r\n", &reply));
    assert_non_null(strstr(reply.body, "ffff7f000001"));
    reply_done(&reply);
    rig_close(&rig);
}

static void assert_status(struct rig *rig, const char *text, unsigned status)
{
    struct reply reply = {0};
    close(rig_ask(rig, text, &reply));
    assert_int_equal(reply.status, status);
    if (status == 429) {
        assert_problem(&reply, 429, "too-many-requests");
        assert_in_range(strtoul(reply_header(&reply, "Retry-After"), NULL, 10), 25, 30);
    }
    reply_done(&reply);
}

static void who_shows_no_good_token_may_only_ask_so_often(void **state)
{
    (void)state;
    static const char *const strangers[] = {
        "POST /open" ASK "Content-Length: 0\r\n\r\n", "GET /v1/query" ASK "\r\n",
        "GET /v1/query" ASK "Authorization: Bearer bad\r\n\r\n", "GET /nowhere" ASK "\r\n"};
    static const unsigned statuses[] = {201, 401, 401, 404};
    struct rig rig;
    struct server_settings settings = rig_settings();
    settings.limits.anonymous_burst = 1;
    settings.limits.anonymous_per_minute = 2;
    for (size_t i = 0; i < 4; i++) {
        rig_open(&rig, &settings);
        assert_status(&rig, strangers[i], statuses[i]);
        size_t handled = rig.handled;
        for (size_t j = 0; j < 4; j++)
            assert_status(&rig, strangers[j], 429);
        assert_int_equal(rig.handled, handled);
        assert_status(&rig, "GET /v1/query" ASK MEMBER "\r\n", 200);
        assert_status(&rig, "GET /health" ASK "\r\n", 200);
        rig_close(&rig);
    }
}

static void strangers_behind_a_proxy_are_told_apart_and_their_health_is_counted(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    settings.limits.anonymous_burst = 1;
    settings.limits.anonymous_per_minute = 2;
    settings.trusted_proxies = "127.0.0.1";
    rig_open(&rig, &settings);
    assert_status(&rig, "GET /health" ASK "X-Forwarded-For: 192.0.2.1\r\n\r\n", 200);
    assert_status(&rig, "GET /health" ASK "X-Forwarded-For: 192.0.2.1\r\n\r\n", 429);
    assert_status(&rig, "GET /health" ASK "X-Forwarded-For: 192.0.2.2\r\n\r\n", 200);
    assert_status(&rig, "GET /big" ASK "X-Forwarded-For: 2001:db8::1\r\n\r\n", 200);
    assert_status(&rig, "GET /big" ASK "X-Forwarded-For: 2001:db8::2\r\n\r\n", 429);
    assert_status(&rig, "GET /big" ASK "X-Forwarded-For: 2001:db8:0:1::1\r\n\r\n", 200);
    rig_close(&rig);
}

static void connections_above_the_limit_wait_for_their_turn(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.max_connections = 2;
    rig_open(&rig, &settings);
    int first = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int second = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int third = rig_connect(&rig);
    rig_say(&rig, third, "GET /health" ASK "\r\n");
    rig_idle(&rig, 50);
    assert_int_equal(rig.handled, 2);
    close(first);
    rig_hear(&rig, third, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(second);
    close(third);
    rig_close(&rig);
}

static void too_many_waiting_requests_are_refused_but_health_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.max_pending_requests = 1;
    rig_open(&rig, &settings);
    int first = rig_connect(&rig);
    rig_say(&rig, first, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(&rig, 1);
    int second = rig_ask(&rig, "GET /v1/parked" ASK MEMBER "\r\n", &reply);
    assert_problem(&reply, 503, "overloaded");
    assert_string_equal(reply_header(&reply, "Retry-After"), "1");
    rig_say(&rig, second, "GET /health" ASK "\r\n");
    rig_hear(&rig, second, false, &reply);
    assert_int_equal(reply.status, 200);
    request_answer_empty(rig.parked[0], 204);
    rig_say(&rig, second, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(&rig, 2);
    request_answer_empty(rig.parked[1], 204);
    rig_hear(&rig, second, false, &reply);
    assert_int_equal(reply.status, 204);
    reply_done(&reply);
    close(first);
    close(second);
    rig_close(&rig);
}

static void what_waits_for_long_is_not_counted_and_its_end_is_noticed(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    settings.limits.max_pending_requests = 1;
    settings.limits.request_timeout_s = 1;
    settings.limits.idle_timeout_s = 1;
    rig_open(&rig, &settings);
    int ends[3];
    for (size_t i = 0; i < 3; i++) {
        ends[i] = rig_connect(&rig);
        rig_say(&rig, ends[i], "GET /v1/held" ASK MEMBER "\r\n");
        rig_await_parked(&rig, i + 1);
    }
    assert_int_equal(server_pending(rig.server), 0);
    int other = rig_connect(&rig);
    rig_say(&rig, other, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(&rig, 4);
    assert_int_equal(server_pending(rig.server), 1);
    rig_idle(&rig, 1200); /* no deadline of the server's ends it */
    for (size_t i = 0; i < 3; i++)
        assert_false(request_is_gone(rig.parked[i]));
    close(ends[0]);
    rig_idle(&rig, 20);
    assert_true(request_is_gone(rig.parked[0]));
    assert_false(request_is_gone(rig.parked[1]));
    for (size_t i = 0; i < 4; i++)
        request_answer_empty(rig.parked[i], 204);
    assert_int_equal(server_pending(rig.server), 0);
    rig_hear(&rig, ends[1], false, &reply);
    assert_int_equal(reply.status, 204);
    reply_done(&reply);
    close(ends[1]);
    close(ends[2]);
    close(other);
    rig_close(&rig);
}

static void draining_ends_idle_connections_and_answers_the_rest(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    rig_open(&rig, &settings);
    int idle = rig_ask(&rig, "GET /health" ASK "\r\n", &reply);
    int waiting = rig_connect(&rig), sending = rig_connect(&rig);
    rig_say(&rig, waiting, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_say(&rig, sending, "GET /health" ASK);
    rig_await_parked(&rig, 1);
    server_drain(rig.server);
    assert_between(rig_await_end(&rig, idle), 0, 9000);
    rig_say(&rig, sending, "\r\n");
    rig_hear(&rig, sending, false, &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_between(rig_await_end(&rig, sending), 0, 9000);
    assert_false(server_is_quiet(rig.server));
    request_answer_empty(rig.parked[0], 204);
    rig_hear(&rig, waiting, false, &reply);
    assert_int_equal(reply.status, 204);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    rig_await_end(&rig, waiting);
    assert_true(server_is_quiet(rig.server));
    int late = rig_connect(&rig);
    rig_say(&rig, late, "GET /health" ASK "\r\n");
    assert_true(rig_is_open(&rig, late));
    assert_int_equal(rig.handled, 3);
    reply_done(&reply);
    close(idle);
    close(waiting);
    close(sending);
    close(late);
    rig_close(&rig);
}

static void closing_answers_who_waits_and_calls_no_handler_again(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    struct server_settings settings = rig_settings();
    rig_open(&rig, &settings);
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = rig_connect(&rig);
        rig_say(&rig, fds[i], "GET /v1/parked" ASK MEMBER "\r\n");
    }
    rig_await_parked(&rig, 3);
    request_answer_empty(rig.parked[2], 204);
    int late = rig_connect(&rig);
    rig_say(&rig, late, "GET /v1/parked" ASK MEMBER);
    send(late, "\r\n", 2, 0);
    server_close(rig.server);
    rig.server = NULL;
    for (size_t i = 0, refused = 0; i < 3; i++) {
        char text[2048] = "";
        assert_true(recv(fds[i], text, sizeof text - 1, 0) > 0);
        refused += strncmp(text, "HTTP/1.1 503 ", 13) == 0 && strstr(text, "shutting-down");
        assert_true(i < 2 || refused == 2);
        close(fds[i]);
    }
    assert_int_equal(rig.handled, 3);
    reply_done(&reply);
    close(late);
    rig_close(&rig);
}

static void the_listening_socket_outlives_the_server(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    rig_open(&rig, &settings);
    server_close(rig.server);
    rig.server = NULL;
    int listening = 0;
    socklen_t length = sizeof listening;
    assert_int_equal(getsockopt(rig.listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
    assert_int_equal(listening, 1);
    rig_close(&rig);
}

static void what_cannot_be_served_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct rig rig;
    struct server *server = NULL;
    struct why why = {0};
    static const struct router router = {0};
    struct server_settings settings = rig_settings();
    rig_open(&rig, &settings);
    assert_int_equal(server_open(&settings, -1, &router, NULL, &server, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "-1"));
    settings.trusted_proxies = "proxy.example.org";
    assert_int_equal(server_open(&settings, rig.listen_fd, &router, NULL, &server, &why),
                     FAULT_CONFIGURATION);
    assert_non_null(strstr(why.text, "proxy.example.org"));
    assert_null(server);
    server_close(NULL);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shows_no_good_token_may_only_ask_so_often),
        cmocka_unit_test(strangers_behind_a_proxy_are_told_apart_and_their_health_is_counted),
        cmocka_unit_test(a_drip_of_bytes_does_not_move_the_deadline),
        cmocka_unit_test(a_client_that_says_nothing_is_cut_off),
        cmocka_unit_test(an_idle_connection_is_closed_and_one_that_begins_a_request_has_its_time),
        cmocka_unit_test(a_waiting_request_has_no_deadline_and_its_answer_a_new_one),
        cmocka_unit_test(a_slow_reader_is_cut_off),
        cmocka_unit_test(an_address_has_only_so_many_connections),
        cmocka_unit_test(a_trusted_proxy_has_many_connections_and_names_its_clients),
        cmocka_unit_test(nobody_else_is_believed_whom_they_forward_for),
        cmocka_unit_test(connections_above_the_limit_wait_for_their_turn),
        cmocka_unit_test(too_many_waiting_requests_are_refused_but_health_is_told),
        cmocka_unit_test(what_waits_for_long_is_not_counted_and_its_end_is_noticed),
        cmocka_unit_test(draining_ends_idle_connections_and_answers_the_rest),
        cmocka_unit_test(closing_answers_who_waits_and_calls_no_handler_again),
        cmocka_unit_test(the_listening_socket_outlives_the_server),
        cmocka_unit_test(what_cannot_be_served_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
