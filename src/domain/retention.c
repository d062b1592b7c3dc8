/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/retention.h"

#include "domain/departure.h"
#include "domain/routing.h"
#include "domain/waiting.h"
#include "store/federation.h"
#include "store/memos.h"
#include "store/patterns.h"
#include "store/quotas.h"
#include "store/routing.h"
#include "store/sets.h"

enum { DAY_S = 86400, LOOKED_AT = 4096, EXPIRED_MAX = 256 };

/* What expires by a time of its own: deletes at most `max` of what expired at or before `before_s`,
 * and counts them. */
static const struct {
    enum fault (*purge)(struct database *database, int64_t before_s, size_t max, size_t *ret_count);
    int64_t kept_s; /* after that time */
    size_t max;
} purges[] = {
    {nonces_purge, RETENTION_NONCES_S, 256},
    {memos_purge, 0, 256},
    {downloads_purge, 0, 256},
    {questions_purge, ROUTE_KEPT_S, 32},
    {quotas_purge, RETENTION_QUOTAS_S, 256},
};

struct sweep {
    struct operation operation;
    int64_t now_s;
    struct contribution_position position;
    bool looked; /* at its part of the contributions */
    struct departure gone[EXPIRED_MAX];
    size_t gone_count;
};

static enum fault unreleased_expire(struct sweep *sweep, struct database *database)
{
    const struct coordinator *coordinator = sweep->operation.coordinator;
    int64_t before_s = sweep->now_s - (int64_t)coordinator->settings->unreleased_ttl_days * DAY_S;
    struct contribution_row expired[EXPIRED_MAX];
    size_t count = 0;
    enum fault fault = contributions_unreleased(database, before_s,
                                                &(struct contribution_look){LOOKED_AT, EXPIRED_MAX},
                                                &sweep->position, expired, &count);
    for (size_t i = 0; i < count && !fault; i++)
        fault = contribution_depart(coordinator, database, &expired[i],
                                    &(struct instance_change){0}, &sweep->gone[i]);
    sweep->gone_count = count;
    sweep->looked = true;
    return fault;
}

static enum fault sweep_apply(struct command *command, struct database *database)
{
    struct sweep *sweep = (struct sweep *)command;
    enum fault fault = FAULT_NONE;
    sweep->gone_count = 0;
    for (size_t i = 0; i < sizeof purges / sizeof *purges && !fault; i++) {
        size_t count = 0;
        fault = purges[i].purge(database, sweep->now_s - purges[i].kept_s, purges[i].max, &count);
        sweep->operation.again |= count == purges[i].max;
    }
    if (!fault && !sweep->looked)
        fault = unreleased_expire(sweep, database);
    return fault;
}

static void sweep_settle(struct operation *operation, enum fault fault)
{
    const struct sweep *sweep = (const struct sweep *)operation;
    struct coordinator *coordinator = operation->coordinator;
    operation->again = operation->again && !waiting_drains(coordinator->waiting);
    if (fault)
        return;
    contributions_forget(coordinator, sweep->gone, sweep->gone_count);
    coordinator->swept = sweep->position;
}

static void sweep_answer(struct operation *operation, enum fault fault)
{
    (void)fault; /* the next sweep does what this one could not */
    operation->coordinator->sweep_runs = false;
}

void retention_sweep(struct coordinator *coordinator, int64_t now_s)
{
    if (!coordinator->ready || coordinator->sweep_runs || waiting_drains(coordinator->waiting))
        return;
    struct sweep *sweep = operation_new(coordinator, sizeof *sweep, sweep_apply, sweep_settle);
    if (!sweep)
        return;
    sweep->now_s = now_s;
    sweep->position = coordinator->swept;
    sweep->operation.answer = sweep_answer;
    coordinator->sweep_runs = true;
    operation_submit(&sweep->operation);
}
