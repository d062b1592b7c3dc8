/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_MIGRATIONS_H
#define CONTINUUM_STORE_MIGRATIONS_H

#include <stddef.h>

#include "util/fault.h"

/*
 * The steps that take an empty database to today's schema, embedded by the build from
 * migrations/NNNN_name.sql (scripts/embed-migrations). migrations[i].number is i + 1: the build
 * refuses gaps and doubles. Append-only: a step that was once released is never edited, because
 * databases out there remember that it ran.
 */
struct migration {
    unsigned number;  /* from 1 */
    const char *name; /* "first_tables" for 0001_first_tables.sql */
    const char *sql; /* the file's text, byte for byte, NUL-terminated: statements without BEGIN and
                        COMMIT */
};

extern const struct migration migrations[];
extern const size_t migration_count; /* at least 1 */

struct database;

/*
 * Checks that what the database has seen are these migrations, unchanged, and applies the rest,
 * each in a transaction. FAULT_CORRUPT with `why`: it has seen one that this program does not know
 * or that differs from ours.
 */
enum fault migrations_apply(struct database *database, struct why *why);

#endif
