/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/protocol_vectors.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/canonical.h"
#include "client/terms.h"
#include "crypto/group.h"
#include "crypto/hash.h"
#include "crypto/oprf.h"
#include "crypto/share.h"

/* A pattern as it comes to be, step by step (docs/PROTOCOL.md, sections 3 to 5). */
struct making {
    const struct vectors_world *world;
    struct epoch_parameters epoch;
    struct canonical canonical;
    uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH], input[OPRF_INPUT_LENGTH];
    struct oprf_key key;
    struct scalar blind, proof_random;
    struct point blinded, evaluated;
    struct oprf_proof proof;
    struct oprf_output output;
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
    struct share shares[VECTORS_INSTANCES];
    struct scalar secret; /* from the shares */
};

/* A scalar that is D(-, "vectors", name, 64) mod L. */
static void scalar_of(const char *name, struct scalar *ret)
{
    uint8_t wide[64];
    vectors_secret(name, wide, sizeof wide);
    scalar_reduce(wide, ret);
}

static bool oprf_run(struct making *making)
{
    char name[32];
    uint8_t seed[32];
    snprintf(name, sizeof name, "oprf seed of epoch %u", making->epoch.number);
    vectors_secret(name, seed, sizeof seed);
    scalar_of("blind", &making->blind);
    scalar_of("proof r", &making->proof_random);
    return oprf_key_derive(seed, "", 0, &making->key) == FAULT_NONE &&
           oprf_blind(making->input, sizeof making->input, &making->blind, &making->blinded) ==
               FAULT_NONE &&
           oprf_evaluate(&making->key, &making->proof_random, &making->blinded, 1,
                         &making->evaluated, &making->proof, NULL) == FAULT_NONE &&
           oprf_verify(&making->key.public, &making->blinded, &making->evaluated, 1,
                       &making->proof) == FAULT_NONE &&
           oprf_finalize(making->input, sizeof making->input, &making->blind, &making->evaluated,
                         &making->output) == FAULT_NONE;
}

static bool making_run(struct making *making, const struct vectors_source *source)
{
    const struct vectors_world *world = making->world;
    struct canonical *canonical = &making->canonical;
    if (canonical_make(source->domain, source->text, strlen(source->text), canonical, NULL))
        return false;
    canonical_index(canonical->m, canonical->m_length, &world->keys, source->token_bits,
                    making->index_plaintext);
    record_oprf_input(&world->keys, &making->epoch, canonical->m, canonical->m_length,
                      making->index_plaintext, making->input);
    if (!oprf_run(making) || record_make(&world->keys, &making->epoch, canonical->m,
                                         canonical->m_length, making->index_plaintext,
                                         &making->output, &making->record, making->coefficients))
        return false;
    for (size_t i = 0; i < VECTORS_INSTANCES; i++) {
        making->shares[i].x = world->x[i];
        share_evaluate(making->coefficients, making->epoch.k, &world->x[i], &making->shares[i].y);
    }
    share_interpolate(making->shares, making->epoch.k, &making->secret);
    return scalar_equal(&making->secret, &making->coefficients[0]);
}

static json_t *terms_json(const struct making *making)
{
    size_t length;
    const char *summary =
        canonical_summary(making->canonical.m, making->canonical.m_length, &length);
    char bytes[SUMMARY_LENGTH_MAX];
    struct terms terms;
    json_t *list = json_array();
    terms_extract(summary, length, TERMS_OF_PATTERN, bytes, &terms);
    for (size_t i = 0; i < terms.count; i++) {
        char token[9];
        snprintf(token, sizeof token, "%08x",
                 token_of_term(&making->world->keys, making->epoch.token_bits, terms.term[i].text,
                               terms.term[i].length));
        json_array_append_new(list, json_pack("{s:s%, s:s}", "term_utf8", terms.term[i].text,
                                              terms.term[i].length, "token", token));
    }
    return list;
}

/* 32-byte values that lie `stride` bytes apart. */
static json_t *list_json(const void *first, size_t count, size_t stride)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, vectors_hex((const uint8_t *)first + i * stride, 32));
    return list;
}

static json_t *key_json(const struct making *making, const uint8_t *key, size_t key_length,
                        const char *label)
{
    const struct scalar *secret = &making->secret;
    uint8_t derived[32];
    if (key)
        hash_once(key, key_length, label, secret->bytes, sizeof *secret, derived, sizeof derived);
    else
        hash_once(secret->bytes, sizeof *secret, label, NULL, 0, derived, sizeof derived);
    return vectors_hex(derived, sizeof derived);
}

static json_t *plaintext_json(const struct making *making)
{
    uint8_t padded[CIPHERTEXT_LENGTH_MAX] = {(uint8_t)(making->canonical.m_length >> 8),
                                             (uint8_t)making->canonical.m_length};
    memcpy(padded + 2, making->canonical.m, making->canonical.m_length);
    return vectors_hex(padded, making->record.ciphertext_length - 16U);
}

static json_t *oprf_json(const struct making *making)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pattern_hash",
                     vectors_hex(making->input + OPRF_INPUT_LENGTH - 64, 64), "oprf_input",
                     vectors_hex(making->input, sizeof making->input), "oprf_private_key",
                     vectors_hex(&making->key.secret, 32), "oprf_public_key",
                     vectors_hex(&making->key.public, 32), "blind", vectors_hex(&making->blind, 32),
                     "blinded", vectors_hex(&making->blinded, 32), "evaluated",
                     vectors_hex(&making->evaluated, 32), "proof_r",
                     vectors_hex(&making->proof_random, 32), "proof",
                     vectors_hex(&making->proof, sizeof making->proof), "R",
                     vectors_hex(&making->output, sizeof making->output));
}

static json_t *record_json(const struct making *making)
{
    const struct federation_keys *keys = &making->world->keys;
    const struct record *record = &making->record;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "a",
        list_json(making->coefficients, record->k, sizeof *making->coefficients), "C",
        list_json(record->commitments, record->k, sizeof *record->commitments), "K_rel",
        key_json(making, NULL, 0, "cfed/v1/release-key"), "K_ct",
        key_json(making, keys->content, sizeof keys->content, "cfed/v1/content-key"), "verify_seed",
        key_json(making, keys->content, sizeof keys->content, "cfed/v1/verify-seed"), "W",
        vectors_hex(&record->verify_key, 32), "ciphertext_plaintext", plaintext_json(making),
        "ciphertext", vectors_hex(record->ciphertext, record->ciphertext_length), "index",
        vectors_hex(record->index, sizeof record->index), "tag", vectors_hex(&record->tag, 32),
        "tag_b64", vectors_b64(&record->tag, 32));
}

/* Instance 0 confirms: the proof that it has read the pattern, and its own signature. */
static json_t *verification_json(const struct making *making)
{
    const struct vectors_world *world = making->world;
    const struct signing_key *instance = &world->instances[0];
    struct signing_key verify_key;
    uint8_t verifier[16];
    char coordinator[B64_LENGTH(32) + 1], tag[B64_LENGTH(32) + 1], name[B64_LENGTH(16) + 1];
    record_verify_key(&world->keys, &making->secret, &verify_key);
    hash_once(instance->seed, sizeof instance->seed, "cfed/v1/verifier", making->record.tag.bytes,
              32, verifier, sizeof verifier);
    b64_encode(&world->coordinator.public, 32, coordinator);
    b64_encode(&making->record.tag, 32, tag);
    b64_encode(verifier, sizeof verifier, name);
    const char *lines[] = {"cfed/v1/verify", coordinator, tag, name, "confirm"};
    return json_pack("{s:o, s:o, s:o}", "verifier", vectors_hex(verifier, sizeof verifier), "proof",
                     vectors_signed("verification, by W", &verify_key, lines, 5), "signature",
                     vectors_signed("verification, by instance 0", instance, lines, 5));
}

struct json_t *vectors_pattern(const struct vectors_world *world,
                               const struct vectors_source *source, struct tag *ret_tag)
{
    struct making making = {.world = world,
                            .epoch = {.federation_id = world->id,
                                      .number = source->epoch,
                                      .k = source->k,
                                      .token_bits = source->token_bits}};
    if (!making_run(&making, source))
        return NULL;
    *ret_tag = making.record.tag;
    json_t *pattern = json_pack(
        "{s:s, s:s, s:I, s:i, s:i, s:o, s:o, s:o}", "domain_given", source->domain, "text_utf8",
        source->text, "epoch", (json_int_t)source->epoch, "k", source->k, "token_bits",
        source->token_bits, "M", vectors_hex(making.canonical.m, making.canonical.m_length),
        "terms", terms_json(&making), "index_plaintext",
        vectors_hex(making.index_plaintext, sizeof making.index_plaintext));
    json_t *parts[] = {oprf_json(&making), record_json(&making)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_object_update(pattern, parts[i]);
        json_decref(parts[i]);
    }
    json_object_set_new(pattern, "shares",
                        list_json(&making.shares[0].y, VECTORS_INSTANCES, sizeof *making.shares));
    json_object_set_new(pattern, "interpolated_s", vectors_hex(&making.secret, 32));
    json_object_set_new(pattern, "verification", verification_json(&making));
    return pattern;
}
