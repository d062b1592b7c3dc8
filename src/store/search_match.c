/* SPDX-License-Identifier: Apache-2.0 */
#include "store/search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/record.h"
#include "store/search_index.h"

/*
 * MaxScore (Turtle and Flood 1995), by windows of document numbers. The query's lists are sorted by
 * idf. Those at the lower end which, all together, could not lift a document above the worst hit so
 * far are optional: a document that is only in them need not be looked at. Within a window the
 * other lists are merged into an array of sums; each document that this turns up is then looked for
 * in the optional lists, dearest first, for as long as it can still win.
 *
 * Documents come in ascending order and of equals the earlier wins, so a document must beat the
 * worst hit strictly.
 */
enum { GROUP = 64, GROUPS = 64, WINDOW = GROUPS * GROUP, GROUP_DENSE = 16 };
enum { SCORE_MAX = 1000000 }; /* a token may be found twice in one pattern: cut, and by chance */
enum { CURSORS_MAX = 2 * SEARCH_TOKENS_MAX }; /* each token, and its cut */

/* What a hit is ranked by: matched idf times weight, below 2^35. The score is this divided by the
 * query's idf. */
struct ranked {
    uint64_t rank;
    uint32_t document;
};

struct cursor {
    const uint32_t *next, *end;
    uint32_t idf;
};

struct match {
    const struct search *search;
    const struct search_query *query;
    struct cursor cursors[CURSORS_MAX];  /* by idf, ascending */
    uint32_t idf_below[CURSORS_MAX + 1]; /* sum of the idf of the cursors before this one */
    size_t cursor_count, optional_count;
    uint64_t idf_query;
    struct ranked hits[SEARCH_HITS_MAX]; /* a heap, the worst on top */
    size_t hit_count;
    uint64_t threshold; /* 0 until there are as many hits as asked for */
};

struct window {
    int32_t sums[GROUPS][GROUP]; /* signed, for the sake of vector units: below 2^29 */
    uint64_t present[GROUPS];    /* a bit for each sum */
    uint64_t occupied;           /* a bit for each group */
};

/* log2(x) in 1/65536, rounded down, for x > 0: the mantissa is squared, and each carry is one more
 * bit. */
static uint32_t log2_fixed(uint64_t x)
{
    unsigned exponent = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << (63 - exponent) >> 32;
    uint32_t result = exponent;
    for (unsigned i = 0; i < 16; i++) {
        mantissa = mantissa * mantissa >> 31;
        uint32_t carry = (uint32_t)(mantissa >> 32);
        mantissa >>= carry;
        result = result << 1 | carry;
    }
    return result;
}

/* log2(1 + N / df); at least 1 and at most 33, in 1/65536. */
static uint32_t idf_fixed(uint32_t documents, uint32_t with_token)
{
    return log2_fixed((uint64_t)documents + with_token) - log2_fixed(with_token);
}

static int cursor_compare(const void *a, const void *b)
{
    uint32_t left = ((const struct cursor *)a)->idf, right = ((const struct cursor *)b)->idf;
    return (left > right) - (left < right);
}

/* The list of the token at `i`, cut for patterns of coarser epochs; NULL when there is none, or
 * when the query has it for another token already. */
static const struct postings *match_coarse(const struct match *match, size_t i)
{
    const struct search_query *query = match->query;
    if (!query->coarse_bits)
        return NULL;
    uint32_t coarse = token_cut(query->tokens[i], query->coarse_bits);
    for (size_t j = 0; j < query->token_count; j++) {
        if (query->tokens[j] == coarse ||
            (j < i && token_cut(query->tokens[j], query->coarse_bits) == coarse))
            return NULL;
    }
    return search_postings_find(match->search, coarse);
}

static void cursor_add(struct match *match, const struct postings *postings, uint32_t idf)
{
    if (!postings || !postings->count)
        return;
    const uint32_t *documents = postings_read(postings);
    match->cursors[match->cursor_count++] =
        (struct cursor){.next = documents, .end = documents + postings->count, .idf = idf};
}

static void match_open(struct match *match)
{
    const struct search *search = match->search;
    for (size_t i = 0; i < match->query->token_count; i++) {
        const struct postings *fine = search_postings_find(search, match->query->tokens[i]);
        const struct postings *coarse = match_coarse(match, i);
        uint32_t count = (fine ? fine->count : 0) + (coarse ? coarse->count : 0);
        uint32_t idf = idf_fixed(search->document_count, count ? count : 1);
        match->idf_query += idf;
        cursor_add(match, fine, idf);
        cursor_add(match, coarse, idf);
    }
    qsort(match->cursors, match->cursor_count, sizeof match->cursors[0], cursor_compare);
    for (size_t i = 0; i < match->cursor_count; i++)
        match->idf_below[i + 1] = match->idf_below[i] + match->cursors[i].idf;
}

/* Of `count` (at least 1) documents, of which the first is before `document`: the last such. By
 * leaps, doubled until one goes too far, then by halves. */
static const uint32_t *leap_forward(const uint32_t *low, size_t count, uint32_t document)
{
    size_t leap = 1;
    while (leap < count && low[leap] < document) {
        low += leap;
        count -= leap;
        leap *= 2;
    }
    for (size_t size = leap < count ? leap : count; size > 1;) {
        size_t half = size / 2;
        if (low[half] < document)
            low += half;
        size -= half;
    }
    return low;
}

/*
 * Moves to the first document that is not before `document`: nearly to where it would be if
 * documents were spread evenly, as in long lists they are, unless that is too far; and on from
 * there.
 */
static void cursor_seek(struct cursor *cursor, uint32_t document)
{
    const uint32_t *low = cursor->next;
    if (low == cursor->end || *low >= document)
        return;
    size_t left = (size_t)(cursor->end - low);
    uint64_t ahead = document - *low, range = cursor->end[-1] - *low;
    if (ahead < range) {
        size_t guess = (size_t)(ahead * left / range);
        guess -= guess / 16;
        if (low[guess] < document) {
            low += guess;
            left -= guess;
        }
    }
    cursor->next = leap_forward(low, left, document) + 1;
}

static bool query_shows(const struct search_query *query, const struct search_facts *facts)
{
    return facts->confidence >= query->confidence_min &&
           (query->domain == SEARCH_DOMAIN_ANY || query->domain == facts->domain) &&
           (facts->confidence < query->high_confidence ||
            facts->released_at_s <= query->high_released_until_s);
}

static bool ranked_is_worse(const struct ranked *a, const struct ranked *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->document > b->document);
}

static void heap_rise(struct ranked *heap, size_t at)
{
    struct ranked risen = heap[at];
    for (; at && ranked_is_worse(&risen, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = risen;
}

static void heap_sink(struct ranked *heap, size_t count)
{
    struct ranked sunk = heap[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && ranked_is_worse(&heap[child + 1], &heap[child]))
            child++;
        if (!ranked_is_worse(&heap[child], &sunk))
            break;
        heap[at] = heap[child];
    }
    heap[at] = sunk;
}

static void match_keep(struct match *match, uint64_t rank, uint32_t document)
{
    struct ranked hit = {.rank = rank, .document = document};
    if (match->hit_count < match->query->limit) {
        match->hits[match->hit_count++] = hit;
        heap_rise(match->hits, match->hit_count - 1);
    } else {
        match->hits[0] = hit;
        heap_sink(match->hits, match->hit_count);
    }
    if (match->hit_count == match->query->limit)
        match->threshold = match->hits[0].rank;
}

/* A dead document weighs 0, and so is never a hit. `sum`: the idf of the lists that are not
 * optional and have the document. */
static void match_weigh(struct match *match, uint32_t number, uint64_t sum)
{
    if ((sum + match->idf_below[match->optional_count]) * match->search->weight_max <=
        match->threshold)
        return;
    uint64_t weight = match->search->weights[number];
    for (size_t i = match->optional_count; i--;) {
        if ((sum + match->idf_below[i + 1]) * weight <= match->threshold)
            return;
        struct cursor *cursor = &match->cursors[i];
        cursor_seek(cursor, number);
        if (cursor->next < cursor->end && *cursor->next == number)
            sum += cursor->idf;
    }
    if (sum * weight > match->threshold &&
        query_shows(match->query, &match->search->documents[number].facts))
        match_keep(match, sum * weight, number);
}

/* False when no document that is still to come can win. */
static bool match_split(struct match *match)
{
    while (match->optional_count < match->cursor_count &&
           match->idf_below[match->optional_count + 1] * (uint64_t)match->search->weight_max <=
               match->threshold)
        match->optional_count++;
    return match->optional_count < match->cursor_count;
}

/* The first document of the next window with anything in it; SEARCH_NONE when the lists are at
 * their end. */
static uint32_t match_next_window(const struct match *match)
{
    uint32_t first = SEARCH_NONE;
    for (size_t i = match->optional_count; i < match->cursor_count; i++) {
        const struct cursor *cursor = &match->cursors[i];
        if (cursor->next < cursor->end && *cursor->next < first)
            first = *cursor->next;
    }
    return first;
}

static void window_fill(struct window *window, struct match *match, uint32_t first)
{
    for (size_t i = match->optional_count; i < match->cursor_count; i++) {
        struct cursor *cursor = &match->cursors[i];
        const uint32_t *next = cursor->next;
        for (; next < cursor->end && *next - first < WINDOW; next++) {
            uint32_t offset = *next - first;
            window->sums[offset / GROUP][offset % GROUP] += (int32_t)cursor->idf;
            window->present[offset / GROUP] |= UINT64_C(1) << offset % GROUP;
            window->occupied |= UINT64_C(1) << offset / GROUP;
        }
        cursor->next = next;
    }
}

/* By halves: the instruction for it is not on every processor, and the compiler's way is a call. */
static unsigned bits_count(uint64_t bits)
{
    const uint64_t pairs = UINT64_MAX / 3, fours = UINT64_MAX / 5, bytes = UINT64_MAX / 17;
    bits -= bits >> 1 & pairs;
    bits = (bits & fours) + (bits >> 2 & fours);
    bits = (bits + (bits >> 4)) & bytes;
    return (unsigned)(bits * (UINT64_MAX / 255) >> 56);
}

/* Whether any sum is above `bar`: without a branch, so that it is done four or eight at a time. */
static bool group_reaches(const int32_t sums[GROUP], int32_t bar)
{
    int32_t reaches = 0;
    for (size_t i = 0; i < GROUP; i++)
        reaches |= sums[i] > bar;
    return reaches;
}

/* The sum that a document must exceed in this window. */
static int32_t match_bar(const struct match *match)
{
    int64_t bar = (int64_t)(match->threshold / match->search->weight_max) -
                  match->idf_below[match->optional_count];
    return bar > 0 ? (int32_t)bar : 0;
}

static void window_drain(struct window *window, struct match *match, uint32_t first)
{
    int32_t bar = match_bar(match);
    for (; window->occupied; window->occupied &= window->occupied - 1) {
        uint32_t group = (uint32_t)__builtin_ctzll(window->occupied);
        uint64_t present = window->present[group];
        int32_t *sums = window->sums[group];
        window->present[group] = 0;
        if (bits_count(present) >= GROUP_DENSE && !group_reaches(sums, bar)) {
            memset(sums, 0, sizeof window->sums[group]);
            continue;
        }
        for (; present; present &= present - 1) {
            uint32_t i = (uint32_t)__builtin_ctzll(present);
            if (sums[i] > bar)
                match_weigh(match, first + group * GROUP + i, (uint32_t)sums[i]);
            sums[i] = 0;
        }
    }
}

static size_t match_close(struct match *match, struct search_hit *ret_hits)
{
    size_t count = match->hit_count;
    for (size_t left = count; left--;) {
        const struct ranked *worst = &match->hits[0];
        uint64_t score = worst->rank * 10000 / match->idf_query;
        ret_hits[left] = (struct search_hit){
            .pattern = match->search->documents[worst->document].pattern,
            .score_millionths = score < SCORE_MAX ? (uint32_t)score : SCORE_MAX};
        match->hits[0] = match->hits[left];
        heap_sink(match->hits, left);
    }
    return count;
}

size_t search_match(const struct search *search, const struct search_query *query,
                    struct search_hit *ret_hits)
{
    assert(query->token_count <= SEARCH_TOKENS_MAX);
    assert(query->limit >= 1 && query->limit <= SEARCH_HITS_MAX);
    struct match match = {.search = search, .query = query};
    struct window window = {0};
    if (!search->document_count)
        return 0;
    match_open(&match);
    while (match_split(&match)) {
        uint32_t first = match_next_window(&match);
        if (first == SEARCH_NONE)
            break;
        window_fill(&window, &match, first);
        window_drain(&window, &match, first);
    }
    return match_close(&match, ret_hits);
}
