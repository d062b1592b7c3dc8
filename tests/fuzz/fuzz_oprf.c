/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/group.h"
#include "crypto/oprf.h"
#include "fuzz/fuzz.h"

/*
 * The input: how many elements; for each a byte (even: 32 bytes as they came from a stranger; odd:
 * the element that an honest member would send for them) and 32 bytes; then a place and a change
 * for the proof.
 */
enum { ELEMENTS_MAX = 6 };

struct batch {
    size_t count, first_bad; /* `count` when none is */
    struct point blinded[ELEMENTS_MAX], evaluated[ELEMENTS_MAX];
    struct scalar blind[ELEMENTS_MAX];
    uint8_t input[ELEMENTS_MAX][32];
};

static void batch_read(struct input *input, struct batch *ret)
{
    *ret = (struct batch){.count = input_byte(input) % (ELEMENTS_MAX + 1)};
    ret->first_bad = ret->count;
    for (size_t i = 0; i < ret->count; i++) {
        bool honest = input_byte(input) & 1;
        uint8_t wide[64] = {1};
        input_take(input, ret->input[i], sizeof ret->input[i]);
        memcpy(wide + 1, ret->input[i], sizeof ret->input[i]);
        scalar_reduce(wide, &ret->blind[i]);
        memcpy(&ret->blinded[i], ret->input[i], sizeof ret->blinded[i]);
        if (honest)
            PROPERTY(oprf_blind(ret->input[i], 32, &ret->blind[i], &ret->blinded[i]) == FAULT_NONE);
        if (!point_is_valid(&ret->blinded[i]) && ret->first_bad == ret->count)
            ret->first_bad = i;
    }
}

/* Two blinds of one input come to the same output. */
static void output_check(const struct oprf_key *key, const struct batch *batch, size_t i)
{
    static const struct scalar one = {{1}};
    struct point blinded, evaluated;
    struct oprf_output output, again;
    PROPERTY(oprf_blind(batch->input[i], 32, &one, &blinded) == FAULT_NONE);
    PROPERTY(point_multiply(&key->secret, &blinded, &evaluated));
    PROPERTY(oprf_finalize(batch->input[i], 32, &one, &evaluated, &output) == FAULT_NONE);
    PROPERTY(oprf_finalize(batch->input[i], 32, &batch->blind[i], &batch->evaluated[i], &again) ==
             FAULT_NONE);
    struct point honest;
    PROPERTY(oprf_blind(batch->input[i], 32, &batch->blind[i], &honest) == FAULT_NONE);
    PROPERTY(!point_equal(&honest, &batch->blinded[i]) ||
             bytes_equal(&output, &again, sizeof output));
}

static void proof_check(const struct oprf_key *key, struct batch *batch, struct oprf_proof *proof,
                        struct input *input)
{
    size_t count = batch->count;
    PROPERTY(oprf_verify(&key->public, batch->blinded, batch->evaluated, count, proof) ==
             FAULT_NONE);
    for (size_t i = 0; i < count; i++)
        output_check(key, batch, i);
    size_t at = input_byte(input) % sizeof proof->bytes;
    uint8_t change = input_byte(input);
    proof->bytes[at] ^= change;
    PROPERTY(change == 0 || oprf_verify(&key->public, batch->blinded, batch->evaluated, count,
                                        proof) == FAULT_CRYPTO);
    proof->bytes[at] ^= change;
    batch->evaluated[0].bytes[at % 32] ^= change;
    PROPERTY(change == 0 || oprf_verify(&key->public, batch->blinded, batch->evaluated, count,
                                        proof) == FAULT_CRYPTO);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t seed[32] = "a coordinator of fuzzers.......";
    static const struct scalar proof_random = {{5, 4, 3}};
    struct input input = {bytes, length};
    struct batch batch;
    struct oprf_key key;
    struct oprf_proof proof;
    size_t bad = ELEMENTS_MAX;
    PROPERTY(crypto_init() == FAULT_NONE);
    PROPERTY(oprf_key_derive(seed, "", 0, &key) == FAULT_NONE);
    batch_read(&input, &batch);
    enum fault fault = oprf_evaluate(&key, &proof_random, batch.blinded, batch.count,
                                     batch.evaluated, &proof, &bad);
    if (batch.count == 0) {
        PROPERTY(fault == FAULT_CRYPTO);
    } else if (batch.first_bad < batch.count) {
        PROPERTY(fault == FAULT_RECORD_POINT && bad == batch.first_bad);
    } else {
        PROPERTY(fault == FAULT_NONE);
        proof_check(&key, &batch, &proof, &input);
    }
    return 0;
}
