/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/membership.h"
#include "domain/withdrawal.h"
#include "lib/world.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* ---- Join ---- */

static void join_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

enum fault world_join(struct world *world, unsigned member, enum level level,
                      enum privacy_mode mode)
{
    enum fault answer = WORLD_UNANSWERED;
    const struct signing_key *key = &world->members[member];
    char coordinator_key[B64_LENGTH(32) + 1], public_key[B64_LENGTH(32) + 1];
    char timestamp[CLOCK_TEXT_LENGTH + 1], nonce[B64_LENGTH(NONCE_LENGTH) + 1];
    struct join *join = join_new(world->coordinator);
    if (!join)
        return FAULT_MEMORY;
    join->operation.answer = join_answered;
    join->operation.context = &answer;
    join->row = (struct instance_row){.public_key = key->public,
                                      .level = (uint8_t)level,
                                      .mode = (uint8_t)mode,
                                      .handle = UINT64_C(0xa00000000000) + ++world->joins,
                                      .joined_at_s = world->now_s};
    bytes_random(join->proof.nonce, NONCE_LENGTH);
    b64_encode(join->proof.nonce, NONCE_LENGTH, nonce);
    b64_encode(&world->keyring.signing.public, 32, coordinator_key);
    b64_encode(&key->public, 32, public_key);
    clock_format(world->now_s, timestamp);
    join->proof.timestamp = timestamp;
    join->proof.nonce_text = nonce;
    join->proof.timestamp_s = join->proof.now_s = world->now_s;
    join->public_key_text = public_key;
    join->key_check = join->invite = "";
    const char *lines[] = {"cfed/v1/join",
                           coordinator_key,
                           public_key,
                           "",
                           level_name(level),
                           privacy_of(mode)->name,
                           "",
                           timestamp,
                           nonce};
    assert_true(lines_sign(key, lines, sizeof lines / sizeof *lines, &join->proof.signature));
    enum fault fault = join_submit(join);
    if (fault)
        operation_free(&join->operation);
    else
        world_run(world);
    return fault ? fault : answer;
}

void world_people(struct world *world, unsigned count, enum privacy_mode mode)
{
    for (unsigned member = 0; member < count; member++)
        assert_int_equal(world_join(world, member, LEVEL_EXTENSIVE, mode), FAULT_NONE);
}

void world_set_tier(struct world *world, unsigned member, enum tier tier)
{
    uint8_t old = 0;
    uint64_t handle = world_instance(world, member)->handle;
    world_shut(world);
    struct why why;
    assert_int_equal(database_open(world->path, DATABASE_WRITER, &world->database, &why),
                     FAULT_NONE);
    assert_int_equal(instance_set_tier(world->database, handle, (uint8_t)tier, &old), FAULT_NONE);
    database_close(TAKE(world->database));
    assert_int_equal(world_try_open(world), FAULT_NONE);
}

/* ---- Contribute ---- */

static void contribution_answered(struct operation *operation, enum fault fault)
{
    struct contribution *contribution = (struct contribution *)operation;
    struct contributed *ret = operation->context;
    *ret = (struct contributed){.fault = fault, .allowance = contribution->allowance};
    if (fault)
        return;
    ret->earned = contribution->earned;
    ret->balance = contribution->balance;
    ret->daily_remaining = contribution->daily_remaining;
    ret->count = contribution->count;
    for (size_t i = 0; i < contribution->count; i++) {
        ret->added += contribution->offers[i].added;
        ret->refusals[i] = contribution->offers[i].refusal;
    }
}

static void offer_fill(struct world *world, unsigned member, const struct bundle *bundle, size_t i,
                       struct offer *offer)
{
    const struct made_up_pattern *pattern = world_pattern(world, bundle->patterns[i]);
    const struct federation_id *id = &world->coordinator->federation_id;
    offer->record = pattern->record;
    offer->confidence = bundle->confidence;
    made_up_share(pattern, id, &world->members[member].public, &offer->share);
    if (bundle->bad)
        offer->share = (struct scalar){.bytes = {(uint8_t)(member + 1)}};
    offer_check(offer, id);
    assert_int_equal(offer->refusal, FAULT_NONE);
}

void world_contribute_start(struct world *world, unsigned member, const struct bundle *bundle,
                            struct contributed *ret)
{
    *ret = (struct contributed){.fault = WORLD_UNANSWERED};
    struct contribution *contribution = contribution_new(world->coordinator);
    if (!contribution) {
        ret->fault = FAULT_MEMORY;
        return;
    }
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    contribution->operation.answer = contribution_answered;
    contribution->operation.context = ret;
    contribution->operation.memo = TAKE(world->memo);
    contribution->number = instance->number;
    contribution->mode = instance->mode;
    contribution->now_s = world->now_s;
    contribution->count = bundle->count;
    contribution->offers =
        arena_array(&contribution->operation.arena, bundle->count, sizeof(struct offer));
    enum fault fault = contribution->offers ? FAULT_NONE : FAULT_MEMORY;
    for (size_t i = 0; i < bundle->count && !fault; i++)
        offer_fill(world, member, bundle, i, &contribution->offers[i]);
    if (!fault)
        fault = contribution_submit(contribution);
    if (fault) {
        operation_free(&contribution->operation);
        ret->fault = fault;
    }
}

static struct contributed contribute(struct world *world, unsigned member, unsigned pattern,
                                     bool bad)
{
    struct contributed ret;
    struct bundle bundle = {.patterns = {pattern}, .count = 1, .confidence = 80, .bad = bad};
    world_contribute_start(world, member, &bundle, &ret);
    world_run(world);
    return ret;
}

struct contributed world_contribute(struct world *world, unsigned member, unsigned pattern)
{
    return contribute(world, member, pattern, false);
}

void world_contribute_all(struct world *world, unsigned pattern, unsigned first, unsigned last)
{
    for (unsigned member = first; member <= last; member++)
        assert_int_equal(world_contribute(world, member, pattern).added, 1);
}

struct contributed world_contribute_bad(struct world *world, unsigned member, unsigned pattern)
{
    return contribute(world, member, pattern, true);
}

/* ---- Withdraw ---- */

static void withdrawal_answered(struct operation *operation, enum fault fault)
{
    const struct withdrawal *withdrawal = (const struct withdrawal *)operation;
    struct withdrawn *ret = operation->context;
    *ret = (struct withdrawn){.fault = fault};
    if (fault)
        return;
    ret->withdrawn = withdrawal->withdrawn;
    ret->reversed = withdrawal->reversed;
    ret->balance = withdrawal->balance;
}

void world_withdraw_start(struct world *world, unsigned member, int pattern, struct withdrawn *ret)
{
    *ret = (struct withdrawn){.fault = WORLD_UNANSWERED};
    struct withdrawal *withdrawal = withdrawal_new(world->coordinator);
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    if (!withdrawal) {
        ret->fault = FAULT_MEMORY;
        return;
    }
    withdrawal->operation.answer = withdrawal_answered;
    withdrawal->operation.context = ret;
    withdrawal->number = instance->number;
    withdrawal->now_s = world->now_s;
    withdrawal->all = pattern == WORLD_ALL;
    if (pattern != WORLD_ALL)
        withdrawal->tag = world_pattern(world, (unsigned)pattern)->record.tag;
    withdrawal_submit(withdrawal);
}

struct withdrawn world_withdraw(struct world *world, unsigned member, int pattern)
{
    struct withdrawn ret;
    world_withdraw_start(world, member, pattern, &ret);
    world_run(world);
    return ret;
}

/* ---- Query, lookup ---- */

static void query_answered(struct operation *operation, enum fault fault)
{
    const struct query *query = (const struct query *)operation;
    struct asked *ret = operation->context;
    ret->fault = fault;
    ret->cost = query->cost;
    memcpy(ret->id, query->id, sizeof ret->id);
    ret->balance = query->balance;
    ret->allowance = query->allowance;
    ret->is_matched = query->is_matched;
    ret->count = fault ? 0 : query->count;
    for (size_t i = 0; i < ret->count; i++) {
        ret->results[i].tag = query->results[i].record.tag;
        ret->results[i].contributor_count = query->results[i].release.contributor_count;
        ret->results[i].confidence = query->results[i].release.confidence;
        ret->results[i].score_millionths = query->results[i].score_millionths;
    }
}

void world_query_start(struct world *world, unsigned member, unsigned pattern, bool priority,
                       struct asked *ret)
{
    *ret = (struct asked){.fault = WORLD_UNANSWERED};
    struct query *query = query_new(world->coordinator);
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    enum fault fault = FAULT_MEMORY;
    if (query) {
        query->operation.answer = query_answered;
        query->operation.context = ret;
        query->operation.memo = TAKE(world->memo);
        query->number = instance->number;
        query->now_s = world->now_s;
        query->max_results = SEARCH_HITS_MAX;
        query->priority = priority;
        query->token_count = MADE_UP_TOKENS;
        query->tokens[0] = made_up_token(pattern, 0);
        query->tokens[1] = made_up_token(pattern, 1);
        bytes_random(query->id, sizeof query->id);
        fault = query_submit(query, instance);
    }
    if (fault) {
        if (query)
            operation_free(&query->operation);
        ret->fault = fault;
    }
}

struct asked world_query(struct world *world, unsigned member, unsigned pattern)
{
    struct asked ret;
    world_query_start(world, member, pattern, false, &ret);
    world_run(world);
    return ret;
}

struct looked_up {
    enum fault fault;
    struct published *published;
};

static void lookup_answered(struct operation *operation, enum fault fault)
{
    struct looked_up *ret = operation->context;
    ret->fault = fault;
    if (!fault)
        *ret->published = ((const struct lookup *)operation)->published;
}

enum fault world_lookup(struct world *world, unsigned member, unsigned pattern,
                        struct published *ret)
{
    struct looked_up answer = {.fault = WORLD_UNANSWERED, .published = ret};
    struct lookup *lookup = lookup_new(world->coordinator);
    if (!lookup)
        return FAULT_MEMORY;
    lookup->operation.answer = lookup_answered;
    lookup->operation.context = &answer;
    enum fault fault = lookup_submit(lookup, &world_pattern(world, pattern)->record.tag,
                                     world_instance(world, member), world->now_s);
    if (fault) {
        operation_free(&lookup->operation);
        return fault;
    }
    world_run(world);
    return answer.fault;
}

/* ---- With an Idempotency-Key ---- */

static void keyed_fresh(struct memo *memo)
{
    ((struct keyed *)memo)->is_fresh = true;
}

static void keyed_again(struct memo *memo)
{
    ((struct keyed *)memo)->is_again = true;
}

void world_keyed(struct world *world, unsigned member, const char *path, const char *key,
                 struct keyed *ret)
{
    struct memo_request request = {.method = "POST", .path = path, .key = key, .body = ""};
    *ret = (struct keyed){
        .memo =
            {
                .coordinator = world->coordinator,
                .instance = world_instance(world, member)->number,
                .now_s = world->now_s,
                .fresh = keyed_fresh,
                .again = keyed_again,
            },
    };
    memo_hash(&ret->memo, &request);
}

bool world_recall(struct world *world, struct keyed *keyed, struct operation *operation,
                  void (*answer)(struct operation *operation, enum fault fault), void *ret)
{
    operation->answer = answer;
    operation->context = ret;
    keyed->is_fresh = keyed->is_again = false;
    memo_recall(&keyed->memo, operation);
    world_run(world);
    return !keyed->is_fresh;
}

bool world_recall_contribution(struct world *world, struct keyed *keyed, struct contributed *ret)
{
    struct contribution *contribution = contribution_new(world->coordinator);
    if (!contribution)
        ret->fault = FAULT_MEMORY;
    return !contribution ||
           world_recall(world, keyed, &contribution->operation, contribution_answered, ret);
}

bool world_recall_query(struct world *world, struct keyed *keyed, struct asked *ret)
{
    struct query *query = query_new(world->coordinator);
    if (!query)
        ret->fault = FAULT_MEMORY;
    return !query || world_recall(world, keyed, &query->operation, query_answered, ret);
}

/* ---- Erase ---- */

struct erased {
    enum fault fault;
    size_t contributions;
};

static void erasure_answered(struct operation *operation, enum fault fault)
{
    *(struct erased *)operation->context = (struct erased){
        .fault = fault, .contributions = ((const struct erasure *)operation)->contributions};
}

enum fault world_erase(struct world *world, unsigned member, size_t *ret_contributions)
{
    struct erased answer = {.fault = WORLD_UNANSWERED};
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    struct erasure *erasure = erasure_new(world->coordinator, instance);
    if (!erasure)
        return FAULT_MEMORY;
    erasure->operation.answer = erasure_answered;
    erasure->operation.context = &answer;
    erasure->now_s = world->now_s;
    erasure_submit(erasure);
    world_run(world);
    if (ret_contributions)
        *ret_contributions = answer.contributions;
    return answer.fault;
}
