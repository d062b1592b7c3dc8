/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

enum { TEXT_MAX = 256 << 20, SHOWN_REJECTIONS = 20 };

struct lines {
    char *text;
    size_t length, size;
    struct continuum_statement *statements;
    size_t count;
};

static void lines_done(struct lines *lines)
{
    free(lines->text);
    free(lines->statements);
}

static void file_done(FILE **file)
{
    if (*file && *file != stdin)
        fclose(*file);
}

static void report_done(struct continuum_report **report)
{
    continuum_report_free(*report);
}

/* The whole of it, with a NUL behind. Sets errno on failure. */
static bool text_read(FILE *file, struct lines *lines)
{
    while (!feof(file)) {
        if (lines->size - lines->length < 2) {
            size_t size = lines->size ? lines->size * 2 : 65536;
            char *grown = size <= TEXT_MAX ? realloc(lines->text, size) : NULL;
            if (!grown) {
                errno = size <= TEXT_MAX ? ENOMEM : EFBIG;
                return false;
            }
            lines->text = grown;
            lines->size = size;
        }
        lines->length +=
            fread(lines->text + lines->length, 1, lines->size - lines->length - 1, file);
        if (ferror(file))
            return false;
    }
    lines->text[lines->length] = '\0';
    return true;
}

static size_t count_newlines(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

/* Blank lines are passed over, but counted. */
static bool lines_split(struct lines *lines)
{
    const char *end = lines->text + lines->length;
    size_t number = 0;
    lines->statements =
        calloc(count_newlines(lines->text, lines->length) + 1, sizeof *lines->statements);
    if (!lines->statements)
        return false;
    for (const char *line = lines->text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((newline ? newline : end) - line);
        number++;
        if (strspn(line, " \t\r") < length) {
            struct continuum_statement *statement = &lines->statements[lines->count++];
            continuum_statement_parse(line, length, statement);
            statement->line = number;
        }
        line += length + 1;
    }
    return true;
}

static bool lines_read(const char *path, struct lines *ret, struct continuum_error *error)
{
    _cleanup_(file_done) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file && text_read(file, ret) && lines_split(ret))
        return true;
    *error = (struct continuum_error){
        .status = 500, .code = "system", .title = "The operating system refused"};
    snprintf(error->detail, sizeof error->detail, "%.150s cannot be read: %s.", path,
             strerror(errno));
    return false;
}

static void progress_show(void *context, size_t done, size_t total)
{
    (void)context;
    cli_progress_show(done, total);
    if (done == total)
        cli_progress_clear();
}

static void report_print(const struct continuum_report *report)
{
    char earned[CLI_CREDITS_SIZE], balance[CLI_CREDITS_SIZE];
    printf("accepted    %zu\n", report->accepted_count);
    if (report->duplicates)
        printf("duplicates  %zu\n", report->duplicates);
    if (report->left_out)
        printf("left out    %zu\n", report->left_out);
    if (report->rejected_count)
        printf("rejected    %zu\n", report->rejected_count);
    if (report->balance_millicredits >= 0)
        printf("credits     %s earned, %s to spend; %" PRId64
               " more contributions are paid today\n",
               cli_credits_text(report->earned_millicredits, earned),
               cli_credits_text(report->balance_millicredits, balance), report->daily_remaining);
    if (report->carried && report->accepted_count)
        printf("carried     the first %" PRIu64
               " of a new epoch pay nothing: the one before had as many\n",
               report->carried);
    for (size_t i = 0; i < report->rejected_count && i < SHOWN_REJECTIONS; i++)
        fprintf(stderr, "line %zu: %s\n", report->rejected[i].line, report->rejected[i].detail);
    if (report->rejected_count > SHOWN_REJECTIONS)
        fprintf(stderr, "... and %zu more; --json lists all.\n",
                report->rejected_count - SHOWN_REJECTIONS);
}

enum cli_exit cli_contribute(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(lines_done) struct lines lines = {0};
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(report_done) struct continuum_report *report = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        !lines_read(options->operand, &lines, &error))
        return cli_fail(options, &error);
    struct continuum_batch batch = {
        .statements = lines.statements,
        .count = lines.count,
        .domain = options->domain,
        .min_confidence = options->min_confidence,
        .progress = isatty(STDERR_FILENO) && !options->json ? progress_show : NULL,
    };
    if (!continuum_contribute(client, &batch, &report, &error)) {
        if (batch.progress)
            cli_progress_clear();
        return cli_fail(options, &error);
    }
    if (options->json)
        cli_print_json(continuum_report_json(report));
    else
        report_print(report);
    return report->rejected_count && !report->accepted_count ? CLI_FAILED : CLI_OK;
}
