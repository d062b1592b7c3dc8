/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "domain/departure.h"
#include "domain/membership.h"
#include "domain/routing.h"
#include "domain/waiting.h"
#include "store/catalog.h"
#include "store/erasure_log.h"
#include "store/judgements.h"
#include "store/keyring.h"
#include "store/ledger.h"
#include "store/memos.h"
#include "store/patterns.h"
#include "store/routing.h"
#include "store/search.h"
#include "store/sets.h"

static void note_gone(struct erasure *erasure, uint32_t pattern, bool contributed, bool last)
{
    size_t i = erasure->gone_count++;
    erasure->gone[i].pattern = pattern;
    erasure->gone[i].contributed = contributed;
    erasure->gone[i].last = last;
}

/* ---- What a member leaves behind. Each erases at most `max` rows and counts them. ---- */

static enum fault judgements_erase(struct erasure *erasure, struct database *database,
                                   enum judgement kind, size_t max, size_t *ret_count)
{
    enum fault fault = FAULT_NONE;
    while (*ret_count < max && !fault) {
        uint32_t pattern = 0;
        fault = judgement_delete_next(database, kind, erasure->number, &pattern);
        if (!fault)
            fault = release_unsettle(database, pattern);
        if (fault)
            break;
        note_gone(erasure, pattern, false, false);
        ++*ret_count;
    }
    return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

static enum fault verifications_erase(struct erasure *erasure, struct database *database,
                                      size_t max, size_t *ret_count)
{
    enum fault fault = judgements_erase(erasure, database, JUDGEMENT_VERIFICATION, max, ret_count);
    erasure->verifications += *ret_count;
    return fault;
}

static enum fault votes_erase(struct erasure *erasure, struct database *database, size_t max,
                              size_t *ret_count)
{
    enum fault fault = judgements_erase(erasure, database, JUDGEMENT_VOTE, max, ret_count);
    erasure->votes += *ret_count;
    return fault;
}

static enum fault contributions_erase(struct erasure *erasure, struct database *database,
                                      size_t max, size_t *ret_count)
{
    enum fault fault = FAULT_NONE;
    struct instance_change change = {0};
    while (*ret_count < max && !fault) {
        struct contribution_row row;
        bool last = false;
        fault = contribution_next(database, erasure->number, 0, &row);
        if (!fault)
            fault = contribution_delete(database, &row, &last);
        if (fault)
            break;
        note_gone(erasure, row.pattern, true, last);
        change.contributions--;
        change.released -= row.state == CONTRIBUTION_RELEASED;
        ++*ret_count;
    }
    erasure->contributions += *ret_count;
    if (!fault || fault == FAULT_NOT_FOUND)
        fault = instance_count(database, erasure->number, &change);
    return fault;
}

static enum fault account_erase(struct erasure *erasure, struct database *database, size_t max,
                                size_t *ret_count)
{
    return ledger_bury(database, erasure->number, max, ret_count);
}

static enum fault downloads_erase(struct erasure *erasure, struct database *database, size_t max,
                                  size_t *ret_count)
{
    return downloads_delete_of_instance(database, erasure->number, max, ret_count);
}

/* On each question hang the deliveries to all whom it was put to, and their answers. */
enum { ROWS_OF_QUESTION = 2 * ROUTE_FANOUT_MAX };

static enum fault questions_erase(struct erasure *erasure, struct database *database, size_t max,
                                  size_t *ret_count)
{
    size_t count = 0, room = (max + ROWS_OF_QUESTION - 1) / ROWS_OF_QUESTION;
    enum fault fault = questions_delete_of_instance(database, erasure->number, room, &count);
    erasure->queries += count;
    *ret_count = count < room ? count * ROWS_OF_QUESTION : max;
    return fault;
}

static enum fault deliveries_erase(struct erasure *erasure, struct database *database, size_t max,
                                   size_t *ret_count)
{
    enum fault fault = deliveries_delete_of_instance(database, erasure->number, max, ret_count);
    erasure->deliveries += *ret_count;
    return fault;
}

static enum fault memos_erase(struct erasure *erasure, struct database *database, size_t max,
                              size_t *ret_count)
{
    return memos_delete_of_instance(database, erasure->number, max, ret_count);
}

/* In the order in which they go: what refers to others first. A step begins at the top each time,
 * so that what a request still under way adds is found too. */
static enum fault (*const remains[])(struct erasure *erasure, struct database *database, size_t max,
                                     size_t *ret_count) = {
    verifications_erase, votes_erase, questions_erase,     deliveries_erase,
    downloads_erase,     memos_erase, contributions_erase, account_erase,
};

/* ---- The steps ---- */

static enum fault erasure_log(struct erasure *erasure)
{
    if (erasure->logged)
        return FAULT_NONE;
    enum fault fault = erasure_log_add(erasure->operation.coordinator->erasures, erasure->handle,
                                       &erasure->public_key);
    erasure->logged = fault == FAULT_NONE;
    return fault;
}

static enum fault erasure_apply(struct command *command, struct database *database)
{
    struct erasure *erasure = (struct erasure *)command;
    struct instance_row row;
    size_t left = ERASURE_STEP;
    erasure->gone_count = 0;
    command->scrub = erasure->erased;
    if (erasure->erased)
        return FAULT_NONE;
    enum fault fault = instance_get(database, erasure->number, &row);
    if (!fault)
        fault = erasure_log(erasure);
    for (size_t i = 0; i < sizeof remains / sizeof *remains && left > 0 && !fault; i++) {
        size_t count = 0;
        fault = remains[i](erasure, database, left, &count);
        left -= count;
    }
    erasure->operation.again = command->scrub_follows = true;
    if (fault || left == 0)
        return fault;
    erasure->erased = true;
    return instance_delete(database, erasure->number);
}

static void erasure_settle(struct operation *operation, enum fault fault)
{
    const struct erasure *erasure = (struct erasure *)operation;
    struct coordinator *coordinator = operation->coordinator;
    struct instance *instance = directory_find_number(coordinator->directory, erasure->number);
    for (size_t i = 0; i < erasure->gone_count && !fault; i++) {
        uint32_t pattern = erasure->gone[i].pattern;
        if (erasure->gone[i].contributed)
            contribution_forget(coordinator, pattern, erasure->gone[i].last);
        else if (search_has(coordinator->search, pattern))
            (void)catalog_mark(coordinator->catalog, pattern); /* or at the next start */
    }
    if (instance && fault)
        instance->leaving = false;
    if (fault || !erasure->erased)
        return;
    waiting_wake(coordinator->waiting, (struct waiting_key){WAITING_INBOX, erasure->number});
    if (instance)
        directory_remove(coordinator->directory, instance);
}

struct erasure *erasure_new(struct coordinator *coordinator, const struct instance *instance)
{
    struct erasure *erasure =
        operation_new(coordinator, sizeof *erasure, erasure_apply, erasure_settle);
    if (!erasure)
        return NULL;
    erasure->number = instance->number;
    erasure->handle = instance->handle;
    erasure->public_key = instance->public_key;
    return erasure;
}

void erasure_submit(struct erasure *erasure)
{
    struct instance *instance =
        directory_find_number(erasure->operation.coordinator->directory, erasure->number);
    if (instance)
        instance->leaving = true;
    operation_submit(&erasure->operation);
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
