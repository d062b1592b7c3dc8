/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_TIER_H
#define CONTINUUM_DOMAIN_TIER_H

#include "domain/coordinator.h"
#include "domain/settings.h"
#include "store/quotas.h"

/* "unlimited", "free". Static. */
const char *tier_name(enum tier tier);

/* TIER_COUNT: no tier has this name. */
enum tier tier_parse(const char *name);

/* "contributions", "queries", "oprf-elements". Static. */
const char *quota_name(enum quota quota);

/* What one request wants to use up, and whose. */
struct charge {
    enum tier tier;
    enum quota quota;
    int64_t instance, now_s;
    uint32_t amount;
};

/* How a member stands with the quota of a charge; all zeros when its tier has none. */
struct allowance {
    enum tier tier; /* of the charge, as the next two */
    enum quota quota;
    uint32_t amount;
    uint32_t limit; /* of a day */
    uint32_t left;
    uint32_t resets_in_s; /* 1 to 86400, until the next day (UTC); 0: the tier has no quota */
};

/*
 * Whether the charge is within what is left of the day: nothing is used up yet. *ret_allowance is
 * filled in on FAULT_NONE and on FAULT_TOO_MANY_REQUESTS: it is not, as a whole. A tier without
 * quotas costs nothing.
 */
enum fault quota_check(struct database *database, const struct settings *settings,
                       const struct charge *charge, struct allowance *ret_allowance);

/* The same, and uses it up, in the caller's transaction. */
enum fault quota_charge(struct database *database, const struct settings *settings,
                        const struct charge *charge, struct allowance *ret_allowance);

/* ---- A charge that is a command of its own ---- */

struct metering {
    struct operation operation;
    struct charge charge;
    struct allowance allowance; /* output, also of a refusal */
};

/* Answered: FAULT_TOO_MANY_REQUESTS; FAULT_TOKEN_INVALID, the member was erased meanwhile. */
struct metering *metering_new(struct coordinator *coordinator);

#endif
