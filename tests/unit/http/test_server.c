/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=clock_monotonic_us,--wrap=clock_monotonic_ms */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/http_rig.h"

static void assert_member_is(const struct reply *reply, const char *name, const char *value)
{
    json_t *document = json_loadb(reply->body, reply->length, 0, NULL);
    assert_non_null(document);
    const json_t *member = json_object_get(document, name);
    if (value)
        assert_string_equal(json_string_value(member), value);
    else
        assert_true(json_is_null(member));
    json_decref(document);
}

static void assert_length_is(const struct reply *reply, json_int_t length)
{
    json_t *document = json_loadb(reply->body, reply->length, 0, NULL);
    assert_non_null(document);
    assert_int_equal(json_integer_value(json_object_get(document, "length")), length);
    json_decref(document);
}

static void an_answer_is_compact_json_that_nobody_stores(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state, "GET /v1/query?a=1" ASK MEMBER "\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/json");
    assert_string_equal(reply_header(&reply, "Cache-Control"), "no-store");
    assert_int_equal(strspn(reply_header(&reply, "X-Request-Id"), "0123456789abcdef"), 16);
    assert_string_equal(reply.body, "{\"a\":\"1\",\"b\":null,\"address\":"
                                    "\"00000000000000000000ffff7f000001\",\"caller\":7}");
    reply_done(&reply);
}

static void a_body_in_many_pieces_arrives_as_one(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    static const char request[] =
        "POST /v1/echo" ASK MEMBER JSON "Content-Length: 11\r\n\r\n[1,2,3,4,5]";
    rig_ask_once(rig, request, &reply);
    assert_int_equal(reply.status, 201);
    assert_member_is(&reply, "body", "[1,2,3,4,5]");
    int fd = rig_connect(rig);
    for (size_t i = 0; i < sizeof request - 1; i++)
        assert_true(rig_send(rig, fd, request + i, 1));
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 201);
    assert_member_is(&reply, "body", "[1,2,3,4,5]");
    assert_int_equal(rig->handled, 2);
    reply_done(&reply);
    close(fd);
}

static void a_body_of_exactly_the_limit_is_taken_whole(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    char *body = malloc(65537);
    assert_non_null(body);
    memset(body, 'b', 65536);
    body[65536] = '\0';
    int fd = rig_connect(rig);
    rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Content-Length: 65536\r\n\r\n");
    assert_true(rig_say(rig, fd, body));
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 201);
    assert_member_is(&reply, "body", body);
    free(body);
    reply_done(&reply);
    close(fd);
}

static void chunks_become_one_body(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state,
                 "POST /v1/echo" ASK MEMBER JSON "Transfer-Encoding: chunked\r\n\r\n"
                 "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
                 &reply);
    assert_int_equal(reply.status, 201);
    assert_member_is(&reply, "body", "[1,2]");
    reply_done(&reply);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    char first_id[REQUEST_ID_LENGTH + 1];
    int fd = rig_ask(rig, "GET /health" ASK "\r\n", &reply);
    assert_int_equal(reply.status, 200);
    snprintf(first_id, sizeof first_id, "%s", reply_header(&reply, "X-Request-Id"));
    for (int i = 0; i < 3; i++) {
        rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Content-Length: 2\r\n\r\n{}");
        rig_hear(rig, fd, false, &reply);
        assert_int_equal(reply.status, 201);
        assert_string_not_equal(reply_header(&reply, "X-Request-Id"), first_id);
    }
    reply_done(&reply);
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_ask(rig,
                     "GET /v1/things/first" ASK MEMBER "\r\n"
                     "POST /v1/echo" ASK MEMBER JSON "Content-Length: 2\r\n\r\n42"
                     "GET /v1/things/third" ASK MEMBER "\r\n",
                     &reply);
    assert_member_is(&reply, "id", "first");
    rig_hear(rig, fd, false, &reply);
    assert_member_is(&reply, "body", "42");
    rig_hear(rig, fd, false, &reply);
    assert_member_is(&reply, "id", "third");
    reply_done(&reply);
    close(fd);
}

static void requests_behind_one_that_waits_are_answered_after_it(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_connect(rig);
    rig_say(rig, fd, "GET /v1/parked" ASK MEMBER "\r\nGET /v1/things/next" ASK MEMBER "\r\n");
    rig_await_parked(rig, 1);
    rig_idle(rig, 20);
    assert_int_equal(rig->handled, 1);
    request_answer_empty(rig->parked[0], 204);
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 204);
    rig_hear(rig, fd, false, &reply);
    assert_member_is(&reply, "id", "next");
    reply_done(&reply);
    close(fd);
}

static void waiting_requests_are_answered_in_any_order(void **state)
{
    struct rig *rig = *state;
    enum { MANY = 50 };
    int fds[MANY];
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = rig_connect(rig);
        rig_say(rig, fds[i], "GET /v1/parked" ASK MEMBER "\r\n");
        rig_await_parked(rig, i + 1);
    }
    assert_int_equal(server_pending(rig->server), MANY);
    for (size_t i = 0; i < MANY; i++) {
        size_t n = (i * 37 + 11) % MANY;
        struct reply reply = {0};
        request_answer(rig->parked[n], 200, json_pack("{s:i}", "length", (int)n));
        assert_int_equal(server_timeout_us(rig->server), 0);
        rig_hear(rig, fds[n], false, &reply);
        assert_length_is(&reply, (json_int_t)n);
        reply_done(&reply);
        assert_int_equal(server_pending(rig->server), MANY - 1 - i);
    }
    rig_idle(rig, 20);
    assert_true(server_is_quiet(rig->server));
    for (size_t i = 0; i < MANY; i++)
        close(fds[i]);
}

static void answers_given_together_leave_in_one_turn(void **state)
{
    struct rig *rig = *state;
    int fds[8];
    for (size_t i = 0; i < 8; i++) {
        fds[i] = rig_connect(rig);
        rig_say(rig, fds[i], "GET /v1/parked" ASK MEMBER "\r\n");
    }
    rig_await_parked(rig, 8);
    for (size_t i = 0; i < 8; i++)
        request_answer_empty(rig->parked[i], 204);
    server_turn(rig->server);
    assert_true(server_is_quiet(rig->server));
    for (size_t i = 0; i < 8; i++) {
        struct reply reply = {0};
        rig_hear(rig, fds[i], false, &reply);
        assert_int_equal(reply.status, 204);
        reply_done(&reply);
        close(fds[i]);
    }
}

static void a_client_that_left_can_still_be_answered(void **state)
{
    struct rig *rig = *state;
    int fd = rig_connect(rig);
    rig_say(rig, fd, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(rig, 1);
    close(fd);
    rig_idle(rig, 20);
    assert_int_equal(server_pending(rig->server), 1);
    assert_string_equal(rig->parked[0]->path, "/v1/parked");
    request_answer(rig->parked[0], 200, json_object());
    rig_idle(rig, 20);
    assert_true(server_is_quiet(rig->server));
}

static void a_client_that_leaves_amid_its_body_is_forgotten(void **state)
{
    struct rig *rig = *state;
    int fd = rig_connect(rig);
    rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Content-Length: 100\r\n\r\nhalf");
    rig_idle(rig, 20);
    assert_false(server_is_quiet(rig->server));
    close(fd);
    rig_idle(rig, 20);
    assert_true(server_is_quiet(rig->server));
    assert_int_equal(rig->handled, 0);
}

static void head_is_get_without_the_body(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_ask(rig, "HEAD /v1/things/abc" ASK MEMBER "\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "Content-Length"), "12");
    rig_say(rig, fd, "HEAD /nowhere" ASK "\r\n");
    rig_hear(rig, fd, true, &reply);
    assert_int_equal(reply.status, 404);
    rig_say(rig, fd, "GET /v1/things/abc" ASK MEMBER "\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_member_is(&reply, "id", "abc");
    reply_done(&reply);
    close(fd);
}

static void an_answer_may_have_headers_and_no_body(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state, "DELETE /v1/things/a%2Fb" ASK MEMBER "\r\n", &reply);
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply_header(&reply, "X-Thing"), "a/b");
    assert_string_equal(reply_header(&reply, "Content-Length"), "0");
    assert_null(reply_header(&reply, "Content-Type"));
    reply_done(&reply);
}

static void query_parameters_are_decoded(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state, "GET /v1/query?b=x+y%2Bz%26&a=%C3%A9&a=2&c" ASK MEMBER "\r\n", &reply);
    assert_member_is(&reply, "a", "\xc3\xa9");
    assert_member_is(&reply, "b", "x y+z&");
    rig_ask_once(*state, "GET /v1/query?a&b=" ASK MEMBER "\r\n", &reply);
    assert_member_is(&reply, "a", "");
    assert_member_is(&reply, "b", "");
    rig_ask_once(*state, "GET /v1/query?aa=1" ASK MEMBER "\r\n", &reply);
    assert_member_is(&reply, "a", NULL);
    reply_done(&reply);
}

static void a_large_answer_arrives_whole(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state, "GET /big" ASK "\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.length, strlen("{\"text\":\"\"}") + RIG_BIG_BODY);
    assert_int_equal(reply.body[reply.length - 1], '}');
    reply_done(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_compact_json_that_nobody_stores),
        TEST(a_body_in_many_pieces_arrives_as_one),
        TEST(a_body_of_exactly_the_limit_is_taken_whole),
        TEST(chunks_become_one_body),
        TEST(a_connection_serves_one_request_after_another),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(requests_behind_one_that_waits_are_answered_after_it),
        TEST(waiting_requests_are_answered_in_any_order),
        TEST(answers_given_together_leave_in_one_turn),
        TEST(a_client_that_left_can_still_be_answered),
        TEST(a_client_that_leaves_amid_its_body_is_forgotten),
        TEST(head_is_get_without_the_body),
        TEST(an_answer_may_have_headers_and_no_body),
        TEST(query_parameters_are_decoded),
        TEST(a_large_answer_arrives_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
