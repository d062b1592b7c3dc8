/* SPDX-License-Identifier: Apache-2.0 */
#include "client/canonical.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/cleanup.h"

/* The input is the text of a pattern. */

static const char domain[] = "general";

static bool canonical_equal(const struct canonical *a, const struct canonical *b)
{
    return a->m_length == b->m_length && memcmp(a->m, b->m, a->m_length) == 0;
}

static void shape_check(const struct canonical *canonical)
{
    size_t length;
    const char *summary = canonical_summary(canonical->m, canonical->m_length, &length);
    PROPERTY(canonical->m_length <= SUMMARY_LENGTH_MAX);
    PROPERTY(strlen(canonical->m) == canonical->m_length);
    PROPERTY(strncmp(canonical->m, "general\n", 8) == 0 && summary == canonical->m + 8);
    PROPERTY(text_is_harmless(summary, length));
    PROPERTY(length > 0 && summary[0] != ' ' && !strchr(" .,;:!", summary[length - 1]));
    PROPERTY(!strstr(summary, "  "));
}

/* A canonical text stays as it is, or readers would refuse what a member contributed. */
static void again_check(const struct canonical *canonical)
{
    size_t length;
    const char *summary = canonical_summary(canonical->m, canonical->m_length, &length);
    struct canonical again;
    PROPERTY(canonical_make(domain, summary, length, &again, NULL) == FAULT_NONE);
    PROPERTY(canonical_equal(&again, canonical));
    PROPERTY(canonical_is(canonical->m, canonical->m_length));
    PROPERTY(!canonical_is(canonical->m, canonical->m_length - 1) ||
             !strchr(" .,;:!", canonical->m[canonical->m_length - 2]));
}

/* What a person may add without a meaning changes nothing. */
static void decoration_check(const uint8_t *bytes, size_t length, const struct canonical *canonical)
{
    struct canonical again;
    _cleanup_(free_pointer) char *text = malloc(length + 16);
    int before = snprintf(text, 16, " \t\xc2\xa0");
    memcpy(text + before, bytes, length);
    memcpy(text + before + length, " .\n!", 4);
    PROPERTY(canonical_make(domain, text, (size_t)before + length + 4, &again, NULL) == FAULT_NONE);
    PROPERTY(canonical_equal(&again, canonical));
}

static void index_check(const struct canonical *canonical)
{
    static const uint8_t federation_key[32] = "a federation of fuzzers........";
    static const struct scalar secret = {{7}};
    struct federation_keys keys;
    uint8_t plaintext[INDEX_PLAINTEXT_LENGTH], index[INDEX_LENGTH];
    uint32_t tokens[TOKENS_MAX];
    size_t count = 0;
    federation_keys_derive(federation_key, &keys);
    canonical_index(canonical->m, canonical->m_length, &keys, 20, plaintext);
    record_index_seal(plaintext, &secret, index);
    PROPERTY(record_index_open(index, &secret, 20, tokens, &count) == FAULT_NONE && count >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct canonical canonical = {0};
    struct why why = {0};
    PROPERTY(crypto_init() == FAULT_NONE);
    enum fault fault = canonical_make(domain, (const char *)bytes, length, &canonical, &why);
    if (fault) {
        PROPERTY(why.text[0] != '\0' && text_is_harmless(why.text, strlen(why.text)));
        PROPERTY(fault != FAULT_RECORD_DOMAIN && canonical.m_length == 0);
        return 0;
    }
    PROPERTY(text_is_utf8((const char *)bytes, length));
    shape_check(&canonical);
    again_check(&canonical);
    decoration_check(bytes, length, &canonical);
    index_check(&canonical);
    return 0;
}
