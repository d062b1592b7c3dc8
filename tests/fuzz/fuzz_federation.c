/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "client/federation.h"
#include "crypto/group.h"
#include "crypto/sign.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/cleanup.h"

/*
 * The input is the answer of GET /v1/federation, as a hostile coordinator may give it, which signs
 * whatever it says: this target puts its key and its signature there.
 */
static const uint8_t seed[32] = "a coordinator of fuzzers.......";

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void answer_sign(json_t *answer)
{
    struct signing_key key;
    struct signature signature;
    char key_text[B64_LENGTH(32) + 1], text[B64_LENGTH(64) + 1], numbers[3][24];
    static const char *const names[] = {"number", "k", "token_bits"};
    json_t *epoch = json_object_get(answer, "epoch");
    signing_key_from_seed(seed, &key);
    b64_encode(&key.public, sizeof key.public, key_text);
    json_object_set_new(answer, "coordinator_key", json_string(key_text));
    for (size_t i = 0; i < 3; i++)
        snprintf(numbers[i], sizeof numbers[i], "%lld",
                 (long long)json_integer_value(json_object_get(epoch, names[i])));
    const char *lines[] = {"cfed/v1/epoch",
                           key_text,
                           member(answer, "federation_id"),
                           numbers[0],
                           numbers[1],
                           numbers[2],
                           member(epoch, "oprf_public_key"),
                           member(epoch, "oprf_url"),
                           member(epoch, "started_at")};
    if (lines_sign(&key, lines, sizeof lines / sizeof *lines, &signature)) {
        b64_encode(&signature, sizeof signature, text);
        json_object_set_new(epoch, "signature", json_string(text));
    }
}

static bool parameters_are_in_range(const struct epoch_parameters *epoch)
{
    return epoch->k >= THRESHOLD_MIN && epoch->k <= THRESHOLD_MAX &&
           epoch->token_bits >= TOKEN_BITS_MIN && epoch->token_bits <= TOKEN_BITS_MAX;
}

static void federation_check(const struct federation *federation, json_t *answer)
{
    PROPERTY(text_is_harmless(federation->name, strlen(federation->name)));
    PROPERTY(link_key_is_valid(federation->coordinator_key));
    PROPERTY(strcmp(federation->id_text, member(answer, "federation_id")) == 0);
    PROPERTY(point_is_valid(&federation->oprf_public_key));
    PROPERTY(text_is_harmless(federation->oprf_url, strlen(federation->oprf_url)));
    PROPERTY(parameters_are_in_range(&federation->epoch));
    PROPERTY(federation->epoch_count <= EPOCHS_MAX && federation->max_body_bytes >= 1);
    for (size_t i = 0; i < federation->epoch_count; i++) {
        PROPERTY(parameters_are_in_range(&federation->epochs[i]));
        PROPERTY(client_federation_epoch(federation, federation->epochs[i].number) != NULL);
    }
    for (size_t i = 0; i < LEVELS; i++)
        PROPERTY(federation->levels[i].max_records >= 1);
}

/* Who was invited to another coordinator or another federation goes no further. */
static void pins_check(json_t *answer)
{
    struct profile profile = {0};
    struct federation federation = {0};
    struct why why;
    snprintf(profile.coordinator_key, sizeof profile.coordinator_key, "%043d", 0);
    PROPERTY(client_federation_read(answer, &profile, &federation, &why) ==
             FAULT_SIGNATURE_INVALID);
    profile = (struct profile){0};
    snprintf(profile.federation_id, sizeof profile.federation_id, "%s", "another");
    PROPERTY(client_federation_read(answer, &profile, &federation, &why) ==
             FAULT_SIGNATURE_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct profile profile = {0};
    struct federation federation = {0};
    static const struct federation untouched;
    struct why why = {0};
    _cleanup_(json_done) json_t *answer =
        json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
    PROPERTY(crypto_init() == FAULT_NONE);
    enum fault fault = client_federation_read(answer, &profile, &federation, &why);
    if (fault && json_is_object(answer)) {
        answer_sign(answer);
        fault = client_federation_read(answer, &profile, &federation, &why);
    }
    if (fault) {
        PROPERTY(why.text[0] != '\0' && text_is_harmless(why.text, strlen(why.text)));
        PROPERTY(memcmp(&federation, &untouched, sizeof federation) == 0);
        return 0;
    }
    federation_check(&federation, answer);
    pins_check(answer);
    return 0;
}
