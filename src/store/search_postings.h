/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_SEARCH_POSTINGS_H
#define CONTINUUM_STORE_SEARCH_POSTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POSTINGS_FEW = 2, POOL_CLASSES = 65 };

/*
 * Memory for posting lists. Blocks of up to 8 KiB come in size classes 1/8 apart, cut from slabs
 * and kept on a free list a class when they are given back; larger ones are malloc's. A zeroed pool
 * is empty and valid.
 */
struct pool {
    struct slab *slabs;
    uint32_t *fresh; /* not yet cut, in the newest slab */
    size_t fresh_words;
    uint32_t *given[POOL_CLASSES]; /* blocks that wait for another user, by class */
    size_t bytes;                  /* all that was taken from the system and not returned */
};

/* The documents that have a token, ascending. Up to two stand in place; a zeroed one is empty. */
struct postings {
    uint32_t token;
    uint32_t count;
    union {
        uint32_t few[POSTINGS_FEW]; /* while count <= POSTINGS_FEW */
        uint32_t *many;             /* a block: its size in words, then the documents */
    };
};

/* `postings->count` documents; valid until the next change. */
uint32_t *postings_documents(struct postings *postings);
const uint32_t *postings_read(const struct postings *postings);

/* False when memory is out; nothing changed. `document` is above all those in the list. */
bool postings_append(struct pool *pool, struct postings *postings, uint32_t document);

/* Keeps the first `count` documents; count <= postings->count. */
void postings_cut(struct pool *pool, struct postings *postings, uint32_t count);

/*
 * Moves `count` lists, the only users of `pool`, into tightly packed memory, and returns the rest
 * to the system. When memory is out it does as much as it can.
 */
void postings_pack(struct pool *pool, struct postings *lists, size_t count);

/* Frees `count` lists, the only users of `pool`, and all that the pool holds. */
void postings_done(struct pool *pool, struct postings *lists, size_t count);

#endif
