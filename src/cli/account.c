/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

/* credits, export, ledger, status and withdraw */

enum cli_exit cli_credits(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_credits credits;
    char text[CLI_CREDITS_SIZE], other[CLI_CREDITS_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_credits_get(client, &credits, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_credits_json(&credits));
    printf("available   %s\n", cli_credits_text(credits.available_millicredits, text));
    printf("this month  %s earned, %s spent\n",
           cli_credits_text(credits.earned_monthly_millicredits, text),
           cli_credits_text(credits.spent_monthly_millicredits, other));
    printf("today       %s of %s earned by contributing\n",
           cli_credits_text(credits.earned_today_millicredits, text),
           cli_credits_text(credits.daily_limit_millicredits, other));
    return CLI_OK;
}

static void transfer_print(const struct continuum_transfer *transfer)
{
    char amount[CLI_CREDITS_SIZE];
    printf("%s  %-10s  %7s  %s\n", transfer->created_at, transfer->kind,
           cli_credits_text(transfer->amount_millicredits, amount), transfer->tag);
}

/* True, or memory is out. */
static bool transfer_print_json(const struct continuum_transfer *transfer, bool first)
{
    _cleanup_(free_pointer) char *text = continuum_transfer_json(transfer);
    if (!text)
        return false;
    printf("%s%s", first ? "" : ",\n", text);
    return true;
}

enum cli_exit cli_ledger(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(free_pointer) struct continuum_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return cli_print_json(NULL);
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    for (bool first = true; first || ledger->next_cursor[0]; first = false) {
        if (!continuum_ledger_get(client, ledger->next_cursor, ledger, &error))
            return cli_fail(options, &error);
        if (first && options->json)
            fputs("{\"transfers\": [", stdout);
        for (size_t i = 0; i < ledger->count; i++) {
            if (!options->json)
                transfer_print(&ledger->transfers[i]);
            else if (!transfer_print_json(&ledger->transfers[i], first && i == 0))
                return cli_print_json(NULL);
        }
    }
    if (options->json)
        puts("]}");
    return CLI_OK;
}

static void status_print(const struct continuum_status *status)
{
    printf("federation     %s\n", status->federation_name);
    printf("coordinator    %s\n", status->url);
    printf("its key        %s\n", status->coordinator_key);
    printf("you            %s, since %s\n", status->instance_id, status->joined_at);
    printf("level          %s", status->effective_level);
    if (strcmp(status->level, status->effective_level) != 0)
        printf(" (%" PRIu64 " more contributions this week for %s)", status->level_missing,
               status->level);
    printf("\nprivacy        %s\n", status->privacy_mode);
    printf("tier           %s\n", status->tier);
    printf("contributions  %" PRIu64 ", of which %" PRIu64 " released\n", status->contributions,
           status->released);
    printf("epoch          %" PRIu64 ", since %s, releases what %" PRIu64 " members share\n",
           status->epoch, status->epoch_started_at, status->threshold);
    if (status->oprf_url[0])
        printf("evaluated by   %s, an OPRF helper\n", status->oprf_url);
    if (status->older_sealed)
        printf("older epochs   still sealed: %" PRIu64
               ". They find no others any more: contribute their files again%s%s\n",
               status->older_sealed, status->older_until[0] ? ". They expire by " : "",
               status->older_until);
    if (status->carried)
        printf("carried over   contributions to come that pay nothing, as an epoch before had as "
               "many: %" PRIu64 "\n",
               status->carried);
}

enum cli_exit cli_status(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_status status;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_status_get(client, &status, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_status_json(&status));
    status_print(&status);
    return CLI_OK;
}

enum cli_exit cli_withdraw(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_withdrawal withdrawal;
    char reversed[CLI_CREDITS_SIZE], balance[CLI_CREDITS_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (options->all == (options->operand != NULL))
        return cli_misuse(options, "withdraw wants either the tag of a contribution or --all.");
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_withdraw(client, options->operand, &withdrawal, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_withdrawal_json(&withdrawal));
    printf("withdrawn   %" PRIu64 "\n", withdrawal.withdrawn);
    printf("credits     %s taken back, %s to spend\n",
           cli_credits_text(withdrawal.reversed_millicredits, reversed),
           cli_credits_text(withdrawal.balance_millicredits, balance));
    return CLI_OK;
}

static bool stdout_take(void *context, const char *bytes, size_t length)
{
    (void)context;
    return fwrite(bytes, 1, length, stdout) == length;
}

enum cli_exit cli_export(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_export(client, stdout_take, NULL, &error))
        return cli_fail(options, &error);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}
