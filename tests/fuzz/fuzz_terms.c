/* SPDX-License-Identifier: Apache-2.0 */
#include "client/terms.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/cleanup.h"

/* The input is a summary, canonical or not. */

static bool term_equal(const struct term *a, const struct term *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void terms_check(const struct terms *terms, const char *bytes, size_t length)
{
    const char *end = bytes;
    for (size_t i = 0; i < terms->count; i++) {
        const struct term *term = &terms->term[i];
        PROPERTY(term->length > 0 && term->text >= end);
        end = term->text + term->length;
        PROPERTY(end <= bytes + length && text_is_utf8(term->text, term->length));
        PROPERTY(!memchr(term->text, ' ', term->length));
        for (size_t j = 0; j < i; j++)
            PROPERTY(!term_equal(&terms->term[j], term));
    }
}

/* Any run of bytes, as if it were one word. */
static void word_check(const char *word, size_t length)
{
    _cleanup_(free_pointer) char *stem = malloc(length + 1);
    size_t stem_length = terms_stem(word, length, stem);
    PROPERTY(stem_length <= length && stem_length > 0);
    PROPERTY(length < 4 || stem_length >= length - 2);
    PROPERTY(memchr(word, '\0', length) || !terms_is_stop_word(word, length) || length < 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *summary = (const char *)bytes;
    _cleanup_(free_pointer) char *room = malloc(length + !length);
    _cleanup_(free_pointer) char *other_room = malloc(length + !length);
    struct terms all, some;
    terms_extract(summary, length, TERMS_OF_QUERY, room, &all);
    PROPERTY(all.count <= TERMS_OF_QUERY);
    terms_check(&all, room, length);
    for (size_t limit = 1; limit <= TERMS_OF_PATTERN; limit += 5) {
        terms_extract(summary, length, limit, other_room, &some);
        PROPERTY(some.count == (all.count < limit ? all.count : limit));
        for (size_t i = 0; i < some.count; i++)
            PROPERTY(term_equal(&some.term[i], &all.term[i]));
    }
    if (length > 0)
        word_check(summary, length);
    return 0;
}
