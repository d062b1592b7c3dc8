/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"

/* leave and receipt */

enum { RECEIPT_SIZE = 4096 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum cli_exit file_fail(const struct cli_options *options, const char *file,
                               const char *what)
{
    struct continuum_error error = {
        .status = 500, .code = "system", .title = "The file cannot be used"};
    snprintf(error.detail, sizeof error.detail, "%.120s: %s: %.60s.", file, what, strerror(errno));
    return cli_fail(options, &error);
}

static bool receipt_write(int fd, const struct continuum_receipt *receipt)
{
    _cleanup_(free_pointer) char *text = continuum_receipt_json(receipt);
    if (!text)
        return false;
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL */
    return write(fd, text, length + 1) == (ssize_t)(length + 1) && fsync(fd) == 0;
}

static void receipt_print(const struct continuum_receipt *receipt)
{
    printf("erased         %s, at %s\n", receipt->instance_id, receipt->erased_at);
    printf("contributions  %" PRIu64 "\n", receipt->contributions);
    printf("verifications  %" PRIu64 ", votes %" PRIu64 "\n", receipt->verifications,
           receipt->votes);
    printf("queries        %" PRIu64 " that were routed, %" PRIu64 " that came to you\n",
           receipt->queries, receipt->deliveries);
    printf("signed by      %s\n", receipt->coordinator_key);
}

/* What there is no proof of is done all the same, and the profile is of no more use. */
static enum cli_exit unproven_end(const struct cli_options *options,
                                  struct continuum_client *client,
                                  const struct continuum_error *lost)
{
    struct continuum_error error;
    cli_fail(options, lost);
    return continuum_forget(client, &error) ? CLI_UNPROVEN : cli_fail(options, &error);
}

/* The file is made before anything is erased: without it there would be no proof. */
enum cli_exit cli_leave(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_receipt receipt = {0};
    const char *file = options->operand;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    _cleanup_(close_fd) int fd =
        open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return file_fail(options, file, "the receipt cannot go there, and nothing was erased");
    bool proven = continuum_leave(client, &receipt, &error);
    if (!proven && !receipt.instance_id[0])
        unlink(file);
    else if (!receipt_write(fd, &receipt))
        return file_fail(options, file, "you are erased, but the receipt cannot be written");
    if (!proven && strcmp(error.code, "receipt-lost") == 0)
        return unproven_end(options, client, &error);
    if (!proven || !continuum_forget(client, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_receipt_json(&receipt));
    receipt_print(&receipt);
    return CLI_OK;
}

enum cli_exit cli_receipt(const struct cli_options *options)
{
    char text[RECEIPT_SIZE];
    struct continuum_error error;
    struct continuum_receipt receipt;
    const char *file = options->text;
    if (strcmp(options->operand, "check") != 0)
        return cli_misuse(options, "It is: continuum-fed receipt check FILE.");
    _cleanup_(close_fd) int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (length < 0)
        return file_fail(options, file, "it cannot be read");
    if (!continuum_receipt_check(text, (size_t)length, options->key, &receipt, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_receipt_json(&receipt));
    receipt_print(&receipt);
    if (!options->key)
        printf("The signature is good. Whether that key is your coordinator's is for you to know: "
               "--key checks it.\n");
    return CLI_OK;
}
