/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the real daemon over HTTP with N patterns (environment; 100000), and what it is compared
 * with: what this stack could do at best, and the naive way of doing the same. docs/PERFORMANCE.md
 * explains every figure.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "util/number.h"

enum { PATTERNS_MIN = 10000, PATTERNS_MAX = 20000000, PATTERNS_DEFAULT = 100000 };

static char folder[FOLDER_SIZE]; /* for the end of the program */

static void folder_end(void)
{
    folder_remove(folder);
}

static size_t patterns_wanted(void)
{
    const char *text = getenv("N");
    uint64_t patterns = PATTERNS_DEFAULT;
    if (text && !number_parse(text, PATTERNS_MIN, PATTERNS_MAX, &patterns))
        fail("N must be a number of patterns from %d to %d", PATTERNS_MIN, PATTERNS_MAX);
    return patterns / 1000 * 1000;
}

static void folder_make(struct bench *bench)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/continuum-bench-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        fail("cannot make a folder in %s", parent ? parent : "/tmp");
    atexit(folder_end);
    snprintf(bench->folder, sizeof bench->folder, "%s", folder);
    snprintf(bench->storage, sizeof bench->storage, "%s/storage", folder);
}

/* The daemon stands beside this program. */
static void program_find(struct bench *bench)
{
    char self[PATH_SIZE / 2] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        fail("cannot find the daemon");
    snprintf(bench->program, sizeof bench->program, "%s/continuum-coordinatord", dirname(self));
}

static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void bench_start(struct bench *bench, unsigned release_interval_s)
{
    bench->process = process_start(&(struct process_plan){
        .program = bench->program,
        .storage_path = bench->storage,
        .release_interval_s = release_interval_s,
    });
}

void cost_begin(const struct bench *bench, struct cost *cost)
{
    cost->daemon_s -= process_cpu_used_s(&bench->process);
    cost->generator_s -= process_cpu_s();
}

void cost_end(const struct bench *bench, struct cost *cost)
{
    cost->daemon_s += process_cpu_used_s(&bench->process);
    cost->generator_s += process_cpu_s();
}

double cost_pace(const struct cost *cost, double units)
{
    return processors() * units / (cost->daemon_s + cost->generator_s);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !as_json)
        fail("usage: [N=patterns] continuum-bench [--json]");
    if (crypto_init())
        fail("the system gives no random numbers");
    bench.patterns = patterns_wanted();
    getloadavg(&bench.report.load_average, 1);
    program_find(&bench);
    folder_make(&bench);
    descriptors_raise();
    bench_start(&bench, NO_RELEASE_S);
    corpus_open(&bench.corpus, bench.process.port);
    idle_measure(&bench);
    ingest_measure(&bench);
    baseline_measure(&bench);
    release_measure(&bench);
    start_measure(&bench);
    downloads_measure(&bench);
    queries_measure(&bench);
    judgements_measure(&bench);
    polls_measure(&bench);
    corpus_close(&bench.corpus);
    report_print(&bench.report, bench.patterns, as_json);
    return EXIT_SUCCESS;
}
