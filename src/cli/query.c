/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/routed.h"
#include "util/cleanup.h"

enum { WAIT_DEFAULT_S = 60 };

static void answer_done(struct continuum_answer **answer)
{
    continuum_answer_free(*answer);
}

/* How wide the widest is, so that the columns stand below each other. */
static void widths_measure(const struct continuum_answer *answer, int *ret_count, int *ret_domain)
{
    *ret_count = *ret_domain = 0;
    for (size_t i = 0; i < answer->result_count; i++) {
        int count = snprintf(NULL, 0, "%" PRIu64, answer->results[i].contributor_count);
        int domain = (int)strlen(answer->results[i].domain);
        *ret_count = count > *ret_count ? count : *ret_count;
        *ret_domain = domain > *ret_domain ? domain : *ret_domain;
    }
}

static void answer_print(const struct continuum_answer *answer)
{
    int count_width, domain_width;
    char cost[CLI_CREDITS_SIZE], balance[CLI_CREDITS_SIZE];
    widths_measure(answer, &count_width, &domain_width);
    for (size_t i = 0; i < answer->result_count; i++) {
        const struct continuum_result *result = &answer->results[i];
        printf("%.2f  %*" PRIu64 " contributors  %-*s  %s\n", result->confidence, count_width,
               result->contributor_count, domain_width, result->domain, result->text);
    }
    fflush(stdout);
    fprintf(stderr, "%zu pattern%s; it cost %s, %s to spend.\n", answer->result_count,
            cli_plural(answer->result_count), cli_credits_text(answer->cost_millicredits, cost),
            cli_credits_text(answer->balance_millicredits, balance));
    if (answer->refused)
        fprintf(stderr, "%zu more did not pass the checks and %s not shown: %s.\n", answer->refused,
                answer->refused == 1 ? "is" : "are", answer->why_refused);
}

static enum cli_exit answers_follow(struct continuum_client *client,
                                    const struct cli_options *options,
                                    const struct continuum_answer *answer)
{
    struct cli_follow follow = {
        .wait_s = options->wait ? options->wait : WAIT_DEFAULT_S,
        .expected = options->fanout ? options->fanout : CONTINUUM_ROUTE_FANOUT,
    };
    fflush(stdout);
    if (!options->json && !answer->routed)
        fputs("Nobody else knows of what matches: no member was asked.\n", stderr);
    if (!answer->routed)
        return CLI_OK;
    if (!options->json)
        fprintf(stderr, "Members are asked. \"continuum-fed answers %s\" shows later answers.\n",
                answer->query_id);
    return cli_replies_follow(client, options, answer->query_id, &follow);
}

enum cli_exit cli_query(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(answer_done) struct continuum_answer *answer = NULL;
    struct continuum_route route = {.ttl_s = options->ttl, .fanout = options->fanout};
    if (!options->route && (options->fanout || options->ttl || options->wait))
        return cli_misuse(options, "--fanout, --ttl and --wait go with --route.");
    struct continuum_question question = {
        .text = options->operand,
        .domain = options->domain,
        .min_confidence = options->min_confidence,
        .max_results = options->max_results,
        .priority = options->priority,
        .route = options->route ? &route : NULL,
    };
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_query(client, &question, &answer, &error))
        return cli_fail(options, &error);
    enum cli_exit code = CLI_OK;
    if (options->json)
        code = cli_print_json(continuum_answer_json(answer));
    else
        answer_print(answer);
    return code == CLI_OK && options->route ? answers_follow(client, options, answer) : code;
}
