/* SPDX-License-Identifier: Apache-2.0 */
#include "client/federation.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "crypto/group.h"
#include "crypto/sign.h"
#include "util/cleanup.h"

static const char *const level_names[LEVELS] = {"minimal", "standard", "extensive"};

/* The members of the answer, as they were sent: the signature is over these very strings. */
struct announcement {
    const char *protocol, *name, *federation_id, *coordinator_key, *key_check;
    const char *oprf_public_key, *oprf_url, *started_at, *signature;
    json_int_t number, k, token_bits;
    json_t *epochs, *levels;
    const json_t *retention;
    json_int_t max_body_bytes, max_wait_s;
};

enum { WAIT_MAX_S = 3600 };

static bool announcement_read(json_t *answer, struct announcement *ret)
{
    *ret = (struct announcement){0};
    if (json_unpack(answer, "{s:s, s:s, s:s, s:s, s:o, s:o, s:{s:I}}", "protocol", &ret->protocol,
                    "name", &ret->name, "federation_id", &ret->federation_id, "coordinator_key",
                    &ret->coordinator_key, "epochs", &ret->epochs, "levels", &ret->levels, "limits",
                    "max_body_bytes", &ret->max_body_bytes) < 0 ||
        json_unpack(answer, "{s:{s:I, s:I, s:I, s:s, s:s, s:s}}", "epoch", "number", &ret->number,
                    "k", &ret->k, "token_bits", &ret->token_bits, "oprf_public_key",
                    &ret->oprf_public_key, "started_at", &ret->started_at, "signature",
                    &ret->signature) < 0)
        return false;
    /* An older coordinator does not say this; the next two may be null. */
    ret->max_wait_s =
        json_integer_value(json_object_get(json_object_get(answer, "limits"), "max_wait_s"));
    ret->key_check = json_string_value(json_object_get(answer, "key_check"));
    ret->retention = json_object_get(answer, "retention");
    ret->oprf_url =
        json_string_value(json_object_get(json_object_get(answer, "epoch"), "oprf_url"));
    return true;
}

static enum fault signature_check(const struct announcement *said, struct why *why)
{
    struct public_key key;
    struct signature signature;
    char number[24], k[24], token_bits[24];
    snprintf(number, sizeof number, "%lld", (long long)said->number);
    snprintf(k, sizeof k, "%lld", (long long)said->k);
    snprintf(token_bits, sizeof token_bits, "%lld", (long long)said->token_bits);
    const char *lines[] = {
        "cfed/v1/epoch", said->coordinator_key, said->federation_id, number,          k,
        token_bits,      said->oprf_public_key, said->oprf_url,      said->started_at};
    if (!b64_decode(said->coordinator_key, strlen(said->coordinator_key), key.bytes,
                    sizeof key.bytes) ||
        !b64_decode(said->signature, strlen(said->signature), signature.bytes,
                    sizeof signature.bytes) ||
        !lines_verify(&key, lines, sizeof lines / sizeof *lines, &signature))
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "The coordinator's signature on its epoch does not verify. Nothing was "
                       "sent. Ask the operator what changed.");
    return FAULT_NONE;
}

static enum fault pins_check(const struct announcement *said, const struct profile *profile,
                             struct why *why)
{
    if (profile->coordinator_key[0] && strcmp(profile->coordinator_key, said->coordinator_key) != 0)
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "This is not the coordinator that you were invited to: its key is another "
                       "one. Nothing was sent. Ask the operator what changed.");
    if (profile->federation_id[0] && strcmp(profile->federation_id, said->federation_id) != 0)
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "The coordinator now serves another federation than the one you joined. "
                       "Nothing was sent. Ask the operator what changed.");
    return FAULT_NONE;
}

static enum fault key_check(const struct announcement *said, const struct profile *profile,
                            const struct federation_id *id, struct why *why)
{
    uint8_t key[32], check[8];
    char text[B64_LENGTH(8) + 1];
    if (!said->key_check || !profile->federation_key[0])
        return FAULT_NONE;
    bool decoded =
        b64_decode(profile->federation_key, strlen(profile->federation_key), key, sizeof key);
    federation_key_check(key, id, check);
    bytes_wipe(key, sizeof key);
    b64_encode(check, sizeof check, text);
    if (!decoded || strcmp(text, said->key_check) != 0)
        return why_set(why, FAULT_WRONG_FEDERATION_KEY,
                       "This federation has another key than yours, so you could not read each "
                       "other. Ask a member for an invite link, and join by it.");
    return FAULT_NONE;
}

static bool parameters_read(json_int_t number, json_int_t k, json_int_t token_bits,
                            struct epoch_parameters *ret)
{
    if (number < 0 || number > UINT32_MAX || k < THRESHOLD_MIN || k > THRESHOLD_MAX ||
        token_bits < TOKEN_BITS_MIN || token_bits > TOKEN_BITS_MAX)
        return false;
    ret->number = (uint32_t)number;
    ret->k = (uint8_t)k;
    ret->token_bits = (uint8_t)token_bits;
    return true;
}

static bool epochs_read(const json_t *epochs, struct federation *ret)
{
    size_t i;
    json_t *element;
    json_array_foreach (epochs, i, element) {
        json_int_t number, k, token_bits;
        struct epoch_parameters *epoch = &ret->epochs[ret->epoch_count];
        if (ret->epoch_count == EPOCHS_MAX ||
            json_unpack(element, "{s:I, s:I, s:I}", "number", &number, "k", &k, "token_bits",
                        &token_bits) < 0 ||
            !parameters_read(number, k, token_bits, epoch))
            return false;
        epoch->federation_id = ret->epoch.federation_id;
        ret->epoch_count++;
    }
    return true;
}

/* Only what it says in words that are known: it informs. */
static void retention_read(const json_t *retention, struct federation *ret)
{
    enum { A_CENTURY_S = INT32_MAX };
    const json_t *older = json_object_get(retention, "sealed_of_older_epochs");
    json_int_t kept_s = json_integer_value(older);
    if (json_is_integer(older) && kept_s >= 0 && kept_s <= A_CENTURY_S)
        ret->older_until_s = ret->started_at_s + kept_s;
}

static bool levels_read(json_t *levels, struct federation *ret)
{
    for (size_t i = 0; i < LEVELS; i++) {
        json_int_t max_records;
        if (json_unpack(levels, "{s:{s:I}}", level_names[i], "max_records", &max_records) < 0 ||
            max_records < 1)
            return false;
        ret->levels[i] = (struct federation_level){level_names[i], (size_t)max_records};
    }
    return true;
}

static bool federation_read(const struct announcement *said, struct federation *ret)
{
    struct federation_id *id = &ret->epoch.federation_id;
    if (!b64_decode(said->federation_id, strlen(said->federation_id), id->bytes,
                    sizeof id->bytes) ||
        !b64_decode(said->oprf_public_key, strlen(said->oprf_public_key),
                    ret->oprf_public_key.bytes, sizeof ret->oprf_public_key.bytes) ||
        !point_is_valid(&ret->oprf_public_key) || said->max_body_bytes < 1 ||
        !clock_parse(said->started_at, strlen(said->started_at), &ret->started_at_s) ||
        !parameters_read(said->number, said->k, said->token_bits, &ret->epoch))
        return false;
    if (said->oprf_url && strlen(said->oprf_url) >= sizeof ret->oprf_url)
        return false;
    text_copy(ret->oprf_url, sizeof ret->oprf_url, said->oprf_url ? said->oprf_url : "");
    ret->max_body_bytes = (size_t)said->max_body_bytes;
    ret->max_wait_s =
        said->max_wait_s > 0 && said->max_wait_s < WAIT_MAX_S ? (unsigned)said->max_wait_s : 0;
    text_copy(ret->name, sizeof ret->name, said->name);
    snprintf(ret->coordinator_key, sizeof ret->coordinator_key, "%s", said->coordinator_key);
    snprintf(ret->id_text, sizeof ret->id_text, "%s", said->federation_id);
    retention_read(said->retention, ret);
    return epochs_read(said->epochs, ret) && levels_read(said->levels, ret);
}

enum fault client_federation_read(json_t *answer, const struct profile *profile,
                                  struct federation *ret, struct why *why)
{
    struct announcement said;
    struct federation federation = {0};
    if (!announcement_read(answer, &said) || strcmp(said.protocol, "cfed/v1") != 0)
        return why_set(why, FAULT_CORRUPT,
                       "The server does not speak cfed/v1. Is this the address of a coordinator?");
    enum fault fault = pins_check(&said, profile, why);
    if (!fault)
        fault = signature_check(&said, why);
    if (fault)
        return fault;
    if (!federation_read(&said, &federation))
        return why_set(why, FAULT_CORRUPT,
                       "The coordinator describes its federation in a way that this client does "
                       "not understand. Is there a newer version of it?");
    fault = key_check(&said, profile, &federation.epoch.federation_id, why);
    if (!fault)
        *ret = federation;
    return fault;
}

enum fault client_federation_get(struct client_http *http, const struct profile *profile,
                                 struct federation *ret, struct why *why)
{
    _cleanup_(json_done) json_t *answer = NULL;
    struct client_request request = {
        .method = "GET", .path = "/v1/federation", .repeat = REPEAT_ALWAYS};
    enum fault fault = client_http_call(http, &request, &answer, why);
    return fault ? fault : client_federation_read(answer, profile, ret, why);
}

const struct epoch_parameters *client_federation_epoch(const struct federation *federation,
                                                       uint64_t number)
{
    if (federation->epoch.number == number)
        return &federation->epoch;
    for (size_t i = 0; i < federation->epoch_count; i++) {
        if (federation->epochs[i].number == number)
            return &federation->epochs[i];
    }
    return NULL;
}
