/* SPDX-License-Identifier: Apache-2.0 */
#include "client/terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/record.h"
#include "lib/vectors.h"
#include "util/cleanup.h"

static const char *const table[] = {
#include "client/stop_words.inc"
};
enum { WORDS = sizeof table / sizeof *table };

static void file_done(FILE **file)
{
    if (*file)
        fclose(*file);
}

static void the_table_of_stop_words_is_the_file(void **state)
{
    (void)state;
    char text[1024] = {0}, joined[1024] = {0};
    _cleanup_(file_done) FILE *file = fopen("src/client/stop-words.txt", "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    size_t used = 0;
    for (size_t i = 0; i < WORDS; i++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s\n", table[i]);
    assert_int_equal(used, length);
    assert_string_equal(joined, text);
}

static void every_stop_word_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        char longer[32];
        snprintf(longer, sizeof longer, "%sq", table[i]);
        assert_true(i == 0 || strcmp(table[i - 1], table[i]) < 0);
        assert_true(terms_is_stop_word(table[i], strlen(table[i])));
        assert_false(terms_is_stop_word(longer, strlen(longer)));
    }
    assert_true(terms_is_stop_word("another", 2));
    assert_false(terms_is_stop_word("ab", 2));
    assert_false(terms_is_stop_word("zebra", 5));
}

static void assert_stem(const char *word, const char *stem)
{
    char bytes[64] = {0};
    size_t length = terms_stem(word, strlen(word), bytes);
    bytes[length] = '\0';
    assert_string_equal(bytes, stem);
}

static void the_vectors_words_have_the_vectors_stems(void **state)
{
    size_t count = vector_count(*state, "stems_utf8");
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "stems_utf8.%zu.0", i);
        snprintf(to, sizeof to, "stems_utf8.%zu.1", i);
        assert_stem(vector_text(*state, from), vector_text(*state, to));
    }
}

static void each_rule_and_each_exception_decides(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"queries", "query"},
        {"movies", "movy"},
        {"eeies", "eeies"},
        {"aaies", "aaies"},
        {"caches", "cache"},
        {"xaes", "xaes"},
        {"trees", "trees"},
        {"goes", "goes"},
        {"pools", "pool"},
        {"virus", "virus"},
        {"process", "process"},
        {"gas", "gas"},
        {"\xc3\xa9\xc3\xa9s", "\xc3\xa9\xc3\xa9s"}, /* three code points in five bytes */
        {"\xc3\xa9\xc3\xa9\xc3\xa9s", "\xc3\xa9\xc3\xa9\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_stem(pairs[i][0], pairs[i][1]);
}

static void assert_terms(const char *summary, size_t limit, const char *expected)
{
    char bytes[4096], joined[4096] = "";
    struct terms terms;
    size_t used = 0;
    terms_extract(summary, strlen(summary), limit, bytes, &terms);
    for (size_t i = 0; i < terms.count; i++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%.*s", i ? " " : "",
                                 (int)terms.term[i].length, terms.term[i].text);
    assert_string_equal(joined, expected);
}

static void terms_are_runs_of_letters_marks_and_digits(void **state)
{
    (void)state;
    assert_terms("pool-size=10; idle_timeout", 16, "pool size 10 idle timeout");
    assert_terms("don't x\xc2\xb2y", 16, "don t x y"); /* superscript two is No */
    assert_terms("na\xc3\xafve i\xcc\x87x", 16, "na\xc3\xafve i\xcc\x87x");
    assert_terms("?pool?", 16, "pool");
    assert_terms("", 16, "");
    assert_terms("--", 16, "");
}

static void a_stem_counts_once_and_the_first_ones_win(void **state)
{
    (void)state;
    assert_terms("pools the pool deadlock pool", 16, "pool deadlock");
    assert_terms("a1 a2 a3 a4", 2, "a1 a2");
    assert_terms("b1 b2 b3 b4 b5 b6 b7 b8 b9 c1 c2 c3 c4 c5 c6 c7 c8", TERMS_OF_PATTERN,
                 "b1 b2 b3 b4 b5 b6 b7 b8 b9 c1 c2 c3 c4 c5 c6 c7");
}

static void the_vectors_pattern_has_the_vectors_terms_and_tokens(void **state)
{
    uint8_t m[SUMMARY_LENGTH_MAX], f[32];
    char bytes[SUMMARY_LENGTH_MAX];
    struct federation_keys keys;
    struct terms terms;
    size_t length = vector_read(*state, "patterns.0.M", m, sizeof m);
    size_t domain = strlen(vector_text(*state, "patterns.0.domain_given")) + 1;
    terms_extract((const char *)m + domain, length - domain, TERMS_OF_PATTERN, bytes, &terms);
    vector_bytes(*state, "F", f, sizeof f);
    federation_keys_derive(f, &keys);
    assert_int_equal(terms.count, vector_count(*state, "patterns.0.terms_utf8"));
    for (size_t i = 0; i < terms.count; i++) {
        char path[64], hex[9], term[64];
        snprintf(path, sizeof path, "patterns.0.terms_utf8.%zu", i);
        snprintf(term, sizeof term, "%.*s", (int)terms.term[i].length, terms.term[i].text);
        assert_string_equal(term, vector_text(*state, path));
        snprintf(path, sizeof path, "patterns.0.tokens_in_order_of_terms.%zu", i);
        snprintf(hex, sizeof hex, "%08x", token_of_term(&keys, 32, term, strlen(term)));
        assert_string_equal(hex, vector_text(*state, path));
        snprintf(path, sizeof path, "patterns.0.tokens_of_20_bits.%zu", i);
        snprintf(hex, sizeof hex, "%08x", token_of_term(&keys, 20, term, strlen(term)));
        assert_string_equal(hex, vector_text(*state, path));
    }
}

static int setup(void **state)
{
    *state = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    vectors_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_stop_words_is_the_file),
        cmocka_unit_test(every_stop_word_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(the_vectors_words_have_the_vectors_stems),
        cmocka_unit_test(each_rule_and_each_exception_decides),
        cmocka_unit_test(terms_are_runs_of_letters_marks_and_digits),
        cmocka_unit_test(a_stem_counts_once_and_the_first_ones_win),
        cmocka_unit_test(the_vectors_pattern_has_the_vectors_terms_and_tokens),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
