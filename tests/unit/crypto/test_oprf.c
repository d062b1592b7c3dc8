/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/oprf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/group.h"
#include "lib/group_order.h"
#include "lib/vectors.h"

enum { MODE_1 = 1, BATCH = 5 };

static struct json_t *rfc, *cfed;

/* The path of `name` in vector `i` of mode 1. */
static const char *rfc_path(size_t i, const char *name)
{
    static char path[96];
    snprintf(path, sizeof path, "modes.%d.vectors.%zu.%s", MODE_1, i, name);
    return path;
}

static struct oprf_key rfc_key(void)
{
    uint8_t seed[32], info[64];
    vector_bytes(rfc, "modes.1.seed", seed, sizeof seed);
    size_t info_length = vector_read(rfc, "modes.1.keyInfo", info, sizeof info);
    struct oprf_key key;
    assert_int_equal(oprf_key_derive(seed, info, info_length, &key), FAULT_NONE);
    return key;
}

static void key_derivation_is_the_rfcs(void **state)
{
    (void)state;
    struct oprf_key key = rfc_key(), again;
    assert_vector(rfc, "modes.1.skSm", key.secret.bytes, 32);
    assert_vector(rfc, "modes.1.pkSm", key.public.bytes, 32);
    assert_int_equal(oprf_key_from_secret(&key.secret, &again), FAULT_NONE);
    assert_memory_equal(&key, &again, sizeof key);
}

static void every_step_is_the_rfcs(void **state)
{
    (void)state;
    struct oprf_key key = rfc_key();
    size_t count = vector_count(rfc, "modes.1.vectors");
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        uint8_t input[64];
        struct scalar blind, random;
        struct point blinded, evaluated;
        struct oprf_proof proof;
        struct oprf_output output;
        size_t length = vector_read(rfc, rfc_path(i, "Input"), input, sizeof input);
        vector_bytes(rfc, rfc_path(i, "Blind"), blind.bytes, 32);
        vector_bytes(rfc, rfc_path(i, "Proof.r"), random.bytes, 32);

        assert_int_equal(oprf_blind(input, length, &blind, &blinded), FAULT_NONE);
        assert_vector(rfc, rfc_path(i, "BlindedElement"), blinded.bytes, 32);
        assert_int_equal(oprf_evaluate(&key, &random, &blinded, 1, &evaluated, &proof, NULL),
                         FAULT_NONE);
        assert_vector(rfc, rfc_path(i, "EvaluationElement"), evaluated.bytes, 32);
        assert_vector(rfc, rfc_path(i, "Proof.proof"), proof.bytes, sizeof proof.bytes);
        assert_int_equal(oprf_verify(&key.public, &blinded, &evaluated, 1, &proof), FAULT_NONE);
        assert_int_equal(oprf_finalize(input, length, &blind, &evaluated, &output), FAULT_NONE);
        assert_vector(rfc, rfc_path(i, "Output"), output.bytes, sizeof output.bytes);
    }
}

/* The third vector of RFC 9497, A.1.2.3, which proves a batch of two. */
static void batched_proof_is_the_rfcs(void **state)
{
    (void)state;
    struct scalar blinds[2], random;
    struct oprf_proof expected;
    hex_decode("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706", &blinds[0], 32);
    hex_decode("222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e", &blinds[1], 32);
    hex_decode("419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c", &random, 32);
    hex_decode("cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a"
               "5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
               &expected, 64);
    struct oprf_key key = rfc_key();
    struct point blinded[2], evaluated[2];
    struct oprf_proof proof;
    for (size_t i = 0; i < 2; i++) {
        uint8_t input[64];
        size_t length = vector_read(rfc, rfc_path(i, "Input"), input, sizeof input);
        assert_int_equal(oprf_blind(input, length, &blinds[i], &blinded[i]), FAULT_NONE);
    }
    assert_int_equal(oprf_evaluate(&key, &random, blinded, 2, evaluated, &proof, NULL), FAULT_NONE);
    assert_memory_equal(&proof, &expected, sizeof proof);
    assert_int_equal(oprf_verify(&key.public, blinded, evaluated, 2, &proof), FAULT_NONE);
}

static void protocol_vector_holds_step_by_step(void **state)
{
    (void)state;
    struct scalar secret, blind, random;
    struct oprf_key key;
    vector_bytes(cfed, "oprf_private_key", secret.bytes, 32);
    vector_bytes(cfed, "patterns.0.blind", blind.bytes, 32);
    vector_bytes(cfed, "patterns.0.proof_r", random.bytes, 32);
    assert_int_equal(oprf_key_from_secret(&secret, &key), FAULT_NONE);
    assert_vector(cfed, "oprf_public_key", key.public.bytes, 32);

    uint8_t input[99];
    struct point blinded, evaluated;
    struct oprf_proof proof;
    struct oprf_output output;
    vector_bytes(cfed, "patterns.0.oprf_input", input, sizeof input);
    assert_int_equal(oprf_blind(input, sizeof input, &blind, &blinded), FAULT_NONE);
    assert_vector(cfed, "patterns.0.blinded", blinded.bytes, 32);
    assert_int_equal(oprf_evaluate(&key, &random, &blinded, 1, &evaluated, &proof, NULL),
                     FAULT_NONE);
    assert_vector(cfed, "patterns.0.evaluated", evaluated.bytes, 32);
    assert_vector(cfed, "patterns.0.proof", proof.bytes, sizeof proof.bytes);
    assert_int_equal(oprf_verify(&key.public, &blinded, &evaluated, 1, &proof), FAULT_NONE);
    assert_int_equal(oprf_finalize(input, sizeof input, &blind, &evaluated, &output), FAULT_NONE);
    assert_vector(cfed, "patterns.0.R", output.bytes, sizeof output.bytes);
}

/* A batch of blinded elements with the server's honest answer. */
struct exchange {
    struct oprf_key key;
    struct scalar blinds[BATCH], random;
    struct point blinded[BATCH], evaluated[BATCH];
    struct oprf_proof proof;
};

static void exchange_make(struct exchange *exchange)
{
    assert_int_equal(oprf_key_generate(&exchange->key), FAULT_NONE);
    oprf_blind_random(&exchange->random);
    for (uint8_t i = 0; i < BATCH; i++) {
        oprf_blind_random(&exchange->blinds[i]);
        assert_int_equal(oprf_blind(&i, 1, &exchange->blinds[i], &exchange->blinded[i]),
                         FAULT_NONE);
    }
    assert_int_equal(oprf_evaluate(&exchange->key, &exchange->random, exchange->blinded, BATCH,
                                   exchange->evaluated, &exchange->proof, NULL),
                     FAULT_NONE);
}

static enum fault exchange_verify(const struct exchange *exchange)
{
    return oprf_verify(&exchange->key.public, exchange->blinded, exchange->evaluated, BATCH,
                       &exchange->proof);
}

static void output_does_not_depend_on_the_blind(void **state)
{
    (void)state;
    struct exchange a, b;
    exchange_make(&a);
    exchange_make(&b);
    assert_int_equal(
        oprf_evaluate(&a.key, &b.random, b.blinded, BATCH, b.evaluated, &b.proof, NULL),
        FAULT_NONE);
    for (uint8_t i = 0; i < BATCH; i++) {
        struct oprf_output one, other;
        assert_memory_not_equal(&a.blinded[i], &b.blinded[i], sizeof a.blinded[i]);
        assert_int_equal(oprf_finalize(&i, 1, &a.blinds[i], &a.evaluated[i], &one), FAULT_NONE);
        assert_int_equal(oprf_finalize(&i, 1, &b.blinds[i], &b.evaluated[i], &other), FAULT_NONE);
        assert_memory_equal(&one, &other, sizeof one);
    }
}

static void largest_batch_is_proved_and_a_larger_one_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    exchange_make(&exchange);
    struct point blinded[OPRF_BATCH_MAX + 1], evaluated[OPRF_BATCH_MAX];
    for (size_t i = 0; i < sizeof blinded / sizeof *blinded; i++)
        blinded[i] = exchange.blinded[i % BATCH];
    assert_int_equal(oprf_evaluate(&exchange.key, &exchange.random, blinded, OPRF_BATCH_MAX,
                                   evaluated, &exchange.proof, NULL),
                     FAULT_NONE);
    assert_int_equal(
        oprf_verify(&exchange.key.public, blinded, evaluated, OPRF_BATCH_MAX, &exchange.proof),
        FAULT_NONE);
    assert_int_equal(oprf_evaluate(&exchange.key, &exchange.random, blinded, OPRF_BATCH_MAX + 1,
                                   evaluated, &exchange.proof, NULL),
                     FAULT_CRYPTO);
    assert_int_equal(oprf_evaluate(&exchange.key, &exchange.random, blinded, 0, evaluated,
                                   &exchange.proof, NULL),
                     FAULT_CRYPTO);
}

static void proof_with_any_bit_flipped_is_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    exchange_make(&exchange);
    for (size_t i = 0; i < OPRF_PROOF_LENGTH; i++) {
        exchange.proof.bytes[i] ^= 1;
        assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
        exchange.proof.bytes[i] ^= 1;
    }
    assert_int_equal(exchange_verify(&exchange), FAULT_NONE);
}

static void proof_whose_scalars_are_not_canonical_is_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    exchange_make(&exchange);
    for (size_t half = 0; half < OPRF_PROOF_LENGTH; half += 32) {
        struct oprf_proof honest = exchange.proof;
        group_order_add(exchange.proof.bytes + half);
        assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
        exchange.proof = honest;
    }
}

static void evaluation_under_another_key_is_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    struct oprf_key other;
    exchange_make(&exchange);
    assert_int_equal(oprf_key_generate(&other), FAULT_NONE);
    for (size_t i = 0; i < BATCH; i++) {
        struct point honest = exchange.evaluated[i];
        assert_true(point_multiply(&other.secret, &exchange.blinded[i], &exchange.evaluated[i]));
        assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
        exchange.evaluated[i] = honest;
    }
    exchange.key.public = other.public;
    assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
}

static void swapped_elements_are_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    exchange_make(&exchange);
    struct point first = exchange.evaluated[0];
    exchange.evaluated[0] = exchange.evaluated[1];
    exchange.evaluated[1] = first;
    assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
    first = exchange.blinded[0];
    exchange.blinded[0] = exchange.blinded[1];
    exchange.blinded[1] = first;
    assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO); /* other weights */
}

static void invalid_blinded_element_is_named_and_changes_nothing(void **state)
{
    (void)state;
    struct exchange exchange;
    exchange_make(&exchange);
    struct point bad[] = {
        {{0}}, exchange.blinded[0], {{0x01}}}; /* identity, top bit, no encoding */
    bad[1].bytes[31] |= 0x80;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct exchange before = exchange;
        size_t at = 99;
        exchange.blinded[3] = before.blinded[3] = bad[i];
        assert_int_equal(oprf_evaluate(&exchange.key, &exchange.random, exchange.blinded, BATCH,
                                       exchange.evaluated, &exchange.proof, &at),
                         FAULT_RECORD_POINT);
        assert_int_equal(at, 3);
        assert_memory_equal(&exchange, &before, sizeof before);
    }
}

static void invalid_evaluated_element_is_refused(void **state)
{
    (void)state;
    struct exchange exchange;
    struct oprf_output output;
    exchange_make(&exchange);
    struct point bad[] = {{{0}}, exchange.evaluated[0], {{0x01}}};
    bad[1].bytes[31] |= 0x80;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        exchange.evaluated[0] = bad[i];
        assert_int_equal(exchange_verify(&exchange), FAULT_CRYPTO);
        assert_int_equal(oprf_finalize("", 0, &exchange.blinds[0], &bad[i], &output), FAULT_CRYPTO);
    }
}

static void zero_and_non_canonical_scalars_are_refused(void **state)
{
    (void)state;
    static const struct scalar zero;
    struct scalar order;
    memcpy(order.bytes, group_order, sizeof order.bytes);
    struct exchange exchange;
    struct oprf_output output;
    struct point blinded;
    exchange_make(&exchange);
    assert_int_equal(oprf_key_from_secret(&zero, &exchange.key), FAULT_CRYPTO);
    assert_int_equal(oprf_key_from_secret(&order, &exchange.key), FAULT_CRYPTO);
    assert_int_equal(oprf_blind("x", 1, &zero, &blinded), FAULT_CRYPTO);
    assert_int_equal(oprf_finalize("x", 1, &zero, &exchange.evaluated[0], &output), FAULT_CRYPTO);
    assert_int_equal(oprf_evaluate(&exchange.key, &zero, exchange.blinded, BATCH,
                                   exchange.evaluated, &exchange.proof, NULL),
                     FAULT_CRYPTO);
}

static int setup(void **state)
{
    (void)state;
    rfc = vectors_load(VECTORS_RFC9497);
    cfed = vectors_load(VECTORS_CFED);
    return crypto_init() != FAULT_NONE;
}

static int teardown(void **state)
{
    (void)state;
    vectors_free(rfc);
    vectors_free(cfed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_derivation_is_the_rfcs),
        cmocka_unit_test(every_step_is_the_rfcs),
        cmocka_unit_test(batched_proof_is_the_rfcs),
        cmocka_unit_test(protocol_vector_holds_step_by_step),
        cmocka_unit_test(output_does_not_depend_on_the_blind),
        cmocka_unit_test(largest_batch_is_proved_and_a_larger_one_refused),
        cmocka_unit_test(proof_with_any_bit_flipped_is_refused),
        cmocka_unit_test(proof_whose_scalars_are_not_canonical_is_refused),
        cmocka_unit_test(evaluation_under_another_key_is_refused),
        cmocka_unit_test(swapped_elements_are_refused),
        cmocka_unit_test(invalid_blinded_element_is_named_and_changes_nothing),
        cmocka_unit_test(invalid_evaluated_element_is_refused),
        cmocka_unit_test(zero_and_non_canonical_scalars_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
