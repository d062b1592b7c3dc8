/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_NUMBERS_H
#define CONTINUUM_STORE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bytes.h"
#include "util/fault.h"

struct database;

/*
 * The numbers that a release shows, and their calendar (docs/PROTOCOL.md, section 5): they are
 * drawn once in a period of 30 days, and stay for that period also when the group is released no
 * longer, even when all of its contributors left.
 */
struct numbers {
    uint32_t period, contributor_count;
    uint8_t confidence; /* hundredths */
};

/* What a group that is not released now showed in `period` or later. FAULT_NOT_FOUND: nothing. */
enum fault numbers_find(struct database *database, const struct tag *tag, uint32_t period,
                        struct numbers *ret);

/* Forgets up to `max` of those of periods before `period`. */
enum fault numbers_forget(struct database *database, uint32_t period, size_t max);

/* Whether there are any to forget. */
enum fault numbers_are_stale(struct database *database, uint32_t period, bool *ret);

/* Stores the counted and the numbers of a released pattern that were drawn anew. */
struct release_row;
enum fault numbers_redraw(struct database *database, const struct release_row *release);

/*
 * The released patterns whose numbers are of a period before `period`, those of the oldest period
 * first: at most `max`, behind ret_places[0] ({0}: from the beginning), into ret_places. Comings
 * and goings do not change the order.
 */
struct calendar_place {
    uint32_t period, pattern;
};
enum fault numbers_due(struct database *database, uint32_t period,
                       struct calendar_place *ret_places, size_t max, size_t *ret_count);

#endif
