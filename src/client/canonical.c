/* SPDX-License-Identifier: Apache-2.0 */
#include "client/canonical.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "client/terms.h"
#include "util/cleanup.h"

/*
 * text -> white space to single spaces -> no refused character
 *      -> NFKC_Casefold, NFC -> single spaces -> trailing punctuation off -> summary
 */

static bool is_white_space(utf8proc_int32_t c) /* the property White_Space of Unicode */
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

/* What the character is called that a summary may not hold, or NULL. */
static const char *refused_as(utf8proc_int32_t code_point)
{
    switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_CC:
        return "a control character";
    case UTF8PROC_CATEGORY_CN:
        return "not assigned in this version of Unicode";
    case UTF8PROC_CATEGORY_CO:
        return "for private use";
    case UTF8PROC_CATEGORY_CS:
        return "half a character";
    default: /* the type has thirty values, and the rest are welcome */
        return NULL;
    }
}

/* Writes `text` with white space as single spaces to `ret` (`length` + 1 bytes). */
static enum fault spaces_single(const char *text, size_t length, char *ret, struct why *why)
{
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        utf8proc_int32_t code_point;
        utf8proc_ssize_t width = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                  (utf8proc_ssize_t)(length - i), &code_point);
        if (width <= 0)
            return why_set(why, FAULT_RECORD_ENCODING, "The text is not UTF-8 (byte %zu).", i + 1);
        const char *refused = is_white_space(code_point) ? NULL : refused_as(code_point);
        if (refused)
            return why_set(why, FAULT_RECORD_ENCODING,
                           "The text has a character that cannot be shared: U+%04X is %s.",
                           (unsigned)code_point, refused);
        if (!is_white_space(code_point)) {
            memcpy(ret + used, text + i, (size_t)width);
            used += (size_t)width;
        } else if (used && ret[used - 1] != ' ') {
            ret[used++] = ' ';
        }
        i += (size_t)width;
    }
    ret[used] = '\0';
    return FAULT_NONE;
}

/* In place: runs of spaces become single, ends are trimmed, trailing . , ; : ! go. Returns the
 * length. */
static size_t summary_trim(char *text)
{
    size_t used = 0;
    for (const char *next = text; *next; next++) {
        if (*next != ' ' || (used && text[used - 1] != ' '))
            text[used++] = *next;
    }
    while (used && strchr(".,;:! ", text[used - 1]))
        used--;
    text[used] = '\0';
    return used;
}

enum fault canonical_fold(const char *text, size_t text_length, char **ret, size_t *ret_length,
                          struct why *why)
{
    _cleanup_(free_pointer) char *spaced = malloc(text_length + 1);
    if (!spaced)
        return FAULT_MEMORY;
    enum fault fault = spaces_single(text, text_length, spaced, why);
    if (fault)
        return fault;
    _cleanup_(free_pointer) char *folded =
        (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)spaced);
    if (!folded)
        return FAULT_MEMORY;
    size_t length = summary_trim(folded);
    if (length == 0)
        return why_set(why, FAULT_RECORD_SIZE, "The text is empty.");
    *ret = TAKE(folded);
    *ret_length = length;
    return FAULT_NONE;
}

static bool has_term(const char *summary, size_t length)
{
    char bytes[SUMMARY_LENGTH_MAX];
    struct terms terms;
    terms_extract(summary, length, 1, bytes, &terms);
    return terms.count > 0;
}

enum fault canonical_make(const char *domain, const char *text, size_t text_length,
                          struct canonical *ret, struct why *why)
{
    _cleanup_(free_pointer) char *summary = NULL;
    size_t length = 0;
    size_t domain_length = strlen(domain);
    if (!domain_is_valid(domain, domain_length))
        return why_set(why, FAULT_RECORD_DOMAIN,
                       "\"%.70s\" is not a domain: use a-z, 0-9 and -, at most %d characters.",
                       domain, DOMAIN_LENGTH_MAX);
    enum fault fault = canonical_fold(text, text_length, &summary, &length, why);
    if (fault)
        return fault;
    size_t m_length = domain_length + 1 + length;
    if (m_length > SUMMARY_LENGTH_MAX)
        return why_set(why, FAULT_RECORD_SIZE,
                       "The text is too long: %zu bytes with its domain, and %d are the most. "
                       "Say it shorter.",
                       m_length, SUMMARY_LENGTH_MAX);
    if (!has_term(summary, length))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "The text has no word to search by: it is only common words or signs.");
    *ret = (struct canonical){.m_length = m_length};
    memcpy(ret->m, domain, domain_length);
    ret->m[domain_length] = '\n';
    memcpy(ret->m + domain_length + 1, summary, length);
    return FAULT_NONE;
}

bool canonical_is(const char *m, size_t m_length)
{
    struct canonical again;
    char domain[DOMAIN_LENGTH_MAX + 1] = {0};
    const char *newline = memchr(m, '\n', m_length);
    if (!newline || newline - m > DOMAIN_LENGTH_MAX)
        return false;
    size_t domain_length = (size_t)(newline - m);
    memcpy(domain, m, domain_length);
    return strlen(domain) == domain_length &&
           canonical_make(domain, newline + 1, m_length - domain_length - 1, &again, NULL) ==
               FAULT_NONE &&
           again.m_length == m_length && memcmp(again.m, m, m_length) == 0;
}

const char *canonical_summary(const char *m, size_t m_length, size_t *ret_length)
{
    const char *newline = memchr(m, '\n', m_length);
    *ret_length = m_length - (size_t)(newline - m) - 1;
    return newline + 1;
}

void canonical_index(const char *m, size_t m_length, const struct federation_keys *keys,
                     uint8_t token_bits, uint8_t ret[INDEX_PLAINTEXT_LENGTH])
{
    char bytes[SUMMARY_LENGTH_MAX];
    struct terms terms;
    uint32_t tokens[TERMS_OF_PATTERN];
    size_t length;
    const char *summary = canonical_summary(m, m_length, &length);
    terms_extract(summary, length, TERMS_OF_PATTERN, bytes, &terms);
    for (size_t i = 0; i < terms.count; i++)
        tokens[i] = token_of_term(keys, token_bits, terms.term[i].text, terms.term[i].length);
    index_plaintext_encode(tokens, terms.count, ret);
}
