/* SPDX-License-Identifier: Apache-2.0 */
#include "client/terms.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char *const stop_words[] = {
#include "client/stop_words.inc"
};

struct word {
    const char *text;
    size_t length;
};

static int word_compare(const void *key, const void *element)
{
    const struct word *word = key;
    const char *stop_word = *(const char *const *)element;
    int order = strncmp(word->text, stop_word, word->length);
    return order ? order : -(stop_word[word->length] != '\0');
}

bool terms_is_stop_word(const char *word, size_t length)
{
    struct word key = {word, length};
    return bsearch(&key, stop_words, sizeof stop_words / sizeof *stop_words, sizeof *stop_words,
                   word_compare) != NULL;
}

static bool ends_with(const char *word, size_t length, const char *ending)
{
    size_t ending_length = strlen(ending);
    return length >= ending_length &&
           memcmp(word + length - ending_length, ending, ending_length) == 0;
}

static size_t code_points(const char *word, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)word[i] & 0xC0) != 0x80;
    return count;
}

/* The first rule whose ending matches decides, and an exception decides too: the word stays. */
static const struct {
    const char *ending, *replacement, *exceptions[3];
} rules[] = {
    {"ies", "y", {"eies", "aies", NULL}},
    {"es", "e", {"aes", "ees", "oes"}},
    {"s", "", {"us", "ss", NULL}},
};

size_t terms_stem(const char *word, size_t length, char *ret)
{
    memcpy(ret, word, length);
    if (code_points(word, length) < 4)
        return length;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!ends_with(word, length, rules[i].ending))
            continue;
        for (size_t j = 0; j < 3 && rules[i].exceptions[j]; j++) {
            if (ends_with(word, length, rules[i].exceptions[j]))
                return length;
        }
        size_t kept = length - strlen(rules[i].ending);
        size_t added = strlen(rules[i].replacement);
        memcpy(ret + kept, rules[i].replacement, added);
        return kept + added;
    }
    return length;
}

/* Adds the stem of a word unless it is there already; writes it to `bytes` and returns how much
 * room it took. */
static size_t term_add(struct terms *terms, const char *word, size_t length, char *bytes)
{
    if (terms_is_stop_word(word, length))
        return 0;
    size_t stem_length = terms_stem(word, length, bytes);
    for (size_t i = 0; i < terms->count; i++) {
        if (terms->term[i].length == stem_length &&
            memcmp(terms->term[i].text, bytes, stem_length) == 0)
            return 0;
    }
    terms->term[terms->count++] = (struct term){bytes, stem_length};
    return stem_length;
}

static bool belongs_to_word(utf8proc_int32_t code_point)
{
    utf8proc_category_t category = utf8proc_category(code_point);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) ||
           category == UTF8PROC_CATEGORY_ND;
}

/* The width of the character at `text`; whether it is part of a word. */
static size_t character_read(const char *text, size_t length, bool *ret_in_word)
{
    utf8proc_int32_t code_point = -1;
    utf8proc_ssize_t width =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &code_point);
    *ret_in_word = width > 0 && belongs_to_word(code_point);
    return width > 0 ? (size_t)width : 1;
}

void terms_extract(const char *summary, size_t length, size_t limit, char *bytes, struct terms *ret)
{
    size_t start = 0; /* of the word that `next` is in, if any */
    *ret = (struct terms){0};
    for (size_t next = 0; next <= length && ret->count < limit;) {
        bool in_word = false;
        size_t width = next < length ? character_read(summary + next, length - next, &in_word) : 1;
        if (!in_word && next > start)
            bytes += term_add(ret, summary + start, next - start, bytes);
        next += width;
        if (!in_word)
            start = next;
    }
}
