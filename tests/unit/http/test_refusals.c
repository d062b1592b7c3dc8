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

static void other_methods_are_refused_with_those_there_are(void **state)
{
    struct rig *rig = *state;
    static const char *const requests[] = {
        "PUT /v1/things/x" ASK "\r\n", "OPTIONS /v1/things/x" ASK "\r\n",
        "BREW /v1/things/x" ASK "\r\n", "TRACE /v1/things/x" ASK "\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct reply reply = {0};
        rig_ask_once(rig, requests[i], &reply);
        assert_problem(&reply, 405, "method-not-allowed");
        assert_string_equal(reply_header(&reply, "Allow"), "DELETE, GET");
        reply_done(&reply);
    }
    assert_int_equal(rig->handled, 0);
}

static void a_capture_that_cannot_be_decoded_is_not_found(void **state)
{
    static const char *const requests[] = {"GET /v1/things/a%00b" ASK MEMBER "\r\n",
                                           "GET /v1/things/a%4" ASK MEMBER "\r\n",
                                           "GET /v1/things/%zz" ASK MEMBER "\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct reply reply = {0};
        rig_ask_once(*state, requests[i], &reply);
        assert_problem(&reply, 404, "not-found");
        reply_done(&reply);
    }
}

static void a_query_string_that_cannot_be_decoded_is_refused(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    rig_ask_once(rig, "GET /v1/query?a=%zz" ASK MEMBER "\r\n", &reply);
    assert_problem(&reply, 422, "invalid-request");
    rig_ask_once(rig, "GET /v1/query?c=1&b=%00" ASK MEMBER "\r\n", &reply);
    assert_problem(&reply, 422, "invalid-request");
    assert_int_equal(rig->handled, 0);
    reply_done(&reply);
}

static void a_token_is_a_bearer_token_in_any_case(void **state)
{
    static const struct {
        const char *header;
        unsigned status;
    } headers[] = {
        {"Authorization: bearer good\r\n", 200},
        {"AUTHORIZATION: BEARER   good \r\n", 200},
        {"", 401},
        {"Authorization: good\r\n", 401},
        {"Authorization: Basic good\r\n", 401},
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: Bearer bad\r\n", 401},
        {"Authorization: Bearer goodbye\r\n", 401},
        {"Authorization: Bearergood\r\n", 401},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char request[256];
        struct reply reply = {0};
        snprintf(request, sizeof request, "GET /v1/query" ASK "%s\r\n", headers[i].header);
        rig_ask_once(*state, request, &reply);
        assert_int_equal(reply.status, headers[i].status);
        if (reply.status == 401) {
            assert_problem(&reply, 401, "token-invalid");
            assert_string_equal(reply_header(&reply, "WWW-Authenticate"), "Bearer");
        }
        reply_done(&reply);
    }
}

static void a_body_must_be_json(void **state)
{
    static const struct {
        const char *header;
        unsigned status;
    } headers[] = {
        {"Content-Type: application/json\r\n", 201},
        {"content-type: Application/JSON; charset=utf-8\r\n", 201},
        {"Content-Type: application/json ;charset=utf-8\r\n", 201},
        {"", 415},
        {"Content-Type: text/plain\r\n", 415},
        {"Content-Type: application/jsonp\r\n", 415},
        {"Content-Type: application/json+x\r\n", 415},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char request[256];
        struct reply reply = {0};
        snprintf(request, sizeof request, "POST /open" ASK "%sContent-Length: 2\r\n\r\n{}",
                 headers[i].header);
        rig_ask_once(*state, request, &reply);
        assert_int_equal(reply.status, headers[i].status);
        if (reply.status == 415)
            assert_problem(&reply, 415, "unsupported-media-type");
        reply_done(&reply);
    }
}

static void without_a_body_no_media_type_is_needed(void **state)
{
    struct reply reply = {0};
    rig_ask_once(*state, "POST /open" ASK "Content-Length: 0\r\n\r\n", &reply);
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body, "{\"length\":0,\"body\":\"\"}");
    reply_done(&reply);
}

static void size_is_checked_before_media_type_and_that_before_the_token(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    rig_ask_once(rig, "POST /v1/nowhere" ASK "Content-Length: 65537\r\n\r\n", &reply);
    assert_problem(&reply, 404, "not-found");
    rig_ask_once(rig, "POST /v1/echo" ASK "Content-Length: 65537\r\n\r\n", &reply);
    assert_problem(&reply, 413, "body-too-large");
    rig_ask_once(rig, "POST /v1/echo" ASK "Content-Length: 65536\r\n\r\n", &reply);
    assert_problem(&reply, 415, "unsupported-media-type");
    rig_ask_once(rig, "POST /v1/echo" ASK JSON "Content-Length: 65536\r\n\r\n", &reply);
    assert_problem(&reply, 401, "token-invalid");
    assert_int_equal(rig->handled, 0);
    reply_done(&reply);
}

static void a_refusal_reaches_a_client_that_goes_on_sending(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    size_t length = 8 << 20;
    char *body = calloc(length, 1);
    assert_non_null(body);
    int fd = rig_connect(rig);
    rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Content-Length: 8388608\r\n\r\n");
    assert_true(rig_send(rig, fd, body, length));
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 413, "body-too-large");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    rig_await_end(rig, fd);
    free(body);
    reply_done(&reply);
    close(fd);
}

static void a_chunked_body_above_the_limit_is_refused_at_its_end(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    char chunk[0x1000 + 1];
    memset(chunk, 'c', 0x1000);
    chunk[0x1000] = '\0';
    int fd = rig_connect(rig);
    rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++)
        assert_true(rig_say(rig, fd, "1000\r\n") && rig_say(rig, fd, chunk) &&
                    rig_say(rig, fd, "\r\n"));
    rig_say(rig, fd, "0\r\n\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 413, "body-too-large");
    rig_say(rig, fd, "GET /health" ASK "\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(fd);
}

static void a_chunked_body_without_end_is_cut_off(void **state)
{
    struct rig *rig = *state;
    size_t sent = 0;
    char chunk[0x4000 + 8];
    memset(chunk, 'c', sizeof chunk);
    memcpy(chunk, "4000\r\n", 6);
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    int fd = rig_connect(rig);
    rig_say(rig, fd, "POST /v1/echo" ASK MEMBER JSON "Transfer-Encoding: chunked\r\n\r\n");
    while (sent < (64 << 20) && rig_send(rig, fd, chunk, sizeof chunk))
        sent += sizeof chunk;
    assert_true(sent < (64 << 20));
    assert_int_equal(rig->handled, 0);
    close(fd);
}

static void who_asks_before_sending_is_told_to_go_on_or_is_refused(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_connect(rig);
    rig_say(rig, fd,
            "POST /v1/echo" ASK MEMBER JSON "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    rig_hear(rig, fd, true, &reply);
    assert_int_equal(reply.status, 100);
    rig_say(rig, fd, "{}");
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 201);
    rig_say(rig, fd,
            "POST /v1/echo" ASK MEMBER JSON
            "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 413, "body-too-large");
    reply_done(&reply);
    close(fd);
}

static void a_request_whose_end_is_unclear_is_refused_and_ends_the_connection(void **state)
{
    struct rig *rig = *state;
    static const char *const headers[] = {
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 2\r\n",
        MEMBER,
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char request[512];
        struct reply reply = {0};
        snprintf(request, sizeof request, "POST /v1/echo" ASK MEMBER JSON "%s\r\n{}", headers[i]);
        int fd = rig_ask(rig, request, &reply);
        assert_problem(&reply, 422, "invalid-request");
        assert_string_equal(reply_header(&reply, "Connection"), "close");
        rig_await_end(rig, fd);
        close(fd);
        reply_done(&reply);
    }
    assert_int_equal(rig->handled, 0);
}

static void what_is_not_http_is_refused_or_cut_off(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *text;
        unsigned status; /* 0: none */
    } requests[] = {
        {"GET /health HTTP/1.1\r\n\r\n", 400},
        {"GET /health" ASK "no colon\r\n\r\n", 400},
        {"POST /open" ASK JSON "Content-Length: two\r\n\r\n", 400},
        {"POST /open" ASK JSON "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"\x16\x03\x01\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct reply reply = {0};
        int fd = rig_ask(rig, requests[i].text, &reply);
        assert_int_equal(reply.status, requests[i].status);
        rig_await_end(rig, fd);
        reply_done(&reply);
        close(fd);
    }
    assert_int_equal(rig->handled, 0);
}

static void headers_that_are_too_large_are_refused(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    char value[40001];
    memset(value, 'v', 40000);
    value[40000] = '\0';
    int fd = rig_connect(rig);
    rig_say(rig, fd, "GET /health" ASK "X-Long: ");
    rig_say(rig, fd, value);
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 431);
    close(fd);
    fd = rig_connect(rig);
    rig_say(rig, fd, "GET /");
    rig_say(rig, fd, value);
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 414);
    close(fd);
    fd = rig_connect(rig);
    value[7900] = '\0';
    rig_say(rig, fd, "GET /health" ASK "X-Long: ");
    rig_say(rig, fd, value);
    rig_say(rig, fd, "\r\n\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    close(fd);
    reply_done(&reply);
}

static void refusals_without_a_body_keep_the_connection(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_ask(rig, "GET /nowhere" ASK "\r\n", &reply);
    assert_problem(&reply, 404, "not-found");
    rig_say(rig, fd, "GET /v1/query" ASK "\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 401, "token-invalid");
    rig_say(rig, fd, "GET /health" ASK "\r\n");
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(fd);
}

static void a_refusal_keeps_the_retry_after_that_was_set(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_connect(rig);
    rig_say(rig, fd, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(rig, 1);
    request_answer_header(rig->parked[0], "Retry-After", "17");
    request_refuse(rig->parked[0], FAULT_TOO_MANY_REQUESTS, NULL, json_pack("{s:i}", "left", 0));
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 429, "too-many-requests");
    assert_string_equal(reply_header(&reply, "Retry-After"), "17");
    assert_non_null(strstr(reply.body, "\"left\":0"));
    reply_done(&reply);
    close(fd);
}

static void an_answer_without_a_document_is_out_of_memory(void **state)
{
    struct rig *rig = *state;
    struct reply reply = {0};
    int fd = rig_connect(rig);
    rig_say(rig, fd, "GET /v1/parked" ASK MEMBER "\r\n");
    rig_await_parked(rig, 1);
    request_answer(rig->parked[0], 200, NULL);
    rig_hear(rig, fd, false, &reply);
    assert_problem(&reply, 503, "out-of-memory");
    assert_string_equal(reply_header(&reply, "Retry-After"), "1");
    reply_done(&reply);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(other_methods_are_refused_with_those_there_are),
        TEST(a_capture_that_cannot_be_decoded_is_not_found),
        TEST(a_query_string_that_cannot_be_decoded_is_refused),
        TEST(a_token_is_a_bearer_token_in_any_case),
        TEST(a_body_must_be_json),
        TEST(without_a_body_no_media_type_is_needed),
        TEST(size_is_checked_before_media_type_and_that_before_the_token),
        TEST(a_refusal_reaches_a_client_that_goes_on_sending),
        TEST(a_chunked_body_above_the_limit_is_refused_at_its_end),
        TEST(a_chunked_body_without_end_is_cut_off),
        TEST(who_asks_before_sending_is_told_to_go_on_or_is_refused),
        TEST(a_request_whose_end_is_unclear_is_refused_and_ends_the_connection),
        TEST(what_is_not_http_is_refused_or_cut_off),
        TEST(headers_that_are_too_large_are_refused),
        TEST(refusals_without_a_body_keep_the_connection),
        TEST(a_refusal_keeps_the_retry_after_that_was_set),
        TEST(an_answer_without_a_document_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
