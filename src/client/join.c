/* SPDX-License-Identifier: Apache-2.0 */
#include "client/join.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/link.h"
#include "util/cleanup.h"

static void link_done(struct link *link)
{
    bytes_wipe(link, sizeof *link);
}

static void key_make(char ret[KEY_TEXT_SIZE])
{
    uint8_t key[32];
    bytes_random(key, sizeof key);
    b64_encode(key, sizeof key, ret);
    bytes_wipe(key, sizeof key);
}

static enum fault address_read(const struct continuum_settings *settings, const char *address,
                               bool found, struct link *ret, struct why *why)
{
    enum fault fault = found && !strchr(address, '#')
                           ? address_parse(address, settings->insecure, ret->url, why)
                           : link_parse(address, settings->insecure, ret, why);
    if (fault)
        return fault;
    if (found && ret->federation_key[0])
        return why_set(why, FAULT_INVALID_REQUEST,
                       "This link belongs to a federation that has members. Use \"join\" with it.");
    if (!found && !ret->federation_key[0])
        return why_set(why, FAULT_INVALID_REQUEST,
                       "This link has no federation key. Use \"init\" with it to be the first "
                       "member, or ask a member for a whole one.");
    return FAULT_NONE;
}

/*
 * The profile to join with: the one that an interrupted attempt at the same federation left, else a
 * new one.
 */
static enum fault profile_prepare(const struct continuum_settings *settings,
                                  const struct link *link, struct profile *ret, struct why *why)
{
    _cleanup_(profile_done) struct profile kept = {0};
    const char *name = settings->profile ? settings->profile : "default";
    enum fault fault = profile_load(name, &kept, why);
    if (fault && fault != FAULT_NOT_FOUND)
        return fault;
    if (kept.instance_id[0])
        return why_set(why, FAULT_CONFIGURATION,
                       "Profile \"%.64s\" is already a member of %.100s. Add --profile NAME to "
                       "join another federation.",
                       name, kept.url);
    if (!fault && strcmp(kept.url, link->url) == 0 &&
        (!link->coordinator_key[0] || strcmp(kept.coordinator_key, link->coordinator_key) == 0) &&
        (!link->federation_key[0] || strcmp(kept.federation_key, link->federation_key) == 0)) {
        *ret = kept;
        return FAULT_NONE;
    }
    *ret = (struct profile){0};
    snprintf(ret->name, sizeof ret->name, "%s", name);
    snprintf(ret->url, sizeof ret->url, "%s", link->url);
    snprintf(ret->coordinator_key, sizeof ret->coordinator_key, "%s", link->coordinator_key);
    snprintf(ret->federation_key, sizeof ret->federation_key, "%s", link->federation_key);
    if (!ret->federation_key[0])
        key_make(ret->federation_key);
    key_make(ret->seed);
    return FAULT_NONE;
}

struct application {
    const char *level, *privacy, *invite; /* invite: "" for none */
    struct session_stamp stamp;
    char public_key[KEY_TEXT_SIZE], key_check[B64_LENGTH(8) + 1], signature[SIGNATURE_TEXT_SIZE];
};

static enum fault application_sign(const struct continuum_client *client,
                                   const struct federation_id *id, struct application *application)
{
    uint8_t federation_key[32], check[8];
    if (!b64_decode(client->profile.federation_key, strlen(client->profile.federation_key),
                    federation_key, sizeof federation_key))
        return FAULT_CONFIGURATION;
    federation_key_check(federation_key, id, check);
    bytes_wipe(federation_key, sizeof federation_key);
    b64_encode(check, sizeof check, application->key_check);
    b64_encode(client->key.public.bytes, sizeof client->key.public.bytes, application->public_key);
    session_stamp_make(&application->stamp);
    const char *lines[] = {"cfed/v1/join",          client->profile.coordinator_key,
                           application->public_key, application->key_check,
                           application->level,      application->privacy,
                           application->invite,     application->stamp.timestamp,
                           application->stamp.nonce};
    return session_sign(client, lines, sizeof lines / sizeof *lines, application->signature);
}

static json_t *application_encode(const struct application *application)
{
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "public_key", application->public_key,
                  "key_check", application->key_check, "contribution_level", application->level,
                  "privacy_mode", application->privacy, "timestamp", application->stamp.timestamp,
                  "nonce", application->stamp.nonce, "signature", application->signature);
    if (body && application->invite[0] &&
        json_object_set_new(body, "invite", json_string(application->invite)) < 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

/* An instance id goes into paths and signed lines: nothing but a-z, 0-9 and -. */
static enum fault membership_take(struct continuum_client *client, json_t *answer, struct why *why)
{
    const char *id = json_string_value(json_object_get(answer, "instance_id"));
    if (!id || strlen(id) >= INSTANCE_ID_SIZE || !domain_is_valid(id, strlen(id)))
        return why_set(why, FAULT_CORRUPT, "The coordinator's answer has no usable instance id.");
    snprintf(client->profile.instance_id, INSTANCE_ID_SIZE, "%s", id);
    /* A key that had joined before gets no token; one is fetched when it is needed. */
    return json_object_get(answer, "token") ? session_token_take(client, answer, why) : FAULT_NONE;
}

static enum fault application_send(struct continuum_client *client,
                                   const struct application *application, struct why *why)
{
    _cleanup_(json_done) json_t *body = application_encode(application);
    _cleanup_(json_done) json_t *answer = NULL;
    struct client_request request = {.method = "POST", .path = "/v1/instances", .body = body};
    if (!body)
        return FAULT_MEMORY;
    enum fault fault = client_http_call(client->http, &request, &answer, why);
    return fault ? fault : membership_take(client, answer, why);
}

enum fault client_join(const struct continuum_settings *settings,
                       const struct continuum_membership *membership, bool found,
                       struct continuum_client **ret, struct why *why)
{
    _cleanup_(link_done) struct link link = {0};
    _cleanup_(profile_done) struct profile profile = {0};
    _cleanup_(session_done) struct continuum_client *client = NULL;
    struct federation federation;
    enum fault fault = address_read(settings, membership->address, found, &link, why);
    if (!fault)
        fault = profile_prepare(settings, &link, &profile, why);
    if (!fault)
        fault = session_open(&profile, settings, &client);
    if (!fault)
        fault = session_federation(client, &federation, why);
    if (fault)
        return fault;
    snprintf(client->profile.coordinator_key, KEY_TEXT_SIZE, "%s", federation.coordinator_key);
    snprintf(client->profile.federation_id, sizeof client->profile.federation_id, "%s",
             federation.id_text);
    struct application application = {
        .level = membership->level ? membership->level : "standard",
        .privacy = membership->privacy ? membership->privacy : "balanced",
        .invite = membership->invite ? membership->invite : link.invite,
    };
    fault = application_sign(client, &federation.epoch.federation_id, &application);
    if (!fault)
        fault = profile_save(&client->profile, why);
    if (!fault)
        fault = application_send(client, &application, why);
    if (!fault)
        fault = profile_save(&client->profile, why);
    if (!fault)
        *ret = TAKE(client);
    return fault;
}
