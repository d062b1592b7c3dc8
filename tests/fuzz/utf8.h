/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_FUZZ_UTF8_H
#define CONTINUUM_TESTS_FUZZ_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <utf8proc.h>

static inline bool text_is_utf8(const char *text, size_t length)
{
    utf8proc_int32_t code_point;
    for (size_t at = 0; at < length;) {
        utf8proc_ssize_t width = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                  (utf8proc_ssize_t)(length - at), &code_point);
        if (width <= 0)
            return false;
        at += (size_t)width;
    }
    return true;
}

/* UTF-8 that a terminal shows and does not obey: no character of category Cc. */
static inline bool text_is_harmless(const char *text, size_t length)
{
    utf8proc_int32_t code_point;
    for (size_t at = 0; at < length;) {
        utf8proc_ssize_t width = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                  (utf8proc_ssize_t)(length - at), &code_point);
        if (width <= 0 || utf8proc_category(code_point) == UTF8PROC_CATEGORY_CC)
            return false;
        at += (size_t)width;
    }
    return true;
}

#endif
