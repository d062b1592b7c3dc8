/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/bytes.h"
#include "store/search.h"

/* ---- Memory that runs out ---- */

static struct {
    bool armed;      /* off: memory without end */
    bool stays_out;  /* else one allocation fails, and the next succeeds */
    unsigned before; /* allocations that succeed until then */
    unsigned refused;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool allocation_refused(void)
{
    if (!memory.armed)
        return false;
    if (memory.before) {
        memory.before--;
        return false;
    }
    bool refused = memory.stays_out || !memory.refused;
    memory.refused += refused;
    return refused;
}

void *__wrap_malloc(size_t size)
{
    return allocation_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return allocation_refused() ? NULL : __real_realloc(block, size);
}

static void memory_fails_after(unsigned before, bool stays_out)
{
    memory.stays_out = stays_out;
    memory.before = before;
    memory.refused = 0;
}

/* ---- Two indexes with one history: `tried` meets failures, `spared` none ---- */

enum { PATTERNS = 1500, VOCABULARY = 300, PATTERN_TOKENS = 10, QUERY_TOKENS = 8 };

static struct search *tried, *spared;
static uint64_t chance;

static uint32_t below(uint32_t end)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((chance >> 32) * end) >> 32);
}

/* `count` distinct tokens; low ones are far more frequent. */
static void some_tokens(uint32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count;) {
        uint32_t token = (below(below(VOCABULARY) + 1) + 1) * 0x9e3779b1U;
        size_t j = 0;
        while (j < i && tokens[j] != token)
            j++;
        tokens[i] = token;
        i += j == i;
    }
}

static void both_new(void)
{
    assert_int_equal(search_new(&tried), FAULT_NONE);
    assert_int_equal(search_new(&spared), FAULT_NONE);
}

static void both_free(void)
{
    search_free(tried);
    search_free(spared);
}

static void assert_both_answer_alike(void)
{
    uint32_t tokens[QUERY_TOKENS];
    struct search_hit hits[SEARCH_HITS_MAX], expected[SEARCH_HITS_MAX];
    struct search_query query = {.tokens = tokens,
                                 .token_count = 1 + below(QUERY_TOKENS),
                                 .domain = SEARCH_DOMAIN_ANY,
                                 .high_confidence = 101,
                                 .limit = 1 + below(SEARCH_HITS_MAX)};
    some_tokens(tokens, query.token_count);
    size_t count = search_match(spared, &query, expected);
    assert_int_equal(search_match(tried, &query, hits), count);
    assert_memory_equal(hits, expected, count * sizeof hits[0]);
    assert_int_equal(search_count(tried), search_count(spared));
}

/* When it fails, all is as before; and with memory it succeeds. */
static void both_add(uint32_t pattern)
{
    uint32_t tokens[PATTERN_TOKENS];
    struct search_facts facts = {
        .released_at_s = 1, .confidence = 50, .weight = (uint8_t)(1 + below(100))};
    size_t count = 1 + below(PATTERN_TOKENS);
    some_tokens(tokens, count);
    memory.armed = true;
    enum fault fault = search_add(tried, pattern, tokens, count, &facts);
    memory.armed = false;
    if (fault) {
        assert_int_equal(fault, FAULT_MEMORY);
        assert_both_answer_alike();
        assert_int_equal(search_has(tried, pattern), search_has(spared, pattern));
        assert_int_equal(search_add(tried, pattern, tokens, count, &facts), FAULT_NONE);
    }
    assert_int_equal(search_add(spared, pattern, tokens, count, &facts), FAULT_NONE);
}

static void both_remove(uint32_t pattern)
{
    memory.armed = true;
    search_remove(tried, pattern);
    memory.armed = false;
    search_remove(spared, pattern);
}

/* One history: growth, replacements, removals with their rebuilds, compaction, and growth again. */
static bool history_met_a_failure(unsigned before, bool stays_out)
{
    chance = 11;
    both_new();
    memory_fails_after(before, stays_out);
    for (uint32_t i = 0; i < PATTERNS; i++)
        both_add(i % 16 == 15 ? below(i) : i);
    for (uint32_t i = 0; i < PATTERNS; i += 2)
        both_remove(i);
    memory.armed = true;
    search_compact(tried);
    memory.armed = false;
    for (uint32_t i = 0; i < 20; i++)
        both_add(2 * PATTERNS + i);
    for (int i = 0; i < 3; i++)
        assert_both_answer_alike();
    both_free();
    return memory.refused > 0;
}

/* ---- Tests ---- */

static void without_memory_there_is_no_index(void **state)
{
    (void)state;
    int untouched;
    struct search *search = (struct search *)(void *)&untouched;
    for (unsigned n = 0; n < 2; n++) {
        memory_fails_after(n, true);
        memory.armed = true;
        enum fault fault = search_new(&search);
        memory.armed = false;
        assert_int_equal(fault, FAULT_MEMORY);
        assert_ptr_equal(search, &untouched);
    }
}

static void when_an_allocation_fails_nothing_changes(void **state)
{
    (void)state;
    unsigned n = 0;
    while (history_met_a_failure(n, false))
        n++;
    assert_true(n > 100);
}

static void without_more_memory_the_index_still_serves(void **state)
{
    (void)state;
    unsigned n = 0;
    while (history_met_a_failure(n, true))
        n++;
    assert_true(n > 100);
}

/* So long that it has memory of its own, outside the slabs. */
static void a_long_list_loses_nothing_when_it_cannot_grow(void **state)
{
    (void)state;
    enum { LONG = 10000 };
    const struct search_facts facts = {.released_at_s = 1, .confidence = 50, .weight = 100};
    const uint32_t token = 7;
    struct search_query query = {.tokens = &token,
                                 .token_count = 1,
                                 .domain = SEARCH_DOMAIN_ANY,
                                 .high_confidence = 101,
                                 .limit = 10};
    struct search_hit hits[10];
    assert_int_equal(search_new(&tried), FAULT_NONE);
    for (uint32_t i = 0; i < LONG; i++) {
        for (unsigned n = 0;; n++) {
            memory_fails_after(n, true);
            memory.armed = true;
            enum fault fault = search_add(tried, i, &token, 1, &facts);
            memory.armed = false;
            assert_int_equal(search_has(tried, i), fault == FAULT_NONE);
            if (!fault)
                break;
        }
    }
    for (uint32_t i = 0; i + 1 < LONG; i++) {
        assert_int_equal(search_match(tried, &query, hits), i + 10 < LONG ? 10 : LONG - i);
        assert_int_equal(hits[0].pattern, i);
        search_remove(tried, i);
    }
    search_free(tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_there_is_no_index),
        cmocka_unit_test(when_an_allocation_fails_nothing_changes),
        cmocka_unit_test(without_more_memory_the_index_still_serves),
        cmocka_unit_test(a_long_list_loses_nothing_when_it_cannot_grow),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
