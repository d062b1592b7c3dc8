/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_OPRF_SERVICE_H
#define CONTINUUM_DAEMON_OPRF_SERVICE_H

#include "util/fault.h"

struct configuration;

/* Runs an OPRF helper (role = oprf) until it is asked to stop. As service_run: a fault with `why`:
 * it could not start, or had to leave work undone. */
enum fault oprf_service_run(const struct configuration *configuration, struct why *why);

#endif
