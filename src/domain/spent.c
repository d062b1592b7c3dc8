/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/spent.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * All are remembered for the same time, so the first that was used is the first to be forgotten:
 *
 *     entries   a ring in order of first use, `count` of them from `first` on
 *     chains    hash of nonce -> entry, by place in the ring and one more; 0: the end
 */
struct entry {
    uint8_t nonce[OPRF_NONCE_LENGTH];
    struct digest elements;
    int64_t until_s;
    uint32_t next; /* in its chain */
    uint8_t tries;
    bool bound; /* to the elements */
};

struct spent {
    struct entry *entries; /* `capacity` */
    uint32_t *chains;      /* `capacity` heads */
    uint32_t capacity, first, count, max;
    uint8_t key[16];
};

enum { CAPACITY_FIRST = 1024 };

static void free_spent(struct spent **spent)
{
    spent_free(*spent);
}

static uint32_t *chain_of(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH])
{
    uint64_t hash = bytes_siphash(spent->key, nonce, OPRF_NONCE_LENGTH);
    return &spent->chains[hash % spent->capacity];
}

/* Puts the entry that stands at `place` into its chain. */
static void entry_link(struct spent *spent, uint32_t place)
{
    uint32_t *chain = chain_of(spent, spent->entries[place].nonce);
    spent->entries[place].next = *chain;
    *chain = place + 1;
}

/* Moves all into a larger ring. */
static enum fault spent_grow(struct spent *spent, uint32_t capacity)
{
    struct spent grown = *spent;
    grown.entries = calloc(capacity, sizeof *grown.entries);
    grown.chains = calloc(capacity, sizeof *grown.chains);
    grown.capacity = capacity;
    grown.first = 0;
    if (!grown.entries || !grown.chains) {
        free(grown.entries);
        free(grown.chains);
        return FAULT_MEMORY;
    }
    for (uint32_t i = 0; i < spent->count; i++) {
        grown.entries[i] = spent->entries[(spent->first + i) % spent->capacity];
        entry_link(&grown, i);
    }
    free(spent->entries);
    free(spent->chains);
    *spent = grown;
    return FAULT_NONE;
}

enum fault spent_new(uint32_t max, struct spent **ret)
{
    _cleanup_(free_spent) struct spent *spent = calloc(1, sizeof *spent);
    if (!spent || spent_grow(spent, max < CAPACITY_FIRST ? max : CAPACITY_FIRST))
        return FAULT_MEMORY;
    spent->max = max;
    bytes_random(spent->key, sizeof spent->key);
    *ret = TAKE(spent);
    return FAULT_NONE;
}

void spent_free(struct spent *spent)
{
    if (!spent)
        return;
    free(spent->entries);
    free(spent->chains);
    free(spent);
}

static struct entry *entry_find(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH])
{
    for (uint32_t at = *chain_of(spent, nonce); at; at = spent->entries[at - 1].next)
        if (memcmp(spent->entries[at - 1].nonce, nonce, OPRF_NONCE_LENGTH) == 0)
            return &spent->entries[at - 1];
    return NULL;
}

static void spent_forget(struct spent *spent, int64_t now_s)
{
    for (; spent->count && spent->entries[spent->first].until_s <= now_s; spent->count--) {
        uint32_t *link = chain_of(spent, spent->entries[spent->first].nonce);
        while (*link != spent->first + 1)
            link = &spent->entries[*link - 1].next;
        *link = spent->entries[spent->first].next;
        spent->first = (spent->first + 1) % spent->capacity;
    }
}

static enum fault entry_add(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH],
                            int64_t now_s, struct entry **ret)
{
    enum fault fault = FAULT_NONE;
    if (spent->count == spent->max)
        return FAULT_OVERLOADED;
    if (spent->count == spent->capacity)
        fault =
            spent_grow(spent, spent->capacity > spent->max / 2 ? spent->max : spent->capacity * 2);
    if (fault)
        return fault;
    uint32_t place = (spent->first + spent->count++) % spent->capacity;
    *ret = &spent->entries[place];
    **ret = (struct entry){.until_s = now_s + SPENT_KEPT_S};
    memcpy((*ret)->nonce, nonce, OPRF_NONCE_LENGTH);
    entry_link(spent, place);
    return FAULT_NONE;
}

static bool entry_is_for(const struct entry *entry, const struct digest *elements)
{
    return entry->bound && memcmp(&entry->elements, elements, sizeof *elements) == 0;
}

enum fault spent_use(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH],
                     const struct digest *elements, int64_t now_s, bool *ret_first)
{
    spent_forget(spent, now_s);
    struct entry *entry = entry_find(spent, nonce);
    enum fault fault = entry ? FAULT_NONE : entry_add(spent, nonce, now_s, &entry);
    if (fault)
        return fault;
    if (entry->tries == SPENT_TRIES || (entry->bound && !entry_is_for(entry, elements)))
        return FAULT_TOKEN_INVALID;
    *ret_first = !entry->bound;
    entry->elements = *elements;
    entry->bound = true;
    entry->tries++;
    return FAULT_NONE;
}

bool spent_return(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH],
                  const struct digest *elements)
{
    struct entry *entry = entry_find(spent, nonce);
    bool returned = entry && entry_is_for(entry, elements);
    if (returned)
        entry->bound = false;
    return returned;
}
