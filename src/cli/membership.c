/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

/* init, invite and join */

enum { LINK_LINE_SIZE = CONTINUUM_LINK_SIZE + 2 };

static struct continuum_membership membership(const struct cli_options *options,
                                              const char *address)
{
    return (struct continuum_membership){.address = address,
                                         .invite = options->invite,
                                         .level = options->level,
                                         .privacy = options->privacy};
}

static const char secrecy[] = "Send it to those who shall join, over a channel that the operator "
                              "cannot read. It carries the\n"
                              "federation's key: whoever has it can read what members share. Keep "
                              "it secret, and keep a copy:\n"
                              "nobody can restore it.\n";

enum cli_exit cli_init(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_status status;
    char link[CONTINUUM_LINK_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    struct continuum_membership wanted = membership(options, options->operand);
    if (!continuum_init(&options->settings, &wanted, &client, &error) ||
        !continuum_status_get(client, &status, &error))
        return cli_fail(options, &error);
    continuum_link(client, link);
    if (options->json)
        return cli_print_json(continuum_membership_json(&status, link));
    fprintf(stderr, "You are %s, the first member of \"%s\". This link invites others:\n\n",
            status.instance_id, status.federation_name);
    printf("%s\n", link);
    fflush(stdout);
    fprintf(stderr, "\n%s", secrecy);
    return CLI_OK;
}

enum cli_exit cli_invite(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_status status;
    char link[CONTINUUM_LINK_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error) ||
        (options->json && !continuum_status_get(client, &status, &error)))
        return cli_fail(options, &error);
    continuum_link(client, link);
    if (options->json)
        return cli_print_json(continuum_membership_json(&status, link));
    printf("%s\n", link);
    fflush(stdout);
    fprintf(stderr, "\n%s", secrecy);
    return CLI_OK;
}

/* A link on the command line shows in the list of processes and in the shell's history; "-" reads
 * it from stdin. */
static const char *link_read(const char *operand, char line[LINK_LINE_SIZE])
{
    if (strcmp(operand, "-") != 0)
        return operand;
    if (!fgets(line, LINK_LINE_SIZE, stdin))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

enum cli_exit cli_join(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_status status;
    char line[LINK_LINE_SIZE];
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    struct continuum_membership wanted = membership(options, link_read(options->operand, line));
    if (!continuum_join(&options->settings, &wanted, &client, &error) ||
        !continuum_status_get(client, &status, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_status_json(&status));
    printf("You are %s, a member of \"%s\".\n", status.instance_id, status.federation_name);
    return CLI_OK;
}
