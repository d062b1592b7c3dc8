/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_EXPORT_H
#define CONTINUUM_STORE_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct database;

/*
 * Everything that is stored of one member, row by row: access and portability (GDPR, articles 15
 * and 20). A kind has the name of its table. What a cell is follows from its name and type: *_at
 * are Unix seconds, *_milli thousandths of a credit.
 */
enum export_type { EXPORT_NULL, EXPORT_INTEGER, EXPORT_TEXT, EXPORT_BYTES };

struct export_cell {
    const char *name;
    enum export_type type;
    int64_t integer;
    const void *bytes; /* of a text or of bytes */
    size_t length;
};

enum { EXPORT_CELLS_MAX = 24 };

struct export_row {
    const char *kind;
    struct export_cell cells[EXPORT_CELLS_MAX];
    size_t count;
};

/* How far an export has come; zeroed at the beginning. Between two reads nothing else is held. */
struct export_position {
    size_t kind;
    int64_t after;
    bool ended;
};

/*
 * Shows what comes next of `instance` to `take`, until that returns false (it has not taken that
 * row, and gets it again), or `max` rows were taken, or all. A row is valid until `take` returns.
 */
enum fault export_read(struct database *database, int64_t instance, size_t max,
                       struct export_position *position,
                       bool (*take)(void *context, const struct export_row *row), void *context);

#endif
