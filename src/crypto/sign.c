/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

bool public_key_is_valid(const struct public_key *public_key)
{
    return crypto_core_ed25519_is_valid_point(public_key->bytes) == 1;
}

void signing_key_from_seed(const uint8_t seed[32], struct signing_key *ret)
{
    uint8_t expanded[crypto_sign_SECRETKEYBYTES];
    struct signing_key key = {0};
    memcpy(key.seed, seed, sizeof key.seed);
    crypto_sign_seed_keypair(key.public.bytes, expanded, seed);
    *ret = key;
    sodium_memzero(&key, sizeof key);
    sodium_memzero(expanded, sizeof expanded);
}

/* Returns the length of the message, or 0 when it cannot be signed: no signed lines are empty. */
static size_t lines_join(const char *const *lines, size_t count, char message[LINES_LENGTH_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const char *line = lines[i] ? lines[i] : "";
        size_t length = strlen(line), newline = i > 0;
        if (length + newline > LINES_LENGTH_MAX - used || memchr(line, '\n', length))
            return 0;
        if (newline)
            message[used++] = '\n';
        memcpy(message + used, line, length);
        used += length;
    }
    return used;
}

bool lines_sign(const struct signing_key *key, const char *const *lines, size_t count,
                struct signature *ret)
{
    char message[LINES_LENGTH_MAX];
    size_t length = lines_join(lines, count, message);
    if (length == 0)
        return false;
    uint8_t expanded[crypto_sign_SECRETKEYBYTES]; /* seed || public key, as libsodium keeps it */
    memcpy(expanded, key->seed, sizeof key->seed);
    memcpy(expanded + sizeof key->seed, key->public.bytes, sizeof key->public.bytes);
    crypto_sign_detached(ret->bytes, NULL, (const uint8_t *)message, length, expanded);
    sodium_memzero(expanded, sizeof expanded);
    return true;
}

bool lines_verify(const struct public_key *public_key, const char *const *lines, size_t count,
                  const struct signature *signature)
{
    char message[LINES_LENGTH_MAX];
    size_t length = lines_join(lines, count, message);
    return length > 0 && crypto_sign_verify_detached(signature->bytes, (const uint8_t *)message,
                                                     length, public_key->bytes) == 0;
}
