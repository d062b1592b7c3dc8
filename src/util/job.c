/* SPDX-License-Identifier: Apache-2.0 */
#include "util/job.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

void job_list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->count++;
}

struct job *job_list_pop(struct job_list *list)
{
    struct job *job = list->first;
    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    job->next = NULL;
    return job;
}

/* Appends `from` to `to` and empties it. */
static void job_list_move(struct job_list *to, struct job_list *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = (struct job_list){0};
}

enum fault job_exchange_init(struct job_exchange *exchange)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return FAULT_SYSTEM;
    *exchange = (struct job_exchange){.event_fd = event_fd};
    pthread_mutex_init(&exchange->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&exchange->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    return FAULT_NONE;
}

void job_submit(struct job_exchange *exchange, struct job *job)
{
    exchange->out++;
    pthread_mutex_lock(&exchange->mutex);
    job_list_push(&exchange->waiting, job);
    pthread_mutex_unlock(&exchange->mutex);
    pthread_cond_signal(&exchange->filled);
}

/* With the mutex held. `end`: NULL, or when not to wait any more. */
static void job_await(struct job_exchange *exchange, const struct timespec *end)
{
    int result = 0;
    while (!exchange->waiting.first && !exchange->closed && result == 0)
        result = end ? pthread_cond_timedwait(&exchange->filled, &exchange->mutex, end)
                     : pthread_cond_wait(&exchange->filled, &exchange->mutex);
}

static bool job_take_until(struct job_exchange *exchange, bool take_all, const struct timespec *end,
                           struct job_list *ret)
{
    struct job_list taken = {0};
    pthread_mutex_lock(&exchange->mutex);
    job_await(exchange, end);
    if (take_all)
        job_list_move(&taken, &exchange->waiting);
    else if (exchange->waiting.first)
        job_list_push(&taken, job_list_pop(&exchange->waiting));
    bool goes_on = taken.first || !exchange->closed;
    pthread_mutex_unlock(&exchange->mutex);
    *ret = taken;
    return goes_on;
}

bool job_take(struct job_exchange *exchange, bool take_all, struct job_list *ret)
{
    return job_take_until(exchange, take_all, NULL, ret);
}

bool job_take_within(struct job_exchange *exchange, bool take_all, unsigned limit_ms,
                     struct job_list *ret)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += limit_ms / MS_PER_S;
    end.tv_nsec += (long)(limit_ms % MS_PER_S) * NS_PER_MS;
    if (end.tv_nsec >= NS_PER_S) {
        end.tv_sec++;
        end.tv_nsec -= NS_PER_S;
    }
    return job_take_until(exchange, take_all, &end, ret);
}

void job_finish(struct job_exchange *exchange, struct job_list *jobs)
{
    pthread_mutex_lock(&exchange->mutex);
    bool wake = !exchange->finished.first && jobs->first;
    job_list_move(&exchange->finished, jobs);
    pthread_mutex_unlock(&exchange->mutex);
    uint64_t one = 1;
    if (wake && write(exchange->event_fd, &one, sizeof one) < 0) {
        /* The counter is saturated: the loop is awake already. */
    }
}

void job_dispatch(struct job_exchange *exchange)
{
    uint64_t count = 0;
    struct job_list finished = {0};
    if (read(exchange->event_fd, &count, sizeof count) < 0) {
        /* Nothing signalled yet: what is finished is taken all the same. */
    }
    pthread_mutex_lock(&exchange->mutex);
    job_list_move(&finished, &exchange->finished);
    pthread_mutex_unlock(&exchange->mutex);
    for (struct job *job = job_list_pop(&finished); job; job = job_list_pop(&finished)) {
        exchange->out--;
        job->done(job);
    }
}

void job_exchange_close(struct job_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->closed = true;
    pthread_mutex_unlock(&exchange->mutex);
    pthread_cond_broadcast(&exchange->filled);
}

void job_exchange_done(struct job_exchange *exchange)
{
    pthread_mutex_destroy(&exchange->mutex);
    pthread_cond_destroy(&exchange->filled);
    close(exchange->event_fd);
}

struct workers {
    struct job_exchange exchange;
    unsigned count;
    pthread_t threads[];
};

static void *workers_main(void *argument)
{
    struct job_exchange *exchange = argument;
    struct job_list jobs = {0};
    while (job_take(exchange, false, &jobs)) {
        jobs.first->run(jobs.first);
        job_finish(exchange, &jobs);
    }
    return NULL;
}

enum fault workers_new(unsigned count, struct workers **ret)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (count == 0)
        count = processors > 0 ? (unsigned)processors : 1;
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->threads[0]);
    if (!workers)
        return FAULT_MEMORY;
    enum fault fault = job_exchange_init(&workers->exchange);
    if (fault) {
        free(workers);
        return fault;
    }
    for (; workers->count < count; workers->count++) {
        if (pthread_create(&workers->threads[workers->count], NULL, workers_main,
                           &workers->exchange) != 0) {
            workers_free(workers);
            return FAULT_SYSTEM;
        }
    }
    *ret = workers;
    return FAULT_NONE;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    job_exchange_close(&workers->exchange);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    job_exchange_done(&workers->exchange);
    free(workers);
}

void workers_submit(struct workers *workers, struct job *job)
{
    job_submit(&workers->exchange, job);
}

int workers_fd(const struct workers *workers)
{
    return workers->exchange.event_fd;
}

size_t workers_pending(const struct workers *workers)
{
    return workers->exchange.out;
}

void workers_dispatch(struct workers *workers)
{
    job_dispatch(&workers->exchange);
}
