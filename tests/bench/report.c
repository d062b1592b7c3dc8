/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bench/common.h"

void report_add(struct report *report, const struct line *line)
{
    if (report->count == LINES_MAX)
        fail("more figures than the report has room for");
    report->lines[report->count++] = *line;
    progress("%s, %s: %.4g %s", line->section, line->name, line->value, line->unit);
}

static void table_print(const struct report *report, size_t patterns)
{
    const char *section = "";
    printf(
        "%zu patterns, %u processors that the load generator shares, load average before: %.1f\n",
        patterns, processors(), report->load_average);
    for (size_t i = 0; i < report->count; i++) {
        const struct line *line = &report->lines[i];
        char ratio[64] = "";
        if (strcmp(section, line->section) != 0)
            printf("\n%s\n", line->section);
        section = line->section;
        if (line->ratio_to)
            snprintf(ratio, sizeof ratio, "%.2f of %s", line->ratio, line->ratio_to);
        printf("  %-46s %12.*f %-12s %-22s %s\n", line->name, line->value < 100 ? 2 : 0,
               line->value, line->unit, ratio, line->wanted ? line->wanted : "");
    }
}

static void json_print(const struct report *report, size_t patterns)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct line *line = &report->lines[i];
        json_t *object = json_pack("{s:s, s:s, s:f, s:s}", "section", line->section, "name",
                                   line->name, "value", line->value, "unit", line->unit);
        if (line->ratio_to)
            json_object_update_new(
                object, json_pack("{s:f, s:s}", "ratio", line->ratio, "ratio_to", line->ratio_to));
        if (line->wanted)
            json_object_set_new(object, "wanted", json_string(line->wanted));
        json_array_append_new(lines, object);
    }
    json_t *root =
        json_pack("{s:I, s:i, s:f, s:o}", "patterns", (json_int_t)patterns, "processors",
                  (int)processors(), "load_average", report->load_average, "lines", lines);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

void report_print(const struct report *report, size_t patterns, bool as_json)
{
    if (as_json)
        json_print(report, patterns);
    else
        table_print(report, patterns);
}
