/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/tier.h"

#include <string.h>

#include "domain/memo.h"
#include "store/instances.h"
#include "util/clock.h"

static const char *const tier_names[TIER_COUNT] = {"unlimited", "free"};

const char *tier_name(enum tier tier)
{
    return tier_names[tier];
}

enum tier tier_parse(const char *name)
{
    enum tier tier = TIER_UNLIMITED;
    while (tier < TIER_COUNT && strcmp(tier_names[tier], name) != 0)
        tier++;
    return tier;
}

const char *quota_name(enum quota quota)
{
    static const char *const names[QUOTA_COUNT] = {"contributions", "queries", "oprf-elements"};
    return names[quota];
}

enum fault quota_check(struct database *database, const struct settings *settings,
                       const struct charge *charge, struct allowance *ret_allowance)
{
    int64_t used = 0;
    if (charge->tier == TIER_UNLIMITED) {
        *ret_allowance = (struct allowance){0};
        return FAULT_NONE;
    }
    enum fault fault =
        quota_used(database, charge->instance, clock_day(charge->now_s), charge->quota, &used);
    if (fault)
        return fault;
    uint32_t limit = settings->free_daily[charge->quota];
    *ret_allowance = (struct allowance){
        .tier = charge->tier,
        .quota = charge->quota,
        .amount = charge->amount,
        .limit = limit,
        .left = used < limit ? limit - (uint32_t)used : 0,
        .resets_in_s = clock_day_left_s(charge->now_s),
    };
    return charge->amount > ret_allowance->left ? FAULT_TOO_MANY_REQUESTS : FAULT_NONE;
}

enum fault quota_charge(struct database *database, const struct settings *settings,
                        const struct charge *charge, struct allowance *ret_allowance)
{
    enum fault fault = quota_check(database, settings, charge, ret_allowance);
    if (fault || charge->tier == TIER_UNLIMITED)
        return fault;
    ret_allowance->left -= charge->amount;
    return quota_add(database, charge->instance, clock_day(charge->now_s), charge->quota,
                     charge->amount);
}

static enum fault metering_apply(struct command *command, struct database *database)
{
    struct metering *metering = (struct metering *)command;
    struct instance_row row;
    enum fault fault = instance_get(database, metering->charge.instance, &row);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
    return quota_charge(database, metering->operation.coordinator->settings, &metering->charge,
                        &metering->allowance);
}

static const struct replay metering_replay = {0};

struct metering *metering_new(struct coordinator *coordinator)
{
    struct metering *metering = operation_new(coordinator, sizeof *metering, metering_apply, NULL);
    if (metering)
        metering->operation.replay = &metering_replay;
    return metering;
}
