/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLI_OPTIONS_H
#define CONTINUUM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "continuum/client.h"

/* What the command line says. Strings point into argv. */
struct cli_options {
    bool all, confirm, decline, help, high, json, low, priority, refute, route, version;
    struct continuum_settings settings; /* --profile, --insecure */
    const char *domain, *exec, *invite, *key, *level, *output, *privacy, *since;
    double min_confidence;
    unsigned fanout, limit, max_results, ttl, wait; /* 0: not given */
    const char *command, *operand, *text;           /* or NULL */
};

/* The options that only some commands take; a command's set is a sum of these. Global ones are 0.
 */
enum cli_option_set {
    TAKES_ALL = 1,
    TAKES_DOMAIN = 2,
    TAKES_INVITE = 4,
    TAKES_LEVEL = 8,
    TAKES_MAX_RESULTS = 16,
    TAKES_MIN_CONFIDENCE = 32,
    TAKES_PRIVACY = 64,
    TAKES_VERDICT = 128, /* --confirm, --refute */
    TAKES_VOTE = 256,    /* --high, --low */
    TAKES_DECLINE = 512,
    TAKES_EXEC = 1024,  /* --exec, --limit */
    TAKES_ROUTE = 2048, /* --route, --priority, --fanout, --ttl */
    TAKES_WAIT = 4096,
    TAKES_OUTPUT = 8192,
    TAKES_SINCE = 16384,
    TAKES_KEY = 32768,
};

/*
 * Reads argv; options may stand anywhere. *ret_used is the set of those that were given.
 * False: `ret_problem` is the sentence for the user. ret->json is then as far as it was read.
 */
bool cli_options_parse(int argc, char **argv, struct cli_options *ret, unsigned *ret_used,
                       char ret_problem[200]);

/* Lists the options of the set, one a line; those of set 0 are the global ones. */
void cli_options_print(FILE *stream, unsigned set);

#endif
