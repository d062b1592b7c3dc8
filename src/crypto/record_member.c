/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"

#include <sodium.h>
#include <string.h>

#include "crypto/group.h"
#include "crypto/hash.h"

/*
 * What `ciphertext` holds:
 *
 *     u16 length of M || M || zeros up to 128, 256, 512 or 1024 bytes in all: the smallest that
 * fits
 */
enum {
    SEAL_LENGTH = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    PADDED_LENGTH_MIN = 128,
    PADDED_LENGTH_MAX = CIPHERTEXT_LENGTH_MAX - SEAL_LENGTH,
    M_OFFSET = 2,
};

/* A zero nonce is safe here: M fixes R and R fixes the key (docs/PROTOCOL.md, section 4). */
static const uint8_t content_nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
static const uint8_t content_aad[] = {'c', 'f', 'e', 'd', '/', 'v', '1', '/', 'c', 't'};

void federation_keys_derive(const uint8_t federation_key[32], struct federation_keys *ret)
{
    const struct {
        const char *label;
        uint8_t *output;
        size_t length;
    } keys[] = {
        {"cfed/v1/F/pattern", ret->pattern, sizeof ret->pattern},
        {"cfed/v1/F/content", ret->content, sizeof ret->content},
        {"cfed/v1/F/index", ret->index, sizeof ret->index},
        {"cfed/v1/F/query", ret->query, sizeof ret->query},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        hash_once(federation_key, 32, keys[i].label, NULL, 0, keys[i].output, keys[i].length);
}

void federation_key_check(const uint8_t federation_key[32], const struct federation_id *id,
                          uint8_t ret[8])
{
    uint8_t check[16];
    hash_once(federation_key, 32, "cfed/v1/key-check", id->bytes, sizeof id->bytes, check,
              sizeof check);
    memcpy(ret, check, 8);
}

uint32_t token_of_term(const struct federation_keys *keys, uint8_t token_bits, const char *term,
                       size_t term_length)
{
    uint8_t digest[16];
    hash_once(keys->index, sizeof keys->index, "cfed/v1/term", term, term_length, digest,
              sizeof digest);
    uint32_t token = 0;
    for (size_t i = 0; i < 4; i++)
        token = token << 8 | digest[i];
    return token_cut(token, token_bits);
}

void record_oprf_input(const struct federation_keys *keys, const struct epoch_parameters *epoch,
                       const char *m, size_t m_length,
                       const uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH],
                       uint8_t ret[OPRF_INPUT_LENGTH])
{
    static const char prefix[15] = {'c', 'f', 'e', 'd', '/', 'v', '1', '/',
                                    'p', 'a', 't', 't', 'e', 'r', 'n'};
    uint8_t *at = ret;
    memcpy(at, prefix, sizeof prefix);
    at += sizeof prefix;
    memcpy(at, epoch->federation_id.bytes, sizeof epoch->federation_id.bytes);
    at += sizeof epoch->federation_id.bytes;
    for (unsigned shift = 32; shift > 0;)
        *at++ = (uint8_t)(epoch->number >> (shift -= 8));

    struct hash hash;
    hash_init(&hash, keys->pattern, sizeof keys->pattern, "cfed/v1/pattern", 64);
    hash_u16(&hash, (uint16_t)m_length);
    hash_bytes(&hash, m, m_length);
    hash_u8(&hash, epoch->token_bits);
    hash_bytes(&hash, index_plaintext, INDEX_PLAINTEXT_LENGTH);
    hash_final(&hash, at);
}

void record_verify_key(const struct federation_keys *keys, const struct scalar *secret,
                       struct signing_key *ret)
{
    uint8_t seed[32];
    hash_once(keys->content, sizeof keys->content, "cfed/v1/verify-seed", secret->bytes,
              sizeof secret->bytes, seed, sizeof seed);
    signing_key_from_seed(seed, ret);
    bytes_wipe(seed, sizeof seed);
}

/* W alone; the secret half is wiped. */
static struct public_key record_verify_public(const struct federation_keys *keys,
                                              const struct scalar *secret)
{
    struct signing_key pair;
    record_verify_key(keys, secret, &pair);
    struct public_key public = pair.public;
    bytes_wipe(&pair, sizeof pair);
    return public;
}

static void content_key(const struct federation_keys *keys, const struct scalar *secret,
                        uint8_t ret[32])
{
    hash_once(keys->content, sizeof keys->content, "cfed/v1/content-key", secret->bytes,
              sizeof secret->bytes, ret, 32);
}

static size_t padded_length(size_t m_length)
{
    size_t length = PADDED_LENGTH_MIN;
    while (length < M_OFFSET + m_length)
        length *= 2;
    return length;
}

static void ciphertext_seal(const uint8_t key[32], const char *m, size_t m_length,
                            struct record *record)
{
    uint8_t padded[PADDED_LENGTH_MAX] = {(uint8_t)(m_length >> 8), (uint8_t)m_length};
    size_t length = padded_length(m_length);
    memcpy(padded + M_OFFSET, m, m_length);
    crypto_aead_xchacha20poly1305_ietf_encrypt(record->ciphertext, NULL, padded, length,
                                               content_aad, sizeof content_aad, NULL, content_nonce,
                                               key);
    record->ciphertext_length = (uint16_t)(length + SEAL_LENGTH);
    bytes_wipe(padded, sizeof padded);
}

/*
 * Writes M and a NUL to `m`. Returns its length, or 0 when the padding is not what ciphertext_seal
 * makes.
 */
static size_t padding_remove(const uint8_t *padded, size_t length, char *m)
{
    size_t m_length = (size_t)padded[0] << 8 | padded[1];
    if (m_length < 1 || m_length > SUMMARY_LENGTH_MAX || padded_length(m_length) != length)
        return 0;
    const uint8_t *zeros = padded + M_OFFSET + m_length;
    if (sodium_is_zero(zeros, length - M_OFFSET - m_length) != 1)
        return 0;
    memcpy(m, padded + M_OFFSET, m_length);
    m[m_length] = '\0';
    return m_length;
}

/* a_j of step 2. */
static void coefficient(const struct oprf_output *output, const struct epoch_parameters *epoch,
                        uint8_t j, struct scalar *ret)
{
    uint8_t wide[64];
    struct hash hash;
    hash_init(&hash, output->bytes, sizeof output->bytes, "cfed/v1/coef", sizeof wide);
    hash_u32(&hash, epoch->number);
    hash_u8(&hash, epoch->k);
    hash_u8(&hash, j);
    hash_final(&hash, wide);
    scalar_reduce(wide, ret);
    bytes_wipe(wide, sizeof wide);
}

/* The length of the domain that M begins with; 0 when there is none. */
static size_t m_domain_length(const char *m, size_t m_length)
{
    const char *newline = memchr(m, '\n', m_length);
    size_t length = newline ? (size_t)(newline - m) : 0;
    return domain_is_valid(m, length) ? length : 0;
}

static void coefficients_wipe(struct scalar (*coefficients)[THRESHOLD_MAX])
{
    bytes_wipe(*coefficients, sizeof *coefficients);
}

enum fault record_make(const struct federation_keys *keys, const struct epoch_parameters *epoch,
                       const char *m, size_t m_length,
                       const uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH],
                       const struct oprf_output *output, struct record *ret,
                       struct scalar ret_coefficients[THRESHOLD_MAX])
{
    size_t domain_length = m_domain_length(m, m_length);
    if (domain_length == 0 || m_length > SUMMARY_LENGTH_MAX || epoch->k < THRESHOLD_MIN ||
        epoch->k > THRESHOLD_MAX)
        return FAULT_CRYPTO;
    struct record record = {
        .epoch = epoch->number, .k = epoch->k, .domain_length = (uint8_t)domain_length};
    memcpy(record.domain, m, domain_length);

    _cleanup_(coefficients_wipe) struct scalar coefficients[THRESHOLD_MAX] = {0};
    for (uint8_t j = 0; j < epoch->k; j++) {
        coefficient(output, epoch, j, &coefficients[j]);
        if (!point_base_multiply(&coefficients[j], &record.commitments[j]))
            return FAULT_CRYPTO;
    }
    uint8_t key[32];
    content_key(keys, &coefficients[0], key);
    ciphertext_seal(key, m, m_length, &record);
    bytes_wipe(key, sizeof key);
    record_index_seal(index_plaintext, &coefficients[0], record.index);
    record.verify_key = record_verify_public(keys, &coefficients[0]);
    record_tag(&record, &epoch->federation_id, &record.tag);

    *ret = record;
    memcpy(ret_coefficients, coefficients, sizeof coefficients);
    return FAULT_NONE;
}

static bool record_shape_is_valid(const struct record *record)
{
    return record->k >= THRESHOLD_MIN && record->k <= THRESHOLD_MAX &&
           domain_is_valid(record->domain, record->domain_length) &&
           ciphertext_length_is_valid(record->ciphertext_length);
}

static bool record_secret_fits(const struct record *record, const struct scalar *secret)
{
    struct point commitment = {0};
    return scalar_is_canonical(secret) && point_base_multiply(secret, &commitment) &&
           point_equal(&commitment, &record->commitments[0]);
}

static bool record_verify_key_fits(const struct federation_keys *keys, const struct record *record,
                                   const struct scalar *secret)
{
    struct public_key expected = record_verify_public(keys, secret);
    return bytes_equal(&expected, &record->verify_key, sizeof expected);
}

static bool record_tag_fits(const struct record *record, const struct federation_id *id)
{
    struct tag expected;
    record_tag(record, id, &expected);
    return bytes_equal(&expected, &record->tag, sizeof expected);
}

/* Returns the length of M, or 0. */
static size_t ciphertext_open(const struct federation_keys *keys, const struct record *record,
                              const struct scalar *secret, char *m)
{
    uint8_t key[32], padded[PADDED_LENGTH_MAX];
    content_key(keys, secret, key);
    int refused = crypto_aead_xchacha20poly1305_ietf_decrypt(
        padded, NULL, NULL, record->ciphertext, record->ciphertext_length, content_aad,
        sizeof content_aad, content_nonce, key);
    size_t m_length =
        refused ? 0 : padding_remove(padded, record->ciphertext_length - SEAL_LENGTH, m);
    bytes_wipe(key, sizeof key);
    bytes_wipe(padded, sizeof padded);
    return m_length;
}

static bool record_domain_fits(const struct record *record, const char *m, size_t m_length)
{
    return m_domain_length(m, m_length) == record->domain_length &&
           memcmp(m, record->domain, record->domain_length) == 0;
}

enum fault record_open(const struct federation_keys *keys, const struct federation_id *id,
                       const struct record *record, const struct scalar *secret, char *ret_m,
                       size_t *ret_m_length, struct why *why)
{
    char m[SUMMARY_LENGTH_MAX + 1];
    if (!record_shape_is_valid(record))
        return why_set(why, FAULT_CRYPTO, "the record is not well-formed");
    if (!record_secret_fits(record, secret))
        return why_set(why, FAULT_CRYPTO, "the secret is not the one that the record commits to");
    if (!record_verify_key_fits(keys, record, secret))
        return why_set(why, FAULT_CRYPTO, "the verify key does not belong to the secret");
    if (!record_tag_fits(record, id))
        return why_set(why, FAULT_CRYPTO, "the tag is not the record's hash");
    size_t m_length = ciphertext_open(keys, record, secret, m);
    if (m_length == 0)
        return why_set(why, FAULT_CRYPTO, "the ciphertext does not open");
    if (!record_domain_fits(record, m, m_length))
        return why_set(why, FAULT_CRYPTO, "the pattern belongs to another domain");
    memcpy(ret_m, m, m_length + 1);
    *ret_m_length = m_length;
    return FAULT_NONE;
}
