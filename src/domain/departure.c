/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/departure.h"

#include "domain/directory.h"
#include "store/catalog.h"
#include "store/search.h"
#include "util/clock.h"

/* What was to come without pay, and is gone, is to come once more. */
static enum fault is_carried_again(const struct coordinator *coordinator, struct database *database,
                                   const struct contribution_row *row, bool *ret)
{
    struct record record;
    bool spoiled = false;
    if (!row->carried)
        return FAULT_NONE;
    enum fault fault = pattern_get(database, row->pattern, &record, &spoiled);
    if (!fault)
        *ret = record.epoch == coordinator->epoch.number;
    return fault;
}

enum fault contribution_depart(const struct coordinator *coordinator, struct database *database,
                               const struct contribution_row *row,
                               const struct instance_change *change, struct departure *ret)
{
    struct departure departure = {
        .pattern = row->pattern,
        .instance = row->instance,
        .day = clock_day(row->accepted_at_s),
    };
    struct instance_change counts = *change;
    bool again = false;
    enum fault fault = is_carried_again(coordinator, database, row, &again);
    counts.contributions--;
    counts.carried += again;
    if (!fault)
        fault = contribution_delete(database, row, &departure.last);
    if (!fault)
        fault = instance_count(database, row->instance, &counts);
    if (!fault)
        fault = activity_retract(database, row->instance, departure.day);
    if (!fault)
        *ret = departure;
    return fault;
}

void contribution_forget(struct coordinator *coordinator, uint32_t pattern, bool last)
{
    bool released = search_has(coordinator->search, pattern);
    if (last)
        search_remove(coordinator->search, pattern);
    else if (released)
        (void)catalog_mark(coordinator->catalog,
                           pattern); /* no memory: seen to at the next start */
    catalog_remove(coordinator->catalog, pattern, 1);
}

void contributions_forget(struct coordinator *coordinator, const struct departure *departures,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct instance *instance =
            directory_find_number(coordinator->directory, departures[i].instance);
        contribution_forget(coordinator, departures[i].pattern, departures[i].last);
        if (instance)
            instance_count_accepted(instance, departures[i].day, -1);
    }
}
