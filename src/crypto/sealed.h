/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CRYPTO_SEALED_H
#define CONTINUUM_CRYPTO_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct federation_keys;

/*
 * Questions and answers that pass through the coordinator unread (docs/PROTOCOL.md, section 6.7).
 *
 *     sealed_query   qid (16) || nonce (24) || sealed P
 *     sealed_answer  box_seal(reply_key, nonce (24) || sealed P)
 *     P              u16 length of the text || text || zeros up to 256, 1024, 4096 or 16384 bytes
 */
enum {
    QID_LENGTH = 16,
    REPLY_KEY_LENGTH = 32,
    SEALED_TEXT_MAX = 16382,
    SEALED_QUERY_MAX = 16440,
    SEALED_ANSWER_MAX = 16472,
};

/* Whether sealing makes something of this length. */
bool sealed_query_length_is_valid(size_t length);
bool sealed_answer_length_is_valid(size_t length);

struct sealed {
    size_t length;
    uint8_t bytes[SEALED_ANSWER_MAX];
};

/* NUL-terminated; may hold any bytes but NUL. */
struct plain {
    size_t length; /* 1 to SEALED_TEXT_MAX */
    char text[SEALED_TEXT_MAX + 1];
};

/* What a question and its answers share. */
struct question_key {
    uint8_t qid[QID_LENGTH];             /* random */
    uint8_t reply_key[REPLY_KEY_LENGTH]; /* X25519, fresh for each question */
};

/* A new question, and the secret half of its reply key. */
void question_key_make(struct question_key *ret, uint8_t ret_secret[REPLY_KEY_LENGTH]);

/* FAULT_INVALID_REQUEST: `text` is empty, too long, or has a NUL. */
enum fault sealed_query_make(const struct federation_keys *keys,
                             const struct question_key *question, const char *text, size_t length,
                             struct sealed *ret);

/*
 * FAULT_CRYPTO: it does not open, under this reply key, or is not padded as sealed_query_make does.
 */
enum fault sealed_query_open(const struct federation_keys *keys,
                             const uint8_t reply_key[REPLY_KEY_LENGTH], const struct sealed *sealed,
                             struct question_key *ret_question, struct plain *ret_text);

/* FAULT_INVALID_REQUEST as sealed_query_make; FAULT_CRYPTO: nothing can be sealed for such a reply
 * key. */
enum fault sealed_answer_make(const struct federation_keys *keys,
                              const struct question_key *question, const char *text, size_t length,
                              struct sealed *ret);

/* FAULT_CRYPTO as sealed_query_open. */
enum fault sealed_answer_open(const struct federation_keys *keys,
                              const struct question_key *question,
                              const uint8_t secret[REPLY_KEY_LENGTH], const struct sealed *sealed,
                              struct plain *ret_text);

#endif
