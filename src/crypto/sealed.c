/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sealed.h"

#include <sodium.h>
#include <string.h>

#include "crypto/bytes.h"
#include "crypto/hash.h"
#include "crypto/record.h"
#include "util/cleanup.h"

enum {
    NONCE_LENGTH = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_LENGTH = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    TEXT_OFFSET = 2,
    PADDED_MAX = TEXT_OFFSET + SEALED_TEXT_MAX,
    INNER_OVERHEAD = NONCE_LENGTH + TAG_LENGTH,
    INNER_MAX = PADDED_MAX + INNER_OVERHEAD,
};

static const size_t padded_lengths[] = {256, 1024, 4096, PADDED_MAX};

/* What differs between a question and an answer. */
struct sealing {
    const char *key_label, *aad;
};
static const struct sealing query_sealing = {"cfed/v1/query-key", "cfed/v1/query"};
static const struct sealing answer_sealing = {"cfed/v1/answer-key", "cfed/v1/answer"};

static bool length_is_padded(size_t length, size_t overhead)
{
    bool found = false;
    for (size_t i = 0; i < sizeof padded_lengths / sizeof *padded_lengths; i++)
        found |= length == padded_lengths[i] + overhead;
    return found;
}

bool sealed_query_length_is_valid(size_t length)
{
    return length_is_padded(length, QID_LENGTH + INNER_OVERHEAD);
}

bool sealed_answer_length_is_valid(size_t length)
{
    return length_is_padded(length, crypto_box_SEALBYTES + INNER_OVERHEAD);
}

void question_key_make(struct question_key *ret, uint8_t ret_secret[REPLY_KEY_LENGTH])
{
    bytes_random(ret->qid, sizeof ret->qid);
    crypto_box_keypair(ret->reply_key, ret_secret);
}

/* The smallest that fits. */
static size_t padded_length(size_t text_length)
{
    size_t i = 0;
    while (padded_lengths[i] < TEXT_OFFSET + text_length)
        i++;
    return padded_lengths[i];
}

struct padded {
    uint8_t bytes[PADDED_MAX];
};

static void padded_wipe(struct padded *padded)
{
    bytes_wipe(padded, sizeof *padded);
}

struct aead {
    uint8_t key[32], aad[64];
    size_t aad_length;
};

static void aead_wipe(struct aead *aead)
{
    bytes_wipe(aead, sizeof *aead);
}

static void aead_init(const struct federation_keys *keys, const struct sealing *sealing,
                      const struct question_key *question, struct aead *ret)
{
    size_t label_length = strlen(sealing->aad);
    hash_once(keys->query, sizeof keys->query, sealing->key_label, question->qid,
              sizeof question->qid, ret->key, sizeof ret->key);
    memcpy(ret->aad, sealing->aad, label_length);
    memcpy(ret->aad + label_length, question->reply_key, sizeof question->reply_key);
    ret->aad_length = label_length + sizeof question->reply_key;
}

/* nonce || sealed P; returns its length, or 0 when the text is none that can be sealed. */
static size_t inner_seal(const struct aead *aead, const char *text, size_t length, uint8_t *ret)
{
    _cleanup_(padded_wipe) struct padded padded = {0};
    if (length < 1 || length > SEALED_TEXT_MAX || memchr(text, '\0', length))
        return 0;
    size_t padded_size = padded_length(length);
    padded.bytes[0] = (uint8_t)(length >> 8);
    padded.bytes[1] = (uint8_t)length;
    memcpy(padded.bytes + TEXT_OFFSET, text, length);
    bytes_random(ret, NONCE_LENGTH);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + NONCE_LENGTH, NULL, padded.bytes, padded_size,
                                               aead->aad, aead->aad_length, NULL, ret, aead->key);
    return padded_size + INNER_OVERHEAD;
}

static bool padding_remove(const struct padded *padded, size_t padded_size, struct plain *ret)
{
    size_t length = (size_t)padded->bytes[0] << 8 | padded->bytes[1];
    if (length < 1 || length > SEALED_TEXT_MAX || padded_length(length) != padded_size)
        return false;
    const uint8_t *text = padded->bytes + TEXT_OFFSET;
    if (memchr(text, '\0', length) ||
        sodium_is_zero(text + length, padded_size - TEXT_OFFSET - length) != 1)
        return false;
    memcpy(ret->text, text, length);
    ret->text[length] = '\0';
    ret->length = length;
    return true;
}

/* `length` is that of a padded size with its overhead. */
static enum fault inner_open(const struct aead *aead, const uint8_t *inner, size_t length,
                             struct plain *ret)
{
    _cleanup_(padded_wipe) struct padded padded = {0};
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(padded.bytes, NULL, NULL, inner + NONCE_LENGTH,
                                                   length - NONCE_LENGTH, aead->aad,
                                                   aead->aad_length, inner, aead->key) != 0)
        return FAULT_CRYPTO;
    return padding_remove(&padded, length - INNER_OVERHEAD, ret) ? FAULT_NONE : FAULT_CRYPTO;
}

enum fault sealed_query_make(const struct federation_keys *keys,
                             const struct question_key *question, const char *text, size_t length,
                             struct sealed *ret)
{
    _cleanup_(aead_wipe) struct aead aead = {0};
    aead_init(keys, &query_sealing, question, &aead);
    size_t inner = inner_seal(&aead, text, length, ret->bytes + QID_LENGTH);
    if (!inner)
        return FAULT_INVALID_REQUEST;
    memcpy(ret->bytes, question->qid, QID_LENGTH);
    ret->length = QID_LENGTH + inner;
    return FAULT_NONE;
}

enum fault sealed_query_open(const struct federation_keys *keys,
                             const uint8_t reply_key[REPLY_KEY_LENGTH], const struct sealed *sealed,
                             struct question_key *ret_question, struct plain *ret_text)
{
    _cleanup_(aead_wipe) struct aead aead = {0};
    struct question_key question;
    if (!sealed_query_length_is_valid(sealed->length))
        return FAULT_CRYPTO;
    memcpy(question.qid, sealed->bytes, QID_LENGTH);
    memcpy(question.reply_key, reply_key, REPLY_KEY_LENGTH);
    aead_init(keys, &query_sealing, &question, &aead);
    enum fault fault =
        inner_open(&aead, sealed->bytes + QID_LENGTH, sealed->length - QID_LENGTH, ret_text);
    if (!fault)
        *ret_question = question;
    return fault;
}

struct inner {
    uint8_t bytes[INNER_MAX];
};

static void inner_wipe(struct inner *inner)
{
    bytes_wipe(inner, sizeof *inner);
}

enum fault sealed_answer_make(const struct federation_keys *keys,
                              const struct question_key *question, const char *text, size_t length,
                              struct sealed *ret)
{
    _cleanup_(aead_wipe) struct aead aead = {0};
    _cleanup_(inner_wipe) struct inner inner = {0};
    aead_init(keys, &answer_sealing, question, &aead);
    size_t inner_length = inner_seal(&aead, text, length, inner.bytes);
    if (!inner_length)
        return FAULT_INVALID_REQUEST;
    if (crypto_box_seal(ret->bytes, inner.bytes, inner_length, question->reply_key) != 0)
        return FAULT_CRYPTO;
    ret->length = inner_length + crypto_box_SEALBYTES;
    return FAULT_NONE;
}

enum fault sealed_answer_open(const struct federation_keys *keys,
                              const struct question_key *question,
                              const uint8_t secret[REPLY_KEY_LENGTH], const struct sealed *sealed,
                              struct plain *ret_text)
{
    _cleanup_(aead_wipe) struct aead aead = {0};
    _cleanup_(inner_wipe) struct inner inner = {0};
    if (!sealed_answer_length_is_valid(sealed->length) ||
        crypto_box_seal_open(inner.bytes, sealed->bytes, sealed->length, question->reply_key,
                             secret) != 0)
        return FAULT_CRYPTO;
    aead_init(keys, &answer_sealing, question, &aead);
    return inner_open(&aead, inner.bytes, sealed->length - crypto_box_SEALBYTES, ret_text);
}
