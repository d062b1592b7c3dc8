/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_LOG_H
#define CONTINUUM_DAEMON_LOG_H

#include <stddef.h>

/*
 * The log: one line a message on standard error. A healthy daemon writes when it starts and when it
 * stops. Never log what could tell who contributed what, and never a secret.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * Shows messages up to `level` from now on (before: LOG_LEVEL_INFO). Where standard error is the
 * journal's (sd-daemon(3), $JOURNAL_STREAM) lines begin with "<N>", the priority, else with the
 * time and the level's name. To be called before threads start; the functions below may be called
 * from any thread.
 */
void log_init(enum log_level level);

/* Writes one line. Control characters in the message are shown as \xNN; what is longer than a line
 * of 1 KiB is cut. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies `text` to `ret` (`size` > 0 bytes, always NUL-terminated), with control characters as
 * \xNN, and cut where it does not fit. Returns the length of the copy. */
size_t log_escape(const char *text, char *ret, size_t size);

#endif
