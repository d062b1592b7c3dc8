/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_WITHDRAWAL_H
#define CONTINUUM_DOMAIN_WITHDRAWAL_H

#include "crypto/bytes.h"
#include "domain/coordinator.h"
#include "domain/departure.h"

/* ---- DELETE /v1/contributions/{tag} and DELETE /v1/contributions ---- */

enum { WITHDRAWAL_STEP = 256 };

/*
 * Withdraws one contribution or all. All go in steps of WITHDRAWAL_STEP, each a transaction of its
 * own, so that a large withdrawal does not keep others waiting; the answer comes after the last.
 */
struct withdrawal {
    struct operation operation;
    int64_t number, now_s;
    bool all;
    struct tag tag; /* unless all */
    /* outputs, of all steps together */
    size_t withdrawn;
    struct credits reversed, balance;
    /* one step */
    struct departure gone[WITHDRAWAL_STEP];
    size_t gone_count;
    uint32_t pattern;
    int64_t after;
};

struct withdrawal *withdrawal_new(struct coordinator *coordinator);

/* Answered: FAULT_NOT_FOUND, no contribution of this instance has the tag. */
void withdrawal_submit(struct withdrawal *withdrawal);

#endif
