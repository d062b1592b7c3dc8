/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/judgement.h"

#include <string.h>

#include "domain/credits.h"
#include "domain/memo.h"
#include "domain/query.h"
#include "store/catalog.h"
#include "store/keyring.h"
#include "store/patterns.h"
#include "store/readers.h"
#include "store/search.h"
#include "util/clock.h"

enum { VERIFICATION_WEIGHT = 2, TRUST_PRIOR = 2 };

static uint64_t judgements_for(const struct judgements *judgements)
{
    return (uint64_t)judgements->confirmed * VERIFICATION_WEIGHT + judgements->votes_high;
}

static uint64_t judgements_against(const struct judgements *judgements)
{
    return (uint64_t)judgements->refuted * VERIFICATION_WEIGHT + judgements->votes_low;
}

int judgements_quality(const struct judgements *judgements)
{
    uint64_t p = judgements_for(judgements), all = p + judgements_against(judgements);
    return all == 0 ? -1 : (int)((200 * p + all) / (2 * all));
}

uint8_t judgements_trust(const struct judgements *judgements, uint8_t confidence)
{
    uint64_t p = judgements_for(judgements), n = judgements_against(judgements);
    uint64_t trust = confidence * (p + TRUST_PRIOR) / (p + n + TRUST_PRIOR);
    return trust ? (uint8_t)trust : 1;
}

bool judgements_are_high(const struct judgements *judgements, uint32_t votes_min)
{
    uint64_t high = judgements->votes_high, votes = high + judgements->votes_low;
    return votes >= votes_min && 3 * high >= 2 * votes;
}

/* FAULT_NOT_FOUND: unknown or sealed, which nobody can tell apart. */
static enum fault judge_find(struct judge *judge, const struct coordinator *coordinator,
                             const struct tag *tag, const struct instance *asker, int64_t now_s)
{
    const struct settings *settings = coordinator->settings;
    struct search_facts facts;
    judge->pattern = catalog_find(coordinator->catalog, tag);
    if (!search_facts_get(coordinator->search, judge->pattern, &facts))
        return FAULT_NOT_FOUND;
    judge->number = asker->number;
    judge->public_key = asker->public_key;
    judge->now_s = now_s;
    if (settings->require_contribution && !asker->has_contributed)
        judge->entitlement = FAULT_CONTRIBUTION_REQUIRED;
    else if (!pattern_is_visible(settings, asker, &facts, now_s))
        judge->entitlement = FAULT_LEVEL_TOO_LOW;
    return FAULT_NONE;
}

/* Now that the command's turn has come: still a member, still released, and not the judge's own. */
static enum fault judge_check(const struct judge *judge, struct database *database)
{
    struct instance_row instance;
    struct release_row release;
    struct contribution_row own;
    enum fault fault = instance_get(database, judge->number, &instance);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
    fault = release_get(database, judge->pattern, &release);
    if (fault)
        return fault;
    fault = contribution_find(database, judge->pattern, judge->number, &own);
    if (fault == FAULT_NOT_FOUND)
        return FAULT_NONE;
    return fault ? fault : FAULT_OWN_PATTERN;
}

/* Counts become public at ticks. */
static void judge_settle(const struct judge *judge, struct coordinator *coordinator,
                         enum fault fault)
{
    if (!fault)
        (void)catalog_mark(coordinator->catalog, judge->pattern); /* no memory: at the next start */
}

/* ---- Verifications ---- */

/* Under W of the pattern (its maker holds F and s) and under the instance's own key. */
static enum fault verification_check(const struct verification *verification,
                                     const struct public_key *verify_key)
{
    char coordinator_key[B64_LENGTH(32) + 1];
    b64_encode(&verification->operation.coordinator->keyring->signing.public, 32, coordinator_key);
    const char *lines[] = {
        "cfed/v1/verify",
        coordinator_key,
        verification->tag_text,
        verification->verifier_text,
        verification->verdict == VERDICT_CONFIRM ? "confirm" : "refute",
    };
    size_t count = sizeof lines / sizeof *lines;
    bool proved =
        lines_verify(verify_key, lines, count, &verification->proof) &&
        lines_verify(&verification->judge.public_key, lines, count, &verification->signature);
    return proved ? FAULT_NONE : FAULT_PROOF_INVALID;
}

void verification_prove(struct verification *verification)
{
    struct readers *readers = verification->operation.coordinator->readers;
    struct database *reader = NULL;
    struct record record;
    bool spoiled = false;
    if (readers_take(readers, &reader))
        return;
    enum fault fault = pattern_get(reader, verification->judge.pattern, &record, &spoiled);
    readers_give(readers, reader);
    if (fault)
        return;
    verification->unproved = verification_check(verification, &record.verify_key);
    verification->checked_by = record.verify_key;
    verification->is_checked = true;
}

/* On the writer: what a worker found, unless it is another pattern by now. */
static enum fault verification_proof(const struct verification *verification,
                                     const struct record *record)
{
    bool looked =
        verification->is_checked &&
        bytes_equal(&verification->checked_by, &record->verify_key, sizeof record->verify_key);
    return looked ? verification->unproved : verification_check(verification, &record->verify_key);
}

static enum fault verification_pay(struct verification *verification, struct database *database)
{
    const struct coordinator *coordinator = verification->operation.coordinator;
    const struct settings *settings = coordinator->settings;
    const struct judge *judge = &verification->judge;
    int64_t today = clock_day(judge->now_s);
    struct activity activity = {0}, paid = {.verified = 1};
    struct payable payable = {
        .kind = TRANSFER_VERIFY, .instance = judge->number, .tag = &verification->tag};
    bool made = false;
    enum fault fault = activity_get(database, judge->number, today, &activity);
    if (fault || activity.verified >= settings->daily_verification_limit)
        return fault;
    fault =
        credits_earn(coordinator, database, &payable, settings->price_verify, judge->now_s, &made);
    if (fault || !made)
        return fault;
    verification->earned = settings->price_verify;
    return activity_add(database, judge->number, today, &paid);
}

static enum fault verification_add(struct verification *verification, struct database *database)
{
    const struct judge *judge = &verification->judge;
    struct verification_row row = {
        .pattern = judge->pattern,
        .instance = judge->number,
        .verdict = verification->verdict,
        .proof = verification->proof,
        .created_at_s = judge->now_s,
    };
    bool added = false;
    memcpy(row.verifier, verification->verifier, sizeof row.verifier);
    enum fault fault = verification_insert(database, &row, &added);
    return fault || added ? fault : FAULT_ALREADY_VERIFIED;
}

static enum fault verification_apply(struct command *command, struct database *database)
{
    struct verification *verification = (struct verification *)command;
    const struct judge *judge = &verification->judge;
    struct record record;
    bool spoiled = false;
    enum fault fault = judge_check(judge, database);
    if (!fault)
        fault = pattern_get(database, judge->pattern, &record, &spoiled);
    if (!fault)
        fault = verification_proof(verification, &record);
    if (!fault)
        fault = verification_add(verification, database);
    if (!fault)
        fault = judge->entitlement; /* the row that was added goes with the command */
    if (!fault)
        fault = release_unsettle(database, judge->pattern);
    if (!fault)
        fault = verification_pay(verification, database);
    return fault ? fault : account_balance(database, judge->number, &verification->balance);
}

static void verification_keep(struct operation *operation, struct memo *memo)
{
    memo_credits(memo, &((struct verification *)operation)->earned);
}

static enum fault verification_refresh(struct operation *operation, struct database *database)
{
    return memo_balance(operation->memo, database, &((struct verification *)operation)->balance);
}

static const struct replay verification_replay = {
    .keep = verification_keep,
    .refresh = verification_refresh,
};

static void verification_settle(struct operation *operation, enum fault fault)
{
    judge_settle(&((struct verification *)operation)->judge, operation->coordinator, fault);
}

struct verification *verification_new(struct coordinator *coordinator)
{
    struct verification *verification =
        operation_new(coordinator, sizeof *verification, verification_apply, verification_settle);
    if (verification)
        verification->operation.replay = &verification_replay;
    return verification;
}

enum fault verification_find(struct verification *verification, const struct instance *asker,
                             int64_t now_s)
{
    return judge_find(&verification->judge, verification->operation.coordinator, &verification->tag,
                      asker, now_s);
}

static enum fault verifications_apply(struct command *command, struct database *database)
{
    struct verifications *verifications = (struct verifications *)command;
    struct release_row release;
    enum fault fault = release_get(database, verifications->pattern, &release);
    if (fault)
        return fault;
    verifications->counts = release.judgements;
    return verifications_sample(database, verifications->pattern, VERIFICATIONS_SAMPLE_MAX,
                                verifications->sample, &verifications->count);
}

struct verifications *verifications_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct verifications), verifications_apply, NULL);
}

enum fault verifications_submit(struct verifications *verifications, const struct tag *tag)
{
    const struct coordinator *coordinator = verifications->operation.coordinator;
    verifications->pattern = catalog_find(coordinator->catalog, tag);
    if (!search_has(coordinator->search, verifications->pattern))
        return FAULT_NOT_FOUND;
    operation_submit(&verifications->operation);
    return FAULT_NONE;
}

/* ---- Votes ---- */

static enum fault vote_apply(struct command *command, struct database *database)
{
    struct vote *vote = (struct vote *)command;
    const struct judge *judge = &vote->judge;
    enum fault fault = judge_check(judge, database);
    if (!fault)
        fault = judge->entitlement;
    if (!fault)
        fault = vote_put(database, judge->pattern, judge->number, vote->high, judge->now_s);
    return fault ? fault : release_unsettle(database, judge->pattern);
}

static void vote_settle(struct operation *operation, enum fault fault)
{
    judge_settle(&((struct vote *)operation)->judge, operation->coordinator, fault);
}

struct vote *vote_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct vote), vote_apply, vote_settle);
}

enum fault vote_submit(struct vote *vote, const struct tag *tag, const struct instance *asker,
                       int64_t now_s)
{
    enum fault fault = judge_find(&vote->judge, vote->operation.coordinator, tag, asker, now_s);
    if (!fault)
        operation_submit(&vote->operation);
    return fault;
}
