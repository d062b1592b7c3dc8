/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_SERVICE_H
#define CONTINUUM_DAEMON_SERVICE_H

#include "util/fault.h"

struct configuration;

/*
 * Runs the coordinator until it is asked to stop: opens the storage folder, keys and database,
 * serves, loads memory, and in the end drains and closes everything, in the opposite order. A fault
 * with `why`: it could not start, or had to leave work undone.
 */
enum fault service_run(const struct configuration *configuration, struct why *why);

#endif
