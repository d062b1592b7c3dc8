/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"
#include "bench/search_sql.h"

/* Release, start with what was released, and queries. */

enum { DISTINCT_QUERIES = 20000, QUERIES_MAX = 1000000, WARM_UP_S = 1, MEASURED_S = 10 };

/* The sum over all members of a number below `name` in the answer of `path` ("%s": the member's
 * id). */
static double members_sum(const struct bench *bench, const char *path, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *member = &bench->corpus.members[i];
        char own_path[128];
        snprintf(own_path, sizeof own_path, "%s%s", path, *name == 'r' ? member->id : "");
        json_t *answer = exchange_json(
            bench->process.port,
            &(struct request_parts){.method = "GET", .path = own_path, .token = member->token});
        sum += json_number_value(json_object_get(answer, name));
        json_decref(answer);
    }
    return sum;
}

static double released(const struct bench *bench)
{
    return members_sum(bench, "/v1/instances/", "released");
}

/* Starts with a tick every second, and waits until every group of three is released. */
void release_measure(struct bench *bench)
{
    double wanted = (double)bench->patterns * CONTRIBUTORS;
    double limit_s = 120 + (double)bench->patterns / 500;
    bench_start(bench, 1);
    double began_s = wall_s(), seconds = 0, done = 0;
    while (done < wanted && seconds < limit_s) {
        nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
        done = released(bench);
        seconds = wall_s() - began_s;
    }
    if (done < wanted)
        fail("only %.0f of %.0f contributions are released after %.0f s", done, wanted, seconds);
    double cpu_us = process_cpu_used_s(&bench->process) * 1e6 / (double)bench->patterns;
    report_add(&bench->report, &(struct line){.section = "Release",
                                              .name = "groups of three",
                                              .value = (double)bench->patterns / seconds,
                                              .unit = "groups/s"});
    report_add(&bench->report, &(struct line){.section = "Release",
                                              .name = "daemon's processor time, start included",
                                              .value = cpu_us,
                                              .unit = "us/group"});
    process_stop(&bench->process);
}

void start_measure(struct bench *bench)
{
    bench_start(bench, NO_RELEASE_S);
    report_add(&bench->report, &(struct line){.section = "With N released patterns",
                                              .name = "start to ready",
                                              .value = bench->process.ready_s,
                                              .unit = "s",
                                              .wanted = "< 5 with 1000000"});
    report_add(&bench->report, &(struct line){.section = "With N released patterns",
                                              .name = "resident memory after the start",
                                              .value = process_memory_mib(&bench->process),
                                              .unit = "MiB",
                                              .wanted = "< 400 with 1000000"});
}

static void queries_run(const struct bench *bench, const struct request_bytes *requests,
                        double seconds, struct load_result *ret)
{
    load_run(&(struct load_plan){.port = bench->process.port,
                                 .connections = CONNECTIONS,
                                 .requests = requests,
                                 .request_count = DISTINCT_QUERIES,
                                 .total = QUERIES_MAX,
                                 .seconds_max = seconds,
                                 .expect = "\"score\":"},
             ret);
}

/* Every query must have been paid for. */
static void queries_check_payment(const struct bench *bench, double before, size_t answered)
{
    double spent = before - members_sum(bench, "/v1/credits", "available");
    if (spent < (double)answered - 0.5 || spent > (double)answered + 0.5)
        fail("%zu queries cost %.3f credits", answered, spent);
}

void queries_measure(struct bench *bench)
{
    struct load_result warm, result;
    struct cost cost = {0};
    struct request_bytes *requests = queries_make(&bench->corpus, DISTINCT_QUERIES);
    double credits = members_sum(bench, "/v1/credits", "available");
    queries_run(bench, requests, WARM_UP_S, &warm);
    cost_begin(bench, &cost);
    queries_run(bench, requests, MEASURED_S, &result);
    cost_end(bench, &cost);
    queries_check_payment(bench, credits, warm.answered + result.answered);
    double memory_mib = process_memory_mib(&bench->process);
    requests_free(requests, DISTINCT_QUERIES);
    process_stop(&bench->process);
    double naive = search_sql_per_second(bench);
    double pace = cost_pace(&cost, (double)result.answered);
    const struct line lines[] = {
        {.name = "naive: SQL over a token table, no HTTP", .value = naive, .unit = "queries/s"},
        {.name = "paid queries, 64 connections",
         .value = result.per_second,
         .unit = "queries/s",
         .ratio = result.per_second / naive,
         .ratio_to = "naive",
         .wanted = ">= 2500, >= 5"},
        {.name = "p50", .value = result.p50_ms, .unit = "ms"},
        {.name = "p99", .value = result.p99_ms, .unit = "ms", .wanted = "< 50"},
        {.name = "the processors have time for",
         .value = pace,
         .unit = "queries/s",
         .ratio = pace / naive,
         .ratio_to = "naive"},
        {.name = "daemon's processor time",
         .value = cost.daemon_s * 1e6 / (double)result.answered,
         .unit = "us/query"},
        {.name = "resident memory after the queries", .value = memory_mib, .unit = "MiB"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line = lines[i];
        line.section = "Queries with N released patterns";
        report_add(&bench->report, &line);
    }
}
