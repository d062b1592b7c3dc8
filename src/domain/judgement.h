/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_JUDGEMENT_H
#define CONTINUUM_DOMAIN_JUDGEMENT_H

#include "domain/coordinator.h"
#include "domain/directory.h"
#include "store/judgements.h"

/*
 * What members' judgements do to a pattern. For it speak P = 2 * confirmed + high votes, against
 * it N = 2 * refuted + low votes: a verification shows that its maker could decrypt, and weighs
 * double.
 *
 *     quality = P / (P + N)                           shown; nothing while nobody has judged
 *     trust   = confidence * (P + 2) / (P + N + 2)    multiplies relevance
 */

/* Hundredths, or -1 when nobody has judged. */
int judgements_quality(const struct judgements *judgements);

/* Hundredths, 1 to 100, of a pattern with this confidence (hundredths). */
uint8_t judgements_trust(const struct judgements *judgements, uint8_t confidence);

/* At least `votes_min` votes, two thirds of them high: what the reward of quality asks for. */
bool judgements_are_high(const struct judgements *judgements, uint32_t votes_min);

/* A member that judges a released pattern. */
struct judge {
    int64_t number, now_s;
    struct public_key public_key;
    /* judge_find's */
    uint32_t pattern;
    enum fault entitlement; /* what stands against it, once everything else is in order */
};

/* ---- POST /v1/patterns/{tag}/verifications ---- */

struct verification {
    struct operation operation;
    /* inputs */
    struct judge judge;
    struct tag tag;
    const char *tag_text, *verifier_text; /* as sent */
    uint8_t verifier[VERIFIER_LENGTH];
    enum verdict verdict;
    struct signature proof, signature;
    /* verification_prove's */
    bool is_checked;              /* under this key: */
    struct public_key checked_by; /* what it found: */
    enum fault unproved;
    /* outputs */
    struct credits earned, balance;
};

/*
 * Submitted, once it was found, by operation_submit. Answered: FAULT_NOT_FOUND, FAULT_OWN_PATTERN,
 * FAULT_PROOF_INVALID, FAULT_ALREADY_VERIFIED, FAULT_CONTRIBUTION_REQUIRED, FAULT_LEVEL_TOO_LOW, in
 * this order.
 */
struct verification *verification_new(struct coordinator *coordinator);

/* On the loop. FAULT_NOT_FOUND: unknown or sealed. */
enum fault verification_find(struct verification *verification, const struct instance *asker,
                             int64_t now_s);

/* On a worker, once it was found: checks both signatures, which takes longer than all else. What it
 * cannot look at the writer will. */
void verification_prove(struct verification *verification);

/* ---- GET /v1/patterns/{tag}/verifications ---- */

enum { VERIFICATIONS_SAMPLE_MAX = 20 };

struct verifications {
    struct operation operation;
    uint32_t pattern;
    struct judgements counts; /* outputs; as of the last tick */
    struct verification_row sample[VERIFICATIONS_SAMPLE_MAX];
    size_t count;
};

struct verifications *verifications_new(struct coordinator *coordinator);

/* FAULT_NOT_FOUND, as verification_find. */
enum fault verifications_submit(struct verifications *verifications, const struct tag *tag);

/* ---- PUT /v1/patterns/{tag}/vote ---- */

struct vote {
    struct operation operation;
    struct judge judge;
    bool high;
};

struct vote *vote_new(struct coordinator *coordinator);

/* FAULT_NOT_FOUND as verification_find. Answered as a verification; nothing is proved, and a later
 * vote takes the place of an earlier. */
enum fault vote_submit(struct vote *vote, const struct tag *tag, const struct instance *asker,
                       int64_t now_s);

#endif
