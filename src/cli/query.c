/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

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

enum cli_exit cli_query(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(answer_done) struct continuum_answer *answer = NULL;
    struct continuum_question question = {
        .text = options->operand,
        .domain = options->domain,
        .min_confidence = options->min_confidence,
        .max_results = options->max_results,
    };
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_query(client, &question, &answer, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_answer_json(answer));
    answer_print(answer);
    return CLI_OK;
}
