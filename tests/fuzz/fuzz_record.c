/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

/*
 * The input: k, two bytes where to change the record, the change, then M. What opens is exactly
 * what was sealed.
 */
static const uint8_t federation_key[32] = "a federation of fuzzers........";
static const struct oprf_output output = {{1, 2, 3}};
static const uint8_t index_plaintext[INDEX_PLAINTEXT_LENGTH] = {[63] = 1};

/* Changes one byte that is part of the record; which one, `at` says. */
static void record_change(struct record *record, struct scalar *secret, size_t at, uint8_t change)
{
    const struct {
        void *bytes;
        size_t length;
    } parts[] = {
        {&record->epoch, sizeof record->epoch},
        {&record->k, 1},
        {&record->domain_length, 1},
        {&record->ciphertext_length, sizeof record->ciphertext_length},
        {&record->tag, sizeof record->tag},
        {&record->verify_key, sizeof record->verify_key},
        {record->commitments, record->k * sizeof *record->commitments},
        {record->index, sizeof record->index},
        {record->domain, record->domain_length},
        {record->ciphertext, record->ciphertext_length},
        {secret, sizeof *secret},
    };
    size_t i = at % (sizeof parts / sizeof *parts);
    at /= sizeof parts / sizeof *parts;
    ((uint8_t *)parts[i].bytes)[at % parts[i].length] ^= change;
}

static bool m_is_sound(const char *m, size_t length)
{
    const char *newline = memchr(m, '\n', length);
    return newline && domain_is_valid(m, (size_t)(newline - m)) && length <= SUMMARY_LENGTH_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    struct epoch_parameters epoch = {
        .number = 7, .k = input_byte(&input) % (THRESHOLD_MAX + 2), .token_bits = 32};
    size_t at = (size_t)input_byte(&input) << 8 | input_byte(&input);
    uint8_t change = input_byte(&input);
    struct federation_keys keys;
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
    struct why why = {0};
    char m[SUMMARY_LENGTH_MAX + 1];
    size_t m_length = 0;
    PROPERTY(crypto_init() == FAULT_NONE);
    federation_keys_derive(federation_key, &keys);
    bool sound = m_is_sound((const char *)input.bytes, input.length) && epoch.k >= THRESHOLD_MIN &&
                 epoch.k <= THRESHOLD_MAX;
    enum fault fault = record_make(&keys, &epoch, (const char *)input.bytes, input.length,
                                   index_plaintext, &output, &record, coefficients);
    PROPERTY(fault == (sound ? FAULT_NONE : FAULT_CRYPTO));
    if (fault)
        return 0;
    PROPERTY(record_open(&keys, &epoch.federation_id, &record, coefficients, m, &m_length, &why) ==
             FAULT_NONE);
    PROPERTY(m_length == input.length && memcmp(m, input.bytes, m_length) == 0);
    PROPERTY(m[m_length] == '\0' && ciphertext_length_is_valid(record.ciphertext_length));
    record_change(&record, coefficients, at, change);
    fault = record_open(&keys, &epoch.federation_id, &record, coefficients, m, &m_length, &why);
    PROPERTY((fault == FAULT_NONE) == (change == 0));
    PROPERTY(change == 0 || why.text[0] != '\0');
    return 0;
}
