/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_DOMAINS_H
#define CONTINUUM_STORE_DOMAINS_H

#include <stdint.h>

#include "util/fault.h"

/*
 * Small numbers for the names of domains in which something was released, as the search index wants
 * them. Given out in order, never taken back while the daemon runs.
 */
struct domains;

enum { DOMAINS_MAX = 65535, DOMAIN_UNKNOWN = -1, DOMAIN_OVERFLOW = 65535 };

enum fault domains_new(struct domains **ret);
void domains_free(struct domains *domains);

/* The number of `name`, 0 to DOMAINS_MAX - 1, or DOMAIN_UNKNOWN. */
int32_t domains_find(const struct domains *domains, const char *name);

/*
 * The number of `name`, a new one if need be. When DOMAINS_MAX names are known, DOMAIN_OVERFLOW:
 * such patterns are found by queries that name no domain. FAULT_MEMORY.
 */
enum fault domains_intern(struct domains *domains, const char *name, uint16_t *ret);

#endif
