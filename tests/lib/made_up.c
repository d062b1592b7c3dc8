/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/made_up.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

static const uint8_t federation_key[32] = {0xfe};

uint32_t made_up_token(unsigned number, unsigned which)
{
    return which == 0 ? 1000 + number : 100 + number % MADE_UP_TOPICS;
}

const char *made_up_domain(unsigned number)
{
    static const char *const domains[MADE_UP_DOMAINS] = {"general", "code", "a-third"};
    return domains[number % MADE_UP_DOMAINS];
}

void made_up_pattern(const struct epoch_parameters *epoch, unsigned number,
                     struct made_up_pattern *ret)
{
    char m[64];
    uint8_t plaintext[INDEX_PLAINTEXT_LENGTH];
    uint32_t tokens[MADE_UP_TOKENS] = {made_up_token(number, 0), made_up_token(number, 1)};
    struct federation_keys keys;
    struct oprf_output output;
    int length = snprintf(m, sizeof m, "%s\nmade-up pattern %u", made_up_domain(number), number);
    federation_keys_derive(federation_key, &keys);
    index_plaintext_encode(tokens, MADE_UP_TOKENS, plaintext);
    hash_once(NULL, 0, "made-up output", m, (size_t)length, output.bytes, sizeof output.bytes);
    memset(ret, 0, sizeof *ret);
    if (record_make(&keys, epoch, m, (size_t)length, plaintext, &output, &ret->record,
                    ret->coefficients))
        abort();
}

void made_up_spoiled_pattern(const struct epoch_parameters *epoch, unsigned number,
                             struct made_up_pattern *ret)
{
    made_up_pattern(epoch, number, ret);
    ret->record.index[0] ^= 1;
    record_tag(&ret->record, &epoch->federation_id, &ret->record.tag);
}

void made_up_verify_key(const struct made_up_pattern *pattern, struct signing_key *ret)
{
    struct federation_keys keys;
    federation_keys_derive(federation_key, &keys);
    record_verify_key(&keys, &pattern->coefficients[0], ret);
}

void made_up_member(unsigned number, struct signing_key *ret)
{
    uint8_t seed[32] = {(uint8_t)number, (uint8_t)(number >> 8), 0xaa};
    signing_key_from_seed(seed, ret);
}

void made_up_share(const struct made_up_pattern *pattern, const struct federation_id *id,
                   const struct public_key *member, struct scalar *ret)
{
    struct scalar x;
    share_abscissa(id, member, &x);
    share_evaluate(pattern->coefficients, pattern->record.k, &x, ret);
}

uint64_t made_up_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned made_up_below(uint64_t *state, unsigned bound)
{
    return (unsigned)((made_up_random(state) >> 33) % bound);
}
