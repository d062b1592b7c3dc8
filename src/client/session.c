/* SPDX-License-Identifier: Apache-2.0 */
#include "client/session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

enum {
    TOKEN_LEAD_S = 60, /* a token that is valid for less is as good as expired */
    KEY_LENGTH = 16,   /* of an Idempotency-Key, in bytes */
};

enum fault session_open(const struct profile *profile, const struct continuum_settings *settings,
                        struct continuum_client **ret)
{
    uint8_t federation_key[32], seed[32];
    _cleanup_(session_done) struct continuum_client *client = calloc(1, sizeof *client);
    if (!client)
        return FAULT_MEMORY;
    client->profile = *profile;
    client->insecure = settings->insecure;
    client->timeout_ms = settings->timeout_ms;
    if (!b64_decode(profile->federation_key, strlen(profile->federation_key), federation_key,
                    sizeof federation_key) ||
        !b64_decode(profile->seed, strlen(profile->seed), seed, sizeof seed))
        return FAULT_CONFIGURATION;
    federation_keys_derive(federation_key, &client->keys);
    signing_key_from_seed(seed, &client->key);
    bytes_wipe(federation_key, sizeof federation_key);
    bytes_wipe(seed, sizeof seed);
    enum fault fault = client_http_open(profile->url, client->timeout_ms, &client->http);
    if (fault)
        return fault;
    *ret = TAKE(client);
    return FAULT_NONE;
}

void session_close(struct continuum_client *client)
{
    if (!client)
        return;
    client_http_close(client->http);
    client_helper_close(&client->helper);
    bytes_wipe(client, sizeof *client);
    free(client);
}

void session_done(struct continuum_client **client)
{
    session_close(*client);
}

enum fault session_federation(struct continuum_client *client, struct federation *ret,
                              struct why *why)
{
    return client_federation_get(client->http, &client->profile, ret, why);
}

void session_stamp_make(struct session_stamp *ret)
{
    uint8_t nonce[16];
    bytes_random(nonce, sizeof nonce);
    b64_encode(nonce, sizeof nonce, ret->nonce);
    clock_format(clock_now_s(), ret->timestamp);
}

enum fault session_sign(const struct continuum_client *client, const char *const *lines,
                        size_t count, char ret[SIGNATURE_TEXT_SIZE])
{
    struct signature signature;
    if (!lines_sign(&client->key, lines, count, &signature))
        return FAULT_CRYPTO;
    b64_encode(signature.bytes, sizeof signature.bytes, ret);
    return FAULT_NONE;
}

enum fault session_token_take(struct continuum_client *client, struct json_t *answer,
                              struct why *why)
{
    struct profile *profile = &client->profile;
    const char *token, *expires_at;
    int64_t expires_at_s;
    if (json_unpack(answer, "{s:s, s:s}", "token", &token, "token_expires_at", &expires_at) < 0 ||
        strlen(token) >= sizeof profile->token || token[strcspn(token, " \r\n")] ||
        !clock_parse(expires_at, strlen(expires_at), &expires_at_s))
        return why_set(why, FAULT_CORRUPT, "The coordinator's answer has no usable token.");
    snprintf(profile->token, sizeof profile->token, "%s", token);
    clock_format(expires_at_s, profile->token_expires_at);
    return FAULT_NONE;
}

enum fault session_token_renew(struct continuum_client *client, struct why *why)
{
    struct profile *profile = &client->profile;
    struct session_stamp stamp;
    char signature[SIGNATURE_TEXT_SIZE];
    _cleanup_(json_done) json_t *answer = NULL;
    session_stamp_make(&stamp);
    const char *lines[] = {"cfed/v1/token", profile->coordinator_key, profile->instance_id,
                           stamp.timestamp, stamp.nonce};
    enum fault fault = session_sign(client, lines, sizeof lines / sizeof *lines, signature);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body =
        json_pack("{s:s, s:s, s:s, s:s}", "instance_id", profile->instance_id, "timestamp",
                  stamp.timestamp, "nonce", stamp.nonce, "signature", signature);
    if (!body)
        return FAULT_MEMORY;
    fault = client_http_call(
        client->http,
        &(struct client_request){.method = "POST", .path = "/v1/tokens", .body = body}, &answer,
        why);
    if (!fault)
        fault = session_token_take(client, answer, why);
    /* A token that cannot be kept serves for now, and the next command fetches another one. */
    if (!fault)
        profile_save(profile, NULL);
    return fault;
}

static bool token_is_fresh(const struct profile *profile)
{
    int64_t expires_at_s;
    return profile->token[0] &&
           clock_parse(profile->token_expires_at, strlen(profile->token_expires_at),
                       &expires_at_s) &&
           expires_at_s > clock_now_s() + TOKEN_LEAD_S;
}

static void key_make(char ret[B64_LENGTH(KEY_LENGTH) + 1])
{
    uint8_t bytes[KEY_LENGTH];
    bytes_random(bytes, sizeof bytes);
    b64_encode(bytes, sizeof bytes, ret);
}

enum fault session_call(struct continuum_client *client, const struct client_request *request,
                        struct json_t **ret, struct why *why)
{
    struct client_request signed_in = *request;
    char key[B64_LENGTH(KEY_LENGTH) + 1];
    if (strcmp(request->method, "POST") == 0) {
        key_make(key);
        signed_in.key = key;
        signed_in.repeat = REPEAT_ALWAYS;
    }
    bool renewed = !token_is_fresh(&client->profile);
    enum fault fault = renewed ? session_token_renew(client, why) : FAULT_NONE;
    if (fault)
        return fault;
    signed_in.token = client->profile.token;
    fault = client_http_call(client->http, &signed_in, ret, why);
    if (fault != FAULT_TOKEN_INVALID || renewed)
        return fault;
    fault = session_token_renew(client, why);
    return fault ? fault : client_http_call(client->http, &signed_in, ret, why);
}
