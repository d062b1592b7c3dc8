/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/cleanup.h"

enum { BAR_WIDTH = 40 };

enum cli_exit cli_fail(const struct cli_options *options, const struct continuum_error *error)
{
    _cleanup_(free_pointer) char *document = options->json ? continuum_error_json(error) : NULL;
    if (document)
        fprintf(stderr, "%s\n", document);
    else
        fprintf(stderr, "continuum-fed: %s\n", error->detail);
    return CLI_FAILED;
}

enum cli_exit cli_misuse(const struct cli_options *options, const char *sentence)
{
    struct continuum_error error = {
        .status = 400, .code = "usage", .title = "The command line is not valid"};
    snprintf(error.detail, sizeof error.detail, "%s", sentence);
    cli_fail(options, &error);
    if (!options->json)
        fputs("Try continuum-fed --help.\n", stderr);
    return CLI_USAGE;
}

enum cli_exit cli_print_json(char *document)
{
    if (!document) {
        fputs("continuum-fed: Out of memory.\n", stderr);
        return CLI_FAILED;
    }
    puts(document);
    free(document);
    return CLI_OK;
}

const char *cli_credits_text(int64_t millicredits, char ret[CLI_CREDITS_SIZE])
{
    int64_t size = millicredits < 0 ? -millicredits : millicredits;
    int length = snprintf(ret, CLI_CREDITS_SIZE, "%s%" PRId64 ".%03" PRId64,
                          millicredits < 0 ? "-" : "", size / 1000, size % 1000);
    while (length > 0 && ret[length - 1] == '0')
        ret[--length] = '\0';
    if (length > 0 && ret[length - 1] == '.')
        ret[length - 1] = '\0';
    return ret;
}

void cli_progress_show(uint64_t done, uint64_t total)
{
    int filled = total && done < total ? (int)(done * BAR_WIDTH / total) : BAR_WIDTH;
    fprintf(stderr, "\r[%.*s%*s] %" PRIu64 " of %" PRIu64, filled,
            "########################################", BAR_WIDTH - filled, "", done, total);
}

void cli_progress_clear(void)
{
    fputs("\r\033[K", stderr);
}

const char *cli_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void cli_client_done(struct continuum_client **client)
{
    continuum_close(*client);
}
