/* SPDX-License-Identifier: Apache-2.0 */
#include "client/canonical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/vectors.h"
#include "util/cleanup.h"

static enum fault make(const char *text, struct canonical *ret, struct why *why)
{
    return canonical_make("general", text, strlen(text), ret, why);
}

static void assert_summary(const char *text, const char *summary)
{
    struct canonical canonical;
    struct why why = {0};
    if (make(text, &canonical, &why) != FAULT_NONE)
        fail_msg("\"%s\": %s", text, why.text);
    size_t length;
    const char *got = canonical_summary(canonical.m, canonical.m_length, &length);
    assert_string_equal(got, summary);
    assert_int_equal(length, strlen(summary));
}

static void the_vectors_texts_become_the_vectors_summaries(void **state)
{
    size_t count = vector_count(*state, "canonical_summaries_utf8");
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        char from[64], to[64];
        _cleanup_(free_pointer) char *summary = NULL;
        size_t length;
        snprintf(from, sizeof from, "canonical_summaries_utf8.%zu.0", i);
        snprintf(to, sizeof to, "canonical_summaries_utf8.%zu.1", i);
        const char *text = vector_text(*state, from);
        assert_int_equal(canonical_fold(text, strlen(text), &summary, &length, NULL), FAULT_NONE);
        assert_string_equal(summary, vector_text(*state, to));
    }
}

static void the_vectors_pattern_has_the_vectors_m_and_index(void **state)
{
    uint8_t m[SUMMARY_LENGTH_MAX], f[32], index[INDEX_PLAINTEXT_LENGTH];
    struct canonical canonical;
    struct federation_keys keys;
    const char *text = vector_text(*state, "patterns.0.text_utf8");
    size_t m_length = vector_read(*state, "patterns.0.M", m, sizeof m);
    assert_int_equal(canonical_make(vector_text(*state, "patterns.0.domain_given"), text,
                                    strlen(text), &canonical, NULL),
                     FAULT_NONE);
    assert_int_equal(canonical.m_length, m_length);
    assert_memory_equal(canonical.m, m, m_length);
    vector_bytes(*state, "F", f, sizeof f);
    federation_keys_derive(f, &keys);
    canonical_index(canonical.m, canonical.m_length, &keys, 32, index);
    assert_vector(*state, "patterns.0.index_plaintext", index, sizeof index);
}

static void spaces_and_trailing_marks_are_normalised(void **state)
{
    (void)state;
    assert_summary("pool\t\t deadlock\r\nidle", "pool deadlock idle");
    assert_summary("\xc2\x85pool\xc2\xa0\xe2\x80\xa8 idle\xe3\x80\x80", "pool idle");
    assert_summary("pool \xc2\xad idle", "pool idle"); /* a soft hyphen between two spaces */
    assert_summary("pool idle . , ; : !.", "pool idle");
    assert_summary("!pool idle?", "!pool idle?");
    assert_summary("pool, idle", "pool, idle");
}

static void characters_that_cannot_be_shared_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "pool\x01idle",     "pool\x7f",
        "pool\xc2\x9f", /* Cc */
        "pool\xcd\xb8",     "pool\xef\xbf\xbf",
        "\xf0\x9f\xbf\xbe",                     /* Cn: U+0378, U+FFFF, U+1FFFE */
        "pool\xee\x80\x80",                     /* Co: U+E000 */
        "pool\xed\xa0\x80", "pool\xed\xbf\xbf", /* surrogates */
        "pool\xff",         "pool\xc3",
        "pool\xc0\x80",     "\xf4\x90\x80\x80", /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct canonical canonical = {.m = "untouched"};
        struct why why = {0};
        if (make(texts[i], &canonical, &why) != FAULT_RECORD_ENCODING)
            fail_msg("text %zu", i);
        assert_string_equal(canonical.m, "untouched");
        assert_true(strlen(why.text) > 20);
    }
    struct canonical canonical;
    assert_int_equal(canonical_make("general", "pool\0idle", 9, &canonical, NULL),
                     FAULT_RECORD_ENCODING);
}

static void m_of_1000_bytes_is_taken_and_of_1001_refused(void **state)
{
    (void)state;
    char text[SUMMARY_LENGTH_MAX + 2];
    struct canonical canonical;
    size_t most = SUMMARY_LENGTH_MAX - strlen("general\n");
    memset(text, 'x', sizeof text);
    assert_int_equal(canonical_make("general", text, most, &canonical, NULL), FAULT_NONE);
    assert_int_equal(canonical.m_length, SUMMARY_LENGTH_MAX);
    assert_int_equal(canonical_make("general", text, most + 1, &canonical, NULL),
                     FAULT_RECORD_SIZE);
    assert_int_equal(canonical_make("genera", text, most + 1, &canonical, NULL), FAULT_NONE);
}

static void the_limit_counts_what_folding_made_of_it(void **state)
{
    (void)state;
    char text[SUMMARY_LENGTH_MAX + 1] = {0};
    struct canonical canonical;
    for (size_t i = 0; i + 3 <= 999; i += 3) /* U+FDFA, 3 bytes, becomes 33 */
        memcpy(text + i, "\xef\xb7\xba", 3);
    assert_int_equal(make(text, &canonical, NULL), FAULT_RECORD_SIZE);
}

static void nothing_to_say_and_nothing_to_search_by_are_refused(void **state)
{
    (void)state;
    struct canonical canonical;
    assert_int_equal(make("", &canonical, NULL), FAULT_RECORD_SIZE);
    assert_int_equal(make(" \t ", &canonical, NULL), FAULT_RECORD_SIZE);
    assert_int_equal(make(" . ; !", &canonical, NULL), FAULT_RECORD_SIZE);
    assert_int_equal(make("\xc2\xad", &canonical, NULL), FAULT_RECORD_SIZE);
    assert_int_equal(make("The and OF", &canonical, NULL), FAULT_INVALID_REQUEST);
    assert_int_equal(make("??? ---", &canonical, NULL), FAULT_INVALID_REQUEST);
    assert_int_equal(make("The pool", &canonical, NULL), FAULT_NONE);
}

static void a_domain_that_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const char *const domains[] = {"", "-a", "Databases", "a b", "a\n", "\xc3\xa9"};
    struct canonical canonical;
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        assert_int_equal(canonical_make(domains[i], "pool", 4, &canonical, NULL),
                         FAULT_RECORD_DOMAIN);
}

static void only_what_canonical_make_leaves_alone_is_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *m;
        bool canonical;
    } cases[] = {
        {"general\npool idle", true},   {"general\nPool idle", false},
        {"general\npool  idle", false}, {"general\npool.", false},
        {"general\n pool", false},      {"general\nthe", false},
        {"General\npool", false},       {"pool idle", false},
        {"general\n", false},           {"\npool", false},
        {"general\npool\nidle", false}, {"general\ne\xcc\x81", false},
        {"general\n\xc3\xa9", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (canonical_is(cases[i].m, strlen(cases[i].m)) != cases[i].canonical)
            fail_msg("case %zu", i);
    }
    assert_false(canonical_is("gen\0ral\npool", 12));
}

/* A reader refuses what is not canonical, so what an honest member makes must always be. */
static void what_is_made_of_any_character_is_canonical(void **state)
{
    (void)state;
    static const char *const followers[] = {"", "\xcc\x88", "\xcd\x85", "\xcc\x87\xe1\xb3\xa7"};
    for (unsigned c = 1; c < 0x30000; c++) {
        char text[24] = "a";
        size_t length = 1;
        if (c < 0x80)
            text[length++] = (char)c;
        else if (c < 0x800)
            length += (size_t)snprintf(text + 1, 4, "%c%c", (int)(0xC0 | c >> 6),
                                       (int)(0x80 | (c & 0x3F)));
        else if (c < 0x10000)
            length += (size_t)snprintf(text + 1, 5, "%c%c%c", (int)(0xE0 | c >> 12),
                                       (int)(0x80 | (c >> 6 & 0x3F)), (int)(0x80 | (c & 0x3F)));
        else
            length += (size_t)snprintf(text + 1, 6, "%c%c%c%c", (int)(0xF0 | c >> 18),
                                       (int)(0x80 | (c >> 12 & 0x3F)),
                                       (int)(0x80 | (c >> 6 & 0x3F)), (int)(0x80 | (c & 0x3F)));
        const char *follower = followers[c % 4];
        memcpy(text + length, follower, strlen(follower));
        struct canonical canonical;
        if (canonical_make("general", text, length + strlen(follower), &canonical, NULL) ==
                FAULT_NONE &&
            !canonical_is(canonical.m, canonical.m_length))
            fail_msg("U+%04X is not stable", c);
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
        cmocka_unit_test(the_vectors_texts_become_the_vectors_summaries),
        cmocka_unit_test(the_vectors_pattern_has_the_vectors_m_and_index),
        cmocka_unit_test(spaces_and_trailing_marks_are_normalised),
        cmocka_unit_test(characters_that_cannot_be_shared_are_refused),
        cmocka_unit_test(m_of_1000_bytes_is_taken_and_of_1001_refused),
        cmocka_unit_test(the_limit_counts_what_folding_made_of_it),
        cmocka_unit_test(nothing_to_say_and_nothing_to_search_by_are_refused),
        cmocka_unit_test(a_domain_that_is_not_well_formed_is_refused),
        cmocka_unit_test(only_what_canonical_make_leaves_alone_is_canonical),
        cmocka_unit_test(what_is_made_of_any_character_is_canonical),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
