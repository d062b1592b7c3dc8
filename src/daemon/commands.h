/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_COMMANDS_H
#define CONTINUUM_DAEMON_COMMANDS_H

#include <stddef.h>
#include <stdio.h>

#include "util/fault.h"

struct configuration;

/* Whose commands they are, as a set. */
enum { OF_COORDINATOR = 1, OF_OPRF = 2 };

/* What the program does instead of serving, named by words before the options. */
struct command_line {
    const char *name;           /* words with one space between them */
    const char *operands;       /* what stands behind it, as --help shows it; NULL: nothing */
    unsigned operand_count;     /* up to OPERANDS_MAX */
    unsigned roles;             /* of OF_COORDINATOR and OF_OPRF */
    const char *help;           /* one line, no full stop */
    const char *const *formats; /* of its output; the first is the default. NULL: has none */
    const char *waiver;         /* an option without a value that only it has; NULL: has none */
    /* Writes its answer to `out`. A fault comes with `why`. */
    enum fault (*run)(const struct configuration *configuration, FILE *out, struct why *why);
};

/* The command that the words of `argv` (which ends in NULL) begin with, and how many words that
 * are; NULL: none. */
const struct command_line *commands_find(char *const *argv, int *ret_words);

/* The format of that command that has this name, or NULL. */
const char *command_format_find(const struct command_line *command, const char *name);

/* Writes the documentation of all commands, for --help. */
void commands_print_help(FILE *out);

/* The commands, by the files that they stand in. epoch_rotate is oprf_rotate with role oprf. */
enum fault backup_make(const struct configuration *configuration, FILE *out, struct why *why);
enum fault backup_restore(const struct configuration *configuration, FILE *out, struct why *why);
enum fault epoch_destroy(const struct configuration *configuration, FILE *out, struct why *why);
enum fault epoch_rotate(const struct configuration *configuration, FILE *out, struct why *why);
enum fault member_erase(const struct configuration *configuration, FILE *out, struct why *why);
enum fault ledger_check(const struct configuration *configuration, FILE *out, struct why *why);
enum fault ledger_export(const struct configuration *configuration, FILE *out, struct why *why);
enum fault oprf_rotate(const struct configuration *configuration, FILE *out, struct why *why);
enum fault tier_set(const struct configuration *configuration, FILE *out, struct why *why);

#endif
