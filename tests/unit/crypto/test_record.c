/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/vectors.h"

static const struct scalar some_secret = {.bytes = {7}};

static void domains_are_short_lower_case_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "general", "a-b", "a-", "0-9"};
    static const char *const bad[] = {"", "-", "-a", "A", "a_b", "a b", "a.b", "a\n", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(domain_is_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(domain_is_valid(bad[i], strlen(bad[i])));
    char text[DOMAIN_LENGTH_MAX + 1];
    memset(text, 'a', sizeof text);
    assert_true(domain_is_valid(text, DOMAIN_LENGTH_MAX));
    assert_false(domain_is_valid(text, DOMAIN_LENGTH_MAX + 1));
    assert_false(domain_is_valid("a\0b", 3));
}

static void ciphertexts_have_four_lengths(void **state)
{
    (void)state;
    for (size_t length = 0; length < 2 * CIPHERTEXT_LENGTH_MAX; length++)
        assert_int_equal(ciphertext_length_is_valid(length),
                         length == 144 || length == 272 || length == 528 || length == 1040);
}

static struct record vector_record(const struct json_t *vectors)
{
    struct record record = {.epoch = vector_number(vectors, "epoch"),
                            .k = (uint8_t)vector_number(vectors, "k")};
    static const char *const commitments[] = {"patterns.0.C.0", "patterns.0.C.1", "patterns.0.C.2"};
    const char *domain = vector_text(vectors, "patterns.0.domain_given");
    record.domain_length = (uint8_t)strlen(domain);
    memcpy(record.domain, domain, record.domain_length);
    for (size_t i = 0; i < record.k; i++)
        vector_bytes(vectors, commitments[i], record.commitments[i].bytes, 32);
    vector_bytes(vectors, "patterns.0.W", record.verify_key.bytes, 32);
    vector_bytes(vectors, "patterns.0.tag", record.tag.bytes, 32);
    vector_bytes(vectors, "patterns.0.index", record.index, INDEX_LENGTH);
    record.ciphertext_length = (uint16_t)vector_read(vectors, "patterns.0.ciphertext",
                                                     record.ciphertext, CIPHERTEXT_LENGTH_MAX);
    return record;
}

static void tag_is_the_vectors_and_covers_every_field(void **state)
{
    struct federation_id id;
    struct tag tag;
    const struct record record = vector_record(*state);
    vector_bytes(*state, "federation_id", id.bytes, sizeof id.bytes);
    record_tag(&record, &id, &tag);
    assert_vector(*state, "patterns.0.tag", tag.bytes, sizeof tag.bytes);

    struct record changed[8];
    for (size_t i = 0; i < 8; i++)
        changed[i] = record;
    changed[0].epoch++;
    changed[1].k--;
    changed[2].domain_length--;
    changed[3].domain[0]++;
    changed[4].commitments[2].bytes[31] ^= 1;
    changed[5].verify_key.bytes[0] ^= 1;
    changed[6].ciphertext[143] ^= 1;
    changed[7].index[79] ^= 1;
    for (size_t i = 0; i < 8; i++) {
        record_tag(&changed[i], &id, &tag);
        assert_memory_not_equal(&tag, &record.tag, sizeof tag);
    }
    id.bytes[0] ^= 1;
    record_tag(&record, &id, &tag);
    assert_memory_not_equal(&tag, &record.tag, sizeof tag);
}

static void vector_tokens(const struct json_t *vectors, uint32_t tokens[TOKENS_MAX])
{
    static const char *const paths[] = {
        "patterns.0.tokens_in_order_of_terms.0", "patterns.0.tokens_in_order_of_terms.1",
        "patterns.0.tokens_in_order_of_terms.2", "patterns.0.tokens_in_order_of_terms.3",
        "patterns.0.tokens_in_order_of_terms.4"};
    for (size_t i = 0; i < 5; i++)
        tokens[i] = (uint32_t)strtoul(vector_text(vectors, paths[i]), NULL, 16);
}

static void vector_index_opens_to_its_tokens_in_ascending_order(void **state)
{
    uint8_t index[INDEX_LENGTH], plaintext[INDEX_PLAINTEXT_LENGTH];
    struct scalar secret;
    uint32_t tokens[TOKENS_MAX], opened[TOKENS_MAX];
    size_t count = 0;
    vector_bytes(*state, "patterns.0.index", index, sizeof index);
    vector_bytes(*state, "patterns.0.interpolated_s", secret.bytes, 32);
    vector_tokens(*state, tokens);
    index_plaintext_encode(tokens, 5, plaintext);
    assert_vector(*state, "patterns.0.index_plaintext", plaintext, sizeof plaintext);

    assert_int_equal(record_index_open(index, &secret, 32, opened, &count), FAULT_NONE);
    assert_int_equal(count, 5);
    static const uint32_t expected[] = {0x1824b502, 0x204113df, 0x50a43881, 0x89ab74f4, 0xdc7b5cdc};
    assert_memory_equal(opened, expected, sizeof expected);

    uint8_t sealed[INDEX_LENGTH];
    record_index_seal(plaintext, &secret, sealed);
    assert_vector(*state, "patterns.0.index", sealed, sizeof sealed);
}

static void changed_index_or_other_secret_does_not_open(void **state)
{
    uint8_t index[INDEX_LENGTH];
    struct scalar secret;
    uint32_t tokens[TOKENS_MAX] = {0};
    size_t count = 99;
    vector_bytes(*state, "patterns.0.index", index, sizeof index);
    vector_bytes(*state, "patterns.0.interpolated_s", secret.bytes, 32);
    for (size_t i = 0; i < sizeof index; i++) {
        index[i] ^= 0x80;
        assert_int_equal(record_index_open(index, &secret, 32, tokens, &count), FAULT_CRYPTO);
        index[i] ^= 0x80;
    }
    assert_int_equal(record_index_open(index, &some_secret, 32, tokens, &count), FAULT_CRYPTO);
    assert_int_equal(count, 99);
    assert_int_equal(tokens[0], 0);
}

static void duplicate_tokens_are_written_once_and_all_sixteen_fit(void **state)
{
    (void)state;
    static const uint32_t doubled[] = {9, 3, 9, 3, 3};
    uint32_t tokens[TOKENS_MAX], opened[TOKENS_MAX];
    uint8_t plaintext[INDEX_PLAINTEXT_LENGTH], index[INDEX_LENGTH];
    size_t count;
    index_plaintext_encode(doubled, 5, plaintext);
    record_index_seal(plaintext, &some_secret, index);
    assert_int_equal(record_index_open(index, &some_secret, 32, opened, &count), FAULT_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(opened[0], 3);
    assert_int_equal(opened[1], 9);

    for (uint32_t i = 0; i < TOKENS_MAX; i++)
        tokens[i] = UINT32_MAX - i;
    index_plaintext_encode(tokens, TOKENS_MAX, plaintext);
    record_index_seal(plaintext, &some_secret, index);
    assert_int_equal(record_index_open(index, &some_secret, 32, opened, &count), FAULT_NONE);
    assert_int_equal(count, TOKENS_MAX);
    for (size_t i = 0; i < TOKENS_MAX; i++)
        assert_int_equal(opened[i], tokens[TOKENS_MAX - 1 - i]);
}

/* Seals the last three slots of an index as given, the others 0, and says whether it opens. */
static bool slots_open(const uint32_t slots[3], uint8_t token_bits)
{
    uint8_t plaintext[INDEX_PLAINTEXT_LENGTH] = {0}, index[INDEX_LENGTH];
    uint32_t tokens[TOKENS_MAX];
    size_t count;
    for (size_t i = 0; i < 12; i++)
        plaintext[INDEX_PLAINTEXT_LENGTH - 12 + i] = (uint8_t)(slots[i / 4] >> (24 - 8 * (i % 4)));
    record_index_seal(plaintext, &some_secret, index);
    return record_index_open(index, &some_secret, token_bits, tokens, &count) == FAULT_NONE;
}

static void index_that_is_not_canonical_does_not_open(void **state)
{
    (void)state;
    static const struct {
        uint32_t slots[3];
        uint8_t token_bits;
        bool good;
    } cases[] = {
        {{0, 0, 5}, 32, true},
        {{5, 6, 7}, 32, true},
        {{0, 0, 0}, 32, false}, /* no token */
        {{5, 0, 7}, 32, false}, /* an unused slot between */
        {{5, 7, 0}, 32, false}, /* an unused slot at the end */
        {{0, 7, 7}, 32, false}, /* twice the same */
        {{0, 7, 6}, 32, false}, /* descending */
        {{0, 0x50a43000, 0x89ab7000}, 20, true},
        {{0, 0x50a43000, 0x89ab7001}, 20, false}, /* a bit below the 20 */
        {{0, 0x50a43800, 0x89ab7000}, 20, false},
        {{0, 1, 0x89ab7000}, 20, true}, /* 1 stands for 0 */
        {{0, 2, 0x89ab7000}, 20, false},
        {{0, 1, 0x89000000}, 8, true},
        {{0, 1, 0x89800000}, 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (slots_open(cases[i].slots, cases[i].token_bits) != cases[i].good)
            fail_msg("case %zu", i);
}

static int setup(void **state)
{
    *state = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    vectors_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_short_lower_case_names),
        cmocka_unit_test(ciphertexts_have_four_lengths),
        cmocka_unit_test(tag_is_the_vectors_and_covers_every_field),
        cmocka_unit_test(vector_index_opens_to_its_tokens_in_ascending_order),
        cmocka_unit_test(changed_index_or_other_secret_does_not_open),
        cmocka_unit_test(duplicate_tokens_are_written_once_and_all_sixteen_fit),
        cmocka_unit_test(index_that_is_not_canonical_does_not_open),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
