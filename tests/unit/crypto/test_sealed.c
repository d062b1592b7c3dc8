/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "crypto/bytes.h"
#include "crypto/record.h"
#include "lib/protocol_vectors.h"

static const uint8_t federation_key[32] = "a federation of tests..........";
static struct federation_keys keys;
static struct question_key question;
static uint8_t secret[REPLY_KEY_LENGTH];
static struct sealed sealed;
static struct plain plain;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), FAULT_NONE);
    federation_keys_derive(federation_key, &keys);
    question_key_make(&question, secret);
    return 0;
}

static enum fault query_open(void)
{
    struct question_key opened;
    return sealed_query_open(&keys, question.reply_key, &sealed, &opened, &plain);
}

static enum fault answer_open(void)
{
    return sealed_answer_open(&keys, &question, secret, &sealed, &plain);
}

static void what_is_sealed_opens_to_the_same(void **state)
{
    (void)state;
    static char text[SEALED_TEXT_MAX + 1];
    const size_t lengths[] = {1, 254, 255, 1022, 1023, 4094, 4095, SEALED_TEXT_MAX};
    const size_t padded[] = {256, 256, 1024, 1024, 4096, 4096, 16384, 16384};
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct question_key opened;
        assert_int_equal(sealed_query_make(&keys, &question, text, lengths[i], &sealed), 0);
        assert_int_equal(sealed.length, padded[i] + 56);
        assert_true(sealed_query_length_is_valid(sealed.length));
        assert_int_equal(sealed_query_open(&keys, question.reply_key, &sealed, &opened, &plain), 0);
        assert_int_equal(plain.length, lengths[i]);
        assert_memory_equal(plain.text, text, lengths[i]);
        assert_memory_equal(&opened, &question, sizeof opened);
        assert_int_equal(sealed_answer_make(&keys, &question, text, lengths[i], &sealed), 0);
        assert_int_equal(sealed.length, padded[i] + 88);
        assert_true(sealed_answer_length_is_valid(sealed.length));
        assert_int_equal(answer_open(), 0);
        assert_int_equal(strlen(plain.text), lengths[i]);
    }
}

static void only_texts_are_sealed(void **state)
{
    (void)state;
    static char text[SEALED_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    const struct {
        const char *text;
        size_t length;
    } cases[] = {{"", 0}, {"a\0b", 3}, {text, SEALED_TEXT_MAX + 1}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            sealed_query_make(&keys, &question, cases[i].text, cases[i].length, &sealed),
            FAULT_INVALID_REQUEST);
        assert_int_equal(
            sealed_answer_make(&keys, &question, cases[i].text, cases[i].length, &sealed),
            FAULT_INVALID_REQUEST);
    }
}

static void every_byte_counts(void **state)
{
    (void)state;
    for (int answer = 0; answer < 2; answer++) {
        if (answer)
            assert_int_equal(sealed_answer_make(&keys, &question, "yes", 3, &sealed), 0);
        else
            assert_int_equal(sealed_query_make(&keys, &question, "why?", 4, &sealed), 0);
        for (size_t i = 0; i < sealed.length; i++) {
            sealed.bytes[i] ^= 1;
            assert_int_equal(answer ? answer_open() : query_open(), FAULT_CRYPTO);
            sealed.bytes[i] ^= 1;
        }
        sealed.length--;
        assert_int_equal(answer ? answer_open() : query_open(), FAULT_CRYPTO);
    }
}

static void a_swapped_reply_key_is_noticed(void **state)
{
    (void)state;
    struct question_key other, opened;
    uint8_t other_secret[REPLY_KEY_LENGTH];
    question_key_make(&other, other_secret);
    assert_int_equal(sealed_query_make(&keys, &question, "why?", 4, &sealed), 0);
    assert_int_equal(sealed_query_open(&keys, other.reply_key, &sealed, &opened, &plain),
                     FAULT_CRYPTO);
    /* An answer to another question, or without F, is none to this one. */
    memcpy(other.reply_key, question.reply_key, sizeof other.reply_key);
    assert_int_equal(sealed_answer_make(&keys, &other, "yes", 3, &sealed), 0);
    assert_int_equal(answer_open(), FAULT_CRYPTO);
    struct federation_keys strangers = keys;
    strangers.query[0] ^= 1;
    assert_int_equal(sealed_answer_make(&strangers, &question, "yes", 3, &sealed), 0);
    assert_int_equal(answer_open(), FAULT_CRYPTO);
}

static void nothing_is_sealed_for_a_key_of_small_order(void **state)
{
    (void)state;
    struct question_key weak = question;
    memset(weak.reply_key, 0, sizeof weak.reply_key);
    assert_int_equal(sealed_answer_make(&keys, &weak, "yes", 3, &sealed), FAULT_CRYPTO);
}

static void equal_texts_are_sealed_differently(void **state)
{
    (void)state;
    static struct sealed again;
    assert_int_equal(sealed_query_make(&keys, &question, "why?", 4, &sealed), 0);
    assert_int_equal(sealed_query_make(&keys, &question, "why?", 4, &again), 0);
    assert_memory_not_equal(sealed.bytes, again.bytes, sealed.length);
}

static void vector_read(const json_t *vector, const char *name, uint8_t *ret, size_t *ret_length)
{
    const char *text = json_string_value(json_object_get(vector, name));
    assert_non_null(text);
    *ret_length = strlen(text) / 2;
    for (size_t i = 0; i < *ret_length; i++) {
        unsigned high = (unsigned)(strchr("0123456789abcdef", text[2 * i]) - "0123456789abcdef");
        unsigned low = (unsigned)(strchr("0123456789abcdef", text[2 * i + 1]) - "0123456789abcdef");
        ret[i] = (uint8_t)(high << 4 | low);
    }
}

static void the_vectors_open(void **state)
{
    (void)state;
    json_t *vectors = protocol_vectors();
    const json_t *vector = json_object_get(vectors, "sealed");
    struct question_key opened;
    uint8_t F[32], qid[QID_LENGTH];
    size_t length = 0;
    vector_read(json_object_get(vectors, "federation"), "F", F, &length);
    federation_keys_derive(F, &keys);
    vector_read(vector, "reply_key", question.reply_key, &length);
    vector_read(vector, "reply_secret", secret, &length);
    vector_read(vector, "qid", qid, &length);
    vector_read(vector, "sealed_query", sealed.bytes, &sealed.length);
    assert_int_equal(sealed_query_open(&keys, question.reply_key, &sealed, &opened, &plain), 0);
    assert_memory_equal(opened.qid, qid, sizeof qid);
    assert_string_equal(plain.text, json_string_value(json_object_get(vector, "question_utf8")));
    vector_read(vector, "sealed_answer", sealed.bytes, &sealed.length);
    assert_int_equal(sealed_answer_open(&keys, &opened, secret, &sealed, &plain), 0);
    assert_string_equal(plain.text, json_string_value(json_object_get(vector, "answer_utf8")));
    json_decref(vectors);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(what_is_sealed_opens_to_the_same),
        TEST(only_texts_are_sealed),
        TEST(every_byte_counts),
        TEST(a_swapped_reply_key_is_noticed),
        TEST(nothing_is_sealed_for_a_key_of_small_order),
        TEST(equal_texts_are_sealed_differently),
        TEST(the_vectors_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
