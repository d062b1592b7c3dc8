/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_TERMS_H
#define CONTINUUM_CLIENT_TERMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The search terms of a summary (docs/PROTOCOL.md, section 3): runs of letters, marks and decimal
 * digits, without the stop words, stemmed, each stem once. All of it is part of the protocol, to
 * the byte.
 */
enum {
    TERMS_OF_PATTERN = 16, /* the first of them make a pattern's index */
    TERMS_OF_QUERY = 32,   /* ... and a query's tokens */
};

struct term {
    const char *text;
    size_t length;
};

struct terms {
    size_t count;
    struct term term[TERMS_OF_QUERY];
};

/*
 * The first `limit` (1 to TERMS_OF_QUERY) stems of a canonical summary, in their order of
 * appearance. Their text is written to `bytes`, which has room for `length` bytes and must outlive
 * *ret.
 */
void terms_extract(const char *summary, size_t length, size_t limit, char *bytes,
                   struct terms *ret);

/* Whether a whole word is in stop-words.txt. */
bool terms_is_stop_word(const char *word, size_t length);

/*
 * The S-stemmer (Harman 1991, "How effective is suffixing?"). A stem is never longer than its word:
 * writes it to `ret`
 * (`length` bytes) and returns how long it is.
 */
size_t terms_stem(const char *word, size_t length, char *ret);

#endif
