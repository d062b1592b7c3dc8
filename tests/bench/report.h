/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_REPORT_H
#define CONTINUUM_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum { LINES_MAX = 64 };

/* One figure. Texts are string literals. */
struct line {
    const char *section, *name, *unit;
    double value;
    double ratio;         /* to what `ratio_to` names; 0: none */
    const char *ratio_to; /* "ceiling", "naive", ...; NULL: none */
    const char *wanted;   /* what it is meant to reach; NULL: nothing */
};

struct report {
    struct line lines[LINES_MAX];
    size_t count;
    double load_average; /* of the machine, before anything ran */
};

void report_add(struct report *report, const struct line *line);

/* A table for people, or JSON: {patterns, processors, load_average, lines: [...]}. */
void report_print(const struct report *report, size_t patterns, bool as_json);

#endif
