/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/oprf.h"

#include <sodium.h>
#include <string.h>

#include "crypto/group.h"

/* RFC 9497, sections 3.1 and 4.1: "OPRFV1-" || I2OSP(mode, 1) || "-" || identifier. */
#define CONTEXT_STRING "OPRFV1-\x01-ristretto255-SHA512"

enum { UNIFORM_LENGTH = 64 };

/* A SHA-512 over pieces, the shape of every transcript of RFC 9497. */
struct transcript {
    crypto_hash_sha512_state state;
};

static void transcript_add(struct transcript *transcript, const void *bytes, size_t length)
{
    crypto_hash_sha512_update(&transcript->state, bytes, length);
}

static void transcript_add_text(struct transcript *transcript, const char *text)
{
    transcript_add(transcript, text, strlen(text));
}

static void transcript_add_u16(struct transcript *transcript, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    transcript_add(transcript, bytes, sizeof bytes);
}

/* I2OSP(length, 2) || bytes */
static void transcript_add_counted(struct transcript *transcript, const void *bytes, size_t length)
{
    transcript_add_u16(transcript, length);
    transcript_add(transcript, bytes, length);
}

static void transcript_add_point(struct transcript *transcript, const struct point *point)
{
    transcript_add_counted(transcript, point->bytes, sizeof point->bytes);
}

/* expand_message_xmd of RFC 9380, section 5.3.1, with SHA-512 and 64 bytes out: one block, b_1. */
static void expand_begin(struct transcript *message)
{
    static const uint8_t z_pad[128];
    crypto_hash_sha512_init(&message->state);
    transcript_add(message, z_pad, sizeof z_pad);
}

static void expand_add_dst(struct transcript *transcript, const char *dst)
{
    size_t length = strlen(dst);
    const uint8_t length_u8 = (uint8_t)length;
    transcript_add(transcript, dst, length);
    transcript_add(transcript, &length_u8, 1);
}

static void expand_end(struct transcript *message, const char *dst, uint8_t uniform[UNIFORM_LENGTH])
{
    static const uint8_t length_and_zero[] = {0, UNIFORM_LENGTH, 0};
    uint8_t b_0[crypto_hash_sha512_BYTES];
    transcript_add(message, length_and_zero, sizeof length_and_zero);
    expand_add_dst(message, dst);
    crypto_hash_sha512_final(&message->state, b_0);

    crypto_hash_sha512_init(&message->state);
    transcript_add(message, b_0, sizeof b_0);
    transcript_add_text(message, "\x01");
    expand_add_dst(message, dst);
    crypto_hash_sha512_final(&message->state, uniform);
    bytes_wipe(b_0, sizeof b_0);
}

static void expand_to_scalar(struct transcript *message, const char *dst, struct scalar *ret)
{
    uint8_t uniform[UNIFORM_LENGTH];
    expand_end(message, dst, uniform);
    scalar_reduce(uniform, ret);
    bytes_wipe(uniform, sizeof uniform);
}

static void hash_to_scalar(struct transcript *message, struct scalar *ret)
{
    expand_to_scalar(message, "HashToScalar-" CONTEXT_STRING, ret);
}

static void hash_to_group(const void *input, size_t input_length, struct point *ret)
{
    struct transcript message;
    uint8_t uniform[UNIFORM_LENGTH];
    expand_begin(&message);
    transcript_add(&message, input, input_length);
    expand_end(&message, "HashToGroup-" CONTEXT_STRING, uniform);
    crypto_core_ristretto255_from_hash(ret->bytes, uniform);
    bytes_wipe(uniform, sizeof uniform);
}

enum fault oprf_key_derive(const uint8_t seed[32], const void *info, size_t info_length,
                           struct oprf_key *ret)
{
    _cleanup_(scalar_wipe) struct scalar secret = {0};
    for (unsigned counter = 0; counter <= UINT8_MAX && scalar_is_zero(&secret); counter++) {
        const uint8_t counter_u8 = (uint8_t)counter;
        struct transcript message;
        expand_begin(&message);
        transcript_add(&message, seed, 32);
        transcript_add_counted(&message, info, info_length);
        transcript_add(&message, &counter_u8, 1);
        expand_to_scalar(&message, "DeriveKeyPair" CONTEXT_STRING, &secret);
    }
    return oprf_key_from_secret(&secret, ret);
}

enum fault oprf_key_generate(struct oprf_key *ret)
{
    _cleanup_(scalar_wipe) struct scalar secret = {0};
    crypto_core_ristretto255_scalar_random(secret.bytes);
    return oprf_key_from_secret(&secret, ret);
}

enum fault oprf_key_from_secret(const struct scalar *secret, struct oprf_key *ret)
{
    struct point public = {0};
    if (!scalar_is_canonical(secret) || !point_base_multiply(secret, &public))
        return FAULT_CRYPTO;
    *ret = (struct oprf_key){.secret = *secret, .public = public};
    return FAULT_NONE;
}

void oprf_blind_random(struct scalar *ret)
{
    crypto_core_ristretto255_scalar_random(ret->bytes);
}

enum fault oprf_blind(const void *input, size_t input_length, const struct scalar *blind,
                      struct point *ret_blinded)
{
    struct point element = {0};
    hash_to_group(input, input_length, &element);
    bool multiplied = point_multiply(blind, &element, ret_blinded);
    bytes_wipe(&element, sizeof element);
    return multiplied ? FAULT_NONE : FAULT_CRYPTO;
}

/* What one proof is about. */
struct batch {
    const struct point *public, *blinded, *evaluated;
    size_t count;
};

/* The seed of the composites' weights: it binds them to the public key. */
static void composites_seed(const struct point *public, uint8_t seed[crypto_hash_sha512_BYTES])
{
    static const char dst[] = "Seed-" CONTEXT_STRING;
    struct transcript transcript;
    crypto_hash_sha512_init(&transcript.state);
    transcript_add_point(&transcript, public);
    transcript_add_counted(&transcript, dst, sizeof dst - 1);
    crypto_hash_sha512_final(&transcript.state, seed);
}

/*
 * ComputeComposites of section 2.2.1: M = sum of d_i * blinded_i, Z = sum of d_i * evaluated_i. The
 * server leaves out Z (`ret_z` NULL): it knows Z = key * M (ComputeCompositesFast).
 */
static bool composites(const struct batch *batch, struct point *ret_m, struct point *ret_z)
{
    uint8_t seed[crypto_hash_sha512_BYTES];
    composites_seed(batch->public, seed);
    struct point m = {0}, z = {0};
    for (size_t i = 0; i < batch->count; i++) {
        struct transcript transcript;
        struct scalar weight;
        expand_begin(&transcript);
        transcript_add_counted(&transcript, seed, sizeof seed);
        transcript_add_u16(&transcript, i);
        transcript_add_point(&transcript, &batch->blinded[i]);
        transcript_add_point(&transcript, &batch->evaluated[i]);
        transcript_add_text(&transcript, "Composite");
        hash_to_scalar(&transcript, &weight);
        if (!point_add_product(&weight, &batch->blinded[i], &m) ||
            (ret_z && !point_add_product(&weight, &batch->evaluated[i], &z)))
            return false;
    }
    *ret_m = m;
    if (ret_z)
        *ret_z = z;
    return true;
}

/* c of a proof: the hash of the public key, M, Z and the two commitments to r. */
static void proof_challenge(const struct point *public, const struct point parts[4],
                            struct scalar *ret)
{
    struct transcript transcript;
    expand_begin(&transcript);
    transcript_add_point(&transcript, public);
    for (size_t i = 0; i < 4; i++)
        transcript_add_point(&transcript, &parts[i]);
    transcript_add_text(&transcript, "Challenge");
    hash_to_scalar(&transcript, ret);
}

/* GenerateProof of section 2.2.1. */
static bool proof_generate(const struct oprf_key *key, const struct scalar *r,
                           const struct batch *batch, struct oprf_proof *ret)
{
    struct point parts[4] = {0}; /* M, Z, r * B, r * M */
    if (!composites(batch, &parts[0], NULL) ||
        !point_multiply(&key->secret, &parts[0], &parts[1]) || !point_base_multiply(r, &parts[2]) ||
        !point_multiply(r, &parts[0], &parts[3]))
        return false;
    struct scalar c;
    proof_challenge(&key->public, parts, &c);

    _cleanup_(scalar_wipe) struct scalar product = {0};
    crypto_core_ristretto255_scalar_mul(product.bytes, c.bytes, key->secret.bytes);
    memcpy(ret->bytes, c.bytes, sizeof c.bytes);
    crypto_core_ristretto255_scalar_sub(ret->bytes + sizeof c.bytes, r->bytes, product.bytes);
    return true;
}

enum fault oprf_evaluate(const struct oprf_key *key, const struct scalar *proof_random,
                         const struct point *blinded, size_t count, struct point *ret_evaluated,
                         struct oprf_proof *ret_proof, size_t *ret_bad)
{
    struct point evaluated[OPRF_BATCH_MAX];
    if (count > OPRF_BATCH_MAX)
        return FAULT_CRYPTO;
    for (size_t i = 0; i < count; i++) {
        if (point_multiply(&key->secret, &blinded[i], &evaluated[i]))
            continue;
        if (ret_bad)
            *ret_bad = i;
        return FAULT_RECORD_POINT;
    }
    const struct batch batch = {&key->public, blinded, evaluated, count};
    if (!proof_generate(key, proof_random, &batch, ret_proof))
        return FAULT_CRYPTO;
    memcpy(ret_evaluated, evaluated, count * sizeof *evaluated);
    return FAULT_NONE;
}

/* VerifyProof of section 2.2.2. */
enum fault oprf_verify(const struct point *public, const struct point *blinded,
                       const struct point *evaluated, size_t count, const struct oprf_proof *proof)
{
    struct scalar c, s, expected;
    memcpy(c.bytes, proof->bytes, sizeof c.bytes);
    memcpy(s.bytes, proof->bytes + sizeof c.bytes, sizeof s.bytes);
    if (!scalar_is_canonical(&c) || !scalar_is_canonical(&s))
        return FAULT_CRYPTO;

    const struct batch batch = {public, blinded, evaluated, count};
    struct point parts[4] = {0}; /* M, Z, s * B + c * public, s * M + c * Z */
    if (!composites(&batch, &parts[0], &parts[1]) || !point_base_multiply(&s, &parts[2]) ||
        !point_add_product(&c, public, &parts[2]) || !point_add_product(&s, &parts[0], &parts[3]) ||
        !point_add_product(&c, &parts[1], &parts[3]))
        return FAULT_CRYPTO;
    proof_challenge(public, parts, &expected);
    return scalar_equal(&expected, &c) ? FAULT_NONE : FAULT_CRYPTO;
}

enum fault oprf_finalize(const void *input, size_t input_length, const struct scalar *blind,
                         const struct point *evaluated, struct oprf_output *ret)
{
    _cleanup_(scalar_wipe) struct scalar inverse = {0};
    struct point unblinded = {0};
    if (crypto_core_ristretto255_scalar_invert(inverse.bytes, blind->bytes) != 0 ||
        !point_multiply(&inverse, evaluated, &unblinded))
        return FAULT_CRYPTO;
    struct transcript transcript;
    crypto_hash_sha512_init(&transcript.state);
    transcript_add_counted(&transcript, input, input_length);
    transcript_add_point(&transcript, &unblinded);
    transcript_add_text(&transcript, "Finalize");
    crypto_hash_sha512_final(&transcript.state, ret->bytes);
    bytes_wipe(&unblinded, sizeof unblinded);
    return FAULT_NONE;
}
