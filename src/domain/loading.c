/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "domain/coordinator.h"
#include "domain/directory.h"
#include "domain/membership.h"
#include "domain/release.h"
#include "store/catalog.h"
#include "store/database.h"
#include "store/erasure_log.h"
#include "store/instances.h"
#include "store/patterns.h"
#include "store/search.h"
#include "util/clock.h"
#include "util/ids.h"

/*
 * What the loop keeps in memory, read from the rows at start. Two jobs share the work, and no
 * memory: one fills the directory and the catalog, the other the search index. The loop touches
 * none of it until both are done.
 */
struct part {
    struct job job;
    struct loading *loading;
    struct database *reader;
    enum fault fault;
    struct why why;
    struct ids groups; /* that the next tick has to look at */
};

struct loading {
    struct coordinator *coordinator;
    int64_t today;
    struct part tags, releases;
    size_t left; /* parts that are not done */
};

/* ---- Members and tags ---- */

static enum fault load_instance(void *context, const struct instance_row *row)
{
    const struct part *part = context;
    const struct coordinator *coordinator = part->loading->coordinator;
    struct instance instance = {
        .number = row->number,
        .handle = row->handle,
        .public_key = row->public_key,
        .level = row->level,
        .mode = row->mode,
        .tier = row->tier,
        .domains = (char *)row->domains,
        .joined_at_s = row->joined_at_s,
        .has_contributed = row->next_sequence > 1,
        .leaving = erasure_log_has(coordinator->erasures, row->handle, &row->public_key),
    };
    return directory_add(coordinator->directory, &instance);
}

static void load_activity(void *context, int64_t number, int64_t day, int64_t accepted)
{
    const struct part *part = context;
    struct instance *instance =
        directory_find_number(part->loading->coordinator->directory, number);
    /* What a clock noted that was far ahead would take the place of what counts today. */
    if (instance && day <= part->loading->today + STANDING_DAYS)
        instance_count_accepted(instance, day, (int32_t)accepted);
}

static enum fault load_pattern(void *context, const struct pattern_loaded *pattern)
{
    struct part *part = context;
    struct coordinator *coordinator = part->loading->coordinator;
    enum fault fault =
        catalog_load(coordinator->catalog, pattern->pattern, &pattern->tag, pattern->contributions);
    __atomic_add_fetch(&coordinator->loaded, 1, __ATOMIC_RELAXED);
    bool enough = pattern->contributions >= pattern->k;
    return !fault && enough ? ids_push(&part->groups, pattern->pattern) : fault;
}

static enum fault load_tags(struct part *part)
{
    struct catalog *catalog = part->loading->coordinator->catalog;
    uint32_t last = 0;
    enum fault fault = instances_each(part->reader, load_instance, part);
    if (!fault)
        fault = activity_each(part->reader, part->loading->today - STANDING_SLOTS + 1,
                              load_activity, part);
    if (!fault)
        fault = pattern_last(part->reader, &last);
    if (!fault)
        fault = catalog_reserve(catalog, last);
    if (!fault)
        fault = patterns_each(part->reader, load_pattern, part);
    return fault ? fault : catalog_loaded(catalog);
}

/* ---- Releases ---- */

static enum fault load_release(void *context, const struct release_row *release)
{
    const struct part *part = context;
    return release_publish(part->loading->coordinator, release);
}

static enum fault load_unsettled(void *context, uint32_t pattern)
{
    return ids_push(&((struct part *)context)->groups, pattern);
}

static enum fault load_releases(struct part *part)
{
    enum fault fault = releases_each(part->reader, load_release, part);
    if (!fault)
        fault = releases_unsettled_each(part->reader, load_unsettled, part);
    search_compact(part->loading->coordinator->search);
    return fault;
}

/* ---- Both ---- */

static void part_run(struct job *job)
{
    struct part *part = (struct part *)job;
    enum fault (*load)(struct part *) = part == &part->loading->tags ? load_tags : load_releases;
    part->fault = database_map(part->reader, true);
    if (!part->fault)
        part->fault = database_begin(part->reader);
    if (!part->fault)
        part->fault = load(part);
    if (part->fault)
        why_set(&part->why, part->fault, "%s: %s", fault_title(part->fault),
                database_error(part->reader));
    (void)database_commit(part->reader); /* ends the snapshot */
    (void)database_map(part->reader, false);
}

/* Marks what is not released though it could be, and what changed since a tick saw it. A gate may
 * have been set up anew: it looks at all. */
static enum fault loading_mark(const struct loading *loading)
{
    const struct coordinator *coordinator = loading->coordinator;
    enum fault fault = FAULT_NONE;
    bool all = coordinator->settings->release_gate == RELEASE_GATE_DP;
    const struct ids *tags = &loading->tags.groups, *releases = &loading->releases.groups;
    for (size_t i = 0; i < tags->count && !fault; i++)
        if (all || !search_has(coordinator->search, tags->items[i]))
            fault = catalog_mark(coordinator->catalog, tags->items[i]);
    for (size_t i = 0; i < releases->count && !fault; i++)
        fault = catalog_mark(coordinator->catalog, releases->items[i]);
    return fault;
}

static void loading_free(struct loading *loading)
{
    database_close(loading->releases.reader);
    ids_done(&loading->tags.groups);
    ids_done(&loading->releases.groups);
    free(loading);
}

static void loading_finish(struct coordinator *coordinator);

static void erased_again(struct operation *operation, enum fault fault)
{
    struct coordinator *coordinator = operation->coordinator;
    coordinator->failed = fault != FAULT_NONE;
    if (fault)
        why_set(&coordinator->failure, fault, "who is in the log of erasures could not be erased");
    else
        loading_finish(coordinator);
}

/* Erases whoever is here although the log says that they were erased; then members are served. */
static void loading_finish(struct coordinator *coordinator)
{
    const struct instance *erased = directory_find_leaving(coordinator->directory);
    struct erasure *erasure = erased ? erasure_new(coordinator, erased) : NULL;
    if (erasure) {
        erasure->logged = true;
        erasure->operation.answer = erased_again;
        erasure_submit(erasure);
    }
    coordinator->ready = !erased;
    coordinator->failed = erased && !erasure;
}

static void part_done(struct job *job)
{
    struct part *part = (struct part *)job;
    struct loading *loading = part->loading;
    struct coordinator *coordinator = loading->coordinator;
    if (part->fault)
        coordinator->failure = part->why;
    if (--loading->left > 0)
        return;
    enum fault fault = loading->tags.fault ? loading->tags.fault : loading->releases.fault;
    if (!fault)
        fault = loading_mark(loading);
    coordinator->failed = fault != FAULT_NONE;
    loading_free(loading);
    if (!fault)
        loading_finish(coordinator);
}

enum fault coordinator_load(struct coordinator *coordinator, int64_t now_s, struct why *why)
{
    struct loading *loading = calloc(1, sizeof *loading);
    if (!loading)
        return FAULT_MEMORY;
    struct job job = {.run = part_run, .done = part_done};
    *loading = (struct loading){
        .coordinator = coordinator,
        .today = clock_day(now_s),
        .tags = {.job = job, .loading = loading, .reader = coordinator->reader},
        .releases = {.job = job, .loading = loading},
        .left = 2,
    };
    enum fault fault = store_reader_open(coordinator->store, &loading->releases.reader, why);
    if (fault) {
        loading_free(loading);
        return fault;
    }
    workers_submit(coordinator->workers, &loading->tags.job);
    workers_submit(coordinator->workers, &loading->releases.job);
    return FAULT_NONE;
}

size_t coordinator_loaded(const struct coordinator *coordinator)
{
    return __atomic_load_n(&coordinator->loaded, __ATOMIC_RELAXED);
}
