/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_SPENT_H
#define CONTINUUM_DOMAIN_SPENT_H

#include <stdbool.h>

#include "crypto/oprf_token.h"

/*
 * The OPRF tokens that were used, each with what it was used for: it counts for that alone, and for
 * SPENT_TRIES requests, since an answer may be lost. In memory only: after a restart of the helper
 * tokens are for another redemption context, and none of the older ones is good.
 */
struct spent;

enum { SPENT_MAX = 1000000, SPENT_TRIES = 5, SPENT_KEPT_S = 600 };

struct digest { /* of the elements that are to be evaluated */
    uint8_t bytes[16];
};

/* At most `max` tokens are remembered, 52 bytes each. FAULT_MEMORY. */
enum fault spent_new(uint32_t max, struct spent **ret);
void spent_free(struct spent *spent); /* takes NULL */

/*
 * Uses the token of `nonce` for `elements`. `now_s` never goes back; a token that is used is
 * remembered for SPENT_KEPT_S, after which it must have expired. *ret_first: it was not used for
 * them before, or was given back.
 *
 * FAULT_TOKEN_INVALID: it was used for others, or SPENT_TRIES times. FAULT_OVERLOADED: as many as
 * may be are remembered. FAULT_MEMORY.
 */
enum fault spent_use(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH],
                     const struct digest *elements, int64_t now_s, bool *ret_first);

/* The elements were refused: the token may be used for others, though the try counts. False: it is
 * not in use for them. */
bool spent_return(struct spent *spent, const uint8_t nonce[OPRF_NONCE_LENGTH],
                  const struct digest *elements);

#endif
