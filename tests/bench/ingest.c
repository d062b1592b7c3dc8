/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"

/*
 * Ingest over HTTP. Requests are made in chunks, outside the clock. Each chunk is sent by the first
 * contributors of its patterns (new patterns), then by the second and third (known patterns); each
 * with a clock of its own. No group is released meanwhile.
 */

enum {
    BULK_CONNECTIONS = 16,
    CHUNK_MIN = 10000,
    CHUNK_MAX = 50000,
    SINGLE_MIN = 10000,
    SINGLE_MAX = 50000,
    SECONDS_MAX = 600
};

static size_t within(size_t value, size_t min, size_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* Sends one round of a batch; how long it took. */
static double round_send(const struct bench *bench, const struct batch *batch, size_t round)
{
    struct load_result result;
    load_run(&(struct load_plan){.port = bench->process.port,
                                 .connections = BULK_CONNECTIONS,
                                 .requests = batch->rounds[round],
                                 .request_count = batch->count,
                                 .total = batch->count,
                                 .seconds_max = SECONDS_MAX,
                                 .expect = "\"accepted\":100,"},
             &result);
    return result.seconds;
}

/* Whole load; its last tenth, or last chunk if that is more, is the figure with N patterns stored.
 */
static void bulk_measure(struct bench *bench)
{
    size_t chunk = within(bench->patterns / 10, CHUNK_MIN, CHUNK_MAX);
    struct cost cost = {0};
    double new_s = 0, known_s = 0, end_s = 0;
    size_t end_patterns = 0;
    while (bench->next_pattern < bench->patterns) {
        struct batch batch;
        size_t left = bench->patterns - bench->next_pattern;
        struct batch_plan plan = {.corpus = &bench->corpus,
                                  .first = bench->next_pattern,
                                  .patterns = left < chunk ? left : chunk,
                                  .each = BATCH,
                                  .rounds = CONTRIBUTORS};
        batch_make(&plan, &batch);
        cost_begin(bench, &cost);
        double seconds = round_send(bench, &batch, 0);
        cost_end(bench, &cost);
        new_s += seconds;
        if (left <= bench->patterns / 10 || left == plan.patterns) {
            end_s += seconds;
            end_patterns += plan.patterns;
        }
        for (size_t round = 1; round < CONTRIBUTORS; round++)
            known_s += round_send(bench, &batch, round);
        bench->next_pattern += plan.patterns;
        batch_done(&batch);
        progress("%zu patterns: %.0f patterns/s", (size_t)bench->next_pattern,
                 (double)plan.patterns / seconds);
    }
    bench->bulk_whole = (double)bench->patterns / new_s;
    bench->bulk_end = (double)end_patterns / end_s;
    bench->bulk_known = (double)bench->patterns * (CONTRIBUTORS - 1) / known_s;
    bench->bulk_pace = cost_pace(&cost, (double)bench->patterns);
    bench->bulk_cpu_us = cost.daemon_s * 1e6 / (double)bench->patterns;
}

static void single_measure(struct bench *bench)
{
    struct batch batch;
    struct load_result result;
    struct cost cost = {0};
    struct batch_plan plan = {.corpus = &bench->corpus,
                              .first = bench->next_pattern,
                              .patterns = within(bench->patterns / 5, SINGLE_MIN, SINGLE_MAX),
                              .each = 1,
                              .rounds = 1};
    batch_make(&plan, &batch);
    cost_begin(bench, &cost);
    load_run(&(struct load_plan){.port = bench->process.port,
                                 .connections = CONNECTIONS,
                                 .requests = batch.rounds[0],
                                 .request_count = batch.count,
                                 .total = batch.count,
                                 .seconds_max = SECONDS_MAX,
                                 .expect = "\"accepted\":1,"},
             &result);
    cost_end(bench, &cost);
    bench->single = result.per_second;
    bench->single_p99_ms = result.p99_ms;
    bench->single_pace = cost_pace(&cost, (double)result.answered);
    bench->single_cpu_us = cost.daemon_s * 1e6 / (double)result.answered;
    bench->next_pattern += plan.patterns;
    batch_done(&batch);
}

void ingest_measure(struct bench *bench)
{
    bulk_measure(bench);
    single_measure(bench);
    report_add(&bench->report, &(struct line){.section = "Ingest",
                                              .name = "resident memory after the load",
                                              .value = process_memory_mib(&bench->process),
                                              .unit = "MiB"});
    process_stop(&bench->process);
}
