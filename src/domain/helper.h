/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_HELPER_H
#define CONTINUUM_DOMAIN_HELPER_H

#include "crypto/oprf.h"
#include "crypto/oprf_token.h"
#include "domain/spent.h"

struct keyring;

/*
 * An OPRF helper (docs/PROTOCOL.md, section 6.8): it has the OPRF keys in the coordinator's place,
 * evaluates for whoever bears a token that the coordinator signed, and knows nothing else. What it
 * evaluates in a day is limited, whoever signs: a coordinator can give tokens to itself.
 *
 * All of it belongs to the loop thread. Its time is the latest that the clock has ever shown, so
 * that a clock that is set back brings no token back.
 */
struct helper {
    const struct keyring *keyring; /* of its OPRF keys only */
    struct public_key coordinator;
    struct oprf_context context;
    struct spent *spent;
    uint32_t elements_per_day;
    int64_t now_s;
    int64_t day;           /* UTC, on which `elements` were evaluated */
    uint32_t elements;     /* at most elements_per_day */
    int64_t exhausted_day; /* the last on which one was refused; 0: none */
};

enum { OPRF_TOKEN_TTL_S = 300, OPRF_TOKEN_TOLERANCE_S = 300 };

/* `keyring` stays the caller's and must outlive it. FAULT_MEMORY. */
enum fault helper_open(const struct keyring *keyring, const struct public_key *coordinator,
                       uint32_t elements_per_day, struct helper **ret);
void helper_close(struct helper *helper); /* takes NULL */

/*
 * FAULT_TOKEN_INVALID: not a token that the coordinator signed for this run of the helper; expired;
 * or valid for longer than OPRF_TOKEN_TTL_S, with a clock that may be OPRF_TOKEN_TOLERANCE_S off.
 */
enum fault helper_check(struct helper *helper, const char *text, size_t length, int64_t now_s,
                        struct oprf_token *ret);

/* What one request wants to have evaluated, and by what token. */
struct spending {
    const struct oprf_token *token;
    const struct point *blinded;
    size_t count;
};

/*
 * Spends the token, and the day's elements unless the very same were evaluated by it before.
 * FAULT_TOKEN_INVALID: expired by now; this and FAULT_OVERLOADED also as spent_use.
 * FAULT_TOO_MANY_REQUESTS: more than is left of the day, and the token is not spent;
 * *ret_resets_in_s says when the next one begins (UTC).
 */
enum fault helper_spend(struct helper *helper, const struct spending *spending, int64_t now_s,
                        uint32_t *ret_resets_in_s);

/* The elements were refused, so that neither is spent. */
void helper_return(struct helper *helper, const struct spending *spending);

#endif
