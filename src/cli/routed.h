/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLI_ROUTED_H
#define CONTINUUM_CLI_ROUTED_H

#include "cli/command.h"

/* How long to wait for answers, and how many there can be at most. */
struct cli_follow {
    unsigned wait_s;
    size_t expected;
};

/* Prints the answers to a routed query, those that are there, then each as it comes. */
enum cli_exit cli_replies_follow(struct continuum_client *client, const struct cli_options *options,
                                 const char *query_id, const struct cli_follow *follow);

#endif
