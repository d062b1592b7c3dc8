/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=clock_monotonic_us,--wrap=clock_monotonic_ms */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "http/pace.h"
#include "lib/http_rig.h"
#include "util/clock.h"

#define PACED "GET /v1/paced" ASK MEMBER "\r\n"

enum { STEP_MS = PACE_STEP_US / 1000 };

/* Sends a request, which is parked then; returns its connection. */
static int park(struct rig *rig)
{
    int fd = rig_connect(rig);
    rig_say(rig, fd, PACED);
    rig_await_parked(rig, rig->parked_count + 1);
    return fd;
}

static void hear_200(struct rig *rig, int fd)
{
    struct reply reply = {0};
    rig_hear(rig, fd, false, &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    close(fd);
}

static void an_answer_leaves_one_step_after_its_request(void **state)
{
    struct rig *rig = *state;
    uint64_t start_us = clock_monotonic_us();
    int fd = park(rig);
    request_answer(rig->parked[0], 200, json_object());
    assert_int_equal(server_pending(rig->server), 1);
    assert_in_range(server_timeout_us(rig->server), 0, PACE_STEP_US + PACE_GRAIN_US);
    hear_200(rig, fd);
    assert_true(clock_monotonic_us() - start_us >= PACE_STEP_US);
    assert_int_equal(server_pending(rig->server), 0);
}

static void what_takes_longer_leaves_at_a_later_step(void **state)
{
    struct rig *rig = *state;
    uint64_t start_us = clock_monotonic_us();
    int fd = park(rig);
    rig_idle(rig, STEP_MS + 1);
    request_answer(rig->parked[0], 200, json_object());
    hear_200(rig, fd);
    assert_true(clock_monotonic_us() - start_us >= 2 * PACE_STEP_US);
}

static void each_leaves_at_its_own_step(void **state)
{
    struct rig *rig = *state;
    int fds[3];
    for (size_t i = 0; i < 3; i++)
        fds[i] = park(rig);
    for (size_t i = 3; i-- > 0;)
        request_answer(rig->parked[i], 200, json_object());
    for (size_t i = 0; i < 3; i++)
        hear_200(rig, fds[i]);
    assert_int_equal(server_pending(rig->server), 0);
}

static void what_is_refused_at_once_does_not_wait(void **state)
{
    struct reply reply = {0};
    struct rig *rig = *state;
    rig_ask_once(rig, "GET /v1/paced" ASK "\r\n", &reply);
    assert_problem(&reply, 401, "token-invalid");
    assert_int_equal(server_pending(rig->server), 0);
    reply_done(&reply);
}

static void the_end_of_the_server_lets_all_go(void **state)
{
    (void)state;
    struct rig rig;
    struct server_settings settings = rig_settings();
    rig_open(&rig, &settings);
    int fd = park(&rig);
    char answer[sizeof "HTTP/1.1 200"] = "";
    request_answer(rig.parked[0], 200, json_object());
    rig_close(&rig);
    assert_int_equal(read(fd, answer, sizeof answer - 1), sizeof answer - 1);
    assert_string_equal(answer, "HTTP/1.1 200");
    close(fd);
}

#define PACE_TEST(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PACE_TEST(an_answer_leaves_one_step_after_its_request),
        PACE_TEST(what_takes_longer_leaves_at_a_later_step),
        PACE_TEST(each_leaves_at_its_own_step),
        PACE_TEST(what_is_refused_at_once_does_not_wait),
        cmocka_unit_test(the_end_of_the_server_lets_all_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
