/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_BENCH_H
#define CONTINUUM_BENCH_BENCH_H

#include "bench/corpus.h"
#include "bench/process.h"
#include "bench/report.h"

enum {
    FOLDER_SIZE = 256,
    PATH_SIZE = 512,
    NO_RELEASE_S = 86400, /* an interval between ticks that no run lives to see the end of */
    CONNECTIONS = 64,
    BATCH = 100 /* patterns a request, of bulk ingest */
};

/* Processor time that a load took, of the daemon and of the load generator; then a unit of it. */
struct cost {
    double daemon_s, generator_s;
};
struct bench;
void cost_begin(const struct bench *bench, struct cost *cost);
void cost_end(const struct bench *bench,
              struct cost *cost); /* adds what was used since cost_begin */

/* Units a second that the processors have time for, if nothing else runs and nothing waits. */
double cost_pace(const struct cost *cost, double units);

/* One run: what is measured, and figures that later ones are compared with. */
struct bench {
    size_t patterns; /* N */
    char program[PATH_SIZE], folder[FOLDER_SIZE], storage[PATH_SIZE];
    struct process process; /* while one runs */
    struct corpus corpus;
    struct report report;
    uint64_t next_pattern;                              /* the first that was not sent yet */
    double bulk_whole, bulk_end, bulk_known, bulk_pace; /* patterns a second */
    double single, single_p99_ms, single_pace;
    double bulk_cpu_us, single_cpu_us; /* of the daemon, a pattern */
};

void bench_start(struct bench *bench, unsigned release_interval_s);

/* The steps, in the order in which they run. Those up to the load need a running daemon that is
 * empty. */
void idle_measure(struct bench *bench);
void ingest_measure(struct bench *bench);
void baseline_measure(struct bench *bench); /* no daemon runs */
void release_measure(struct bench *bench);  /* no daemon runs */
void start_measure(struct bench *bench);    /* no daemon runs; leaves one running */
void downloads_measure(struct bench *bench);
void queries_measure(struct bench *bench);    /* stops it */
void judgements_measure(struct bench *bench); /* no daemon runs */
void polls_measure(struct bench *bench);      /* a daemon and a federation of its own */

#endif
