/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/oprf_token.h"

#include <stdio.h>
#include <string.h>

#include "crypto/oprf.h"
#include "util/clock.h"

enum {
    ELEMENTS_OFFSET = 4,
    EXPIRY_OFFSET = 6,
    NONCE_OFFSET = 14,
    SIGNATURE_OFFSET = NONCE_OFFSET + OPRF_NONCE_LENGTH,
    LINES = 7
};

/* The signed lines, as text. */
struct statement {
    char coordinator_key[B64_LENGTH(32) + 1], context[B64_LENGTH(OPRF_CONTEXT_LENGTH) + 1];
    char epoch[16], elements[8], expires_at[CLOCK_TEXT_LENGTH + 1];
    char nonce[B64_LENGTH(OPRF_NONCE_LENGTH) + 1];
    const char *lines[LINES];
};

static void statement_make(const struct public_key *coordinator, const struct oprf_context *context,
                           const struct oprf_token *token, struct statement *ret)
{
    b64_encode(coordinator, sizeof *coordinator, ret->coordinator_key);
    b64_encode(context, sizeof *context, ret->context);
    snprintf(ret->epoch, sizeof ret->epoch, "%u", token->epoch);
    snprintf(ret->elements, sizeof ret->elements, "%u", token->elements);
    clock_format(token->expires_at_s, ret->expires_at);
    b64_encode(token->nonce, sizeof token->nonce, ret->nonce);
    const char *lines[LINES] = {
        "cfed/v1/oprf-token", ret->coordinator_key, ret->context, ret->epoch,
        ret->elements,        ret->expires_at,      ret->nonce};
    memcpy(ret->lines, lines, sizeof lines);
}

static void number_write(uint64_t value, uint8_t *bytes, size_t length)
{
    for (size_t i = length; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

static uint64_t number_read(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

void oprf_token_sign(const struct signing_key *coordinator, const struct oprf_context *context,
                     const struct oprf_token *token, char *ret_text)
{
    uint8_t bytes[OPRF_TOKEN_LENGTH];
    struct statement statement;
    struct signature signature;
    statement_make(&coordinator->public, context, token, &statement);
    lines_sign(coordinator, statement.lines, LINES, &signature);
    number_write(token->epoch, bytes, ELEMENTS_OFFSET);
    number_write(token->elements, bytes + ELEMENTS_OFFSET, EXPIRY_OFFSET - ELEMENTS_OFFSET);
    number_write((uint64_t)token->expires_at_s, bytes + EXPIRY_OFFSET,
                 NONCE_OFFSET - EXPIRY_OFFSET);
    memcpy(bytes + NONCE_OFFSET, token->nonce, sizeof token->nonce);
    memcpy(bytes + SIGNATURE_OFFSET, signature.bytes, sizeof signature.bytes);
    b64_encode(bytes, sizeof bytes, ret_text);
}

/* Times beyond those that a line can say would share its text, and so its signature. */
static bool token_is_sayable(const struct oprf_token *token)
{
    char text[CLOCK_TEXT_LENGTH + 1];
    int64_t said_s = 0;
    clock_format(token->expires_at_s, text);
    return token->elements >= 1 && token->elements <= OPRF_BATCH_MAX &&
           clock_parse(text, CLOCK_TEXT_LENGTH, &said_s) && said_s == token->expires_at_s;
}

bool oprf_token_verify(const struct public_key *coordinator, const struct oprf_context *context,
                       const char *text, size_t text_length, struct oprf_token *ret)
{
    uint8_t bytes[OPRF_TOKEN_LENGTH];
    struct oprf_token token = {0};
    struct statement statement;
    struct signature signature;
    if (!b64_decode(text, text_length, bytes, sizeof bytes))
        return false;
    token.epoch = (uint32_t)number_read(bytes, ELEMENTS_OFFSET);
    token.elements =
        (uint16_t)number_read(bytes + ELEMENTS_OFFSET, EXPIRY_OFFSET - ELEMENTS_OFFSET);
    token.expires_at_s = (int64_t)number_read(bytes + EXPIRY_OFFSET, NONCE_OFFSET - EXPIRY_OFFSET);
    memcpy(token.nonce, bytes + NONCE_OFFSET, sizeof token.nonce);
    memcpy(signature.bytes, bytes + SIGNATURE_OFFSET, sizeof signature.bytes);
    statement_make(coordinator, context, &token, &statement);
    if (!token_is_sayable(&token) || !lines_verify(coordinator, statement.lines, LINES, &signature))
        return false;
    *ret = token;
    return true;
}
