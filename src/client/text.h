/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_TEXT_H
#define CONTINUUM_CLIENT_TEXT_H

#include <stddef.h>

/*
 * Copies text that a stranger wrote (NULL counts as "") so that a terminal can show it: control
 * characters become
 * '?', and what does not fit in `size` bytes with the NUL is cut between characters. `text` must be
 * UTF-8.
 */
void text_copy(char *ret, size_t size, const char *text);

#endif
