/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"
#include "bench/sink.h"

/* An empty daemon: its memory, its idle connections, and the simplest request there is. */

enum { IDLE_CONNECTIONS = 1000, GETS = 200000 };

static const char section[] = "Empty";

static const struct request_parts get_health = {.method = "GET", .path = "/healthz"};

static double gets_per_second(uint16_t port)
{
    struct load_result result;
    struct request_bytes request = request_make(&get_health);
    load_run(&(struct load_plan){.port = port,
                                 .connections = CONNECTIONS,
                                 .requests = &request,
                                 .request_count = 1,
                                 .total = GETS,
                                 .seconds_max = 5},
             &result);
    free(request.bytes);
    return result.per_second;
}

/* Memory that IDLE_CONNECTIONS take which asked something once. */
static double idle_connections_mib(const struct process *process)
{
    static int connections[IDLE_CONNECTIONS];
    struct request_bytes request = request_make(&get_health);
    double before_mib = process_memory_mib(process);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++) {
        connections[i] = connection_open(process->port);
        exchange_on(connections[i], &request);
    }
    double after_mib = process_memory_mib(process);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        close(connections[i]);
    free(request.bytes);
    return after_mib - before_mib;
}

void idle_measure(struct bench *bench)
{
    uint16_t sink_port = 0;
    struct report *report = &bench->report;
    report_add(report, &(struct line){.section = section,
                                      .name = "start to ready",
                                      .value = bench->process.ready_s,
                                      .unit = "s"});
    report_add(report, &(struct line){.section = section,
                                      .name = "resident memory",
                                      .value = process_memory_mib(&bench->process),
                                      .unit = "MiB",
                                      .wanted = "< 15"});
    report_add(report, &(struct line){.section = section,
                                      .name = "1000 idle connections, in all",
                                      .value = idle_connections_mib(&bench->process),
                                      .unit = "MiB"});
    struct sink *sink = sink_open(&sink_port);
    double ceiling = gets_per_second(sink_port);
    sink_close(sink);
    double gets = gets_per_second(bench->process.port);
    report_add(report, &(struct line){.section = section,
                                      .name = "raw libmicrohttpd, a constant, 64 connections",
                                      .value = ceiling,
                                      .unit = "requests/s"});
    report_add(report, &(struct line){.section = section,
                                      .name = "GET /healthz, 64 connections",
                                      .value = gets,
                                      .unit = "requests/s",
                                      .ratio = gets / ceiling,
                                      .ratio_to = "libmicrohttpd"});
}
