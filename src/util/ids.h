/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_IDS_H
#define CONTINUUM_UTIL_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

/* A growing list of row ids, items[first .. first + count). A zeroed one is empty and valid; its
 * user takes from either end by moving `first` and `count`. */
struct ids {
    uint32_t *items;
    size_t first, count, capacity;
};

/* Appends. FAULT_MEMORY: the list is as it was. */
enum fault ids_push(struct ids *ids, uint32_t id);

void ids_done(struct ids *ids);

#endif
