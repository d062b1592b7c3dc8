/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_LOAD_H
#define CONTINUUM_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "bench/exchange.h"

/*
 * The load generator: one thread, epoll, keep-alive connections, each with one request under way at
 * any time. The requests are ready before the clock starts, so that it costs as little as it can:
 * it shares the processors with what it measures.
 */
struct load_plan {
    uint16_t port;
    size_t connections;
    const struct request_bytes *requests; /* taken in order, and again from the first */
    size_t request_count;
    size_t total;       /* so many requests at most */
    double seconds_max; /* no new ones after this */
    const char *expect; /* what every answer must contain, or NULL */
};

struct load_result {
    double seconds; /* from the first request to the last answer */
    size_t answered;
    double per_second;
    double p50_ms, p99_ms;
};

/* Fails on any answer that is not 2xx or not as expected. */
void load_run(const struct load_plan *plan, struct load_result *ret);

#endif
