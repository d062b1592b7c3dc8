/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/made_up.h"

/* The wall's clock shows 1000 s when the steady one shows 5 s. */
static const struct moment beginning = {5000, 1000000};

struct test_waiter {
    struct waiter waiter; /* first */
    unsigned woken;
};

static struct waiting *waiting;

static void note(struct waiter *waiter)
{
    ((struct test_waiter *)waiter)->woken++;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(waiting_new(&waiting), FAULT_NONE);
    waiting_turn(waiting, beginning);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    waiting_free(waiting);
    return 0;
}

static void turn_after(uint64_t ms)
{
    waiting_turn(waiting,
                 (struct moment){beginning.steady_ms + ms, beginning.wall_ms + (int64_t)ms});
}

static struct test_waiter waiter_for(enum waiting_kind kind, int64_t number)
{
    return (struct test_waiter){.waiter = {.key = {kind, number}, .wake = note}};
}

static void an_event_wakes_those_who_wait_for_it_and_nobody_else(void **state)
{
    (void)state;
    struct test_waiter a = waiter_for(WAITING_INBOX, 16), b = waiter_for(WAITING_INBOX, 16);
    struct test_waiter other = waiter_for(WAITING_INBOX, 17),
                       kind = waiter_for(WAITING_ANSWERS, 16);
    struct test_waiter *all[] = {&a, &b, &other, &kind};
    for (size_t i = 0; i < 4; i++)
        assert_true(waiting_add(waiting, &all[i]->waiter, 65000, 0));
    waiting_wake(waiting, a.waiter.key);
    assert_int_equal(waiting_timeout_us(waiting, 5000), 0);
    turn_after(0);
    assert_int_equal(a.woken, 1);
    assert_int_equal(b.woken, 1);
    assert_int_equal(other.woken + kind.woken, 0);
    assert_int_equal(waiting_count(waiting), 2);
}

static void whoever_waits_is_woken_at_the_deadline(void **state)
{
    (void)state;
    struct test_waiter a = waiter_for(WAITING_INBOX, 16);
    assert_true(waiting_add(waiting, &a.waiter, 8000, 0));
    assert_int_equal(waiting_timeout_us(waiting, 5500), 2500000);
    turn_after(2999);
    assert_int_equal(a.woken, 0);
    turn_after(3000);
    assert_int_equal(a.woken, 1);
    assert_int_equal(waiting_timeout_us(waiting, 8000), -1);
}

static void a_time_of_the_walls_clock_comes_before_a_later_deadline(void **state)
{
    (void)state;
    struct test_waiter a = waiter_for(WAITING_INBOX, 16), b = waiter_for(WAITING_INBOX, 17);
    assert_true(waiting_add(waiting, &a.waiter, 65000, 1002));
    assert_true(waiting_add(waiting, &b.waiter, 6000, 1002));
    assert_int_equal(waiting_timeout_us(waiting, 5000), 1000000);
    turn_after(1000);
    assert_int_equal(b.woken, 1);
    assert_int_equal(waiting_timeout_us(waiting, 6000), 1000000);
    turn_after(2000);
    assert_int_equal(a.woken, 1);
}

static void hastening_never_delays(void **state)
{
    (void)state;
    struct test_waiter a = waiter_for(WAITING_ANSWERS, 1);
    assert_true(waiting_add(waiting, &a.waiter, 65000, 0));
    waiting_hasten(waiting, a.waiter.key, 1001);
    waiting_hasten(waiting, a.waiter.key, 1030);
    assert_int_equal(waiting_timeout_us(waiting, 5000), 1000000);
    turn_after(1000);
    assert_int_equal(a.woken, 1);
}

static void wait_again(struct waiter *waiter)
{
    ((struct test_waiter *)waiter)->woken++;
    assert_true(waiting_add(waiting, waiter, 5000, 0));
}

static void who_waits_again_at_once_is_woken_once_a_turn(void **state)
{
    (void)state;
    struct test_waiter a = waiter_for(WAITING_INBOX, 16);
    a.waiter.wake = wait_again;
    assert_true(waiting_add(waiting, &a.waiter, 5000, 0));
    turn_after(1);
    assert_int_equal(a.woken, 1);
    turn_after(2);
    assert_int_equal(a.woken, 2);
}

static void draining_wakes_all_and_lets_nobody_wait(void **state)
{
    (void)state;
    struct test_waiter waiters[5];
    for (int i = 0; i < 5; i++) {
        waiters[i] = waiter_for(WAITING_INBOX, 16 + i);
        assert_true(waiting_add(waiting, &waiters[i].waiter, 60000 - (uint64_t)i, 0));
    }
    waiting_drain(waiting);
    turn_after(0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(waiters[i].woken, 1);
    assert_false(waiting_add(waiting, &waiters[0].waiter, 60000, 0));
    assert_int_equal(waiting_count(waiting), 0);
}

/* Against a model: an array of due times. */
static void many_are_woken_in_time_whatever_comes_between(void **state)
{
    (void)state;
    enum { MANY = 500, STEPS = 20000 };
    static struct test_waiter waiters[MANY];
    static uint64_t due[MANY]; /* 0: does not wait */
    uint64_t random = 7, now = 0;
    for (int i = 0; i < MANY; i++)
        waiters[i] = waiter_for(WAITING_INBOX, 16 + i);
    for (int step = 0; step < STEPS; step++) {
        unsigned i = made_up_below(&random, MANY), choice = made_up_below(&random, 8);
        if (choice < 4 && !due[i]) {
            due[i] = now + 1 + made_up_below(&random, 3000);
            assert_true(waiting_add(waiting, &waiters[i].waiter, due[i] + beginning.steady_ms, 0));
        } else if (choice == 4 && due[i]) {
            waiting_remove(waiting, &waiters[i].waiter);
            due[i] = 0;
        } else if (choice == 5 && due[i]) {
            waiting_wake(waiting, waiters[i].waiter.key);
            due[i] = now ? now : 1;
        } else if (choice > 5) {
            now += made_up_below(&random, 20);
            turn_after(now);
            for (int j = 0; j < MANY; j++) {
                assert_int_equal(waiters[j].woken, due[j] && due[j] <= now);
                due[j] = waiters[j].woken ? 0 : due[j];
                waiters[j].woken = 0;
            }
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_event_wakes_those_who_wait_for_it_and_nobody_else),
        TEST(whoever_waits_is_woken_at_the_deadline),
        TEST(a_time_of_the_walls_clock_comes_before_a_later_deadline),
        TEST(hastening_never_delays),
        TEST(who_waits_again_at_once_is_woken_once_a_turn),
        TEST(draining_wakes_all_and_lets_nobody_wait),
        TEST(many_are_woken_in_time_whatever_comes_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
