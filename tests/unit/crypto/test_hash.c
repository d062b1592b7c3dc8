/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/bytes.h"
#include "lib/vectors.h"

static void keyed_hash_gives_the_vectors_bytes(void **state)
{
    uint8_t federation_key[32], output[64];
    vector_bytes(*state, "F", federation_key, sizeof federation_key);
    hash_once(federation_key, 32, "cfed/v1/F/pattern", NULL, 0, output, 64);
    assert_vector(*state, "F_pat", output, 64);

    uint8_t seed[32], tag[32];
    vector_bytes(*state, "instances.0.seed", seed, sizeof seed);
    vector_bytes(*state, "patterns.0.tag", tag, sizeof tag);
    hash_once(seed, 32, "cfed/v1/verifier", tag, sizeof tag, output, 16);
    assert_vector(*state, "verification.verifier", output, 16);
}

static void pattern_hash_gives_the_vectors_bytes(void **state)
{
    uint8_t key[64], input[512], output[64];
    vector_bytes(*state, "F_pat", key, sizeof key);
    size_t length = vector_read(*state, "patterns.0.pattern_hash_input", input, sizeof input);
    hash_once(key, sizeof key, "cfed/v1/pattern", input, length, output, sizeof output);
    assert_vector(*state, "patterns.0.pattern_hash", output, sizeof output);
}

static void integers_are_big_endian_and_pieces_do_not_matter(void **state)
{
    (void)state;
    static const uint8_t whole[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 'x'};
    uint8_t once[32], pieces[32];
    hash_once(NULL, 0, "label", whole, sizeof whole, once, sizeof once);
    struct hash hash;
    hash_init(&hash, NULL, 0, "label", sizeof pieces);
    hash_u8(&hash, 0x01);
    hash_u16(&hash, 0x0203);
    hash_u32(&hash, 0x04050607);
    hash_bytes(&hash, "x", 1);
    hash_final(&hash, pieces);
    assert_memory_equal(once, pieces, sizeof once);
}

static void label_key_and_output_length_all_count(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1}, other_key[32] = {2};
    uint8_t base[64], other[64];
    hash_once(key, 32, "ab", "c", 1, base, 32);
    hash_once(key, 32, "a", "bc", 2, other, 32);
    assert_memory_not_equal(base, other, 32);
    hash_once(other_key, 32, "ab", "c", 1, other, 32);
    assert_memory_not_equal(base, other, 32);
    hash_once(NULL, 0, "ab", "c", 1, other, 32);
    assert_memory_not_equal(base, other, 32);
    hash_once(key, 32, "ab", "c", 1, other, 64);
    assert_memory_not_equal(base, other, 32);
}

static void state_is_wiped_at_the_end(void **state)
{
    (void)state;
    static const struct hash wiped;
    static const uint8_t key[32] = {1};
    uint8_t output[16];
    struct hash hash;
    hash_init(&hash, key, sizeof key, "label", sizeof output);
    hash_final(&hash, output);
    assert_memory_equal(&hash, &wiped, sizeof hash);
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
        cmocka_unit_test(keyed_hash_gives_the_vectors_bytes),
        cmocka_unit_test(pattern_hash_gives_the_vectors_bytes),
        cmocka_unit_test(integers_are_big_endian_and_pieces_do_not_matter),
        cmocka_unit_test(label_key_and_output_length_all_count),
        cmocka_unit_test(state_is_wiped_at_the_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
