/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/protocol_vectors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/noise.h"
#include "crypto/token.h"

enum { TEXT_MAX = 4096, LINES_MAX = 16 };

#define TEN(words) words words words words words words words words words words

/*
 * One pattern for each size of ciphertext, and for each edge: M of 126 bytes fills its own, M of
 * 1000 bytes is the longest and has more terms than count. Of the three epochs, one has short
 * tokens.
 */
static const struct vectors_source sources[] = {
    {"databases", "  The \xef\xbc\xb0ostgre\xc2\xadSQL pool deadlocks\xe3\x80\x80when idle!;: ", 1,
     2, 20},
    {"general",
     "\xc3\x9c"
     "berlange Stra\xc3\x9f"
     "ennamen brechen in PDF-Berichten um; "
     "\xd0\x9d\xd0\xb5 \xd0\xbb\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd1\x8c \xe6\x96\x87\xe5\xad\x97 "
     "\xef\xac\x81le na\xc3\xafve caf\x65\xcc\x81 \xf0\x9f\x92\xa9 queries, trees, movies",
     2, 3, 32},
    {"ops",
     "a summary of one hundred and twenty-two bytes fills the smallest of the four ciphertexts to "
     "the last byte, no zero is left",
     2, 3, 32},
    {"latency-9", TEN("caches of queries on 12 hosts miss, ") "then retries double the load", 3, 5,
     32},
    {"general",
     "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november "
     "oscar papa quebec romeo sierra tango " TEN(TEN("uniform ")) TEN("zulus ") "whiskey",
     3, 5, 32},
};

void vectors_secret(const char *name, void *ret, size_t length)
{
    hash_once(NULL, 0, "vectors", name, strlen(name), ret, length);
}

struct json_t *vectors_hex(const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * TEXT_MAX];
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[((const uint8_t *)bytes)[i] >> 4];
        text[2 * i + 1] = digits[((const uint8_t *)bytes)[i] & 15];
    }
    return json_stringn(text, 2 * length);
}

struct json_t *vectors_b64(const void *bytes, size_t length)
{
    char text[TEXT_MAX];
    b64_encode(bytes, length, text);
    return json_string(text);
}

struct json_t *vectors_signed(const char *name, const struct signing_key *key,
                              const char *const *lines, size_t count)
{
    char message[TEXT_MAX] = "";
    struct signature signature;
    json_t *list = json_array();
    for (size_t i = 0, used = 0; i < count; i++) {
        used += (size_t)snprintf(message + used, sizeof message - used, "%s%s", i ? "\n" : "",
                                 lines[i]);
        json_array_append_new(list, json_string(lines[i]));
    }
    if (!lines_sign(key, lines, count, &signature)) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "name", name, "seed",
                     vectors_hex(key->seed, sizeof key->seed), "public_key",
                     vectors_hex(&key->public, sizeof key->public), "lines", list, "message_utf8",
                     message, "signature", vectors_hex(&signature, sizeof signature));
}

static void world_make(struct vectors_world *ret)
{
    uint8_t seed[32];
    char name[32];
    *ret = (struct vectors_world){0};
    vectors_secret("F", ret->federation_key, sizeof ret->federation_key);
    vectors_secret("federation_id", ret->id.bytes, sizeof ret->id.bytes);
    federation_keys_derive(ret->federation_key, &ret->keys);
    vectors_secret("coordinator", seed, sizeof seed);
    signing_key_from_seed(seed, &ret->coordinator);
    for (size_t i = 0; i < VECTORS_INSTANCES; i++) {
        snprintf(name, sizeof name, "instance %zu", i);
        vectors_secret(name, seed, sizeof seed);
        signing_key_from_seed(seed, &ret->instances[i]);
        share_abscissa(&ret->id, &ret->instances[i].public, &ret->x[i]);
    }
}

static json_t *federation_json(const struct vectors_world *world)
{
    const struct federation_keys *keys = &world->keys;
    uint8_t check[8];
    federation_key_check(world->federation_key, &world->id, check);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "F",
                     vectors_hex(world->federation_key, 32), "federation_id",
                     vectors_hex(&world->id, sizeof world->id), "F_pat",
                     vectors_hex(keys->pattern, sizeof keys->pattern), "F_ct",
                     vectors_hex(keys->content, sizeof keys->content), "F_ix",
                     vectors_hex(keys->index, sizeof keys->index), "F_q",
                     vectors_hex(keys->query, sizeof keys->query), "key_check_b64",
                     vectors_b64(check, sizeof check), "coordinator_seed",
                     vectors_hex(world->coordinator.seed, 32), "coordinator_public_key",
                     vectors_hex(&world->coordinator.public, 32), "coordinator_key_b64",
                     vectors_b64(&world->coordinator.public, 32));
}

static json_t *instances_json(const struct vectors_world *world)
{
    json_t *list = json_array();
    for (size_t i = 0; i < VECTORS_INSTANCES; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o}", "seed", vectors_hex(world->instances[i].seed, 32),
                            "public_key", vectors_hex(&world->instances[i].public, 32), "x",
                            vectors_hex(&world->x[i], 32)));
    return list;
}

/* What is signed at join, for a token, of an epoch, and after erasure (section 6). */
static json_t *signed_lines_json(const struct vectors_world *world)
{
    static const char id[] = "fed-a3f2-89bc-44dd", time[] = "2026-01-02T03:04:05Z";
    char coordinator[B64_LENGTH(32) + 1], member[B64_LENGTH(32) + 1], check[B64_LENGTH(8) + 1];
    char nonce[B64_LENGTH(16) + 1], federation_id[B64_LENGTH(16) + 1], oprf[B64_LENGTH(32) + 1];
    uint8_t bytes[32];
    b64_encode(&world->coordinator.public, 32, coordinator);
    b64_encode(&world->instances[0].public, 32, member);
    federation_key_check(world->federation_key, &world->id, bytes);
    b64_encode(bytes, 8, check);
    vectors_secret("nonce", bytes, 16);
    b64_encode(bytes, 16, nonce);
    b64_encode(&world->id, 16, federation_id);
    struct oprf_key key;
    vectors_secret("oprf seed of epoch 2", bytes, sizeof bytes);
    if (oprf_key_derive(bytes, "", 0, &key))
        return NULL;
    b64_encode(&key.public, 32, oprf);
    const struct {
        const char *name;
        const struct signing_key *key;
        const char *lines[LINES_MAX];
        size_t count;
    } signatures[] = {
        {"join",
         &world->instances[0],
         {"cfed/v1/join", coordinator, member, check, "standard", "balanced", "an-invite", time,
          nonce},
         9},
        {"join, without an invite",
         &world->instances[0],
         {"cfed/v1/join", coordinator, member, check, "minimal", "high", "", time, nonce},
         9},
        {"token", &world->instances[0], {"cfed/v1/token", coordinator, id, time, nonce}, 5},
        {"epoch, without an OPRF helper",
         &world->coordinator,
         {"cfed/v1/epoch", coordinator, federation_id, "2", "3", "32", oprf, "", time},
         9},
        {"erasure receipt",
         &world->coordinator,
         {"cfed/v1/erasure-receipt", coordinator, id, time, "12", "3", "4", "5", "6"},
         9},
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        json_array_append_new(list, vectors_signed(signatures[i].name, signatures[i].key,
                                                   signatures[i].lines, signatures[i].count));
    return list;
}

/* The noise of a tag in eight periods, for each privacy mode's epsilon. */
static json_t *noise_json(const struct tag *tag)
{
    static const struct epsilon epsilons[] = {{1, 2}, {1, 1}, {2, 1}};
    uint8_t key[32];
    json_t *list = json_array();
    vectors_secret("noise", key, sizeof key);
    for (uint32_t period = 680; period < 688; period++) {
        for (size_t i = 0; i < sizeof epsilons / sizeof *epsilons; i++) {
            json_int_t value = noise_of_tag(key, tag, period, epsilons[i]);
            json_array_append_new(list,
                                  json_pack("{s:I, s:[i, i], s:I}", "period", (json_int_t)period,
                                            "epsilon", (int)epsilons[i].numerator,
                                            (int)epsilons[i].denominator, "z", value));
        }
    }
    return json_pack("{s:o, s:o, s:o}", "noise_key", vectors_hex(key, sizeof key), "tag",
                     vectors_hex(tag, sizeof *tag), "values", list);
}

static json_t *bearer_json(void)
{
    static const uint64_t handle = 0xa3f289bc44dd;
    static const int64_t expires_at_s = 1767323045;
    uint8_t key[32];
    char text[TOKEN_TEXT_LENGTH + 1];
    vectors_secret("token", key, sizeof key);
    token_mint(key, handle, expires_at_s, text);
    return json_pack("{s:o, s:s, s:I, s:s}", "token_key", vectors_hex(key, sizeof key),
                     "instance_id", "fed-a3f2-89bc-44dd", "expires_at_s", (json_int_t)expires_at_s,
                     "token", text);
}

struct json_t *protocol_vectors(void)
{
    struct vectors_world world;
    struct tag tag = {0};
    if (crypto_init())
        return NULL;
    world_make(&world);
    json_t *patterns = json_array();
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        if (json_array_append_new(patterns, vectors_pattern(&world, &sources[i], &tag)) < 0) {
            json_decref(patterns);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "note",
                     "Vectors of docs/PROTOCOL.md, as printed by `make vectors`. Hex unless the "
                     "name says otherwise; scalars little-endian.",
                     "federation", federation_json(&world), "instances", instances_json(&world),
                     "patterns", patterns, "signed_lines", signed_lines_json(&world), "noise",
                     noise_json(&tag), "bearer", bearer_json(), "sealed", vectors_sealed(&world));
}

char *protocol_vectors_text(void)
{
    json_t *vectors = protocol_vectors();
    char *text = vectors ? json_dumps(vectors, JSON_INDENT(1) | JSON_ENSURE_ASCII) : NULL;
    json_decref(vectors);
    return text;
}
