/* SPDX-License-Identifier: Apache-2.0 */
#include "util/ids.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 1024 };

enum fault ids_push(struct ids *ids, uint32_t id)
{
    bool full = ids->first + ids->count == ids->capacity;
    if (full && ids->first > ids->capacity / 4) {
        memmove(ids->items, ids->items + ids->first, ids->count * sizeof *ids->items);
        ids->first = 0;
    } else if (full) {
        size_t capacity = ids->capacity ? ids->capacity * 2 : CAPACITY_FIRST;
        uint32_t *items = realloc(ids->items, capacity * sizeof *items);
        if (!items)
            return FAULT_MEMORY;
        ids->items = items;
        ids->capacity = capacity;
    }
    ids->items[ids->first + ids->count++] = id;
    return FAULT_NONE;
}

void ids_done(struct ids *ids)
{
    free(ids->items);
    *ids = (struct ids){0};
}
