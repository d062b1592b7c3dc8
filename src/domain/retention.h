/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_RETENTION_H
#define CONTINUUM_DOMAIN_RETENTION_H

#include "domain/coordinator.h"

enum {
    RETENTION_NONCES_S = 3600,     /* after they count no more: a clock may go back */
    RETENTION_QUOTAS_S = 7 * 86400 /* after their day is over, for the same reason */
};

/*
 * Deletes what was kept long enough, in steps that are a transaction each. What expires by a time
 * of its own is found by an index, and all of it goes. Contributions that have been sealed for
 * unreleased_ttl_days are looked for in one part of all contributions at each sweep, which goes
 * on where the one before stopped. Nothing happens while a sweep runs or members are not served.
 */
void retention_sweep(struct coordinator *coordinator, int64_t now_s);

#endif
