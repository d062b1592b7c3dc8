/* SPDX-License-Identifier: Apache-2.0 */
#include "store/search.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/bytes.h"
#include "store/search_index.h"
#include "util/cleanup.h"

enum { TERMS_CAPACITY_MIN = 16 };

/* Document numbers stay this far below 2^32, so that the end of a window of them is one, too. */
#define DOCUMENTS_MAX (UINT32_MAX - 0x10000)

/* Members choose the tokens: the seeds keep them from choosing ones that collide. */
static uint32_t terms_home(const struct terms *terms, uint32_t token)
{
    uint64_t mixed = (token ^ terms->seed[0]) * (terms->seed[1] | 1);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((mixed >> 32) * terms->capacity >> 32);
}

/* Where `token` is, or would be put. */
static struct postings *terms_place(const struct terms *terms, uint32_t token)
{
    uint32_t place = terms_home(terms, token);
    while (terms->places[place].token && terms->places[place].token != token)
        place = place + 1 == terms->capacity ? 0 : place + 1;
    return &terms->places[place];
}

/* Leaves behind the tokens that no document has any more. */
static bool terms_resize(struct terms *terms, uint32_t capacity)
{
    struct terms resized = {.capacity = capacity, .seed = {terms->seed[0], terms->seed[1]}};
    resized.places = calloc(capacity, sizeof *resized.places);
    if (!resized.places)
        return false;
    for (uint32_t i = 0; i < terms->capacity; i++) {
        const struct postings *postings = &terms->places[i];
        if (!postings->count)
            continue;
        *terms_place(&resized, postings->token) = *postings;
        resized.used++;
    }
    free(terms->places);
    *terms = resized;
    return true;
}

/* Four in five places may be used. */
static struct postings *terms_get_or_add(struct terms *terms, uint32_t token)
{
    struct postings *place = terms_place(terms, token);
    if (place->token)
        return place;
    if ((terms->used + 1) * UINT64_C(5) > terms->capacity * UINT64_C(4)) {
        if (!terms_resize(terms, terms->capacity + terms->capacity / 4))
            return NULL;
        place = terms_place(terms, token);
    }
    terms->used++;
    place->token = token;
    return place;
}

static void terms_pack(struct terms *terms)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < terms->capacity; i++)
        used += terms->places[i].count > 0;
    uint32_t capacity = used + used / 4 + TERMS_CAPACITY_MIN;
    if (capacity < terms->capacity)
        terms_resize(terms, capacity);
}

struct postings *search_postings_find(const struct search *search, uint32_t token)
{
    struct postings *place = terms_place(&search->terms, token);
    return place->token ? place : NULL;
}

void search_free(struct search *search)
{
    if (!search)
        return;
    postings_done(&search->pool, search->terms.places, search->terms.capacity);
    free(search->terms.places);
    free(search->documents);
    free(search->weights);
    free(search->document_of);
    free(search);
}

static void search_free_pointer(struct search **search)
{
    search_free(*search);
}

enum fault search_new(struct search **ret_search)
{
    _cleanup_(search_free_pointer) struct search *search = calloc(1, sizeof *search);
    if (!search)
        return FAULT_MEMORY;
    bytes_random(search->terms.seed, sizeof search->terms.seed);
    if (!terms_resize(&search->terms, TERMS_CAPACITY_MIN))
        return FAULT_MEMORY;
    *ret_search = TAKE(search);
    return FAULT_NONE;
}

static bool search_resize_documents(struct search *search, uint32_t capacity)
{
    struct document *documents = realloc(search->documents, capacity * sizeof *documents);
    if (!documents)
        return false;
    search->documents = documents;
    if (capacity < search->document_capacity)
        search->document_capacity = capacity;
    uint8_t *weights = realloc(search->weights, capacity);
    if (!weights)
        return false;
    search->weights = weights;
    search->document_capacity = capacity;
    return true;
}

/* Makes room for one document more; large arrays grow by a sixteenth, for then realloc moves pages
 * and copies nothing. */
static bool search_reserve_document(struct search *search)
{
    if (search->document_count < search->document_capacity)
        return true;
    if (search->document_count >= DOCUMENTS_MAX)
        return false;
    uint32_t capacity = search->document_capacity + search->document_capacity / 16 + 16;
    return search_resize_documents(search, capacity);
}

static bool search_reserve_pattern(struct search *search, uint32_t pattern)
{
    if (pattern < search->pattern_capacity)
        return true;
    if (pattern >= DOCUMENTS_MAX)
        return false;
    uint32_t capacity = pattern + (pattern < DOCUMENTS_MAX / 2 ? pattern / 16 + 16 : 1);
    uint32_t *document_of = realloc(search->document_of, capacity * sizeof *document_of);
    if (!document_of)
        return false;
    memset(document_of + search->pattern_capacity, 0xff,
           (capacity - search->pattern_capacity) * sizeof *document_of);
    search->document_of = document_of;
    search->pattern_capacity = capacity;
    return true;
}

/* All or none: what was appended before memory ran out is cut off again. */
static bool search_append_postings(struct search *search, const uint32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct postings *postings = terms_get_or_add(&search->terms, tokens[i]);
        if (postings && postings_append(&search->pool, postings, search->document_count))
            continue;
        while (i--) {
            postings = terms_place(&search->terms, tokens[i]);
            postings_cut(&search->pool, postings, postings->count - 1);
        }
        return false;
    }
    return true;
}

static void search_weigh(struct search *search, uint32_t document, uint8_t weight)
{
    search->weights[document] = weight;
    if (weight > search->weight_max)
        search->weight_max = weight;
}

static uint32_t search_document(const struct search *search, uint32_t pattern)
{
    return pattern < search->pattern_capacity ? search->document_of[pattern] : SEARCH_NONE;
}

/* Needs no memory: documents move down in place, and document_of tells the lists where to. */
static void search_drop_dead(struct search *search)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < search->document_count; i++) {
        if (search->documents[i].pattern != SEARCH_NONE)
            search->document_of[search->documents[i].pattern] = live++;
    }
    for (uint32_t i = 0; i < search->terms.capacity; i++) {
        struct postings *postings = &search->terms.places[i];
        uint32_t *documents = postings_documents(postings), kept = 0;
        for (uint32_t j = 0; j < postings->count; j++) {
            uint32_t pattern = search->documents[documents[j]].pattern;
            if (pattern != SEARCH_NONE)
                documents[kept++] = search->document_of[pattern];
        }
        postings_cut(&search->pool, postings, kept);
    }
    search->weight_max = 0;
    for (uint32_t i = 0; i < search->document_count; i++) {
        const struct document *document = &search->documents[i];
        if (document->pattern == SEARCH_NONE)
            continue;
        uint32_t moved = search->document_of[document->pattern];
        search->documents[moved] = *document;
        search_weigh(search, moved, document->facts.weight);
    }
    search->document_count = live;
    search->dead_count = 0;
}

static void search_fit_patterns(struct search *search)
{
    uint32_t capacity = search->pattern_capacity;
    while (capacity > 1 && search->document_of[capacity - 1] == SEARCH_NONE)
        capacity--;
    if (capacity == search->pattern_capacity)
        return;
    uint32_t *document_of = realloc(search->document_of, capacity * sizeof *document_of);
    if (!document_of)
        return;
    search->document_of = document_of;
    search->pattern_capacity = capacity;
}

static void search_fit(struct search *search)
{
    terms_pack(&search->terms);
    postings_pack(&search->pool, search->terms.places, search->terms.capacity);
    (void)search_resize_documents(search, search->document_count + 1); /* never 0 bytes */
    search_fit_patterns(search);
}

static void search_rebuild_when_due(struct search *search)
{
    if (search->dead_count <= search->document_count / 4)
        return;
    search_drop_dead(search);
    search_fit(search);
}

static void search_bury(struct search *search, uint32_t document)
{
    search->document_of[search->documents[document].pattern] = SEARCH_NONE;
    search->documents[document].pattern = SEARCH_NONE;
    search->weights[document] = 0;
    search->dead_count++;
}

enum fault search_add(struct search *search, uint32_t pattern, const uint32_t *tokens, size_t count,
                      const struct search_facts *facts)
{
    if (!search_reserve_document(search) || !search_reserve_pattern(search, pattern) ||
        !search_append_postings(search, tokens, count))
        return FAULT_MEMORY;
    if (search_has(search, pattern))
        search_bury(search, search->document_of[pattern]);
    uint32_t document = search->document_count++;
    search->document_of[pattern] = document;
    search->documents[document] = (struct document){.facts = *facts, .pattern = pattern};
    search_weigh(search, document, facts->weight);
    search_rebuild_when_due(search);
    return FAULT_NONE;
}

void search_remove(struct search *search, uint32_t pattern)
{
    uint32_t document = search_document(search, pattern);
    if (document == SEARCH_NONE)
        return;
    search_bury(search, document);
    search_rebuild_when_due(search);
}

bool search_update(struct search *search, uint32_t pattern, const struct search_facts *facts)
{
    uint32_t document = search_document(search, pattern);
    if (document == SEARCH_NONE)
        return false;
    search->documents[document].facts = *facts;
    search_weigh(search, document, facts->weight);
    return true;
}

bool search_facts_get(const struct search *search, uint32_t pattern, struct search_facts *ret)
{
    uint32_t document = search_document(search, pattern);
    if (document == SEARCH_NONE)
        return false;
    *ret = search->documents[document].facts;
    return true;
}

bool search_has(const struct search *search, uint32_t pattern)
{
    return search_document(search, pattern) != SEARCH_NONE;
}

void search_compact(struct search *search)
{
    search_fit(search);
    malloc_trim(0); /* else freed slabs stay with the process, beneath what came later */
}

size_t search_count(const struct search *search)
{
    return search->document_count - search->dead_count;
}

size_t search_memory(const struct search *search)
{
    return sizeof *search + search->pool.bytes +
           search->terms.capacity * sizeof *search->terms.places +
           search->document_capacity * (sizeof *search->documents + sizeof *search->weights) +
           search->pattern_capacity * sizeof *search->document_of;
}
