/* SPDX-License-Identifier: Apache-2.0 */
#include "store/search_postings.h"

#include <stdlib.h>
#include <string.h>

/*
 * A block begins with a word that holds its size in words, itself included. Sizes of small blocks
 * are even numbers of words; counted in such pairs they are 2..15 and then (8..15) << 1, 2, 3, ...:
 * a float with three bits of mantissa.
 */
enum { BLOCK_WORDS_MIN = 4, SMALL_WORDS_MAX = 2048, SLAB_WORDS = 1 << 16, WORD = sizeof(uint32_t) };

struct slab {
    struct slab *next;
    size_t words;
    uint32_t memory[];
};

/* The largest class whose blocks have at most `words`. */
static size_t class_within(size_t words)
{
    size_t pairs = words / 2;
    if (pairs < 16)
        return pairs;
    unsigned shift = 60 - (unsigned)__builtin_clzll(pairs);
    return shift * 8U + (pairs >> shift);
}

static size_t class_words(size_t class)
{
    return 2 * (class < 16 ? class : (8 + class % 8) << (class / 8 - 1));
}

/* The size of the smallest block that holds `count` documents; a large one has no slack. */
static size_t words_for(size_t count)
{
    size_t words = count + 1;
    if (words <= BLOCK_WORDS_MIN)
        return BLOCK_WORDS_MIN;
    if (words > SMALL_WORDS_MAX)
        return words;
    return class_words(class_within(words - 1) + 1);
}

static void pool_keep(struct pool *pool, uint32_t *block, size_t words)
{
    size_t class = class_within(words);
    memcpy(block, &pool->given[class], sizeof pool->given[class]);
    pool->given[class] = block;
}

static void pool_give(struct pool *pool, uint32_t *block)
{
    size_t words = block[0];
    if (words <= SMALL_WORDS_MAX) {
        pool_keep(pool, block, words);
        return;
    }
    pool->bytes -= words * WORD;
    free(block);
}

/* What is left of the slab before goes onto a free list. */
static bool pool_add_slab(struct pool *pool, size_t words)
{
    struct slab *slab = malloc(sizeof *slab + words * WORD);
    if (!slab)
        return false;
    if (pool->fresh_words >= BLOCK_WORDS_MIN)
        pool_keep(pool, pool->fresh, pool->fresh_words);
    *slab = (struct slab){.next = pool->slabs, .words = words};
    pool->slabs = slab;
    pool->fresh = slab->memory;
    pool->fresh_words = words;
    pool->bytes += sizeof *slab + words * WORD;
    return true;
}

static uint32_t *pool_take_small(struct pool *pool, size_t words)
{
    size_t class = class_within(words);
    uint32_t *block = pool->given[class];
    if (block) {
        memcpy(&pool->given[class], block, sizeof pool->given[class]);
        return block;
    }
    if (pool->fresh_words < words && !pool_add_slab(pool, SLAB_WORDS))
        return NULL;
    block = pool->fresh;
    pool->fresh += words;
    pool->fresh_words -= words;
    return block;
}

static uint32_t *pool_take(struct pool *pool, size_t words)
{
    uint32_t *block = NULL;
    if (words <= SMALL_WORDS_MAX)
        block = pool_take_small(pool, words);
    else if ((block = malloc(words * WORD)))
        pool->bytes += words * WORD;
    if (block)
        block[0] = (uint32_t)words;
    return block;
}

/* realloc, where it serves, moves pages and copies nothing. */
static uint32_t *pool_resize_large(struct pool *pool, uint32_t *block, size_t words)
{
    size_t words_before = block[0];
    uint32_t *moved = realloc(block, words * WORD);
    if (!moved)
        return NULL;
    pool->bytes = pool->bytes - words_before * WORD + words * WORD;
    moved[0] = (uint32_t)words;
    return moved;
}

static uint32_t *pool_resize(struct pool *pool, uint32_t *block, size_t words)
{
    size_t words_before = block[0];
    if (words_before > SMALL_WORDS_MAX && words > SMALL_WORDS_MAX)
        return pool_resize_large(pool, block, words);
    uint32_t *moved = pool_take(pool, words);
    if (!moved)
        return NULL;
    size_t kept = words < words_before ? words : words_before;
    memcpy(moved + 1, block + 1, (kept - 1) * WORD);
    pool_give(pool, block);
    return moved;
}

static void pool_done(struct pool *pool)
{
    struct slab *slab = pool->slabs;
    while (slab) {
        struct slab *next = slab->next;
        free(slab);
        slab = next;
    }
}

uint32_t *postings_documents(struct postings *postings)
{
    return postings->count > POSTINGS_FEW ? postings->many + 1 : postings->few;
}

const uint32_t *postings_read(const struct postings *postings)
{
    return postings->count > POSTINGS_FEW ? postings->many + 1 : postings->few;
}

static uint32_t *postings_first_block(struct pool *pool, const struct postings *postings)
{
    uint32_t *block = pool_take(pool, BLOCK_WORDS_MIN);
    if (block)
        memcpy(block + 1, postings->few, sizeof postings->few);
    return block;
}

/* Small blocks grow by one class, large ones by a sixteenth. */
static uint32_t *postings_larger_block(struct pool *pool, const struct postings *postings)
{
    size_t words = postings->many[0];
    size_t larger =
        words < SMALL_WORDS_MAX ? class_words(class_within(words) + 1) : words + words / 16;
    return pool_resize(pool, postings->many, larger);
}

bool postings_append(struct pool *pool, struct postings *postings, uint32_t document)
{
    if (postings->count < POSTINGS_FEW) {
        postings->few[postings->count++] = document;
        return true;
    }
    uint32_t *block = postings->many;
    if (postings->count == POSTINGS_FEW)
        block = postings_first_block(pool, postings);
    else if (postings->count + 1 == block[0])
        block = postings_larger_block(pool, postings);
    if (!block)
        return false;
    postings->many = block;
    block[++postings->count] = document;
    return true;
}

void postings_cut(struct pool *pool, struct postings *postings, uint32_t count)
{
    if (postings->count > POSTINGS_FEW && count <= POSTINGS_FEW) {
        uint32_t *block = postings->many;
        memcpy(postings->few, block + 1, sizeof postings->few);
        pool_give(pool, block);
    }
    postings->count = count;
}

/* Whether the list is to stand in a slab: then, how much of it; else 0. */
static size_t postings_small_words(const struct postings *postings)
{
    size_t words = postings->count > POSTINGS_FEW ? words_for(postings->count) : 0;
    return words <= SMALL_WORDS_MAX ? words : 0;
}

static void postings_fit_large(struct pool *pool, struct postings *postings)
{
    size_t words = words_for(postings->count);
    if (words == postings->many[0])
        return;
    uint32_t *block = pool_resize_large(pool, postings->many, words);
    if (block)
        postings->many = block;
}

/* Cannot fail: `packed` has a slab with room for all. Small blocks die with the old pool's slabs.
 */
static void postings_move(struct pool *pool, struct pool *packed, struct postings *postings,
                          size_t words)
{
    uint32_t *block = pool_take_small(packed, words);
    block[0] = (uint32_t)words;
    memcpy(block + 1, postings->many + 1, postings->count * WORD);
    if (postings->many[0] > SMALL_WORDS_MAX)
        pool_give(pool, postings->many);
    postings->many = block;
}

void postings_pack(struct pool *pool, struct postings *lists, size_t count)
{
    size_t words = 0, slab_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        words += postings_small_words(&lists[i]);
        if (lists[i].count > POSTINGS_FEW && !postings_small_words(&lists[i]))
            postings_fit_large(pool, &lists[i]);
    }
    struct pool packed = {0};
    if (words && !pool_add_slab(&packed, words))
        return;
    for (size_t i = 0; i < count; i++) {
        size_t list_words = postings_small_words(&lists[i]);
        if (list_words)
            postings_move(pool, &packed, &lists[i], list_words);
    }
    for (const struct slab *slab = pool->slabs; slab; slab = slab->next)
        slab_bytes += sizeof *slab + slab->words * WORD;
    packed.bytes += pool->bytes - slab_bytes;
    pool_done(pool);
    *pool = packed;
}

void postings_done(struct pool *pool, struct postings *lists, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lists[i].count > POSTINGS_FEW)
            postings_cut(pool, &lists[i], 0);
    }
    pool_done(pool);
    *pool = (struct pool){0};
}
