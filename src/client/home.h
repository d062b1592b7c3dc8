/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_HOME_H
#define CONTINUUM_CLIENT_HOME_H

#include <stdbool.h>
#include <stddef.h>

#include "util/fault.h"

/*
 * The folder of the user's that keeps secrets (mode 0700), and small files in it (0600):
 * $CONTINUUM_FED_DIR, else $XDG_CONFIG_HOME/continuum-fed, else ~/.config/continuum-fed.
 */
enum { HOME_FILE_MAX = 4096 };

struct home_text { /* wipe with home_text_wipe */
    char text[HOME_FILE_MAX];
};
void home_text_wipe(struct home_text *text);

/* With `create`, makes it and the folders above it first. FAULT_NOT_FOUND, FAULT_SYSTEM,
 * FAULT_CONFIGURATION. */
enum fault home_open(bool create, int *ret_fd, struct why *why);

/* For `_cleanup_(home_close) int folder = -1;`, and for files in it. */
void home_close(int *fd);

/* FAULT_NOT_FOUND; FAULT_CONFIGURATION: others may read it, or it is too long; FAULT_SYSTEM. */
enum fault home_read(int folder, const char *file, struct home_text *ret, struct why *why);

/* Writes under a passing name, then puts it in place: a crash or a full disk leaves the old or the
 * new file. False: errno says why. */
bool home_replace(int folder, const char *file, const char *text, size_t length);

#endif
