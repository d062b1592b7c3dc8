/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_OPTIONS_H
#define CONTINUUM_DAEMON_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/fault.h"

struct configuration;

/* The type of an option says what its text may be, and what its field in struct configuration is.
 */
enum option_type {
    OPTION_ADDRESS,    /* one IPv4 or IPv6 literal: const char * */
    OPTION_ADDRESSES,  /* none or more, separated by commas; kept without blanks: const char * */
    OPTION_B64,        /* "" or B64 of `min` = `max` bytes: const char *, the text */
    OPTION_BOOLEAN,    /* true, yes, on, 1 or false, no, off, 0: bool */
    OPTION_CHOICE,     /* one of `choices`: uint32_t, its index */
    OPTION_CREDITS,    /* at most three decimals, min..max whole credits: struct credits */
    OPTION_HUNDREDTHS, /* at most two decimals, min..max whole ones: uint32_t, hundredths */
    OPTION_NUMBER,     /* min..max: uint32_t */
    OPTION_TEXT,       /* UTF-8 of min..max bytes without control characters: const char * */
};

enum { OPTION_CHOICES_MAX = 4 };

struct option {
    const char *name;     /* as in the file; --with-dashes and CONTINUUM_IN_CAPITALS elsewhere */
    const char *fallback; /* the default, as text */
    const char *help;     /* one line, no full stop */
    const char *unit;     /* of its number, or NULL */
    const char *choices[OPTION_CHOICES_MAX + 1]; /* OPTION_CHOICE: ends in NULL */
    enum option_type type;
    uint32_t min, max;
    size_t offset; /* in struct configuration */
};

enum { OPTIONS_COUNT = 82 };

/* The one table, sorted by name. */
extern const struct option options[OPTIONS_COUNT];

/* The option of that name, or NULL. */
const struct option *options_find(const char *name);

/*
 * Sets the option's field in `configuration` to `text`, which is copied.
 * FAULT_CONFIGURATION: not allowed; `why` says "<where> must be <what is allowed>, not "<text>"".
 * FAULT_MEMORY.
 */
enum fault option_set(const struct option *option, struct configuration *configuration,
                      const char *text, const char *where, struct why *why);

enum { OPTION_ALLOWED_SIZE = 120 };

/* Writes what the option may be set to, for example "a whole number between 2 and 16". */
void option_allowed(const struct option *option, char ret[OPTION_ALLOWED_SIZE]);

/* Writes the documentation of all options, for --help. */
void options_print_help(FILE *out);

/* Writes the example configuration: every option at its default and commented out. */
void options_print_file(FILE *out);

#endif
