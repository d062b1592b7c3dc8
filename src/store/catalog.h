/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_CATALOG_H
#define CONTINUUM_STORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bytes.h"
#include "util/fault.h"

/*
 * Which tags there are, in memory: tag -> id of the pattern's row, and how many contributions
 * stand. The database has no index over tags (a random key is the most expensive index there is);
 * this is it. Owned by the loop thread.
 *
 * An id is held while a command that may need it is under way, so that it is neither given away nor
 * forgotten between the moment when the loop looks it up and the moment when the writer's answer
 * comes back.
 */
struct catalog;

enum fault catalog_new(struct catalog **ret);
void catalog_free(struct catalog *catalog);

/* Room for ids up to `last` and as many tags, made at once. FAULT_MEMORY. */
enum fault catalog_reserve(struct catalog *catalog, uint32_t last);

/* At start: a row that exists. Ids are 1 and up, each once. */
enum fault catalog_load(struct catalog *catalog, uint32_t id, const struct tag *tag,
                        uint32_t contributions);

/* At start, after the last catalog_load: ids of no row become free ones. */
enum fault catalog_loaded(struct catalog *catalog);

/* The id of `tag`, or 0. */
uint32_t catalog_find(const struct catalog *catalog, const struct tag *tag);

/* The id of `tag`, a new one if it has none, held until catalog_settle. FAULT_MEMORY. */
enum fault catalog_hold(struct catalog *catalog, const struct tag *tag, uint32_t *ret_id);

/* Ends one hold; `change` contributions were added (or removed, when negative). An id without any
 * is free again. */
void catalog_settle(struct catalog *catalog, uint32_t id, int change);

/* The same for an id that is in use and need not be held, when contributions were removed. */
void catalog_remove(struct catalog *catalog, uint32_t id, uint32_t contributions);

uint32_t catalog_contributions(const struct catalog *catalog, uint32_t id);

/* Puts `id` on the list of groups that the next release tick looks at; once, however often it is
 * called. */
enum fault catalog_mark(struct catalog *catalog, uint32_t id);

/* Takes up to `max` ids off that list, in the order in which they were marked; returns how many. */
size_t catalog_take_marked(struct catalog *catalog, uint32_t *ret_ids, size_t max);

size_t catalog_marked(const struct catalog *catalog);

/* Patterns with at least one contribution. */
size_t catalog_count(const struct catalog *catalog);

#endif
