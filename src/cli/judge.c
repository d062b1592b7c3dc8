/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

/* verify and vote */

enum cli_exit cli_verify(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_verification verification;
    char earned[CLI_CREDITS_SIZE], balance[CLI_CREDITS_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (options->confirm == options->refute)
        return cli_misuse(options, "verify wants either --confirm or --refute.");
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_verify(client, options->operand, options->confirm, &verification, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_verification_json(&verification));
    printf("%s   %s\n", verification.confirmed ? "confirmed" : "refuted  ", verification.tag);
    printf("credits     %s earned, %s to spend\n",
           cli_credits_text(verification.earned_millicredits, earned),
           cli_credits_text(verification.balance_millicredits, balance));
    return CLI_OK;
}

enum cli_exit cli_vote(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (options->high == options->low)
        return cli_misuse(options, "vote wants either --high or --low.");
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_vote(client, options->operand, options->high, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_vote_json(options->operand, options->high));
    printf("voted       %s, for %s\n", options->high ? "high" : "low", options->operand);
    return CLI_OK;
}
