/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "crypto/hash.h"
#include "lib/protocol_vectors.h"

/*
 * Questions and answers of section 6.7, sealed here step by step with what the program draws at
 * random: nonces, reply keys, and the ephemeral key of crypto_box_seal.
 */
enum { PADDED_MAX = 16384, SEALED_MAX = PADDED_MAX + 128 };

static size_t padded_make(const char *text, uint8_t ret[PADDED_MAX])
{
    static const size_t sizes[] = {256, 1024, 4096, PADDED_MAX};
    size_t length = strlen(text), i = 0;
    while (sizes[i] < length + 2)
        i++;
    memset(ret, 0, PADDED_MAX);
    ret[0] = (uint8_t)(length >> 8);
    ret[1] = (uint8_t)length;
    memcpy(ret + 2, text, length);
    return sizes[i];
}

struct parts {
    uint8_t qid[16], nonce[24], reply_key[32], reply_secret[32];
};

/* nonce || sealed P. */
static size_t inner_make(const struct vectors_world *world, const struct parts *parts,
                         const char *kind, const char *text, uint8_t *ret)
{
    static uint8_t padded[PADDED_MAX];
    char label[32] = "cfed/v1/";
    uint8_t key[32], aad[64];
    unsigned long long sealed_length = 0;
    size_t length = padded_make(text, padded);
    strncat(label, kind, 8);
    size_t aad_length = strlen(label);
    memcpy(aad, label, aad_length);
    memcpy(aad + aad_length, parts->reply_key, 32);
    strncat(label, "-key", 8);
    hash_once(world->keys.query, 32, label, parts->qid, 16, key, 32);
    memcpy(ret, parts->nonce, 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + 24, &sealed_length, padded, length, aad,
                                               aad_length + 32, NULL, parts->nonce, key);
    return 24 + (size_t)sealed_length;
}

/* crypto_box_seal, whose ephemeral key is `secret`: its public half, then a box under a nonce that
 * both public keys make. */
static size_t box_make(const uint8_t secret[32], const uint8_t reply_key[32], const uint8_t *inner,
                       size_t length, uint8_t *ret)
{
    uint8_t nonce[24];
    crypto_generichash_state state;
    crypto_scalarmult_base(ret, secret);
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, ret, 32);
    crypto_generichash_update(&state, reply_key, 32);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    if (crypto_box_easy(ret + 32, inner, length, nonce, reply_key, secret) != 0)
        return 0;
    return length + 48;
}

struct json_t *vectors_sealed(const struct vectors_world *world)
{
    static const char question[] = "How long may a lease be? \xe2\x9c\x93", answer[] = "120 s";
    static uint8_t sealed[SEALED_MAX], inner[SEALED_MAX], boxed[SEALED_MAX];
    struct parts parts;
    uint8_t ephemeral[32], answer_nonce[24];
    vectors_secret("qid", parts.qid, 16);
    vectors_secret("query nonce", parts.nonce, 24);
    vectors_secret("reply key", parts.reply_secret, 32);
    vectors_secret("answer nonce", answer_nonce, 24);
    vectors_secret("ephemeral key", ephemeral, 32);
    crypto_scalarmult_base(parts.reply_key, parts.reply_secret);
    memcpy(sealed, parts.qid, 16);
    size_t sealed_length = 16 + inner_make(world, &parts, "query", question, sealed + 16);
    json_t *query_nonce = vectors_hex(parts.nonce, 24);
    memcpy(parts.nonce, answer_nonce, 24);
    size_t inner_length = inner_make(world, &parts, "answer", answer, inner);
    size_t boxed_length = box_make(ephemeral, parts.reply_key, inner, inner_length, boxed);
    return json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "qid", vectors_hex(parts.qid, 16),
        "reply_secret", vectors_hex(parts.reply_secret, 32), "reply_key",
        vectors_hex(parts.reply_key, 32), "question_utf8", question, "query_nonce", query_nonce,
        "sealed_query", vectors_hex(sealed, sealed_length), "ephemeral_secret",
        vectors_hex(ephemeral, 32), "answer_nonce", vectors_hex(answer_nonce, 24), "answer_utf8",
        answer, "sealed_answer", vectors_hex(boxed, boxed_length));
}
