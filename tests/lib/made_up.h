/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_MADE_UP_H
#define CONTINUUM_TESTS_LIB_MADE_UP_H

#include "crypto/record.h"
#include "crypto/share.h"
#include "crypto/sign.h"

/*
 * Made-up members, and patterns as honest members would send them. Equal numbers give equal ones.
 * No OPRF is asked: its output is a hash of the pattern, which is as good for everybody but the
 * members themselves.
 */

/* A pattern, with the polynomial that its contributors' shares lie on. */
struct made_up_pattern {
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
};

enum { MADE_UP_TOKENS = 2, MADE_UP_TOPICS = 7, MADE_UP_DOMAINS = 3 };

/* Token 0 belongs to this pattern alone; token 1 to its topic, which is `number` mod
 * MADE_UP_TOPICS. */
uint32_t made_up_token(unsigned number, unsigned which);

/* The name of its domain, which is `number` mod MADE_UP_DOMAINS. */
const char *made_up_domain(unsigned number);

void made_up_pattern(const struct epoch_parameters *epoch, unsigned number,
                     struct made_up_pattern *ret);

/* The same, but its index does not open under its secret. */
void made_up_spoiled_pattern(const struct epoch_parameters *epoch, unsigned number,
                             struct made_up_pattern *ret);

/* The key pair of W, which all who can read the pattern have. */
void made_up_verify_key(const struct made_up_pattern *pattern, struct signing_key *ret);

void made_up_member(unsigned number, struct signing_key *ret);

/* The share of the member with this key. */
void made_up_share(const struct made_up_pattern *pattern, const struct federation_id *id,
                   const struct public_key *member, struct scalar *ret);

/* A small generator of repeatable random numbers (xorshift64*); `state` is not 0. */
uint64_t made_up_random(uint64_t *state);
unsigned made_up_below(uint64_t *state, unsigned bound);

#endif
