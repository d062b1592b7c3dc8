/* SPDX-License-Identifier: Apache-2.0 */
#include "store/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/ids.h"

/*
 *   slots[hash of tag] -> id      open addressing, linear probing, 0 is empty; deletion shifts back
 *   entries[id]        -> tag, counts
 */
struct entry {
    struct tag tag;
    uint32_t contributions;
    uint32_t holds;
    bool used, marked;
};

struct catalog {
    struct entry *entries; /* entries[0] is unused */
    size_t entry_count, entry_capacity;
    uint32_t *slots;
    size_t slot_count; /* a power of two */
    size_t used, live; /* entries in use; of them, with contributions */
    struct ids free_ids, marked;
    uint8_t hash_key[16];
};

enum { SLOTS_FIRST = 1024, ENTRIES_FIRST = 1024 };

static void free_catalog(struct catalog **catalog)
{
    catalog_free(*catalog);
}

enum fault catalog_new(struct catalog **ret)
{
    _cleanup_(free_catalog) struct catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog)
        return FAULT_MEMORY;
    catalog->slots = calloc(SLOTS_FIRST, sizeof *catalog->slots);
    catalog->entries = calloc(ENTRIES_FIRST, sizeof *catalog->entries);
    if (!catalog->slots || !catalog->entries)
        return FAULT_MEMORY;
    catalog->slot_count = SLOTS_FIRST;
    catalog->entry_capacity = ENTRIES_FIRST;
    catalog->entry_count = 1;
    bytes_random(catalog->hash_key, sizeof catalog->hash_key);
    *ret = TAKE(catalog);
    return FAULT_NONE;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    free(catalog->slots);
    free(catalog->entries);
    ids_done(&catalog->free_ids);
    ids_done(&catalog->marked);
    free(catalog);
}

static size_t slot_of(const struct catalog *catalog, const struct tag *tag)
{
    uint64_t hash = bytes_siphash(catalog->hash_key, tag->bytes, sizeof tag->bytes);
    return (size_t)hash & (catalog->slot_count - 1);
}

/* The slot that holds `tag`, or the empty one where it would go. */
static size_t slot_find(const struct catalog *catalog, const struct tag *tag)
{
    size_t slot = slot_of(catalog, tag);
    while (catalog->slots[slot] != 0 &&
           memcmp(&catalog->entries[catalog->slots[slot]].tag, tag, sizeof *tag) != 0)
        slot = (slot + 1) & (catalog->slot_count - 1);
    return slot;
}

/* Room for `used` tags. */
static enum fault slots_grow(struct catalog *catalog, size_t used)
{
    size_t count = catalog->slot_count;
    while (used > count / 4 * 3)
        count *= 2;
    if (count == catalog->slot_count)
        return FAULT_NONE;
    uint32_t *old = catalog->slots;
    size_t old_count = catalog->slot_count;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return FAULT_MEMORY;
    catalog->slots = slots;
    catalog->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            slots[slot_find(catalog, &catalog->entries[old[i]].tag)] = old[i];
    free(old);
    return FAULT_NONE;
}

/* Makes entries[id] addressable. */
static enum fault entries_grow(struct catalog *catalog, uint32_t id)
{
    size_t capacity = catalog->entry_capacity;
    while (capacity <= id)
        capacity *= 2;
    if (capacity != catalog->entry_capacity) {
        struct entry *entries = realloc(catalog->entries, capacity * sizeof *entries);
        if (!entries)
            return FAULT_MEMORY;
        catalog->entries = entries;
        catalog->entry_capacity = capacity;
    }
    for (; catalog->entry_count <= id; catalog->entry_count++)
        catalog->entries[catalog->entry_count] = (struct entry){0};
    return FAULT_NONE;
}

static enum fault entry_insert(struct catalog *catalog, uint32_t id, const struct tag *tag)
{
    enum fault fault = slots_grow(catalog, catalog->used + 1);
    if (!fault)
        fault = entries_grow(catalog, id);
    if (fault)
        return fault;
    bool marked = catalog->entries[id].marked;
    catalog->entries[id] = (struct entry){.tag = *tag, .used = true, .marked = marked};
    catalog->slots[slot_find(catalog, tag)] = id;
    catalog->used++;
    return FAULT_NONE;
}

/* Closes the gap at `slot`, so that every later tag is still found from its own slot on. */
static void slot_delete(struct catalog *catalog, size_t slot)
{
    size_t mask = catalog->slot_count - 1;
    for (size_t next = (slot + 1) & mask; catalog->slots[next]; next = (next + 1) & mask) {
        size_t home = slot_of(catalog, &catalog->entries[catalog->slots[next]].tag);
        if (((next - home) & mask) >= ((next - slot) & mask)) {
            catalog->slots[slot] = catalog->slots[next];
            slot = next;
        }
    }
    catalog->slots[slot] = 0;
}

static void entry_count_change(struct catalog *catalog, uint32_t id, int64_t change)
{
    struct entry *entry = &catalog->entries[id];
    bool was_live = entry->contributions > 0;
    entry->contributions = (uint32_t)((int64_t)entry->contributions + change);
    catalog->live += (size_t)(entry->contributions > 0);
    catalog->live -= (size_t)was_live;
    if (entry->contributions > 0 || entry->holds > 0)
        return;
    slot_delete(catalog, slot_find(catalog, &entry->tag));
    entry->used = false;
    catalog->used--;
    /* Without memory for the list the id stays unused until the next start: nothing is wrong, only
     * wasted. */
    (void)ids_push(&catalog->free_ids, id);
}

enum fault catalog_reserve(struct catalog *catalog, uint32_t last)
{
    enum fault fault = slots_grow(catalog, last);
    return fault ? fault : entries_grow(catalog, last);
}

enum fault catalog_load(struct catalog *catalog, uint32_t id, const struct tag *tag,
                        uint32_t contributions)
{
    enum fault fault = entry_insert(catalog, id, tag);
    if (fault)
        return fault;
    catalog->entries[id].contributions = contributions;
    catalog->live++;
    return FAULT_NONE;
}

enum fault catalog_loaded(struct catalog *catalog)
{
    for (uint32_t id = 1; id < catalog->entry_count; id++)
        if (!catalog->entries[id].used && ids_push(&catalog->free_ids, id))
            return FAULT_MEMORY;
    return FAULT_NONE;
}

uint32_t catalog_find(const struct catalog *catalog, const struct tag *tag)
{
    return catalog->slots[slot_find(catalog, tag)];
}

enum fault catalog_hold(struct catalog *catalog, const struct tag *tag, uint32_t *ret_id)
{
    uint32_t id = catalog_find(catalog, tag);
    if (id && catalog->entries[id].holds == UINT32_MAX)
        return FAULT_OVERLOADED;
    if (!id) {
        bool reuse = catalog->free_ids.count > 0;
        id = reuse ? catalog->free_ids.items[catalog->free_ids.first + catalog->free_ids.count - 1]
                   : (uint32_t)catalog->entry_count;
        enum fault fault = entry_insert(catalog, id, tag);
        if (fault)
            return fault;
        catalog->free_ids.count -= (size_t)reuse;
    }
    catalog->entries[id].holds++;
    *ret_id = id;
    return FAULT_NONE;
}

void catalog_settle(struct catalog *catalog, uint32_t id, int change)
{
    catalog->entries[id].holds--;
    entry_count_change(catalog, id, change);
}

void catalog_remove(struct catalog *catalog, uint32_t id, uint32_t contributions)
{
    entry_count_change(catalog, id, -(int64_t)contributions);
}

uint32_t catalog_contributions(const struct catalog *catalog, uint32_t id)
{
    return catalog->entries[id].contributions;
}

enum fault catalog_mark(struct catalog *catalog, uint32_t id)
{
    if (catalog->entries[id].marked)
        return FAULT_NONE;
    enum fault fault = ids_push(&catalog->marked, id);
    if (!fault)
        catalog->entries[id].marked = true;
    return fault;
}

size_t catalog_take_marked(struct catalog *catalog, uint32_t *ret_ids, size_t max)
{
    size_t count = catalog->marked.count < max ? catalog->marked.count : max;
    for (size_t i = 0; i < count; i++) {
        ret_ids[i] = catalog->marked.items[catalog->marked.first + i];
        catalog->entries[ret_ids[i]].marked = false;
    }
    catalog->marked.first += count;
    catalog->marked.count -= count;
    return count;
}

size_t catalog_marked(const struct catalog *catalog)
{
    return catalog->marked.count;
}

size_t catalog_count(const struct catalog *catalog)
{
    return catalog->live;
}
