/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_COMMON_H
#define CONTINUUM_BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* A benchmark that cannot go on says why and exits; what it started and wrote goes with it
 * (atexit). */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line about what is going on, to standard error. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed; never NULL. */
void *allocate(size_t count, size_t size);

/* Wall clock, processor time of this process, and of this thread, in seconds. */
double wall_s(void);
double process_cpu_s(void);
double thread_cpu_s(void);

unsigned processors(void);

/* SplitMix64 (Steele, Lea, Flood 2014): the next number of the sequence in *state. */
uint64_t random_next(uint64_t *state);

/* Calls `run(context, index)` for all indices below `count`, on all processors. */
void parallel_each(size_t count, void (*run)(void *context, size_t index), void *context);

/* The same on so many threads, for what waits more than it computes. */
void parallel_wide(unsigned threads, size_t count, void (*run)(void *context, size_t index),
                   void *context);

#endif
