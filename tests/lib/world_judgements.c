/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/world.h"
#include "util/cleanup.h"

/* ---- Verify ---- */

static void verification_answered(struct operation *operation, enum fault fault)
{
    const struct verification *verification = (const struct verification *)operation;
    *(struct verified *)operation->context = (struct verified){
        .fault = fault, .earned = verification->earned, .balance = verification->balance};
}

static void verification_sign(struct world *world, unsigned member, unsigned pattern,
                              enum flaw flaw, const char *tag_text, const char *verifier_text,
                              struct verification *verification)
{
    char coordinator_key[B64_LENGTH(32) + 1];
    struct signing_key read_key;
    unsigned signer = flaw == FLAW_SIGNATURE ? (member + 1) % WORLD_MEMBERS : member;
    made_up_verify_key(world_pattern(world, pattern), &read_key);
    b64_encode(&world->keyring.signing.public, 32, coordinator_key);
    const char *lines[] = {"cfed/v1/verify", coordinator_key, tag_text, verifier_text,
                           verification->verdict == VERDICT_CONFIRM ? "confirm" : "refute"};
    size_t count = sizeof lines / sizeof *lines;
    assert_true(lines_sign(flaw == FLAW_BLIND ? &world->members[member] : &read_key, lines, count,
                           &verification->proof));
    assert_true(lines_sign(&world->members[signer], lines, count, &verification->signature));
}

struct verified world_verify(struct world *world, unsigned member, unsigned pattern,
                             enum verdict verdict, enum flaw flaw)
{
    struct verified answer = {.fault = WORLD_UNANSWERED};
    char tag_text[B64_LENGTH(32) + 1], verifier_text[B64_LENGTH(VERIFIER_LENGTH) + 1];
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    struct verification *verification = verification_new(world->coordinator);
    if (!verification)
        return (struct verified){.fault = FAULT_MEMORY};
    verification->operation.answer = verification_answered;
    verification->operation.context = &answer;
    verification->operation.memo = TAKE(world->memo);
    verification->tag = world_pattern(world, pattern)->record.tag;
    verification->verdict = verdict;
    verification->verifier[0] = (uint8_t)member;
    verification->verifier[1] = (uint8_t)pattern;
    b64_encode(&verification->tag, 32, tag_text);
    b64_encode(verification->verifier, VERIFIER_LENGTH, verifier_text);
    verification->tag_text = tag_text;
    verification->verifier_text = verifier_text;
    verification_sign(world, member, pattern, flaw, tag_text, verifier_text, verification);
    enum fault fault = verification_find(verification, instance, world->now_s);
    if (fault) {
        operation_free(&verification->operation);
        return (struct verified){.fault = fault};
    }
    verification_prove(verification);
    operation_submit(&verification->operation);
    world_run(world);
    return answer;
}

bool world_recall_verification(struct world *world, struct keyed *keyed, struct verified *ret)
{
    struct verification *verification = verification_new(world->coordinator);
    if (!verification)
        ret->fault = FAULT_MEMORY;
    return !verification ||
           world_recall(world, keyed, &verification->operation, verification_answered, ret);
}

struct listed {
    enum fault fault;
    struct judgements counts;
    size_t count;
};

static void verifications_answered(struct operation *operation, enum fault fault)
{
    const struct verifications *verifications = (const struct verifications *)operation;
    *(struct listed *)operation->context = (struct listed){
        .fault = fault, .counts = verifications->counts, .count = verifications->count};
}

enum fault world_verifications(struct world *world, unsigned pattern, struct judgements *ret,
                               size_t *ret_count)
{
    struct listed answer = {.fault = WORLD_UNANSWERED};
    struct verifications *verifications = verifications_new(world->coordinator);
    if (!verifications)
        return FAULT_MEMORY;
    verifications->operation.answer = verifications_answered;
    verifications->operation.context = &answer;
    enum fault fault =
        verifications_submit(verifications, &world_pattern(world, pattern)->record.tag);
    if (fault) {
        operation_free(&verifications->operation);
        return fault;
    }
    world_run(world);
    *ret = answer.counts;
    *ret_count = answer.count;
    return answer.fault;
}

/* ---- Vote ---- */

static void vote_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

enum fault world_vote(struct world *world, unsigned member, unsigned pattern, bool high)
{
    enum fault answer = WORLD_UNANSWERED;
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    struct vote *vote = vote_new(world->coordinator);
    if (!vote)
        return FAULT_MEMORY;
    vote->high = high;
    vote->operation.answer = vote_answered;
    vote->operation.context = &answer;
    enum fault fault =
        vote_submit(vote, &world_pattern(world, pattern)->record.tag, instance, world->now_s);
    if (fault) {
        operation_free(&vote->operation);
        return fault;
    }
    world_run(world);
    return answer;
}
