/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/release.h"

#include <stddef.h>

#include "domain/credits.h"
#include "domain/judgement.h"
#include "store/catalog.h"
#include "store/database.h"
#include "store/domains.h"
#include "store/keyring.h"
#include "store/search.h"
#include "util/clock.h"

/* One batch on its way: first a job of a worker, then an operation of the writer. */
struct batch {
    struct operation operation;
    struct job job;
    struct group_rules rules;
    struct group groups[RELEASE_BATCH];
    size_t count;
    size_t redraws_max; /* not 0: the calendar's batch, of so many groups at most */
    struct calendar_place due[RELEASE_BATCH]; /* its groups; before: where it begins */
    bool stale;                               /* there are numbers of past periods to forget */
    enum fault fault;
};

enum { NUMBERS_FORGOTTEN_MAX = 256 }; /* of past periods, in one batch */

static void batch_next(struct coordinator *coordinator, int64_t now_s);
static void tick_end(struct coordinator *coordinator, int64_t now_s);

/* ---- Evaluation, on a worker ---- */

struct collector {
    struct group *group;
    struct arena *arena;
    size_t room;
    bool full; /* memory is out */
};

static bool collect(void *context, const struct contributor *contributor)
{
    struct collector *collector = context;
    struct group *group = collector->group;
    if (group->count == collector->room) {
        size_t room = collector->room ? collector->room * 2 : 8;
        struct contributor *grown = arena_array(collector->arena, room, sizeof *grown);
        if (!grown) {
            collector->full = true;
            return false;
        }
        for (size_t i = 0; i < group->count; i++)
            grown[i] = group->contributors[i];
        group->contributors = grown;
        collector->room = room;
    }
    group->contributors[group->count++] = *contributor;
    return true;
}

static enum fault group_read(struct group *group, int64_t now_s, struct database *database,
                             struct arena *arena)
{
    struct collector collector = {.group = group, .arena = arena};
    enum fault fault = pattern_get(database, group->pattern, &group->record, &group->spoiled);
    if (fault == FAULT_NOT_FOUND)
        group->skip = true;
    if (fault)
        return group->skip ? FAULT_NONE : fault;
    fault = release_get(database, group->pattern, &group->before);
    group->was_released = fault == FAULT_NONE;
    if (fault && fault != FAULT_NOT_FOUND)
        return fault;
    fault = group->was_released
                ? FAULT_NOT_FOUND
                : numbers_find(database, &group->record.tag, noise_period(now_s), &group->shown);
    group->has_shown = fault == FAULT_NONE;
    if (fault && fault != FAULT_NOT_FOUND)
        return fault;
    fault = contributors_each(database, group->pattern, collect, &collector);
    if (!fault && collector.full)
        fault = FAULT_MEMORY;
    /* Below k nobody is told of those who were there before. */
    group->skip = group->spoiled && group->count < group->record.k;
    group->valid = arena_array(arena, group->count, sizeof *group->valid);
    return group->valid ? fault : FAULT_MEMORY;
}

/* What is published stays as it is; but for its numbers, when they are due. */
static void group_keep_published(struct group *group)
{
    struct release_row *release = &group->release;
    if (!group->redraw || !group->released) {
        *release = group->before;
        return;
    }
    release->released_at_s = group->before.released_at_s;
    release->judgements = group->before.judgements;
}

/* How the tokens of a group are cut, its epoch says. */
static enum fault group_decide(struct group *group, const struct batch *batch,
                               struct database *database, struct arena *arena)
{
    struct group_rules rules = batch->rules;
    enum fault fault = FAULT_NONE;
    if (group->record.epoch != batch->operation.coordinator->epoch.number)
        fault = epoch_token_bits(database, group->record.epoch, &rules.token_bits);
    return fault ? fault : group_evaluate(group, &rules, arena);
}

static enum fault group_look(struct group *group, const struct batch *batch,
                             struct database *database, struct arena *arena)
{
    enum fault fault = group_read(group, batch->rules.now_s, database, arena);
    if (!fault && !group->skip && !group->spoiled)
        fault = group_decide(group, batch, database, arena);
    if (group->was_released)
        group_keep_published(group);
    return fault;
}

/* The groups whose numbers are due. */
static enum fault batch_find_due(struct batch *batch, struct database *reader)
{
    uint32_t period = noise_period(batch->rules.now_s);
    enum fault fault = numbers_are_stale(reader, period, &batch->stale);
    if (!fault)
        fault = numbers_due(reader, period, batch->due, batch->redraws_max, &batch->count);
    for (size_t i = 0; i < batch->count; i++)
        batch->groups[i] = (struct group){.pattern = batch->due[i].pattern, .redraw = true};
    return fault;
}

static void batch_evaluate(struct job *job)
{
    struct batch *batch = (struct batch *)(void *)((char *)job - offsetof(struct batch, job));
    struct database *reader = batch->operation.coordinator->reader;
    size_t load = 0;
    batch->fault = database_begin(reader);
    if (!batch->fault && batch->redraws_max > 0)
        batch->fault = batch_find_due(batch, reader);
    for (size_t i = 0; i < batch->count && !batch->fault; i++) {
        struct group *group = &batch->groups[i];
        batch->fault = group_look(group, batch, reader, &batch->operation.arena);
        load += group->count;
        if (group->redraw && load >= RELEASE_BATCH_LOAD)
            batch->count = i + 1; /* the others are for the next batch */
    }
    (void)database_commit(reader); /* ends the snapshot */
}

static void batch_evaluated(struct job *job)
{
    struct batch *batch = (struct batch *)(void *)((char *)job - offsetof(struct batch, job));
    bool idle = batch->count == 0 && !batch->stale && !batch->rules.gate_is_open && !batch->fault;
    if (!idle) {
        operation_submit(&batch->operation);
        return;
    }
    struct coordinator *coordinator = batch->operation.coordinator;
    int64_t now_s = batch->rules.now_s;
    operation_free(&batch->operation);
    tick_end(coordinator, now_s);
}

/* ---- Settlement, on the writer ---- */

static enum contribution_state state_after(const struct group *group, size_t i)
{
    if (group->released)
        return group->valid[i] ? CONTRIBUTION_RELEASED : CONTRIBUTION_INVALID;
    return group->spoiled ? CONTRIBUTION_INVALID : CONTRIBUTION_SEALED;
}

/* How the credit follows the state: what is due is paid, what was paid is proven, what is invalid
 * is taken back. */
static enum fault payment_follow(struct batch *batch, struct database *database,
                                 const struct tag *tag, struct contribution_row *row,
                                 struct instance_change *change)
{
    const struct coordinator *coordinator = batch->operation.coordinator;
    struct payable payable = {.kind = TRANSFER_CONTRIBUTE, .instance = row->instance, .tag = tag};
    struct reversal reversal = {.whole = true};
    bool made = false, paid = row->payment == PAYMENT_PAID || row->payment == PAYMENT_PROVEN;
    enum fault fault = FAULT_NONE;
    if (row->state == CONTRIBUTION_RELEASED && row->payment == PAYMENT_DUE)
        fault = credits_earn(coordinator, database, &payable,
                             coordinator->settings->price_contribute, batch->rules.now_s, &made);
    if (row->state == CONTRIBUTION_INVALID && paid)
        fault = credits_reverse(coordinator, database, row->instance, tag, batch->rules.now_s,
                                &reversal);
    if (row->payment == PAYMENT_PAID && row->state != CONTRIBUTION_SEALED && reversal.whole)
        change->unproven = -1;
    if (row->state == CONTRIBUTION_RELEASED && row->payment != PAYMENT_NONE)
        row->payment = PAYMENT_PROVEN;
    if (row->state == CONTRIBUTION_INVALID)
        row->payment = PAYMENT_NONE;
    return fault;
}

/* Decided when the numbers are drawn, and left so until they are drawn anew. */
static bool contributor_is_counted(const struct group *group, size_t i)
{
    bool stays = group->was_released && group->released && !group->redraw;
    return stays ? group->contributors[i].contribution.counted : group_counts(group, i);
}

static enum fault contributor_settle(struct batch *batch, struct database *database,
                                     const struct group *group, size_t i)
{
    struct contribution_row row = group->contributors[i].contribution;
    enum contribution_state before = row.state;
    struct instance_change change = {0};
    bool counted_before = row.counted;
    row.state = state_after(group, i);
    row.counted = contributor_is_counted(group, i);
    if (row.state == before && row.counted == counted_before)
        return FAULT_NONE;
    if (row.state == CONTRIBUTION_SEALED && before != CONTRIBUTION_SEALED)
        row.sealed_at_s = batch->rules.now_s;
    change.released = (row.state == CONTRIBUTION_RELEASED) - (before == CONTRIBUTION_RELEASED);
    enum fault fault = payment_follow(batch, database, &group->record.tag, &row, &change);
    if (!fault)
        fault = contribution_update(database, &row);
    return fault ? fault : instance_count(database, row.instance, &change);
}

/* The reward of a high quality, to those who were counted; a pattern pays it once. */
static enum fault group_reward(struct batch *batch, struct database *database,
                               const struct group *group)
{
    const struct coordinator *coordinator = batch->operation.coordinator;
    bool first = false, made = false;
    if (!judgements_are_high(&group->release.judgements, coordinator->settings->quality_votes))
        return FAULT_NONE;
    enum fault fault = pattern_reward(database, group->pattern, &first);
    for (size_t i = 0; i < group->count && first && !fault; i++) {
        struct payable payable = {.kind = TRANSFER_QUALITY,
                                  .instance = group->contributors[i].contribution.instance,
                                  .tag = &group->record.tag};
        if (contributor_is_counted(group, i))
            fault = credits_earn(coordinator, database, &payable,
                                 coordinator->settings->price_quality, batch->rules.now_s, &made);
    }
    return fault;
}

static enum fault release_follow(struct database *database, struct group *group)
{
    enum fault fault = FAULT_NONE;
    if (!group->released)
        return group->was_released ? release_delete(database, group->pattern) : FAULT_NONE;
    if (!group->was_released)
        fault = release_insert(database, &group->release);
    else if (group->redraw)
        fault = numbers_redraw(database, &group->release);
    return fault
               ? fault
               : release_settle(database, group->pattern, group->count, &group->release.judgements);
}

static enum fault group_settle(struct batch *batch, struct database *database, struct group *group)
{
    bool stands = false;
    enum fault fault =
        contributors_stand(database, group->pattern, group->contributors, group->count, &stands);
    group->changed = !stands; /* withdrawals and erasures may have come in between */
    if (fault || !stands)
        return fault;
    fault = release_follow(database, group);
    if (!fault && group->spoiled)
        fault = pattern_spoil(database, group->pattern);
    for (size_t i = 0; i < group->count && !fault; i++)
        fault = contributor_settle(batch, database, group, i);
    return !fault && group->released ? group_reward(batch, database, group) : fault;
}

static enum fault batch_apply(struct command *command, struct database *database)
{
    struct batch *batch = (struct batch *)command;
    enum fault fault = batch->fault;
    if (!fault && batch->rules.gate_is_open)
        fault = gate_day_set(database, clock_day(batch->rules.now_s));
    if (!fault && batch->stale)
        fault = numbers_forget(database, noise_period(batch->rules.now_s), NUMBERS_FORGOTTEN_MAX);
    for (size_t i = 0; i < batch->count && !fault; i++)
        if (!batch->groups[i].skip)
            fault = group_settle(batch, database, &batch->groups[i]);
    return fault;
}

/* ---- Publication, on the loop ---- */

enum fault release_publish(struct coordinator *coordinator, const struct release_row *release)
{
    struct search_facts facts = {
        .released_at_s = (uint32_t)release->released_at_s,
        .confidence = release->confidence,
        .weight = judgements_trust(&release->judgements, release->confidence),
    };
    uint32_t tokens[TOKENS_MAX];
    size_t count = epochs_cut_tokens(coordinator, release, tokens);
    enum fault fault = domains_intern(coordinator->domains, release->domain, &facts.domain);
    return fault ? fault : search_add(coordinator->search, release->pattern, tokens, count, &facts);
}

/* What members say of it, and its confidence, move a released pattern up or down. */
static void release_weigh(struct coordinator *coordinator, const struct release_row *release)
{
    struct search_facts facts;
    if (!search_facts_get(coordinator->search, release->pattern, &facts))
        return;
    facts.confidence = release->confidence;
    facts.weight = judgements_trust(&release->judgements, release->confidence);
    search_update(coordinator->search, release->pattern, &facts);
}

/* The group is for the day on which the gate opens again; without memory, for the next tick. */
static void group_wait(struct coordinator *coordinator, uint32_t pattern)
{
    if (ids_push(&coordinator->gate_waits, pattern))
        (void)catalog_mark(coordinator->catalog, pattern);
}

static void group_publish(struct coordinator *coordinator, const struct group *group, bool settled)
{
    if (!settled || group->changed)
        (void)catalog_mark(coordinator->catalog, group->pattern);
    else if (group->waits)
        group_wait(coordinator, group->pattern);
    if (!settled || group->changed || group->skip)
        return;
    if (group->was_released && !group->released) {
        search_remove(coordinator->search, group->pattern);
        epochs_note_sealed(coordinator, group->record.epoch);
    }
    bool unknown = group->released && !search_has(coordinator->search, group->pattern);
    if (group->released && !unknown)
        release_weigh(coordinator, &group->release);
    if (unknown && release_publish(coordinator, &group->release))
        (void)catalog_mark(coordinator->catalog, group->pattern); /* no memory: at the next tick */
}

static void batch_settle(struct operation *operation, enum fault fault)
{
    struct batch *batch = (struct batch *)operation;
    for (size_t i = 0; i < batch->count; i++)
        group_publish(operation->coordinator, &batch->groups[i], fault == FAULT_NONE);
}

static void calendar_advance(struct coordinator *coordinator, const struct batch *batch)
{
    if (batch->count > 0)
        coordinator->redrawn = batch->due[batch->count - 1];
    coordinator->tick_redraws -= batch->count > 0 ? batch->count : coordinator->tick_redraws;
}

/* One group that cannot be settled must not keep others from it: after a batch of many failed,
 * groups go one by one. */
static void batch_answer(struct operation *operation, enum fault fault)
{
    struct batch *batch = (struct batch *)operation;
    struct coordinator *coordinator = operation->coordinator;
    if (fault) {
        coordinator->release_failures++;
        coordinator->tick_failures++;
    }
    if (batch->redraws_max > 0)
        calendar_advance(coordinator, batch);
    if (fault && (batch->count > 1 || coordinator->tick_failures >= TICK_FAILURES_MAX))
        coordinator->tick_runs = false; /* until the next one: the disk may be in trouble */
    else
        batch_next(coordinator, batch->rules.now_s);
}

/* ---- The tick ---- */

static bool gate_is_dp(const struct coordinator *coordinator)
{
    return coordinator->settings->release_gate == RELEASE_GATE_DP;
}

static struct batch *batch_new(struct coordinator *coordinator, int64_t now_s)
{
    struct batch *batch = operation_new(coordinator, sizeof *batch, batch_apply, batch_settle);
    if (!batch)
        return NULL;
    batch->operation.answer = batch_answer;
    batch->job.run = batch_evaluate;
    batch->job.done = batch_evaluated;
    batch->rules = (struct group_rules){
        .federation_id = &coordinator->federation_id,
        .noise_key = coordinator->keyring->noise,
        .gate_key = coordinator->keyring->gate,
        .token_bits = coordinator->epoch.token_bits,
        .now_s = now_s,
        .selection = gate_is_dp(coordinator) ? &coordinator->selection : NULL,
        .gate_is_open = coordinator->gate_is_open,
    };
    return batch;
}

/* Marked groups, at most `max`. What is not released waits for the gate without being looked at. */
static void batch_take(struct batch *batch, size_t max)
{
    struct coordinator *coordinator = batch->operation.coordinator;
    bool closed = gate_is_dp(coordinator) && !coordinator->gate_is_open;
    size_t load = 0;
    while (coordinator->tick_left > 0 && batch->count < max && load < RELEASE_BATCH_LOAD) {
        uint32_t id = 0;
        coordinator->tick_left--;
        if (catalog_take_marked(coordinator->catalog, &id, 1) == 0)
            continue;
        if (closed && !search_has(coordinator->search, id)) {
            group_wait(coordinator, id);
            continue;
        }
        load += catalog_contributions(coordinator->catalog, id);
        batch->groups[batch->count++].pattern = id;
    }
}

static void batch_next(struct coordinator *coordinator, int64_t now_s)
{
    size_t max = coordinator->tick_alone ? 1 : RELEASE_BATCH;
    bool more = coordinator->tick_left > 0 || coordinator->tick_redraws > 0;
    struct batch *batch = more ? batch_new(coordinator, now_s) : NULL;
    coordinator->tick_runs = batch != NULL;
    if (!more)
        tick_end(coordinator, now_s);
    if (!batch)
        return;
    batch_take(batch, max);
    if (batch->count == 0) {
        batch->redraws_max = max < coordinator->tick_redraws ? max : coordinator->tick_redraws;
        batch->due[0] = coordinator->redrawn;
    }
    workers_submit(coordinator->workers, &batch->job);
}

/*
 * What had enough contributors is released by now, and what is sealed of past epochs may go: unless
 * it waits for a gate that was closed, and has not been looked at.
 */
static void tick_end(struct coordinator *coordinator, int64_t now_s)
{
    coordinator->tick_runs = false;
    if (!gate_is_dp(coordinator) || coordinator->gate_is_open)
        epochs_expire(coordinator, now_s);
}

void release_stop(struct coordinator *coordinator)
{
    coordinator->tick_left = 0;
    coordinator->tick_redraws = 0;
}

/* The first tick of a day opens the gate for those who waited. */
static void gate_turn(struct coordinator *coordinator, int64_t now_s)
{
    struct ids *waits = &coordinator->gate_waits;
    int64_t today = clock_day(now_s);
    coordinator->gate_is_open = gate_is_dp(coordinator) && today > coordinator->gate_day;
    if (!coordinator->gate_is_open)
        return;
    coordinator->gate_day = today;
    for (size_t i = 0; i < waits->count; i++)
        (void)catalog_mark(coordinator->catalog, waits->items[waits->first + i]);
    ids_done(waits);
}

void release_tick(struct coordinator *coordinator, int64_t now_s)
{
    if (!coordinator->ready || coordinator->tick_runs)
        return;
    gate_turn(coordinator, now_s);
    coordinator->tick_left = catalog_marked(coordinator->catalog);
    coordinator->tick_redraws = REDRAWS_MAX;
    coordinator->redrawn = (struct calendar_place){0};
    coordinator->tick_alone = coordinator->tick_failures > 0;
    coordinator->tick_failures = 0;
    batch_next(coordinator, now_s);
}
