/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/common.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("continuum-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void progress(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("  ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        fail("out of memory");
    return memory;
}

static double clock_read_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double wall_s(void)
{
    return clock_read_s(CLOCK_MONOTONIC);
}

double process_cpu_s(void)
{
    return clock_read_s(CLOCK_PROCESS_CPUTIME_ID);
}

double thread_cpu_s(void)
{
    return clock_read_s(CLOCK_THREAD_CPUTIME_ID);
}

unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

struct parallel {
    size_t next, count;
    void (*run)(void *context, size_t index);
    void *context;
};

static void *parallel_main(void *argument)
{
    struct parallel *parallel = argument;
    for (;;) {
        size_t index = __atomic_fetch_add(&parallel->next, 1, __ATOMIC_RELAXED);
        if (index >= parallel->count)
            return NULL;
        parallel->run(parallel->context, index);
    }
}

void parallel_wide(unsigned threads, size_t count, void (*run)(void *context, size_t index),
                   void *context)
{
    struct parallel parallel = {.count = count, .run = run, .context = context};
    pthread_t started[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, parallel_main, &parallel) != 0)
            fail("cannot start a thread");
    for (unsigned i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
}

void parallel_each(size_t count, void (*run)(void *context, size_t index), void *context)
{
    parallel_wide(processors(), count, run, context);
}
