/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/record.h"
#include "lib/vectors.h"

enum { LINES_MAX = 16 };

/* Lines cut from a message of the vectors. */
struct lines {
    char text[1024];
    const char *line[LINES_MAX];
    size_t count;
};

static struct json_t *vectors;

static void lines_split(const char *message, struct lines *lines)
{
    lines->count = 0;
    assert_in_range(strlen(message), 1, sizeof lines->text - 1);
    memcpy(lines->text, message, strlen(message) + 1);
    char *rest = lines->text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        lines->line[lines->count++] = *line ? line : NULL; /* absent is NULL or "" */
    assert_in_range(lines->count, 2, LINES_MAX - 1);
}

static struct signing_key key_of_seed(const char *path)
{
    uint8_t seed[32];
    struct signing_key key;
    vector_bytes(vectors, path, seed, sizeof seed);
    signing_key_from_seed(seed, &key);
    return key;
}

static struct signing_key key_of_w(void)
{
    struct federation_keys keys;
    uint8_t federation_key[32];
    struct scalar secret;
    struct signing_key key;
    vector_bytes(vectors, "F", federation_key, sizeof federation_key);
    vector_bytes(vectors, "patterns.0.interpolated_s", secret.bytes, 32);
    federation_keys_derive(federation_key, &keys);
    record_verify_key(&keys, &secret, &key);
    return key;
}

static void public_keys_are_the_vectors(void **state)
{
    (void)state;
    struct signing_key key = key_of_seed("coordinator_seed");
    assert_vector(vectors, "coordinator_public_key", key.public.bytes, 32);
    key = key_of_seed("instances.0.seed");
    assert_vector(vectors, "instances.0.public_key", key.public.bytes, 32);
    key = key_of_seed("instances.2.seed");
    assert_vector(vectors, "instances.2.public_key", key.public.bytes, 32);
}

static void signatures_are_the_vectors(void **state)
{
    (void)state;
    const struct {
        const char *message, *signature;
        struct signing_key key;
    } cases[] = {
        {"signed_lines.epoch.message_utf8", "signed_lines.epoch.signature",
         key_of_seed("coordinator_seed")},
        {"signed_lines.join.message_utf8", "signed_lines.join.signature",
         key_of_seed("instances.0.seed")},
        {"signed_lines.token.message_utf8", "signed_lines.token.signature",
         key_of_seed("instances.0.seed")},
        {"verification.message_utf8", "verification.signature_of_instance",
         key_of_seed("instances.0.seed")},
        {"verification.message_utf8", "verification.proof_under_W", key_of_w()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lines lines;
        struct signature signature;
        lines_split(vector_text(vectors, cases[i].message), &lines);
        assert_true(lines_sign(&cases[i].key, lines.line, lines.count, &signature));
        assert_vector(vectors, cases[i].signature, signature.bytes, sizeof signature.bytes);
        assert_true(lines_verify(&cases[i].key.public, lines.line, lines.count, &signature));
    }
}

static void changed_line_signature_or_key_is_refused(void **state)
{
    (void)state;
    struct signing_key key = key_of_seed("instances.0.seed");
    struct signature signature;
    const char *lines[] = {"cfed/v1/test", "one", "", "two"};
    const char *absent[] = {"cfed/v1/test", "one", NULL, "two"};
    const char *changed[] = {"cfed/v1/test", "one", "", "twp"};
    const char *moved[] = {"cfed/v1/test", "", "one", "two"};
    assert_true(lines_sign(&key, lines, 4, &signature));
    assert_true(lines_verify(&key.public, lines, 4, &signature));
    assert_true(lines_verify(&key.public, absent, 4, &signature));
    assert_false(lines_verify(&key.public, changed, 4, &signature));
    assert_false(lines_verify(&key.public, moved, 4, &signature));
    assert_false(lines_verify(&key.public, lines, 3, &signature));
    for (size_t i = 0; i < sizeof signature.bytes; i++) {
        signature.bytes[i] ^= 0x20;
        assert_false(lines_verify(&key.public, lines, 4, &signature));
        signature.bytes[i] ^= 0x20;
    }
    struct public_key other = key_of_seed("instances.1.seed").public;
    assert_false(lines_verify(&other, lines, 4, &signature));
}

static void newline_inside_a_line_is_neither_signed_nor_verified(void **state)
{
    (void)state;
    struct signing_key key = key_of_seed("instances.0.seed");
    struct signature signature;
    const char *three[] = {"a", "b", "c"}, *two[] = {"a", "b\nc"};
    assert_true(lines_sign(&key, three, 3, &signature));
    assert_false(lines_verify(&key.public, two, 2, &signature));
    assert_false(lines_sign(&key, two, 2, &signature));
}

static void longest_message_is_signed_and_a_longer_one_is_not(void **state)
{
    (void)state;
    struct signing_key key = key_of_seed("instances.0.seed");
    struct signature signature;
    char text[LINES_LENGTH_MAX];
    memset(text, 'x', sizeof text);
    text[LINES_LENGTH_MAX - 2] = '\0';
    const char *lines[] = {"y", text, "y"};
    assert_true(lines_sign(&key, lines + 1, 2, &signature)); /* exactly the longest */
    assert_true(lines_verify(&key.public, lines + 1, 2, &signature));
    const char *one_over[] = {text, "yy"};
    assert_false(lines_sign(&key, one_over, 2, &signature));
    assert_false(lines_sign(&key, lines, 3, &signature));
    assert_false(lines_verify(&key.public, lines, 3, &signature));
    assert_false(lines_sign(&key, lines, 0, &signature));
}

static void key_of_small_order_verifies_nothing(void **state)
{
    (void)state;
    static const struct public_key identity = {{1}};
    static const struct signature forged = {{1}}; /* R = identity, S = 0: the equation holds */
    const char *lines[] = {"cfed/v1/token", "anything"};
    assert_false(lines_verify(&identity, lines, 2, &forged));
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
        cmocka_unit_test(public_keys_are_the_vectors),
        cmocka_unit_test(signatures_are_the_vectors),
        cmocka_unit_test(changed_line_signature_or_key_is_refused),
        cmocka_unit_test(newline_inside_a_line_is_neither_signed_nor_verified),
        cmocka_unit_test(longest_message_is_signed_and_a_longer_one_is_not),
        cmocka_unit_test(key_of_small_order_verifies_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
