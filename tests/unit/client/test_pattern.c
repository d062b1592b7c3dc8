/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "client/canonical.h"
#include "client/http.h"
#include "crypto/share.h"
#include "lib/vectors.h"
#include "util/cleanup.h"

/* The pattern of the vectors, made by this client as a contributor and read by it as an asker. */
struct fixture {
    struct json_t *vectors;
    struct federation_keys keys;
    struct federation federation;
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
};

/* Makes the record of M, whatever M is. */
static void record_fill(struct fixture *fixture, const char *m, const uint8_t *index)
{
    struct oprf_output output;
    vector_bytes(fixture->vectors, "patterns.0.R", output.bytes, sizeof output.bytes);
    assert_int_equal(record_make(&fixture->keys, &fixture->federation.epoch, m, strlen(m), index,
                                 &output, &fixture->record, fixture->coefficients),
                     FAULT_NONE);
}

static json_t *pattern_json(const struct fixture *fixture)
{
    char secret[B64_LENGTH(32) + 1];
    struct scalar no_share = {0};
    json_t *pattern = client_pattern_encode(&fixture->record, &no_share, 0.8);
    b64_encode(fixture->coefficients[0].bytes, 32, secret);
    json_object_del(pattern, "share");
    json_object_set_new(pattern, "secret", json_string(secret));
    json_object_set_new(pattern, "epoch", json_integer(fixture->record.epoch));
    json_object_set_new(pattern, "score", json_real(0.5));
    json_object_set_new(pattern, "contributor_count", json_integer(4));
    json_object_set_new(pattern, "verification_count", json_integer(2));
    json_object_set_new(pattern, "refuted_count", json_integer(1));
    json_object_set_new(pattern, "quality", json_null());
    json_object_set_new(pattern, "released_on", json_string("2026-01-02"));
    return pattern;
}

static enum fault open_pattern(const struct fixture *fixture, json_t *pattern, struct why *why)
{
    struct continuum_result result = {0};
    enum fault fault =
        client_pattern_open(pattern, &fixture->keys, &fixture->federation, &result, why);
    free(result.text);
    return fault;
}

static void a_contribution_is_the_vectors_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    struct public_key public;
    struct scalar x, share;
    vector_bytes(fixture->vectors, "instances.0.public_key", public.bytes, sizeof public.bytes);
    share_abscissa(&fixture->federation.epoch.federation_id, &public, &x);
    share_evaluate(fixture->coefficients, fixture->federation.epoch.k, &x, &share);
    _cleanup_(json_done) json_t *pattern = client_pattern_encode(&fixture->record, &share, 0.8);
    assert_string_equal(json_string_value(json_object_get(pattern, "tag")),
                        vector_text(fixture->vectors, "patterns.0.tag_b64"));
    uint8_t bytes[32];
    const json_t *text = json_object_get(pattern, "share");
    assert_true(b64_decode(json_string_value(text), json_string_length(text), bytes, 32));
    assert_vector(fixture->vectors, "patterns.0.shares.0", bytes, sizeof bytes);
    assert_string_equal(json_string_value(json_object_get(pattern, "domain")), "databases");
    assert_int_equal(json_object_size(pattern), 8);
}

static void no_record_is_longer_than_said(void **state)
{
    struct fixture *fixture = *state;
    struct record record = fixture->record;
    record.k = THRESHOLD_MAX;
    record.ciphertext_length = CIPHERTEXT_LENGTH_MAX;
    memset(record.domain, 'd', DOMAIN_LENGTH_MAX);
    record.domain[DOMAIN_LENGTH_MAX] = '\0';
    _cleanup_(json_done) json_t *pattern =
        client_pattern_encode(&record, &fixture->coefficients[0], 0.123456789012345);
    _cleanup_(free_pointer) char *text = json_dumps(pattern, JSON_COMPACT);
    assert_true(strlen(text) < PATTERN_JSON_MAX);
}

static void an_honest_pattern_opens(void **state)
{
    struct fixture *fixture = *state;
    struct why why = {0};
    struct continuum_result result = {0};
    _cleanup_(json_done) json_t *pattern = pattern_json(fixture);
    if (client_pattern_open(pattern, &fixture->keys, &fixture->federation, &result, &why))
        fail_msg("%s", why.text);
    assert_string_equal(result.text, "the postgresql connections to a pool deadlock, when idle");
    assert_string_equal(result.domain, "databases");
    assert_string_equal(result.tag, vector_text(fixture->vectors, "patterns.0.tag_b64"));
    assert_int_equal(result.contributor_count, 4);
    assert_int_equal(result.verification_count, 2);
    assert_int_equal(result.refuted_count, 1);
    assert_true(result.quality < 0);
    assert_string_equal(result.released_on, "2026-01-02");
    free(result.text);
}

/* Flips one bit of the first character of a B64 member. */
static void member_spoil(json_t *pattern, const char *name)
{
    char text[2048];
    snprintf(text, sizeof text, "%s", json_string_value(json_object_get(pattern, name)));
    text[0] = text[0] == 'A' ? 'B' : 'A';
    json_object_set_new(pattern, name, json_string(text));
}

static void a_change_of_any_part_is_refused(void **state)
{
    static const char *const names[] = {"tag",        "commitments", "verify_key",
                                        "ciphertext", "index",       "secret"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct why why = {0};
        _cleanup_(json_done) json_t *pattern = pattern_json(*state);
        member_spoil(pattern, names[i]);
        assert_int_equal(open_pattern(*state, pattern, &why), FAULT_CRYPTO);
        assert_true(why.text[0] != '\0');
    }
    _cleanup_(json_done) json_t *pattern = pattern_json(*state);
    json_object_set_new(pattern, "domain", json_string("general"));
    assert_int_equal(open_pattern(*state, pattern, NULL), FAULT_CRYPTO);
}

static void a_missing_or_wrong_member_is_refused(void **state)
{
    _cleanup_(json_done) json_t *whole = pattern_json(*state);
    const char *name;
    json_t *value;
    json_object_foreach (whole, name, value) {
        if (strcmp(name, "quality") == 0) /* null and absent are the same */
            continue;
        _cleanup_(json_done) json_t *pattern = pattern_json(*state);
        json_object_del(pattern, name);
        assert_int_equal(open_pattern(*state, pattern, NULL), FAULT_CORRUPT);
        json_object_set_new(pattern, name, json_pack("[]"));
        assert_int_equal(open_pattern(*state, pattern, NULL), FAULT_CORRUPT);
    }
}

static void an_epoch_that_is_not_listed_is_refused(void **state)
{
    _cleanup_(json_done) json_t *pattern = pattern_json(*state);
    json_object_set_new(pattern, "epoch", json_integer(8));
    assert_int_equal(open_pattern(*state, pattern, NULL), FAULT_CORRUPT);
}

/* Whoever holds F can make records that are right in all but this. */
static void a_text_that_is_not_canonical_is_refused(void **state)
{
    struct fixture fixture = *(struct fixture *)*state;
    struct why why = {0};
    uint8_t index[INDEX_PLAINTEXT_LENGTH] = {[63] = 1};
    record_fill(&fixture, "databases\nSell  NOW", index);
    _cleanup_(json_done) json_t *pattern = pattern_json(&fixture);
    assert_int_equal(open_pattern(&fixture, pattern, &why), FAULT_CRYPTO);
    assert_non_null(strstr(why.text, "canonical"));
}

static void foreign_search_terms_are_refused_in_the_live_epoch_only(void **state)
{
    struct fixture fixture = *(struct fixture *)*state;
    struct why why = {0};
    uint8_t index[INDEX_PLAINTEXT_LENGTH] = {[63] = 1};
    record_fill(&fixture, "databases\nsell now", index);
    _cleanup_(json_done) json_t *pattern = pattern_json(&fixture);
    assert_int_equal(open_pattern(&fixture, pattern, &why), FAULT_CRYPTO);
    assert_non_null(strstr(why.text, "search terms"));
    fixture.federation.epochs[0] = fixture.federation.epoch;
    fixture.federation.epoch_count = 1;
    fixture.federation.epoch.number++;
    assert_int_equal(open_pattern(&fixture, pattern, NULL), FAULT_NONE);
}

static void tokens_are_cut_as_the_epoch_of_their_pattern_says(void **state)
{
    struct fixture fixture = *(struct fixture *)*state;
    struct why why = {0};
    uint8_t index[INDEX_PLAINTEXT_LENGTH] = {[60] = 7, [62] = 1};
    record_fill(&fixture, "databases\nsell now", index);
    _cleanup_(json_done) json_t *pattern = pattern_json(&fixture);
    fixture.federation.epochs[0] = fixture.federation.epoch;
    fixture.federation.epoch_count = 1;
    fixture.federation.epoch.number++;
    fixture.federation.epoch.token_bits = 8;
    assert_int_equal(open_pattern(&fixture, pattern, NULL), FAULT_NONE);
    fixture.federation.epochs[0].token_bits = 16;
    assert_int_equal(open_pattern(&fixture, pattern, &why), FAULT_CRYPTO);
    assert_non_null(strstr(why.text, "search terms"));
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    uint8_t f[32], index[INDEX_PLAINTEXT_LENGTH];
    char m[SUMMARY_LENGTH_MAX + 1] = {0};
    if (!fixture || crypto_init() != FAULT_NONE)
        return -1;
    fixture->vectors = vectors_load(VECTORS_CFED);
    vector_bytes(fixture->vectors, "F", f, sizeof f);
    federation_keys_derive(f, &fixture->keys);
    struct epoch_parameters *epoch = &fixture->federation.epoch;
    *epoch = (struct epoch_parameters){.number = 7, .k = 3, .token_bits = 32};
    vector_bytes(fixture->vectors, "federation_id", epoch->federation_id.bytes, 16);
    vector_read(fixture->vectors, "patterns.0.M", m, sizeof m - 1);
    canonical_index(m, strlen(m), &fixture->keys, 32, index);
    record_fill(fixture, m, index);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    vectors_free(fixture->vectors);
    free(fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contribution_is_the_vectors_byte_for_byte),
        cmocka_unit_test(no_record_is_longer_than_said),
        cmocka_unit_test(an_honest_pattern_opens),
        cmocka_unit_test(a_change_of_any_part_is_refused),
        cmocka_unit_test(a_missing_or_wrong_member_is_refused),
        cmocka_unit_test(an_epoch_that_is_not_listed_is_refused),
        cmocka_unit_test(a_text_that_is_not_canonical_is_refused),
        cmocka_unit_test(foreign_search_terms_are_refused_in_the_live_epoch_only),
        cmocka_unit_test(tokens_are_cut_as_the_epoch_of_their_pattern_says),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
