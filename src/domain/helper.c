/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/helper.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/cleanup.h"
#include "util/clock.h"

_Static_assert((int)SPENT_KEPT_S >= (int)OPRF_TOKEN_TTL_S + (int)OPRF_TOKEN_TOLERANCE_S,
               "a token must not outlive its being remembered");

static void close_helper(struct helper **helper)
{
    helper_close(*helper);
}

enum fault helper_open(const struct keyring *keyring, const struct public_key *coordinator,
                       uint32_t elements_per_day, struct helper **ret)
{
    _cleanup_(close_helper) struct helper *helper = calloc(1, sizeof *helper);
    if (!helper || spent_new(SPENT_MAX, &helper->spent))
        return FAULT_MEMORY;
    helper->keyring = keyring;
    helper->coordinator = *coordinator;
    helper->elements_per_day = elements_per_day;
    bytes_random(&helper->context, sizeof helper->context);
    *ret = TAKE(helper);
    return FAULT_NONE;
}

void helper_close(struct helper *helper)
{
    if (!helper)
        return;
    spent_free(helper->spent);
    free(helper);
}

static void time_pass(struct helper *helper, int64_t now_s)
{
    if (now_s > helper->now_s)
        helper->now_s = now_s;
    if (clock_day(helper->now_s) == helper->day)
        return;
    helper->day = clock_day(helper->now_s);
    helper->elements = 0;
}

enum fault helper_check(struct helper *helper, const char *text, size_t length, int64_t now_s,
                        struct oprf_token *ret)
{
    struct oprf_token token;
    time_pass(helper, now_s);
    if (!oprf_token_verify(&helper->coordinator, &helper->context, text, length, &token) ||
        token.expires_at_s <= helper->now_s ||
        token.expires_at_s > helper->now_s + OPRF_TOKEN_TTL_S + OPRF_TOKEN_TOLERANCE_S)
        return FAULT_TOKEN_INVALID;
    *ret = token;
    return FAULT_NONE;
}

static void spending_digest(const struct spending *spending, struct digest *ret)
{
    hash_once(NULL, 0, "cfed/v1/oprf-elements", spending->blinded,
              spending->count * sizeof *spending->blinded, ret->bytes, sizeof ret->bytes);
}

enum fault helper_spend(struct helper *helper, const struct spending *spending, int64_t now_s,
                        uint32_t *ret_resets_in_s)
{
    struct digest digest;
    bool first = false;
    time_pass(helper, now_s);
    if (spending->token->expires_at_s <= helper->now_s) /* while its elements were on their way */
        return FAULT_TOKEN_INVALID;
    spending_digest(spending, &digest);
    enum fault fault =
        spent_use(helper->spent, spending->token->nonce, &digest, helper->now_s, &first);
    if (fault || !first)
        return fault;
    if (spending->count > helper->elements_per_day - helper->elements) {
        spent_return(helper->spent, spending->token->nonce, &digest);
        helper->exhausted_day = helper->day;
        *ret_resets_in_s = clock_day_left_s(helper->now_s);
        return FAULT_TOO_MANY_REQUESTS;
    }
    helper->elements += (uint32_t)spending->count;
    return FAULT_NONE;
}

void helper_return(struct helper *helper, const struct spending *spending)
{
    struct digest digest;
    spending_digest(spending, &digest);
    /* Over midnight some of yesterday's are taken off today's: no more than were under way. */
    if (spent_return(helper->spent, spending->token->nonce, &digest) &&
        spending->count <= helper->elements)
        helper->elements -= (uint32_t)spending->count;
}
