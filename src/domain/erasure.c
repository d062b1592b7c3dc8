/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "domain/membership.h"
#include "domain/waiting.h"
#include "domain/withdrawal.h"
#include "store/catalog.h"
#include "store/judgements.h"
#include "store/keyring.h"
#include "store/ledger.h"
#include "store/patterns.h"
#include "store/routing.h"
#include "store/search.h"

/* Room in the arena for as many as the instance's counter says that it has. */
static enum fault erasure_prepare(struct erasure *erasure, struct database *database,
                                  size_t *ret_count)
{
    struct instance_row row;
    enum fault fault = instance_get(database, erasure->number, &row);
    if (fault)
        return fault;
    size_t count = (size_t)row.contributions;
    erasure->patterns = arena_array(&erasure->operation.arena, count, sizeof(uint32_t));
    erasure->last = arena_array(&erasure->operation.arena, count, sizeof(bool));
    if (!erasure->patterns || !erasure->last)
        return FAULT_MEMORY;
    *ret_count = count;
    return FAULT_NONE;
}

static enum fault judged_note(void *context, uint32_t pattern)
{
    struct erasure *erasure = context;
    erasure->judged[erasure->judged_count++] = pattern;
    return FAULT_NONE;
}

/* What it said of patterns, which are counted again at the next tick. */
static enum fault erasure_unsay(struct erasure *erasure, struct database *database)
{
    enum fault fault =
        judgements_of_instance(database, erasure->number, &erasure->verifications, &erasure->votes);
    if (fault)
        return fault;
    erasure->judged = arena_array(&erasure->operation.arena,
                                  erasure->verifications + erasure->votes, sizeof(uint32_t));
    if (!erasure->judged)
        return FAULT_MEMORY;
    fault = judged_each(database, erasure->number, judged_note, erasure);
    for (size_t i = 0; i < erasure->judged_count && !fault; i++)
        fault = release_unsettle(database, erasure->judged[i]);
    return fault ? fault : judgements_delete_of_instance(database, erasure->number);
}

/* Everything in one transaction: judgements, questions and answers, shares, patterns that nobody
 * else holds, standing, account, the row itself. */
static enum fault erasure_apply(struct command *command, struct database *database)
{
    struct erasure *erasure = (struct erasure *)command;
    size_t count = 0;
    enum fault fault = erasure_prepare(erasure, database, &count);
    if (!fault)
        fault = erasure_unsay(erasure, database);
    if (!fault)
        fault = routing_delete_of_instance(database, erasure->number, &erasure->queries,
                                           &erasure->deliveries);
    struct contribution_row row = {0};
    for (size_t i = 0; i < count && !fault; i++) {
        fault = contribution_next(database, erasure->number, row.sequence, &row);
        if (fault)
            return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
        erasure->patterns[i] = row.pattern;
        fault = contribution_delete(database, &row, &erasure->last[i]);
        erasure->contributions = i + 1;
    }
    if (!fault)
        fault = ledger_bury(database, erasure->number);
    return fault ? fault : instance_delete(database, erasure->number);
}

static void erasure_settle(struct operation *operation, enum fault fault)
{
    struct erasure *erasure = (struct erasure *)operation;
    struct coordinator *coordinator = operation->coordinator;
    if (fault)
        return;
    for (size_t i = 0; i < erasure->contributions; i++)
        contribution_forget(coordinator, erasure->patterns[i], erasure->last[i]);
    for (size_t i = 0; i < erasure->judged_count; i++)
        if (search_has(coordinator->search, erasure->judged[i]))
            (void)catalog_mark(coordinator->catalog, erasure->judged[i]); /* or at the next start */
    waiting_wake(coordinator->waiting, (struct waiting_key){WAITING_INBOX, erasure->number});
    struct instance *instance = directory_find_number(coordinator->directory, erasure->number);
    if (instance)
        directory_remove(coordinator->directory, instance);
}

void erasure_receipt(const struct erasure *erasure, struct erasure_receipt *ret)
{
    const struct signing_key *key = &erasure->operation.coordinator->keyring->signing;
    const size_t counts[] = {erasure->contributions, erasure->verifications, erasure->votes,
                             erasure->queries, erasure->deliveries};
    char coordinator_key[B64_LENGTH(32) + 1], texts[5][24];
    b64_encode(&key->public, 32, coordinator_key);
    for (size_t i = 0; i < 5; i++)
        snprintf(texts[i], sizeof texts[i], "%zu", counts[i]);
    instance_id_format(erasure->handle, ret->instance_id);
    clock_format(erasure->now_s, ret->erased_at);
    const char *lines[] = {
        "cfed/v1/erasure-receipt",
        coordinator_key,
        ret->instance_id,
        ret->erased_at,
        texts[0],
        texts[1],
        texts[2],
        texts[3],
        texts[4],
    };
    lines_sign(key, lines, sizeof lines / sizeof *lines, &ret->signature);
}

struct erasure *erasure_new(struct coordinator *coordinator)
{
    struct erasure *erasure =
        operation_new(coordinator, sizeof *erasure, erasure_apply, erasure_settle);
    if (erasure)
        erasure->operation.command.scrub = true;
    return erasure;
}
