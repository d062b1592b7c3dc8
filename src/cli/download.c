/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/partial.h"
#include "util/cleanup.h"

/* sets and download */

enum { SAVE_EACH = 500, SHOW_EACH = 100 };

static void sets_done(struct continuum_sets **sets)
{
    continuum_sets_free(*sets);
}

static void sets_print(const struct continuum_sets *sets)
{
    int width = 0;
    char price[CLI_CREDITS_SIZE];
    for (size_t i = 0; i < sets->count; i++) {
        int length = (int)strlen(sets->sets[i].domain);
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < sets->count; i++) {
        const struct continuum_set *set = &sets->sets[i];
        printf("%-*s  %8" PRIu64 " pattern%-1s  %8.1f MB  %s  for %s\n", width, set->domain,
               set->patterns, cli_plural(set->patterns), (double)set->bytes / 1e6, set->updated_at,
               cli_credits_text(set->price_millicredits, price));
    }
}

enum cli_exit cli_sets(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(sets_done) struct continuum_sets *sets = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        !continuum_sets_get(client, &sets, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_sets_json(sets));
    sets_print(sets);
    return CLI_OK;
}

/* One download on its way to a file or to standard output. */
struct transit {
    const struct cli_options *options;
    struct partial partial; /* `file` is standard output when there is no -o */
    bool shows;             /* the bar */
    char problem[200];      /* why it cannot be written */
};

static bool pattern_write(FILE *file, const struct continuum_result *pattern, const char *cursor,
                          bool json)
{
    if (!json)
        return fprintf(file, "%.2f\t%" PRIu64 "\t%s\n", pattern->confidence,
                       pattern->contributor_count, pattern->text) > 0;
    _cleanup_(free_pointer) char *line = continuum_pattern_json(pattern, cursor);
    return line && fprintf(file, "%s\n", line) > 0;
}

static bool pattern_take(void *context, const struct continuum_result *pattern, const char *cursor)
{
    struct transit *transit = context;
    struct partial *partial = &transit->partial;
    if (!pattern_write(partial->file, pattern, cursor, transit->options->json)) {
        snprintf(transit->problem, sizeof transit->problem, "The output could not be written.");
        return false;
    }
    snprintf(partial->cursor, sizeof partial->cursor, "%s", cursor);
    partial->taken++;
    if (transit->shows && partial->taken % SHOW_EACH == 0)
        cli_progress_show(partial->taken, partial->total);
    return !transit->options->output || partial->taken % SAVE_EACH != 0 ||
           partial_save(partial, transit->problem);
}

static enum cli_exit fail_locally(const struct transit *transit)
{
    struct continuum_error error = {
        .status = 500, .code = "system", .title = "The operating system refused"};
    snprintf(error.detail, sizeof error.detail, "%s", transit->problem);
    return cli_fail(transit->options, &error);
}

static bool transit_buy(struct transit *transit, struct continuum_client *client,
                        struct continuum_error *error)
{
    const struct cli_options *options = transit->options;
    struct partial *partial = &transit->partial;
    struct continuum_purchase purchase;
    char balance[CLI_CREDITS_SIZE];
    if (!continuum_purchase_make(client, options->operand, options->since, &purchase, error))
        return false;
    snprintf(partial->download_id, sizeof partial->download_id, "%s", purchase.download_id);
    snprintf(partial->domain, sizeof partial->domain, "%s", options->operand);
    partial->json = options->json;
    partial->total = purchase.patterns;
    if (!options->json)
        fprintf(stderr, "Bought, and to be read until %s; %s to spend.\n", purchase.expires_at,
                cli_credits_text(purchase.balance_millicredits, balance));
    return true;
}

/* Finds what an earlier run left, or buys. */
static enum cli_exit transit_open(struct transit *transit, struct continuum_client *client)
{
    const struct cli_options *options = transit->options;
    struct partial *partial = &transit->partial;
    struct continuum_error error;
    bool resumed = false;
    if (options->output) {
        if (!partial_init(partial, options->output, transit->problem))
            return fail_locally(transit);
        resumed = partial_resume(partial, transit->problem);
        if (!resumed && transit->problem[0])
            return fail_locally(transit);
    }
    if (resumed && (strcmp(partial->domain, options->operand) != 0 ||
                    partial->json != options->json || options->since)) {
        snprintf(transit->problem, sizeof transit->problem,
                 "%.60s has a part of another download (of %.30s). Finish that, or remove it.",
                 partial->part, partial->domain);
        return fail_locally(transit);
    }
    if (resumed)
        return CLI_OK;
    if (!transit_buy(transit, client, &error))
        return cli_fail(options, &error);
    if (options->output && !partial_begin(partial, transit->problem))
        return fail_locally(transit);
    return CLI_OK;
}

static enum cli_exit transit_end(struct transit *transit, struct continuum_download *download)
{
    const struct cli_options *options = transit->options;
    if (options->output && !partial_finish(&transit->partial, transit->problem))
        return fail_locally(transit);
    download->taken = transit->partial.taken; /* over all runs */
    if (options->json)
        return options->output ? cli_print_json(continuum_download_json(download)) : CLI_OK;
    fflush(stdout);
    fprintf(stderr, "%" PRIu64 " pattern%s.", download->taken, cli_plural(download->taken));
    if (download->refused)
        fprintf(stderr, " %" PRIu64 " more did not pass the checks and %s left out: %s.",
                download->refused, download->refused == 1 ? "is" : "are", download->why_refused);
    if (download->cursor[0])
        fprintf(stderr, " For what comes later: --since=%s", download->cursor);
    fputc('\n', stderr);
    return CLI_OK;
}

static enum cli_exit transit_run(struct transit *transit, struct continuum_client *client)
{
    const struct cli_options *options = transit->options;
    struct partial *partial = &transit->partial;
    struct continuum_error error;
    struct continuum_download download = {
        .download_id = partial->download_id, .take = pattern_take, .context = transit};
    snprintf(download.cursor, sizeof download.cursor, "%s", partial->cursor);
    bool read = continuum_download_read(client, &download, &error);
    if (transit->shows)
        cli_progress_clear();
    if (read && !transit->problem[0])
        return transit_end(transit, &download);
    char problem[200];
    snprintf(partial->cursor, sizeof partial->cursor, "%s", download.cursor);
    bool kept = options->output && partial_save(partial, problem);
    enum cli_exit code = read ? fail_locally(transit) : cli_fail(options, &error);
    if (kept && !options->json)
        fprintf(stderr, "%" PRIu64 " patterns are in %s. The same command again goes on.\n",
                partial->taken, partial->part);
    return code;
}

static void transit_done(struct transit *transit)
{
    if (transit->options->output)
        partial_done(&transit->partial);
}

enum cli_exit cli_download(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(transit_done) struct transit transit = {.options = options};
    transit.partial.file = options->output ? NULL : stdout;
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    enum cli_exit code = transit_open(&transit, client);
    if (code)
        return code;
    transit.shows =
        isatty(STDERR_FILENO) && !options->json && (options->output || !isatty(STDOUT_FILENO));
    return transit_run(&transit, client);
}
