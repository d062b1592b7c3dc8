/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "util/clock.h"

/* A loop whose engine is an eventfd, and what happened to it, in order: T turn, S source, R timer,
 * D drain. */
struct fixture {
    struct loop *loop;
    int engine_fd, source_fd;
    int64_t timeout_us;
    unsigned turns, sources, timers, drains;
    unsigned sources_again;  /* the source makes itself readable so many times again */
    unsigned turns_to_drain; /* drained once so many turns were made since drain */
    char story[64];
    void (*on_timer)(struct fixture *fixture);
};

static void note(struct fixture *fixture, char what)
{
    size_t length = strlen(fixture->story);
    if (length < sizeof fixture->story - 1)
        fixture->story[length] = what;
}

static void fd_raise(int fd)
{
    uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

static void fd_clear(int fd)
{
    uint64_t count = 0;
    if (read(fd, &count, sizeof count) < 0)
        return;
}

static int64_t engine_timeout_us(void *userdata)
{
    return ((struct fixture *)userdata)->timeout_us;
}

static void engine_turn(void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->turns++;
    note(fixture, 'T');
    fd_clear(fixture->engine_fd);
    if (fixture->drains && fixture->turns_to_drain)
        fixture->turns_to_drain--;
}

static void engine_drain(void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->drains++;
    note(fixture, 'D');
}

static bool engine_drained(void *userdata)
{
    struct fixture *fixture = userdata;
    assert_int_not_equal(fixture->drains, 0);
    return fixture->turns_to_drain == 0;
}

static void source_ready(void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->sources++;
    note(fixture, 'S');
    fd_clear(fixture->source_fd);
    if (fixture->sources <= fixture->sources_again)
        fd_raise(fixture->source_fd);
}

static void timer_fire(void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->timers++;
    note(fixture, 'R');
    if (fixture->on_timer)
        fixture->on_timer(fixture);
}

static int setup_with(unsigned drain_limit_ms, void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.timeout_us = -1};
    fixture.engine_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fixture.source_fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    *state = &fixture;
    if (loop_new(&fixture.loop, NULL) != FAULT_NONE)
        return -1;
    const struct loop_engine engine = {
        .fd = fixture.engine_fd,
        .timeout_us = engine_timeout_us,
        .turn = engine_turn,
        .drain = engine_drain,
        .drained = engine_drained,
        .userdata = &fixture,
        .drain_limit_ms = drain_limit_ms,
    };
    return loop_set_engine(fixture.loop, &engine) != FAULT_NONE ||
           loop_add_source(fixture.loop, fixture.source_fd, source_ready, &fixture) != FAULT_NONE;
}

static int setup(void **state)
{
    return setup_with(60000, state);
}

static int setup_hasty(void **state)
{
    return setup_with(500, state);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    loop_free(fixture->loop);
    close(fixture->engine_fd);
    close(fixture->source_fd);
    return 0;
}

static void drain(struct fixture *fixture)
{
    loop_drain(fixture->loop);
}

static void terminate(struct fixture *fixture)
{
    if (fixture->timers == 1)
        kill(getpid(), SIGTERM);
}

static void interrupt(struct fixture *fixture)
{
    (void)fixture;
    kill(getpid(), SIGINT);
}

static void sleep_ms(long duration_ms)
{
    const struct timespec pause = {.tv_sec = duration_ms / 1000,
                                   .tv_nsec = duration_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void every_wake_up_ends_in_a_turn(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = drain;
    fd_raise(fixture->source_fd);
    loop_add_timer(fixture->loop, 300, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_string_equal(fixture->story, "STRDT");
}

static void one_turn_serves_all_that_was_ready(void **state)
{
    struct fixture *fixture = *state;
    fixture->sources_again = 2;
    fd_raise(fixture->source_fd);
    fd_raise(fixture->engine_fd);
    loop_drain(fixture->loop);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_string_equal(fixture->story, "DSSST");
}

static void a_write_to_a_closed_connection_does_not_kill(void **state)
{
    (void)state;
    int ends[2];
    signal(SIGPIPE, SIG_DFL);
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop, NULL), FAULT_NONE);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    close(ends[1]);
    loop_free(loop);
}

static void a_readable_engine_gets_its_turn_and_then_the_loop_sleeps(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = drain;
    fd_raise(fixture->engine_fd);
    loop_add_timer(fixture->loop, 80, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_true(strcmp(fixture->story, "TRDT") == 0 || strcmp(fixture->story, "TTRDT") == 0);
}

/* Not only by the timer. */
static void drain_once_turned(struct fixture *fixture)
{
    if (fixture->turns > fixture->timers + 2)
        loop_drain(fixture->loop);
}

static void an_engine_that_stays_readable_does_not_starve_others(void **state)
{
    struct fixture *fixture = *state;
    int always_readable = fixture->engine_fd;
    fixture->engine_fd = -1; /* the turn clears nothing */
    fd_raise(always_readable);
    fixture->on_timer = drain_once_turned;
    loop_add_timer(fixture->loop, 30, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    fixture->engine_fd = always_readable;
}

static void the_engine_is_turned_when_its_timeout_passes(void **state)
{
    struct fixture *fixture = *state;
    fixture->timeout_us = 10000;
    fixture->on_timer = drain_once_turned;
    uint64_t start_ms = clock_monotonic_ms();
    loop_add_timer(fixture->loop, 200, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    uint64_t elapsed_ms = clock_monotonic_ms() - start_ms;
    assert_in_range(fixture->turns, 4, elapsed_ms / 10 + fixture->timers + 5);
}

static void an_engine_without_timeout_lets_the_loop_sleep(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = drain;
    loop_add_timer(fixture->loop, 100, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_in_range(fixture->turns, 1, 2);
}

static void drain_after_five(struct fixture *fixture)
{
    if (fixture->timers == 5)
        loop_drain(fixture->loop);
}

static void timers_fire_again_and_again_at_their_interval(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = drain_after_five;
    uint64_t start_ms = clock_monotonic_ms();
    loop_add_timer(fixture->loop, 20, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_int_equal(fixture->timers, 5);
    assert_in_range(clock_monotonic_ms() - start_ms, 95, 10000);
}

static void block_once(struct fixture *fixture)
{
    if (fixture->timers == 1)
        sleep_ms(150);
    if (fixture->timers == 2)
        loop_drain(fixture->loop);
}

static void a_late_timer_does_not_catch_up(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = block_once;
    loop_add_timer(fixture->loop, 20, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_int_equal(fixture->timers, 2);
}

static void *raise_thrice(void *argument)
{
    const struct fixture *fixture = argument;
    for (int i = 0; i < 3; i++) {
        sleep_ms(20);
        fd_raise(fixture->source_fd);
    }
    sleep_ms(20);
    kill(getpid(), SIGTERM);
    return NULL;
}

static void another_thread_wakes_the_loop_and_gets_no_signal(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    pthread_create(&thread, NULL, raise_thrice, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    pthread_join(thread, NULL);
    assert_int_equal(fixture->sources, 3);
    assert_int_equal(fixture->drains, 1);
}

static void a_signal_drains_and_the_loop_ends_when_all_is_answered(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = terminate;
    fixture->timeout_us = 5000;
    fixture->turns_to_drain = 4;
    loop_add_timer(fixture->loop, 60, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_int_equal(fixture->drains, 1);
    assert_int_equal(fixture->turns_to_drain, 0);
}

static void a_second_signal_leaves_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct why why = {""};
    fixture->on_timer = interrupt;
    fixture->turns_to_drain = 1000;
    loop_add_timer(fixture->loop, 20, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, &why), FAULT_SHUTTING_DOWN);
    assert_int_equal(fixture->timers, 2);
    assert_int_equal(fixture->drains, 1);
    assert_string_equal(why.text, "requests were left without an answer");
}

static void a_drain_that_takes_too_long_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = drain;
    fixture->turns_to_drain = 1000;
    uint64_t start_ms = clock_monotonic_ms();
    loop_add_timer(fixture->loop, 20, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_SHUTTING_DOWN);
    assert_in_range(clock_monotonic_ms() - start_ms, 510, 10000);
    assert_int_equal(fixture->drains, 1);
}

static void block_then_drain(struct fixture *fixture)
{
    sleep_ms(150);
    loop_drain(fixture->loop);
}

static void the_drain_limit_counts_from_the_drain_also_after_a_slow_callback(void **state)
{
    struct fixture *fixture = *state;
    fixture->on_timer = block_then_drain;
    loop_add_timer(fixture->loop, 10, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
}

static void a_descriptor_that_cannot_be_waited_for_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(loop_add_source(fixture->loop, 4000, source_ready, fixture), FAULT_SYSTEM);
}

/* --- the service manager ---------------------------------------------------------------------- */

static char notify_path[64];
static int notify_fd = -1;

static void notify_open(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(notify_path, sizeof notify_path, "/tmp/continuum-test-notify-%d", getpid());
    snprintf(address.sun_path, sizeof address.sun_path, "%s", notify_path);
    unlink(notify_path); /* of a process of this number that was killed */
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(notify_fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", notify_path, 1);
}

static void notify_close(void)
{
    unsetenv("NOTIFY_SOCKET");
    unlink(notify_path);
    close(notify_fd);
}

/* The next message, "" when there is none. */
static const char *notify_next(void)
{
    static char message[1024];
    ssize_t length = recv(notify_fd, message, sizeof message - 1, 0);
    message[length > 0 ? length : 0] = '\0';
    return message;
}

static unsigned notify_count(const char *message)
{
    unsigned count = 0;
    for (const char *next = notify_next(); *next; next = notify_next())
        count += strcmp(next, message) == 0;
    return count;
}

static void the_service_manager_hears_ready_status_and_stopping(void **state)
{
    struct fixture *fixture = *state;
    notify_open();
    loop_ready();
    assert_string_equal(notify_next(), "READY=1");
    loop_status("%u members\nMAINPID=%d", 12U, 1);
    assert_string_equal(notify_next(), "STATUS=12 members\\x0aMAINPID=1");
    fixture->on_timer = drain;
    loop_add_timer(fixture->loop, 10, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    loop_drain(fixture->loop);
    assert_int_equal(notify_count("STOPPING=1"), 1);
    notify_close();
}

static void without_a_service_manager_nothing_is_sent(void **state)
{
    (void)state;
    notify_open();
    unsetenv("NOTIFY_SOCKET");
    loop_ready();
    loop_status("alone");
    assert_string_equal(notify_next(), "");
    notify_close();
}

static unsigned pings_running, pings_stuck;

static void hang_once_fed(struct fixture *fixture)
{
    pings_running += notify_count("WATCHDOG=1");
    if (pings_running < 4)
        return;
    sleep_ms(400);
    pings_stuck = notify_count("WATCHDOG=1");
    loop_drain(fixture->loop);
}

static void the_watchdog_is_fed_while_the_loop_turns_and_not_while_it_hangs(void **state)
{
    struct fixture *fixture = *state;
    loop_free(fixture->loop);
    close(fixture->engine_fd);
    close(fixture->source_fd);
    notify_open();
    setenv("WATCHDOG_USEC", "100000", 1);
    assert_int_equal(setup(state), 0);
    unsetenv("WATCHDOG_USEC");
    fixture->on_timer = hang_once_fed;
    loop_add_timer(fixture->loop, 400, timer_fire, fixture);
    assert_int_equal(loop_run(fixture->loop, NULL), FAULT_NONE);
    assert_in_range(pings_running, 4, 12 * fixture->timers);
    assert_int_equal(pings_stuck, 0);
    notify_close();
}

#define LOOP_TEST(function)  cmocka_unit_test_setup_teardown(function, setup, teardown)
#define HASTY_TEST(function) cmocka_unit_test_setup_teardown(function, setup_hasty, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_wake_up_ends_in_a_turn),
        LOOP_TEST(one_turn_serves_all_that_was_ready),
        LOOP_TEST(a_write_to_a_closed_connection_does_not_kill),
        LOOP_TEST(a_readable_engine_gets_its_turn_and_then_the_loop_sleeps),
        LOOP_TEST(an_engine_that_stays_readable_does_not_starve_others),
        LOOP_TEST(the_engine_is_turned_when_its_timeout_passes),
        LOOP_TEST(an_engine_without_timeout_lets_the_loop_sleep),
        LOOP_TEST(timers_fire_again_and_again_at_their_interval),
        LOOP_TEST(a_late_timer_does_not_catch_up),
        LOOP_TEST(another_thread_wakes_the_loop_and_gets_no_signal),
        LOOP_TEST(a_signal_drains_and_the_loop_ends_when_all_is_answered),
        LOOP_TEST(a_second_signal_leaves_at_once),
        HASTY_TEST(a_drain_that_takes_too_long_is_cut_off),
        HASTY_TEST(the_drain_limit_counts_from_the_drain_also_after_a_slow_callback),
        LOOP_TEST(a_descriptor_that_cannot_be_waited_for_is_a_fault),
        LOOP_TEST(the_service_manager_hears_ready_status_and_stopping),
        LOOP_TEST(without_a_service_manager_nothing_is_sent),
        LOOP_TEST(the_watchdog_is_fed_while_the_loop_turns_and_not_while_it_hangs),
    };
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
