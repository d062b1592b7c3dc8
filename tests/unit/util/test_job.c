/* SPDX-License-Identifier: Apache-2.0 */
#include "util/job.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { JOBS = 5000 };

struct task {
    struct job job;
    uint64_t input, output;
    unsigned runs, dones;
};

static void task_run(struct job *job)
{
    struct task *task = (struct task *)job;
    task->output = task->input * task->input;
    task->runs++;
}

static void task_done(struct job *job)
{
    ((struct task *)job)->dones++;
}

static struct task task_of(uint64_t input)
{
    return (struct task){.job = {.run = task_run, .done = task_done}, .input = input};
}

static void a_list_gives_back_first_what_came_first(void **state)
{
    (void)state;
    struct job_list list = {0};
    struct job jobs[3] = {{0}};
    assert_null(job_list_pop(&list));
    for (size_t i = 0; i < 3; i++)
        job_list_push(&list, &jobs[i]);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(job_list_pop(&list), &jobs[i]);
    assert_null(job_list_pop(&list));
    job_list_push(&list, &jobs[1]);
    assert_ptr_equal(job_list_pop(&list), &jobs[1]);
    assert_int_equal(list.count, 0);
}

static void settle(struct workers *workers)
{
    while (workers_pending(workers) > 0) {
        struct pollfd wait = {.fd = workers_fd(workers), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        workers_dispatch(workers);
    }
}

static void every_job_runs_once_elsewhere_and_is_done_once_here(void **state)
{
    static struct task tasks[JOBS];
    struct workers *workers = NULL;
    (void)state;
    assert_int_equal(workers_new(3, &workers), FAULT_NONE);
    for (size_t i = 0; i < JOBS; i++) {
        tasks[i] = task_of(i);
        workers_submit(workers, &tasks[i].job);
        if (i % 64 == 0)
            workers_dispatch(workers);
    }
    settle(workers);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].output, i * i);
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(tasks[i].dones, 1);
    }
    workers_free(workers);
    workers_free(NULL);
}

static struct workers *resubmitted_to;

static void task_done_again(struct job *job)
{
    struct task *task = (struct task *)job;
    if (++task->dones < 10)
        workers_submit(resubmitted_to, job);
}

static void a_job_may_be_submitted_again_when_it_is_done(void **state)
{
    struct task task = task_of(3);
    (void)state;
    assert_int_equal(workers_new(0, &resubmitted_to), FAULT_NONE);
    task.job.done = task_done_again;
    workers_submit(resubmitted_to, &task.job);
    settle(resubmitted_to);
    assert_int_equal(task.runs, 10);
    workers_free(resubmitted_to);
}

static void what_was_submitted_before_the_end_still_runs_but_is_not_done(void **state)
{
    static struct task tasks[JOBS];
    struct workers *workers = NULL;
    (void)state;
    assert_int_equal(workers_new(2, &workers), FAULT_NONE);
    for (size_t i = 0; i < JOBS; i++) {
        tasks[i] = task_of(i);
        workers_submit(workers, &tasks[i].job);
    }
    workers_free(workers);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(tasks[i].dones, 0);
    }
}

static void who_takes_all_gets_all_in_order_and_nothing_after_the_end(void **state)
{
    struct job_exchange exchange;
    struct job_list taken = {0};
    struct task tasks[5];
    (void)state;
    assert_int_equal(job_exchange_init(&exchange), FAULT_NONE);
    for (size_t i = 0; i < 5; i++) {
        tasks[i] = task_of(i);
        job_submit(&exchange, &tasks[i].job);
    }
    assert_true(job_take(&exchange, false, &taken));
    assert_int_equal(taken.count, 1);
    job_finish(&exchange, &taken);
    assert_int_equal(taken.count, 0);
    assert_true(job_take(&exchange, true, &taken));
    assert_int_equal(taken.count, 4);
    assert_ptr_equal(taken.first, &tasks[1].job);
    job_finish(&exchange, &taken);
    job_exchange_close(&exchange);
    assert_false(job_take(&exchange, true, &taken));
    assert_int_equal(exchange.out, 5);
    job_dispatch(&exchange);
    assert_int_equal(exchange.out, 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(tasks[i].dones, 1);
    job_exchange_done(&exchange);
}

static void the_descriptor_is_readable_only_while_something_waits(void **state)
{
    struct job_exchange exchange;
    struct job_list taken = {0};
    struct task task = task_of(1);
    (void)state;
    assert_int_equal(job_exchange_init(&exchange), FAULT_NONE);
    struct pollfd wait = {.fd = exchange.event_fd, .events = POLLIN};
    job_submit(&exchange, &task.job);
    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_true(job_take(&exchange, true, &taken));
    job_finish(&exchange, &taken);
    assert_int_equal(poll(&wait, 1, 0), 1);
    job_dispatch(&exchange);
    assert_int_equal(poll(&wait, 1, 0), 0);
    job_exchange_done(&exchange);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_gives_back_first_what_came_first),
        cmocka_unit_test(every_job_runs_once_elsewhere_and_is_done_once_here),
        cmocka_unit_test(a_job_may_be_submitted_again_when_it_is_done),
        cmocka_unit_test(what_was_submitted_before_the_end_still_runs_but_is_not_done),
        cmocka_unit_test(who_takes_all_gets_all_in_order_and_nothing_after_the_end),
        cmocka_unit_test(the_descriptor_is_readable_only_while_something_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
