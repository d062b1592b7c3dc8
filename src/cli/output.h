/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLI_OUTPUT_H
#define CONTINUUM_CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"

/* Says on stderr why the command failed: a sentence, or with --json the problem document. Returns
 * CLI_FAILED. */
enum cli_exit cli_fail(const struct cli_options *options, const struct continuum_error *error);

/* The same for a wrong command line. Returns CLI_USAGE. */
enum cli_exit cli_misuse(const struct cli_options *options, const char *sentence);

/* Prints a document that a *_json function made and frees it. Returns CLI_OK, or CLI_FAILED when it
 * is NULL. */
enum cli_exit cli_print_json(char *document);

enum { CLI_CREDITS_SIZE = 32 };

/* "12", "0.5": what is said of 1500 thousandths is "1.5". */
const char *cli_credits_text(int64_t millicredits, char ret[CLI_CREDITS_SIZE]);

/* Where `done` of `total` is, on a line of standard error that the next call takes the place of. */
void cli_progress_show(uint64_t done, uint64_t total);
void cli_progress_clear(void);

/* "s", unless `count` is 1. */
const char *cli_plural(uint64_t count);

/* For `_cleanup_(cli_client_done) struct continuum_client *client = NULL;`. */
void cli_client_done(struct continuum_client **client);

#endif
