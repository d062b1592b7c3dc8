/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include <stdbool.h>

/* How many bytes the character at `text` has, and whether it is a control character (C0, DEL, C1).
 */
static size_t character_read(const unsigned char *text, bool *ret_control)
{
    size_t length = text[0] < 0xC0 ? 1 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    *ret_control =
        text[0] < 0x20 || text[0] == 0x7F || (text[0] == 0xC2 && text[1] >= 0x80 && text[1] < 0xA0);
    return length;
}

void text_copy(char *ret, size_t size, const char *text)
{
    size_t used = 0;
    const unsigned char *next = (const unsigned char *)(text ? text : "");
    while (*next) {
        bool control;
        size_t length = character_read(next, &control);
        if (used + length >= size)
            break;
        if (control)
            ret[used++] = '?';
        for (size_t i = 0; i < length && *next; i++, next++) {
            if (!control)
                ret[used++] = (char)*next;
        }
    }
    ret[used] = '\0';
}
