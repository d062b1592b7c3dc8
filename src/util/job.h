/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_JOB_H
#define CONTINUUM_UTIL_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/fault.h"

/*
 * Work that leaves the loop thread and comes back. `run` happens on another thread and must touch
 * nothing that the loop owns; `done` happens on the loop thread afterwards and may free the job.
 * Embed it as the first member of a larger struct.
 */
struct job {
    void (*run)(struct job *job);
    void (*done)(struct job *job);
    struct job *next;
};

/* A first-in, first-out list. Zeroed is empty. Not thread-safe by itself. */
struct job_list {
    struct job *first, *last;
    size_t count;
};

void job_list_push(struct job_list *list, struct job *job);
struct job *job_list_pop(struct job_list *list);

/* Hands jobs from the loop thread to other threads and back. The way back wakes the loop by an
 * eventfd. */
struct job_exchange {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct job_list waiting, finished;
    size_t out; /* submitted and not done yet; the loop's */
    int event_fd;
    bool closed;
};

/* FAULT_SYSTEM: no descriptor to be had. */
enum fault job_exchange_init(struct job_exchange *exchange);

/* Loop thread: queues one job. */
void job_submit(struct job_exchange *exchange, struct job *job);

/* Other threads: waits for work. `take_all` takes everything that is queued, else one. False:
 * closed and empty. */
bool job_take(struct job_exchange *exchange, bool take_all, struct job_list *ret);

/* The same, but after `limit_ms` without any it returns true with an empty list. */
bool job_take_within(struct job_exchange *exchange, bool take_all, unsigned limit_ms,
                     struct job_list *ret);

/* Other threads: gives finished jobs back, in order. */
void job_finish(struct job_exchange *exchange, struct job_list *jobs);

/* Loop thread, when event_fd is readable: calls `done` of all that is finished. */
void job_dispatch(struct job_exchange *exchange);

/* No more submissions; job_take returns false once everything queued was taken. */
void job_exchange_close(struct job_exchange *exchange);

void job_exchange_done(struct job_exchange *exchange);

/* A pool of threads that run jobs from one exchange, in no particular order. */
struct workers;

/* `count` threads, 0: one for each processor. */
enum fault workers_new(unsigned count, struct workers **ret);

/* Stops after everything that was submitted has run; what was not dispatched yet is not `done`.
 * Takes NULL. */
void workers_free(struct workers *workers);

void workers_submit(struct workers *workers, struct job *job);
int workers_fd(const struct workers *workers);

/* Jobs that were submitted and are not done yet. */
size_t workers_pending(const struct workers *workers);

void workers_dispatch(struct workers *workers);

#endif
