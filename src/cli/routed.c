/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/routed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* answers, inbox, answer, and what query --route does once it has asked */

enum { REPLIES_MAX = 8, TEXT_MAX = 16382 };

static void replies_done(struct continuum_replies **replies)
{
    continuum_replies_free(*replies);
}

static void questions_done(struct continuum_questions **questions)
{
    continuum_questions_free(*questions);
}

static void inbox_done(struct continuum_inbox **inbox)
{
    continuum_inbox_free(*inbox);
}

/* What others wrote, line by line, without what a terminal would obey. */
static void text_print(const char *text)
{
    fputs("  ", stdout);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0;
        if (*c == '\n')
            fputs("\n  ", stdout);
        else if (c1 || (*c < 0x20 && *c != '\t') || *c == 0x7F)
            putchar('?');
        else
            putchar(*c);
        c += c1;
    }
    putchar('\n');
}

/* ---- Answers ---- */

/* Which answers were printed. */
struct shown {
    char ids[REPLIES_MAX][23];
    size_t count;
};

static bool is_shown(struct shown *shown, const char *id)
{
    for (size_t i = 0; i < shown->count; i++)
        if (strcmp(shown->ids[i], id) == 0)
            return true;
    if (shown->count < REPLIES_MAX)
        snprintf(shown->ids[shown->count++], sizeof shown->ids[0], "%s", id);
    return false;
}

static enum cli_exit reply_print(const struct cli_options *options, const char *query_id,
                                 const struct continuum_reply *reply)
{
    enum cli_exit code = CLI_OK;
    if (options->json) {
        code = cli_print_json(continuum_reply_json(query_id, reply));
    } else {
        printf("answer  %s\n", reply->received_at);
        text_print(reply->text);
    }
    fflush(stdout);
    return code;
}

static enum cli_exit replies_print(const struct cli_options *options, const char *query_id,
                                   const struct continuum_replies *replies, struct shown *shown)
{
    enum cli_exit code = CLI_OK;
    for (size_t i = 0; i < replies->count && code == CLI_OK; i++)
        if (!is_shown(shown, replies->replies[i].reply_id))
            code = reply_print(options, query_id, &replies->replies[i]);
    return code;
}

static unsigned seconds_left(uint64_t deadline_ms)
{
    uint64_t now_ms = clock_monotonic_ms();
    return deadline_ms > now_ms ? (unsigned)((deadline_ms - now_ms + 999) / 1000) : 0;
}

enum cli_exit cli_replies_follow(struct continuum_client *client, const struct cli_options *options,
                                 const char *query_id, const struct cli_follow *follow)
{
    struct shown shown = {.count = 0};
    uint64_t deadline_ms = clock_monotonic_ms() + UINT64_C(1000) * follow->wait_s;
    unsigned wait_s = 0; /* first what is there already */
    for (bool more = true; more; wait_s = seconds_left(deadline_ms)) {
        struct continuum_error error;
        _cleanup_(replies_done) struct continuum_replies *replies = NULL;
        if (!continuum_replies_get(client, query_id, wait_s, &replies, &error))
            return cli_fail(options, &error);
        if (replies->refused > 0)
            fprintf(stderr, "%zu answer%s did not pass the checks and %s not shown.\n",
                    replies->refused, cli_plural(replies->refused),
                    replies->refused == 1 ? "is" : "are");
        enum cli_exit code = replies_print(options, query_id, replies, &shown);
        if (code != CLI_OK)
            return code;
        more = replies->open && shown.count + replies->refused < follow->expected &&
               seconds_left(deadline_ms) > 0;
    }
    if (!options->json)
        fprintf(stderr, "%zu answer%s.\n", shown.count, cli_plural(shown.count));
    return CLI_OK;
}

enum cli_exit cli_answers(const struct cli_options *options)
{
    struct continuum_error error;
    struct cli_follow follow = {.wait_s = options->wait, .expected = REPLIES_MAX};
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(questions_done) struct continuum_questions *questions = NULL;
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    if (options->operand)
        return cli_replies_follow(client, options, options->operand, &follow);
    if (!continuum_questions_get(client, &questions, &error))
        return cli_fail(options, &error);
    enum cli_exit code = CLI_OK;
    for (size_t i = 0; i < questions->count; i++) {
        if (!options->json)
            printf("query   %s\n", questions->ids[i]);
        enum cli_exit one = cli_replies_follow(client, options, questions->ids[i], &follow);
        code = one == CLI_OK ? code : one;
    }
    return code;
}

/* ---- The inbox ---- */

static enum cli_exit delivery_print(const struct cli_options *options,
                                    const struct continuum_delivery *delivery)
{
    if (options->json)
        return cli_print_json(continuum_delivery_json(delivery));
    printf("question  %s  until %s%s%s%s\n", delivery->delivery_id, delivery->expires_at,
           delivery->domain[0] ? "  " : "", delivery->domain,
           delivery->priority ? "  priority" : "");
    text_print(delivery->question);
    return CLI_OK;
}

enum cli_exit cli_inbox(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    uint64_t deadline_ms = clock_monotonic_ms() + UINT64_C(1000) * options->wait;
    _cleanup_(inbox_done) struct continuum_inbox *inbox = NULL;
    for (unsigned wait_s = options->wait;; wait_s = seconds_left(deadline_ms)) {
        if (!continuum_inbox_get(client, wait_s, 0, &inbox, &error))
            return cli_fail(options, &error);
        if (inbox->count > 0 || seconds_left(deadline_ms) == 0)
            break;
        continuum_inbox_free(TAKE(inbox));
    }
    enum cli_exit code = CLI_OK;
    for (size_t i = 0; i < inbox->count && code == CLI_OK; i++)
        code = delivery_print(options, &inbox->deliveries[i]);
    if (!options->json)
        fprintf(stderr, "%zu question%s.\n", inbox->count, cli_plural(inbox->count));
    return code;
}

/* All of standard input; one byte more than may be sent is read, so that it is refused and not cut.
 */
static char *input_read(void)
{
    char *text = calloc(1, TEXT_MAX + 2);
    if (!text)
        return NULL;
    size_t length = fread(text, 1, TEXT_MAX + 1, stdin);
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    return text;
}

enum cli_exit cli_answer(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(free_pointer) char *input = NULL;
    const char *text = options->text;
    if (options->decline == (text != NULL))
        return cli_misuse(options, "answer wants either a text, or - for standard input, or "
                                   "--decline.");
    if (text && strcmp(text, "-") == 0)
        text = input = input_read();
    if (!options->decline && !text)
        return cli_print_json(NULL); /* says that memory is out */
    if (!continuum_open(&options->settings, &client, &error) ||
        !(options->decline ? continuum_decline(client, options->operand, &error)
                           : continuum_reply(client, options->operand, text, &error)))
        return cli_fail(options, &error);
    const char *outcome = options->decline ? "declined" : "answered";
    if (options->json)
        return cli_print_json(continuum_outcome_json(options->operand, outcome));
    printf("%s  %s\n", outcome, options->operand);
    return CLI_OK;
}
