/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pattern.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/canonical.h"
#include "client/text.h"

static json_t *b64_json(const void *bytes, size_t length)
{
    char text[B64_LENGTH(CIPHERTEXT_LENGTH_MAX) + 1];
    b64_encode(bytes, length, text);
    return json_string(text);
}

json_t *client_pattern_encode(const struct record *record, const struct scalar *share,
                              double confidence)
{
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:f}", "tag",
        b64_json(record->tag.bytes, sizeof record->tag.bytes), "domain", record->domain,
        "commitments", b64_json(record->commitments, record->k * sizeof record->commitments[0]),
        "verify_key", b64_json(record->verify_key.bytes, sizeof record->verify_key.bytes),
        "ciphertext", b64_json(record->ciphertext, record->ciphertext_length), "index",
        b64_json(record->index, sizeof record->index), "share",
        b64_json(share->bytes, sizeof share->bytes), "confidence", confidence);
}

/* Decodes a member that must have exactly `length` bytes. */
static bool member_decode(const json_t *pattern, const char *name, void *bytes, size_t length)
{
    const json_t *member = json_object_get(pattern, name);
    return json_is_string(member) &&
           b64_decode(json_string_value(member), json_string_length(member), bytes, length);
}

static bool ciphertext_decode(const json_t *pattern, struct record *record)
{
    size_t length = json_string_length(json_object_get(pattern, "ciphertext")) * 3 / 4;
    if (!ciphertext_length_is_valid(length) ||
        !member_decode(pattern, "ciphertext", record->ciphertext, length))
        return false;
    record->ciphertext_length = (uint16_t)length;
    return true;
}

static bool domain_decode(const json_t *pattern, struct record *record)
{
    const json_t *domain = json_object_get(pattern, "domain");
    size_t length = json_string_length(domain);
    if (!json_is_string(domain) || !domain_is_valid(json_string_value(domain), length))
        return false;
    memcpy(record->domain, json_string_value(domain), length + 1);
    record->domain_length = (uint8_t)length;
    return true;
}

static bool record_decode(const json_t *pattern, const struct epoch_parameters *epoch,
                          struct record *ret, struct scalar *ret_secret)
{
    *ret = (struct record){.epoch = epoch->number, .k = epoch->k};
    return domain_decode(pattern, ret) && ciphertext_decode(pattern, ret) &&
           member_decode(pattern, "tag", ret->tag.bytes, sizeof ret->tag.bytes) &&
           member_decode(pattern, "commitments", ret->commitments,
                         epoch->k * sizeof ret->commitments[0]) &&
           member_decode(pattern, "verify_key", ret->verify_key.bytes,
                         sizeof ret->verify_key.bytes) &&
           member_decode(pattern, "index", ret->index, sizeof ret->index) &&
           member_decode(pattern, "secret", ret_secret->bytes, sizeof ret_secret->bytes);
}

/* What the coordinator says about a pattern, as opposed to what members contributed. */
static bool numbers_decode(json_t *pattern, struct continuum_result *ret)
{
    json_int_t contributors, verifications, refuted;
    const char *released_on;
    if (json_unpack(pattern, "{s:F, s:F, s:I, s:I, s:I, s:s}", "confidence", &ret->confidence,
                    "score", &ret->score, "contributor_count", &contributors, "verification_count",
                    &verifications, "refuted_count", &refuted, "released_on", &released_on) < 0 ||
        contributors < 0 || verifications < 0 || refuted < 0)
        return false;
    const json_t *quality = json_object_get(pattern, "quality");
    ret->quality = json_is_number(quality) ? json_number_value(quality) : -1;
    ret->contributor_count = (uint64_t)contributors;
    ret->verification_count = (uint64_t)verifications;
    ret->refuted_count = (uint64_t)refuted;
    text_copy(ret->released_on, sizeof ret->released_on, released_on);
    return true;
}

/* In the live epoch `index` must be that of M. In older ones F may have been another: there it must
 * be one. */
static bool index_fits(const struct record *record, const struct scalar *secret,
                       const struct canonical *canonical, const struct federation_keys *keys,
                       const struct federation *federation)
{
    uint32_t tokens[TOKENS_MAX];
    size_t count;
    uint8_t opened[INDEX_PLAINTEXT_LENGTH], expected[INDEX_PLAINTEXT_LENGTH];
    const struct epoch_parameters *live = &federation->epoch;
    const struct epoch_parameters *epoch = client_federation_epoch(federation, record->epoch);
    if (!epoch ||
        record_index_open(record->index, secret, epoch->token_bits, tokens, &count) != FAULT_NONE)
        return false;
    if (epoch->number != live->number)
        return true;
    index_plaintext_encode(tokens, count, opened);
    canonical_index(canonical->m, canonical->m_length, keys, live->token_bits, expected);
    return bytes_equal(opened, expected, sizeof opened);
}

static enum fault pattern_verify(const struct record *record, const struct scalar *secret,
                                 const struct federation_keys *keys,
                                 const struct federation *federation, struct canonical *ret,
                                 struct why *why)
{
    enum fault fault = record_open(keys, &federation->epoch.federation_id, record, secret, ret->m,
                                   &ret->m_length, why);
    if (fault)
        return fault;
    if (!canonical_is(ret->m, ret->m_length))
        return why_set(why, FAULT_CRYPTO, "its text is not canonical");
    if (!index_fits(record, secret, ret, keys, federation))
        return why_set(why, FAULT_CRYPTO, "its search terms are not those of its text");
    return FAULT_NONE;
}

enum fault client_pattern_open(json_t *pattern, const struct federation_keys *keys,
                               const struct federation *federation, struct continuum_result *ret,
                               struct why *why)
{
    struct record record;
    struct scalar secret;
    struct canonical canonical;
    struct continuum_result result = {0};
    json_int_t number = json_integer_value(json_object_get(pattern, "epoch"));
    const struct epoch_parameters *epoch =
        number > 0 ? client_federation_epoch(federation, (uint64_t)number) : NULL;
    if (!epoch)
        return why_set(why, FAULT_CORRUPT, "it is of an epoch that the federation does not list");
    if (!record_decode(pattern, epoch, &record, &secret) || !numbers_decode(pattern, &result))
        return why_set(why, FAULT_CORRUPT, "it is not well-formed");
    enum fault fault = pattern_verify(&record, &secret, keys, federation, &canonical, why);
    if (fault)
        return fault;
    size_t length;
    result.text = strdup(canonical_summary(canonical.m, canonical.m_length, &length));
    if (!result.text)
        return FAULT_MEMORY;
    result.epoch = epoch->number;
    b64_encode(record.tag.bytes, sizeof record.tag.bytes, result.tag);
    snprintf(result.domain, sizeof result.domain, "%s", record.domain);
    *ret = result;
    return FAULT_NONE;
}
