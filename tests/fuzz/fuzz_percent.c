/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz.h"
#include "http/percent.h"
#include "util/cleanup.h"

/* How many good escapes there are; false: some are bad. */
static bool escapes_count(const char *text, size_t *ret_count)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *ret_count = 0;
    for (const char *at = strchr(text, '%'); at; at = strchr(at + 1, '%')) {
        if (strspn(at + 1, digits) < 2 || strncmp(at, "%00", 3) == 0)
            return false;
        (*ret_count)++;
    }
    return true;
}

/* Escapes every byte, in small letters. */
static char *escape(const char *text)
{
    char *escaped = malloc(3 * strlen(text) + 1), *at = escaped;
    *at = '\0';
    for (; *text; text++, at += 3)
        snprintf(at, 4, "%%%02x", (unsigned char)*text);
    return escaped;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    _cleanup_(free_pointer) char *text = input_text(&input);
    _cleanup_(free_pointer) char *escaped = escape(text);
    size_t escapes = 0, text_length = strlen(text);
    PROPERTY(percent_decode(escaped) && strcmp(escaped, text) == 0);
    bool expected = escapes_count(text, &escapes);
    PROPERTY(percent_decode(text) == expected);
    PROPERTY(!expected || strlen(text) == text_length - 2 * escapes);
    PROPERTY(escapes > 0 || !expected || strcmp(text, escaped) == 0);
    return 0;
}
