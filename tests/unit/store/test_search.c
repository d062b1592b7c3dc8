/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/bytes.h"
#include "store/search.h"

/* ---- The plain definition: every document is looked at, in the order of adding ---- */

enum { PATTERN_TOKENS = 10, PATTERNS_MAX = 20000, DOCUMENTS_MAX = 2 * PATTERNS_MAX };

struct plain_document {
    uint32_t pattern;
    bool live;
    struct search_facts facts;
    size_t count;
    uint32_t tokens[PATTERN_TOKENS];
    uint64_t rank;
};

static struct plain {
    struct plain_document documents[DOCUMENTS_MAX];
    size_t count, dead;
} plain;

static void plain_bury(uint32_t pattern)
{
    for (size_t i = 0; i < plain.count; i++) {
        if (!plain.documents[i].live || plain.documents[i].pattern != pattern)
            continue;
        plain.documents[i].live = false;
        plain.dead++;
    }
}

static void plain_rebuild_when_due(void)
{
    size_t live = 0;
    if (plain.dead * 4 <= plain.count)
        return;
    for (size_t i = 0; i < plain.count; i++) {
        if (plain.documents[i].live)
            plain.documents[live++] = plain.documents[i];
    }
    plain.count = live;
    plain.dead = 0;
}

static struct plain_document *plain_find(uint32_t pattern)
{
    for (size_t i = 0; i < plain.count; i++) {
        if (plain.documents[i].live && plain.documents[i].pattern == pattern)
            return &plain.documents[i];
    }
    return NULL;
}

static void plain_add(const struct plain_document *document)
{
    plain_bury(document->pattern);
    plain.documents[plain.count++] = *document;
    plain_rebuild_when_due();
}

static void plain_remove(uint32_t pattern)
{
    plain_bury(pattern);
    plain_rebuild_when_due();
}

static bool plain_has_token(const struct plain_document *document, uint32_t token)
{
    for (size_t i = 0; i < document->count; i++) {
        if (document->tokens[i] == token)
            return true;
    }
    return false;
}

/* Bit by bit, as the index does it, for ranks must agree to the last bit. */
static uint64_t plain_log2(uint64_t x)
{
    uint64_t whole = 0, bits = 0;
    while (x >> (whole + 1))
        whole++;
    uint64_t mantissa = whole > 31 ? x >> (whole - 31) : x << (31 - whole);
    for (int i = 0; i < 16; i++) {
        mantissa = mantissa * mantissa / (UINT64_C(1) << 31);
        bits = 2 * bits + (mantissa >= UINT64_C(1) << 32);
        mantissa = mantissa >= UINT64_C(1) << 32 ? mantissa / 2 : mantissa;
    }
    return whole * 65536 + bits;
}

static uint64_t plain_idf(uint32_t token)
{
    uint64_t df = 0;
    for (size_t i = 0; i < plain.count; i++)
        df += plain_has_token(&plain.documents[i], token);
    df += df == 0;
    return plain_log2(plain.count + df) - plain_log2(df);
}

static bool plain_shows(const struct plain_document *document, const struct search_query *query)
{
    const struct search_facts *facts = &document->facts;
    if (!document->live || facts->confidence < query->confidence_min)
        return false;
    if (query->domain != SEARCH_DOMAIN_ANY && query->domain != facts->domain)
        return false;
    return facts->confidence < query->high_confidence ||
           facts->released_at_s <= query->high_released_until_s;
}

static const struct plain_document *plain_best(void)
{
    const struct plain_document *best = NULL;
    for (size_t i = 0; i < plain.count; i++) {
        if (plain.documents[i].rank > (best ? best->rank : 0))
            best = &plain.documents[i];
    }
    return best;
}

static size_t plain_match(const struct search_query *query, struct search_hit *hits)
{
    uint64_t idf[SEARCH_TOKENS_MAX], total = 0;
    for (size_t i = 0; i < query->token_count; i++)
        total += idf[i] = plain_idf(query->tokens[i]);
    for (size_t i = 0; i < plain.count; i++) {
        struct plain_document *document = &plain.documents[i];
        document->rank = 0;
        for (size_t j = 0; j < query->token_count; j++) {
            if (plain_has_token(document, query->tokens[j]))
                document->rank += idf[j] * document->facts.weight;
        }
        if (!plain_shows(document, query))
            document->rank = 0;
    }
    size_t count = 0;
    const struct plain_document *best;
    while (count < query->limit && (best = plain_best())) {
        hits[count].pattern = best->pattern;
        hits[count++].score_millionths = (uint32_t)(best->rank * 10000 / total);
        plain.documents[best - plain.documents].rank = 0;
    }
    return count;
}

/* ---- Chance, the same in each run ---- */

static uint64_t chance;

static uint32_t below(uint32_t end)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((chance >> 32) * end) >> 32);
}

/* Low ones are far more frequent; spread, for real ones are. */
static uint32_t some_token(uint32_t vocabulary)
{
    uint32_t rank = below(below(below(vocabulary) + 1) + 1);
    return (rank + 1) * 0x9e3779b1U;
}

static size_t some_tokens(uint32_t vocabulary, uint32_t *tokens, size_t wanted)
{
    size_t count = 0;
    for (size_t tries = 0; count < wanted && tries < 4 * wanted; tries++) {
        uint32_t token = some_token(vocabulary);
        size_t i = 0;
        while (i < count && tokens[i] != token)
            i++;
        tokens[i] = token;
        count += i == count;
    }
    return count;
}

static struct search_facts some_facts(void)
{
    return (struct search_facts){.released_at_s = 1 + below(10),
                                 .domain = (uint16_t)below(3),
                                 .confidence = (uint8_t)below(101),
                                 .weight = (uint8_t)(below(3) ? 50 : 1 + below(100))};
}

static struct plain_document some_document(uint32_t patterns, uint32_t vocabulary)
{
    struct plain_document document = {
        .pattern = below(patterns), .live = true, .facts = some_facts()};
    document.count = some_tokens(vocabulary, document.tokens, 1 + below(PATTERN_TOKENS));
    return document;
}

static struct search_query some_query(uint32_t vocabulary, uint32_t *tokens)
{
    struct search_query query = {.tokens = tokens,
                                 .domain = SEARCH_DOMAIN_ANY,
                                 .high_confidence = 101,
                                 .limit = 1 + below(below(4) ? 10 : SEARCH_HITS_MAX)};
    size_t wanted = 1 + below(below(4) ? 6 : SEARCH_TOKENS_MAX);
    query.token_count = some_tokens(vocabulary + vocabulary / 8, tokens, wanted);
    if (!below(3))
        query.domain = (int32_t)below(4);
    if (!below(3))
        query.confidence_min = (uint8_t)below(101);
    if (!below(3)) {
        query.high_confidence = (uint8_t)below(101);
        query.high_released_until_s = below(11);
    }
    return query;
}

/* ---- Comparing ---- */

static struct search *index_new(void)
{
    struct search *search = NULL;
    assert_int_equal(search_new(&search), FAULT_NONE);
    plain.count = plain.dead = 0;
    return search;
}

static void add_to_both(struct search *search, const struct plain_document *document)
{
    assert_int_equal(
        search_add(search, document->pattern, document->tokens, document->count, &document->facts),
        FAULT_NONE);
    plain_add(document);
}

static void assert_same_answers(struct search *search, uint32_t vocabulary, int queries)
{
    assert_int_equal(search_count(search), plain.count - plain.dead);
    while (queries--) {
        uint32_t tokens[SEARCH_TOKENS_MAX + 1];
        struct search_hit found[SEARCH_HITS_MAX], expected[SEARCH_HITS_MAX];
        struct search_query query = some_query(vocabulary, tokens);
        size_t count = plain_match(&query, expected);
        assert_int_equal(search_match(search, &query, found), count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(found[i].pattern, expected[i].pattern);
            assert_int_equal(found[i].score_millionths, expected[i].score_millionths);
        }
    }
}

static void some_step(struct search *search, uint32_t patterns, uint32_t vocabulary)
{
    uint32_t pattern = below(patterns + 2), kind = below(10);
    struct plain_document *present = plain_find(pattern);
    assert_int_equal(search_has(search, pattern), present != NULL);
    if (kind < 6) {
        struct plain_document document = some_document(patterns, vocabulary);
        add_to_both(search, &document);
    } else if (kind < 9) {
        search_remove(search, pattern);
        plain_remove(pattern);
    } else {
        struct search_facts facts = some_facts();
        assert_int_equal(search_update(search, pattern, &facts), present != NULL);
        if (present)
            present->facts = facts;
    }
}

/* ---- One index by hand ---- */

static const struct search_facts ordinary = {.released_at_s = 10, .confidence = 50, .weight = 100};

static void add_one(struct search *search, uint32_t pattern, uint32_t token,
                    struct search_facts facts)
{
    assert_int_equal(search_add(search, pattern, &token, 1, &facts), FAULT_NONE);
}

static struct search_query query_for(const uint32_t *token)
{
    return (struct search_query){.tokens = token,
                                 .token_count = 1,
                                 .domain = SEARCH_DOMAIN_ANY,
                                 .high_confidence = 101,
                                 .limit = 10};
}

static const uint32_t apple = 0xa991e000, pear = 0x9ea40000;

/* ---- Tests ---- */

static void random_histories_match_as_the_plain_definition_says(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 60; round++) {
        chance = round;
        uint32_t patterns = 1 + below(200), vocabulary = 1 + below(60);
        struct search *search = index_new();
        for (int step = 0; step < 300; step++) {
            some_step(search, patterns, vocabulary);
            if (step % 10 == 0)
                assert_same_answers(search, vocabulary, 3);
            if (step == 150)
                search_compact(search);
        }
        search_free(search);
    }
}

/* Windows of documents, leaps within lists, lists too large for a slab. */
static void a_large_index_matches_as_the_plain_definition_says(void **state)
{
    (void)state;
    chance = 7;
    struct search *search = index_new();
    for (uint32_t i = 0; i < PATTERNS_MAX; i++) {
        struct plain_document document = some_document(1, 3000);
        document.pattern = i;
        assert_int_equal(search_add(search, i, document.tokens, document.count, &document.facts),
                         FAULT_NONE);
        plain.documents[plain.count++] = document;
    }
    assert_same_answers(search, 3000, 150);
    for (uint32_t i = 0; i < PATTERNS_MAX / 2; i++) {
        uint32_t pattern = below(4) ? i : below(PATTERNS_MAX);
        search_remove(search, pattern);
        plain_remove(pattern);
    }
    assert_same_answers(search, 3000, 60);
    search_compact(search);
    assert_same_answers(search, 3000, 60);
    search_free(search);
}

static void scores_follow_the_formula(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_facts facts = ordinary;
    facts.weight = 80;
    for (uint32_t i = 0; i < 9; i++)
        add_one(search, i, i < 3 ? apple : 1 + i, facts);
    const uint32_t both[] = {apple, pear};
    struct search_query query = query_for(both);
    struct search_hit hits[10];
    query.token_count = 2;
    assert_int_equal(search_match(search, &query, hits), 3);
    double expected = 0.8 * log(1 + 9.0 / 3) / (log(1 + 9.0 / 3) + log(1 + 9.0 / 1));
    assert_true(fabs(hits[0].score_millionths - 1e6 * expected) < 20);
    search_free(search);
}

/* Tokens of 12 bits find patterns whose tokens were cut to 8, as if all had been. */
static void a_token_finds_its_cut_and_scores_as_one(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_hit hits[10];
    const uint32_t kin = 0xa9500000; /* the same cut as that of apple */
    for (uint32_t i = 0; i < 9; i++)
        add_one(search, i, i < 3 ? 0xa9000000 : 1 + i, ordinary);
    add_one(search, 9, 0xa9900000, ordinary);
    uint32_t both[] = {0xa9900000, kin};
    struct search_query query = query_for(both);
    assert_int_equal(search_match(search, &query, hits), 1);
    query.coarse_bits = 8;
    assert_int_equal(search_match(search, &query, hits), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(hits[i].score_millionths, hits[0].score_millionths);
    assert_true(hits[0].score_millionths > 999990);
    query.token_count = 2; /* and nothing counts twice */
    assert_int_equal(search_match(search, &query, hits), 4);
    assert_int_equal(hits[0].score_millionths, hits[3].score_millionths);
    assert_true(hits[0].score_millionths < 600000);
    both[0] = 0xa9000000; /* its own cut */
    query.token_count = 1;
    assert_int_equal(search_match(search, &query, hits), 3);
    search_free(search);
}

static void equals_come_in_the_order_of_adding(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_hit hits[10];
    for (uint32_t i = 0; i < 30; i++)
        add_one(search, (i * 7 + 3) % 30, apple, ordinary);
    struct search_query query = query_for(&apple);
    assert_int_equal(search_match(search, &query, hits), 10);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(hits[i].pattern, (i * 7 + 3) % 30);
        assert_int_equal(hits[i].score_millionths, 1000000);
    }
    search_free(search);
}

static void an_index_without_the_token_has_no_hit(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_query query = query_for(&apple);
    struct search_hit hits[10];
    assert_int_equal(search_match(search, &query, hits), 0);
    add_one(search, 0, pear, ordinary);
    assert_int_equal(search_match(search, &query, hits), 0);
    add_one(search, 1, apple, ordinary);
    assert_int_equal(search_match(search, &query, hits), 1);
    search_remove(search, 1);
    assert_int_equal(search_match(search, &query, hits), 0);
    search_free(search);
}

static void high_confidence_shows_from_its_time_on(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_hit hits[10];
    add_one(search, 0, apple, (struct search_facts){10, 0, 79, 100});
    add_one(search, 1, apple, (struct search_facts){10, 0, 80, 100});
    add_one(search, 2, apple, (struct search_facts){11, 0, 80, 100});
    struct search_query query = query_for(&apple);
    query.high_confidence = 80;
    assert_int_equal(search_match(search, &query, hits), 1);
    assert_int_equal(hits[0].pattern, 0);
    query.high_released_until_s = 10;
    assert_int_equal(search_match(search, &query, hits), 2);
    query.high_released_until_s = 11;
    assert_int_equal(search_match(search, &query, hits), 3);
    search_free(search);
}

static void domain_and_confidence_bound_the_hits(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_hit hits[10];
    add_one(search, 0, apple, (struct search_facts){10, 3, 40, 100});
    add_one(search, 1, apple, (struct search_facts){10, 65535, 41, 100});
    struct search_query query = query_for(&apple);
    query.domain = 65535;
    assert_int_equal(search_match(search, &query, hits), 1);
    assert_int_equal(hits[0].pattern, 1);
    query = query_for(&apple);
    query.confidence_min = 41;
    assert_int_equal(search_match(search, &query, hits), 1);
    assert_int_equal(hits[0].pattern, 1);
    query.confidence_min = 40;
    assert_int_equal(search_match(search, &query, hits), 2);
    search_free(search);
}

static void a_heavier_pattern_overtakes_when_it_is_updated(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_query query = query_for(&apple);
    struct search_facts facts = ordinary;
    struct search_hit hits[10];
    facts.weight = 30;
    add_one(search, 0, apple, facts);
    add_one(search, 1, apple, facts);
    facts.weight = 31;
    query.limit = 1;
    assert_true(search_update(search, 1, &facts));
    assert_int_equal(search_match(search, &query, hits), 1);
    assert_int_equal(hits[0].pattern, 1);
    assert_int_equal(hits[0].score_millionths, 310000);
    assert_true(search_facts_get(search, 1, &facts));
    assert_int_equal(facts.weight, 31);
    assert_false(search_update(search, 2, &facts));
    assert_false(search_facts_get(search, 2, &facts));
    assert_false(search_has(search, 2));
    search_free(search);
}

static void a_pattern_added_again_has_its_new_tokens_only(void **state)
{
    (void)state;
    struct search *search = index_new();
    struct search_query old_query = query_for(&apple), new_query = query_for(&pear);
    struct search_hit hits[10];
    add_one(search, 5, apple, ordinary);
    add_one(search, 5, pear, ordinary);
    assert_int_equal(search_count(search), 1);
    assert_int_equal(search_match(search, &old_query, hits), 0);
    assert_int_equal(search_match(search, &new_query, hits), 1);
    search_free(search);
}

static void memory_is_small_and_given_back(void **state)
{
    (void)state;
    chance = 3;
    struct search *search = index_new();
    size_t empty = search_memory(search);
    for (uint32_t i = 0; i < PATTERNS_MAX; i++) {
        struct plain_document document = some_document(1, 5000);
        assert_int_equal(search_add(search, i, document.tokens, document.count, &document.facts),
                         FAULT_NONE);
    }
    search_compact(search);
    assert_true(search_memory(search) < PATTERNS_MAX * 48);
    for (uint32_t i = 0; i < PATTERNS_MAX; i++)
        search_remove(search, i);
    assert_int_equal(search_count(search), 0);
    search_compact(search);
    assert_true(search_memory(search) < empty + 1000);
    search_free(search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_match_as_the_plain_definition_says),
        cmocka_unit_test(a_large_index_matches_as_the_plain_definition_says),
        cmocka_unit_test(scores_follow_the_formula),
        cmocka_unit_test(a_token_finds_its_cut_and_scores_as_one),
        cmocka_unit_test(equals_come_in_the_order_of_adding),
        cmocka_unit_test(an_index_without_the_token_has_no_hit),
        cmocka_unit_test(high_confidence_shows_from_its_time_on),
        cmocka_unit_test(domain_and_confidence_bound_the_hits),
        cmocka_unit_test(a_heavier_pattern_overtakes_when_it_is_updated),
        cmocka_unit_test(a_pattern_added_again_has_its_new_tokens_only),
        cmocka_unit_test(memory_is_small_and_given_back),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
