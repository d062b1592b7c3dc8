/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * The way of a request
 * --------------------
 * Follow it down this list once; you will not have to jump back.
 *
 *   daemon/service   puts the parts together, and the loop (daemon/loop) drives them (an OPRF helper's: oprf_service)
 *   http/server      hides that libmicrohttpd calls us many times for one request;
 *   http/exchange    one request whole, with its size and its bearer token checked (http/router finds its row)
 *   api/routes       the route table: method, path, who may call it, handler
 *   api/...          JSON -> one domain call -> JSON. One file a resource
 *   domain/...       the rules: what a command decides (`apply`, on the writer) and what memory then knows
 *                    (`settle`, on the loop). No HTTP, no JSON, no SQL, no clock of its own
 *   store/...        SQL beside the function that runs it; store/store.c commits many commands at once,
 *                    and domain/coordinator.c brings them back to the loop (operation_done)
 *   crypto/...       OPRF, shares, records, tokens, noise
 *
 * A handler that needs the disk or a long computation returns without an answer; the connection sleeps. The answer is
 * built after the commit, on the loop, and the connection goes on in the same turn. Three kinds of threads: the loop
 * owns memory, the writer owns the database, workers own what they were given.
 */
/* clang-format on */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "continuum/version.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/log.h"
#include "daemon/oprf_service.h"
#include "daemon/service.h"
#include "util/cleanup.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
    _cleanup_(configuration_done) struct configuration configuration = {0};
    struct why why = {""};
    enum fault fault = configuration_load(argc, argv, environ, &configuration, &why);
    if (!fault)
        fault = configuration_check(&configuration, &why);
    if (fault) {
        fprintf(stderr, "continuum-coordinatord: %s\n", why.text);
        return EXIT_USAGE;
    }
    if (configuration.action != ACTION_RUN) {
        configuration_answer(configuration.action, CONTINUUM_VERSION, stdout);
        return EXIT_OK;
    }
    umask(077); /* what we create is for nobody else's eyes */
    if (configuration.command) {
        fault = configuration.command->run(&configuration, stdout, &why);
        if (fault)
            fprintf(stderr, "continuum-coordinatord: %s\n",
                    why.text[0] ? why.text : fault_title(fault));
        return fault ? EXIT_FAILED : EXIT_OK;
    }
    log_init((enum log_level)configuration.log_level);
    fault = configuration.role == ROLE_OPRF ? oprf_service_run(&configuration, &why)
                                            : service_run(&configuration, &why);
    if (fault)
        log_write(LOG_LEVEL_ERROR, "%s", why.text[0] ? why.text : fault_title(fault));
    return fault ? EXIT_FAILED : EXIT_OK;
}
