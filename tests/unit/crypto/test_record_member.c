/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/group.h"
#include "crypto/hash.h"
#include "lib/group_order.h"
#include "lib/vectors.h"

/* The pattern of the vectors, and its record as record_make makes it. */
struct pattern {
    uint8_t federation_key[32];
    struct federation_keys keys;
    struct epoch_parameters epoch;
    char m[SUMMARY_LENGTH_MAX + 1];
    size_t m_length;
    uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH];
    struct oprf_output output;
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
};

static struct json_t *vectors;

static enum fault pattern_remake(struct pattern *pattern)
{
    return record_make(&pattern->keys, &pattern->epoch, pattern->m, pattern->m_length,
                       pattern->index_plaintext, &pattern->output, &pattern->record,
                       pattern->coefficients);
}

static struct pattern pattern_make(void)
{
    struct pattern pattern = {
        .epoch = {.number = vector_number(vectors, "epoch"),
                  .k = (uint8_t)vector_number(vectors, "k"),
                  .token_bits = (uint8_t)vector_number(vectors, "token_bits")}};
    vector_bytes(vectors, "F", pattern.federation_key, 32);
    vector_bytes(vectors, "federation_id", pattern.epoch.federation_id.bytes, 16);
    federation_keys_derive(pattern.federation_key, &pattern.keys);
    pattern.m_length = vector_read(vectors, "patterns.0.M", pattern.m, SUMMARY_LENGTH_MAX);
    vector_bytes(vectors, "patterns.0.index_plaintext", pattern.index_plaintext,
                 INDEX_PLAINTEXT_LENGTH);
    vector_bytes(vectors, "patterns.0.R", pattern.output.bytes, OPRF_OUTPUT_LENGTH);
    assert_int_equal(pattern_remake(&pattern), FAULT_NONE);
    return pattern;
}

static const char *path_of(const char *list, size_t i)
{
    static char path[64];
    snprintf(path, sizeof path, "patterns.0.%s.%zu", list, i);
    return path;
}

static void federation_keys_are_the_vectors(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    assert_vector(vectors, "F_pat", pattern.keys.pattern, 64);
    assert_vector(vectors, "F_ct", pattern.keys.content, 32);
    assert_vector(vectors, "F_ix", pattern.keys.index, 32);
    assert_vector(vectors, "F_q", pattern.keys.query, 32);
    uint8_t check[8];
    federation_key_check(pattern.federation_key, &pattern.epoch.federation_id, check);
    assert_vector(vectors, "key_check", check, sizeof check);
}

static void tokens_of_terms_are_the_vectors(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    size_t count = vector_count(vectors, "patterns.0.terms_utf8");
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        const char *term = vector_text(vectors, path_of("terms_utf8", i));
        uint32_t whole = token_of_term(&pattern.keys, 32, term, strlen(term));
        uint32_t cut = token_of_term(&pattern.keys, 20, term, strlen(term));
        char text[9];
        snprintf(text, sizeof text, "%08x", whole);
        assert_string_equal(text, vector_text(vectors, path_of("tokens_in_order_of_terms", i)));
        snprintf(text, sizeof text, "%08x", cut);
        assert_string_equal(text, vector_text(vectors, path_of("tokens_of_20_bits", i)));
    }
}

static void token_of_zero_becomes_one(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    unsigned ones = 0;
    for (unsigned i = 0; i < 4096; i++) { /* one term in 256 has its upper 8 bits zero */
        char term[8];
        int length = snprintf(term, sizeof term, "t%u", i);
        uint32_t token = token_of_term(&pattern.keys, 8, term, (size_t)length);
        assert_int_not_equal(token, 0);
        if (token & 0x00ffffff)
            assert_int_equal(token, 1);
        ones += token == 1;
    }
    assert_in_range(ones, 1, 64);
}

static void oprf_input_is_the_vectors(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    uint8_t input[OPRF_INPUT_LENGTH];
    record_oprf_input(&pattern.keys, &pattern.epoch, pattern.m, pattern.m_length,
                      pattern.index_plaintext, input);
    assert_vector(vectors, "patterns.0.oprf_input", input, sizeof input);
}

static void record_is_the_vectors_in_every_field(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    const struct record *record = &pattern.record;
    for (size_t j = 0; j < pattern.epoch.k; j++) {
        assert_vector(vectors, path_of("a", j), pattern.coefficients[j].bytes, 32);
        assert_vector(vectors, path_of("C", j), record->commitments[j].bytes, 32);
    }
    assert_vector(vectors, "patterns.0.W", record->verify_key.bytes, 32);
    assert_vector(vectors, "patterns.0.ciphertext", record->ciphertext, record->ciphertext_length);
    assert_vector(vectors, "patterns.0.index", record->index, INDEX_LENGTH);
    assert_vector(vectors, "patterns.0.tag", record->tag.bytes, 32);
    assert_string_equal(record->domain, vector_text(vectors, "patterns.0.domain_given"));
    assert_int_equal(record->domain_length, strlen(record->domain));
    assert_int_equal(record->epoch, vector_number(vectors, "epoch"));
    assert_int_equal(record->k, vector_number(vectors, "k"));
}

static void inner_keys_and_plaintext_are_the_vectors(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    const struct scalar *secret = &pattern.coefficients[0];
    struct signing_key verify_key;
    uint8_t key[32], plaintext[128];
    record_verify_key(&pattern.keys, secret, &verify_key);
    assert_vector(vectors, "patterns.0.verify_seed", verify_key.seed, 32);
    assert_vector(vectors, "patterns.0.W", verify_key.public.bytes, 32);
    hash_once(secret->bytes, 32, "cfed/v1/release-key", NULL, 0, key, 32);
    assert_vector(vectors, "patterns.0.K_rel", key, 32);
    hash_once(pattern.keys.content, 32, "cfed/v1/content-key", secret->bytes, 32, key, 32);
    assert_vector(vectors, "patterns.0.K_ct", key, 32);
    static const uint8_t nonce[24];
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(
                         plaintext, NULL, NULL, pattern.record.ciphertext, 144,
                         (const uint8_t *)"cfed/v1/ct", 10, nonce, key),
                     0);
    assert_vector(vectors, "patterns.0.ciphertext_plaintext", plaintext, sizeof plaintext);
}

/* Opens the pattern's record and expects `fault`. */
static void expect_open(const struct pattern *pattern, enum fault fault, const char *reason)
{
    char m[SUMMARY_LENGTH_MAX + 1] = "untouched";
    size_t length = 99;
    struct why why = {""};
    assert_int_equal(record_open(&pattern->keys, &pattern->epoch.federation_id, &pattern->record,
                                 &pattern->coefficients[0], m, &length, &why),
                     fault);
    if (fault != FAULT_NONE) {
        assert_string_equal(m, "untouched");
        assert_int_equal(length, 99);
        assert_non_null(strstr(why.text, reason));
        return;
    }
    assert_int_equal(length, pattern->m_length);
    assert_memory_equal(m, pattern->m, length);
    assert_int_equal(m[length], '\0');
}

static void record_opens_at_every_length_of_m(void **state)
{
    (void)state;
    static const struct {
        size_t m_length;
        uint16_t ciphertext_length;
    } cases[] = {{10, 144},  {11, 144},  {126, 144},  {127, 272},  {254, 272},
                 {255, 528}, {510, 528}, {511, 1040}, {1000, 1040}};
    struct pattern pattern = pattern_make();
    memset(pattern.m, 'x', SUMMARY_LENGTH_MAX);
    memcpy(pattern.m, "databases\n", 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pattern.m_length = cases[i].m_length;
        assert_int_equal(pattern_remake(&pattern), FAULT_NONE);
        assert_int_equal(pattern.record.ciphertext_length, cases[i].ciphertext_length);
        expect_open(&pattern, FAULT_NONE, NULL);
    }
}

static void m_without_a_domain_or_too_long_makes_no_record(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "\nx", "Upper\nx", "two words\nx"};
    struct pattern pattern = pattern_make();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pattern.m_length = strlen(bad[i]);
        memcpy(pattern.m, bad[i], pattern.m_length);
        assert_int_equal(pattern_remake(&pattern), FAULT_CRYPTO);
    }
    pattern = pattern_make();
    char m[SUMMARY_LENGTH_MAX + 1];
    memset(m, 'x', sizeof m);
    m[1] = '\n';
    assert_int_equal(record_make(&pattern.keys, &pattern.epoch, m, sizeof m,
                                 pattern.index_plaintext, &pattern.output, &pattern.record,
                                 pattern.coefficients),
                     FAULT_CRYPTO);
}

static void threshold_out_of_range_makes_no_record(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    static const struct {
        uint8_t k;
        enum fault fault;
    } cases[] = {
        {0, FAULT_CRYPTO},           {THRESHOLD_MIN - 1, FAULT_CRYPTO}, {THRESHOLD_MIN, FAULT_NONE},
        {THRESHOLD_MAX, FAULT_NONE}, {THRESHOLD_MAX + 1, FAULT_CRYPTO}, {255, FAULT_CRYPTO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pattern.epoch.k = cases[i].k;
        assert_int_equal(pattern_remake(&pattern), cases[i].fault);
    }
}

static void other_secret_does_not_open(void **state)
{
    (void)state;
    static const struct scalar zero;
    struct pattern pattern = pattern_make();
    const struct scalar honest = pattern.coefficients[0];
    pattern.coefficients[0] = pattern.coefficients[1];
    expect_open(&pattern, FAULT_CRYPTO, "commits to");
    pattern.coefficients[0] = zero;
    expect_open(&pattern, FAULT_CRYPTO, "commits to");

    pattern.coefficients[0] = honest;
    group_order_add(pattern.coefficients[0].bytes); /* the same C_0 */
    expect_open(&pattern, FAULT_CRYPTO, "commits to");
}

static void other_federation_key_or_id_does_not_open(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make(), other = pattern;
    other.federation_key[0] ^= 1;
    federation_keys_derive(other.federation_key, &other.keys);
    expect_open(&other, FAULT_CRYPTO, "verify key");
    pattern.epoch.federation_id.bytes[0] ^= 1;
    expect_open(&pattern, FAULT_CRYPTO, "tag");
}

static void changed_record_does_not_open(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    const struct record honest = pattern.record;
    pattern.record.ciphertext[5] ^= 1;
    expect_open(&pattern, FAULT_CRYPTO, "tag");
    record_tag(&pattern.record, &pattern.epoch.federation_id, &pattern.record.tag);
    expect_open(&pattern, FAULT_CRYPTO, "ciphertext");
    pattern.record = honest;
    pattern.record.verify_key.bytes[0] ^= 1;
    expect_open(&pattern, FAULT_CRYPTO, "verify key");
    pattern.record = honest;
    pattern.record.commitments[0] = pattern.record.commitments[1];
    expect_open(&pattern, FAULT_CRYPTO, "commits to");
    pattern.record = honest;
    pattern.record.k = THRESHOLD_MAX + 1;
    expect_open(&pattern, FAULT_CRYPTO, "well-formed");
    pattern.record = honest;
    pattern.record.ciphertext_length = 143;
    expect_open(&pattern, FAULT_CRYPTO, "well-formed");
    pattern.record = honest;
    pattern.record.ciphertext_length = CIPHERTEXT_LENGTH_MAX + 1;
    expect_open(&pattern, FAULT_CRYPTO, "well-formed");
}

static void record_under_another_domain_does_not_open(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    pattern.record.domain[0] = 'b';
    record_tag(&pattern.record, &pattern.epoch.federation_id, &pattern.record.tag);
    expect_open(&pattern, FAULT_CRYPTO, "domain");
    pattern.record.domain[0] = 'd';
    pattern.record.domain_length--;
    record_tag(&pattern.record, &pattern.epoch.federation_id, &pattern.record.tag);
    expect_open(&pattern, FAULT_CRYPTO, "domain");
}

/* Seals a padded plaintext of the test's own, as a member with F and s could. */
static void ciphertext_replace(struct pattern *pattern, const uint8_t *padded, size_t length)
{
    static const uint8_t nonce[24];
    uint8_t key[32];
    vector_bytes(vectors, "patterns.0.K_ct", key, sizeof key);
    crypto_aead_xchacha20poly1305_ietf_encrypt(pattern->record.ciphertext, NULL, padded, length,
                                               (const uint8_t *)"cfed/v1/ct", 10, NULL, nonce, key);
    pattern->record.ciphertext_length = (uint16_t)(length + 16);
    record_tag(&pattern->record, &pattern->epoch.federation_id, &pattern->record.tag);
}

static void padding_that_is_not_canonical_does_not_open(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    uint8_t padded[1024] = {0};
    vector_bytes(vectors, "patterns.0.ciphertext_plaintext", padded, 128);
    ciphertext_replace(&pattern, padded, 128);
    expect_open(&pattern, FAULT_NONE, NULL);
    for (size_t length = 256; length <= 1024; length *= 2) { /* not the smallest that fits */
        ciphertext_replace(&pattern, padded, length);
        expect_open(&pattern, FAULT_CRYPTO, "ciphertext");
    }
    for (size_t at = 2 + pattern.m_length; at < 128; at++) { /* not zeros */
        padded[at] = 1;
        ciphertext_replace(&pattern, padded, 128);
        expect_open(&pattern, FAULT_CRYPTO, "ciphertext");
        padded[at] = 0;
    }
    static const uint16_t lengths[] = {0, 127, 128, 1001, 65535}; /* not what the size holds */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        padded[0] = (uint8_t)(lengths[i] >> 8);
        padded[1] = (uint8_t)lengths[i];
        ciphertext_replace(&pattern, padded, lengths[i] > 1000 ? 1024 : 128);
        expect_open(&pattern, FAULT_CRYPTO, "ciphertext");
    }
}

static void shares_of_k_members_open_the_index(void **state)
{
    (void)state;
    struct pattern pattern = pattern_make();
    struct share shares[3];
    struct scalar secret;
    bool valid[3];
    uint32_t tokens[TOKENS_MAX];
    size_t count;
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "instances.%zu.x", i);
        vector_bytes(vectors, path, shares[i].x.bytes, 32);
        vector_bytes(vectors, path_of("shares", i), shares[i].y.bytes, 32);
    }
    assert_int_equal(share_check_all(pattern.record.commitments, 3, shares, 3, valid, &secret), 3);
    assert_int_equal(record_index_open(pattern.record.index, &secret, 32, tokens, &count),
                     FAULT_NONE);
    assert_int_equal(count, 5);
}

static int setup(void **state)
{
    (void)state;
    vectors = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    (void)state;
    vectors_free(vectors);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(federation_keys_are_the_vectors),
        cmocka_unit_test(tokens_of_terms_are_the_vectors),
        cmocka_unit_test(token_of_zero_becomes_one),
        cmocka_unit_test(oprf_input_is_the_vectors),
        cmocka_unit_test(record_is_the_vectors_in_every_field),
        cmocka_unit_test(inner_keys_and_plaintext_are_the_vectors),
        cmocka_unit_test(record_opens_at_every_length_of_m),
        cmocka_unit_test(m_without_a_domain_or_too_long_makes_no_record),
        cmocka_unit_test(threshold_out_of_range_makes_no_record),
        cmocka_unit_test(other_secret_does_not_open),
        cmocka_unit_test(other_federation_key_or_id_does_not_open),
        cmocka_unit_test(changed_record_does_not_open),
        cmocka_unit_test(record_under_another_domain_does_not_open),
        cmocka_unit_test(padding_that_is_not_canonical_does_not_open),
        cmocka_unit_test(shares_of_k_members_open_the_index),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
