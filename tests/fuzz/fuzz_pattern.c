/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>

#include "client/canonical.h"
#include "client/http.h"
#include "client/pattern.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/cleanup.h"

/*
 * The input begins with '{': a released pattern, as a hostile coordinator may answer with it. Or it
 * is what a hostile member, who knows F, may have sealed: a byte (even: the index that belongs to
 * it) and M.
 */
static const uint8_t federation_key[32] = {
    0x8b, 0xcb, 0x95, 0x6e, 0x2b, 0x40, 0x7b, 0xa1, 0x71, 0xd5, 0x89, 0x4d, 0xd9, 0x93, 0x06, 0x96,
    0x04, 0xf3, 0x6f, 0x40, 0xfd, 0x24, 0xd6, 0xef, 0xfc, 0xbf, 0x5e, 0x94, 0xf5, 0xf5, 0x9e, 0x2f};
static const struct federation federation = {
    .epoch = {.federation_id = {{0xc1, 0x8e, 0x23, 0x46, 0x28, 0xad, 0xca, 0x90, 0x9e, 0xcb, 0x45,
                                 0x05, 0xc4, 0xd7, 0x6d, 0x02}},
              .number = 7,
              .k = 3,
              .token_bits = 32},
};

static void result_check(const struct continuum_result *result, const json_t *pattern)
{
    struct canonical canonical;
    PROPERTY(text_is_harmless(result->text, strlen(result->text)));
    PROPERTY(canonical_make(result->domain, result->text, strlen(result->text), &canonical, NULL) ==
             FAULT_NONE);
    PROPERTY(strcmp(canonical.m + strlen(result->domain) + 1, result->text) == 0);
    PROPERTY(strcmp(result->tag, json_string_value(json_object_get(pattern, "tag"))) == 0);
    PROPERTY(text_is_harmless(result->released_on, strlen(result->released_on)));
    PROPERTY(isfinite(result->confidence) && isfinite(result->score) && isfinite(result->quality));
}

/* Returns whether it opened. */
static bool pattern_check(json_t *pattern, const struct federation_keys *keys)
{
    static const struct continuum_result untouched;
    struct continuum_result result = {0};
    struct why why = {0};
    enum fault fault = client_pattern_open(pattern, keys, &federation, &result, &why);
    if (fault) {
        PROPERTY((fault == FAULT_CORRUPT || fault == FAULT_CRYPTO) && why.text[0] != '\0');
        PROPERTY(memcmp(&result, &untouched, sizeof result) == 0);
        return false;
    }
    result_check(&result, pattern);
    free(result.text);
    return true;
}

static json_t *released(const struct record *record, const struct scalar *secret)
{
    char text[B64_LENGTH(32) + 1];
    json_t *pattern = client_pattern_encode(record, secret, 0.8);
    b64_encode(secret, sizeof *secret, text);
    json_object_set_new(pattern, "secret", json_string(text));
    json_object_set_new(pattern, "epoch", json_integer(record->epoch));
    json_object_set_new(pattern, "score", json_real(0.5));
    json_object_set_new(pattern, "contributor_count", json_integer(4));
    json_object_set_new(pattern, "verification_count", json_integer(2));
    json_object_set_new(pattern, "refuted_count", json_integer(1));
    json_object_set_new(pattern, "released_on", json_string("2026-01-02"));
    return pattern;
}

static void member_check(struct input *input, const struct federation_keys *keys)
{
    static const struct oprf_output output = {{1, 2, 3}};
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
    uint8_t index[INDEX_PLAINTEXT_LENGTH] = {[63] = 9};
    bool own_index = input_byte(input) % 2 == 0;
    const char *m = (const char *)input->bytes;
    bool canonical = canonical_is(m, input->length);
    if (canonical && own_index)
        canonical_index(m, input->length, keys, federation.epoch.token_bits, index);
    if (record_make(keys, &federation.epoch, m, input->length, index, &output, &record,
                    coefficients)) {
        PROPERTY(!canonical);
        return;
    }
    _cleanup_(json_done) json_t *pattern = released(&record, coefficients);
    PROPERTY(pattern_check(pattern, keys) == (canonical && own_index));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    struct federation_keys keys;
    PROPERTY(crypto_init() == FAULT_NONE);
    federation_keys_derive(federation_key, &keys);
    if (length > 0 && bytes[0] == '{') {
        _cleanup_(json_done) json_t *pattern =
            json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(pattern))
            pattern_check(pattern, &keys);
        return 0;
    }
    member_check(&input, &keys);
    return 0;
}
