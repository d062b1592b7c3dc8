/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_SEARCH_INDEX_H
#define CONTINUUM_STORE_SEARCH_INDEX_H

#include <stdint.h>

#include "store/search.h"
#include "store/search_postings.h"

#define SEARCH_NONE UINT32_MAX /* no pattern, no document */

/*
 * What search.c builds and search_match.c reads. A pattern is added as a document; documents are
 * numbered in the order in which they came, so that posting lists are only ever appended to. A
 * removed pattern leaves a dead document.
 */
struct document {
    struct search_facts facts;
    uint32_t pattern; /* SEARCH_NONE: dead */
};

/* A hash table of posting lists by token, open addressing, linear probing; token 0 is an empty
 * place. */
struct terms {
    struct postings *places;
    uint32_t capacity, used;
    uint64_t seed[2];
};

struct search {
    struct terms terms;
    struct pool pool;
    struct document *documents;
    uint8_t *weights; /* of the documents, 0: dead. Apart, for this is what a match reads most */
    uint32_t document_count, document_capacity, dead_count;
    uint32_t *document_of; /* by pattern */
    uint32_t pattern_capacity;
    uint8_t weight_max; /* no document weighs more */
};

/* The documents with `token`, or NULL when none ever had it. */
struct postings *search_postings_find(const struct search *search, uint32_t token);

#endif
