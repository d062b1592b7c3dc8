/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_CONFIGURATION_H
#define CONTINUUM_DAEMON_CONFIGURATION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "domain/settings.h"
#include "http/server.h"
#include "util/arena.h"
#include "util/fault.h"

/* What the command line asks for. */
enum action {
    ACTION_RUN,
    ACTION_CHECK_CONFIG,
    ACTION_HELP,
    ACTION_PRINT_CONFIG,
    ACTION_VERSION,
};

/* What the program serves as. */
enum role { ROLE_COORDINATOR, ROLE_OPRF };

struct command_line;

enum { OPERANDS_MAX = 2 };

/* All that an operator can set. Names, defaults and ranges stand in daemon/options.c. */
struct configuration {
    enum action action;
    const struct command_line *command; /* NULL: serve */
    const char *operands[OPERANDS_MAX]; /* of the command: argv's */
    const char *format;                 /* of its output; NULL: it has none */
    bool waives;                        /* the command's waiver was given */
    struct settings settings;
    struct server_settings server;
    const char *listen_address; /* IPv4 or IPv6 literal */
    const char *storage_path;
    uint32_t role;                  /* enum role */
    const char *coordinator_key;    /* of role oprf: B64 of whose tokens it takes; else "" */
    uint32_t oprf_elements_per_day; /* of role oprf */
    uint32_t port;                  /* 0: any free one */
    uint32_t workers;               /* 0: one a processor */
    uint32_t log_level;             /* enum log_level */
    struct arena arena;             /* of the strings above */
};

/*
 * The configuration: defaults, then the file of --config, then `environment` (like environ), then
 * `argv`, the later one winning. The words of a command (daemon/commands.h) may stand before the
 * options. Of the environment, CONTINUUM_<NAME> are options, and
 * CONTINUUM_FED_* belong to the members' client. After ACTION_HELP, ACTION_PRINT_CONFIG and
 * ACTION_VERSION nothing else was looked at.
 *
 * FAULT_CONFIGURATION with `why`: something is unknown, given twice in one place, not of its type
 * or out of range, or the file cannot be read. It
 * names the file and line, the variable or the argument, and what is allowed. FAULT_MEMORY.
 */
enum fault configuration_load(int argc, char *const *argv, char *const *environment,
                              struct configuration *ret, struct why *why);

/*
 * Whether what was loaded goes together: the options that only one role has; of a coordinator
 * oprf_url, an http or https URL, and oprf_public_key, a point; and the command, which asks for no
 * coordinator_key, with the role. FAULT_CONFIGURATION with `why`.
 */
enum fault configuration_check(const struct configuration *configuration, struct why *why);

/* Writes what any action but ACTION_RUN answers to `out`. */
void configuration_answer(enum action action, const char *version, FILE *out);

void configuration_done(struct configuration *configuration);

#endif
