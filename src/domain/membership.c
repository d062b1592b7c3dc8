/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/membership.h"

#include <stdio.h>
#include <string.h>

#include "crypto/group.h"
#include "crypto/share.h"
#include "store/keyring.h"
#include "store/patterns.h"

/* ---- Signed requests ---- */

static bool timestamp_is_fresh(const struct signed_request *proof)
{
    int64_t age = proof->now_s - proof->timestamp_s;
    return age <= SIGNED_REQUEST_TOLERANCE_S && age >= -SIGNED_REQUEST_TOLERANCE_S;
}

static enum fault nonce_spend(struct database *database, const struct signed_request *proof)
{
    return nonce_use(database, proof->nonce, proof->now_s + 2 * SIGNED_REQUEST_TOLERANCE_S);
}

static void coordinator_key_text(const struct coordinator *coordinator,
                                 char ret[B64_LENGTH(32) + 1])
{
    b64_encode(&coordinator->keyring->signing.public, 32, ret);
}

/* ---- Joining ---- */

static enum fault join_apply(struct command *command, struct database *database)
{
    struct join *join = (struct join *)command;
    enum fault fault = nonce_spend(database, &join->proof);
    if (!fault)
        fault = join->refusal;
    if (fault || join->known)
        return fault;
    /* The same key may have joined while this command waited. */
    fault = instance_handle_of_key(database, &join->row.public_key, &join->row.handle);
    join->known = fault == FAULT_NONE;
    return fault == FAULT_NOT_FOUND ? instance_insert(database, &join->row, &join->row.number)
                                    : fault;
}

static void join_settle(struct operation *operation, enum fault fault)
{
    struct join *join = (struct join *)operation;
    if (fault || join->known)
        return;
    struct instance instance = {
        .number = join->row.number,
        .handle = join->row.handle,
        .public_key = join->row.public_key,
        .level = join->row.level,
        .mode = join->row.mode,
        .tier = join->row.tier,
        .domains = join->row.domains,
        .joined_at_s = join->row.joined_at_s,
    };
    /* Without memory the member is stored all the same, and known from the next start on. */
    (void)directory_add(operation->coordinator->directory, &instance);
}

struct join *join_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct join), join_apply, join_settle);
}

static bool join_is_signed(const struct join *join)
{
    char coordinator_key[B64_LENGTH(32) + 1];
    coordinator_key_text(join->operation.coordinator, coordinator_key);
    const char *lines[] = {
        "cfed/v1/join",
        coordinator_key,
        join->public_key_text,
        join->key_check,
        level_name(join->row.level),
        privacy_of(join->row.mode)->name,
        join->invite,
        join->proof.timestamp,
        join->proof.nonce_text,
    };
    return lines_verify(&join->row.public_key, lines, sizeof lines / sizeof *lines,
                        &join->proof.signature);
}

/* What stands against a join that is properly signed; also finds out whether the key is known. */
static enum fault join_refusal(struct join *join)
{
    const struct coordinator *coordinator = join->operation.coordinator;
    const struct settings *settings = coordinator->settings;
    if (*settings->key_check && strcmp(settings->key_check, join->key_check) != 0)
        return FAULT_WRONG_FEDERATION_KEY;
    const struct instance *known =
        directory_find_key(coordinator->directory, &join->row.public_key);
    join->known = known != NULL;
    if (known)
        join->row.handle = known->handle;
    else if (join->has_invite)
        return FAULT_INVITE_INVALID;
    else if (directory_count(coordinator->directory) >= settings->max_instances)
        return FAULT_OVERLOADED;
    return FAULT_NONE;
}

enum fault join_submit(struct join *join)
{
    struct coordinator *coordinator = join->operation.coordinator;
    struct scalar x;
    share_abscissa(&coordinator->federation_id, &join->row.public_key, &x);
    if (scalar_is_zero(&x) || !public_key_is_valid(&join->row.public_key))
        return FAULT_PUBLIC_KEY_INVALID;
    if (!timestamp_is_fresh(&join->proof))
        return FAULT_TIMESTAMP_STALE;
    if (!join_is_signed(join))
        return FAULT_SIGNATURE_INVALID;
    join->refusal = join_refusal(join);
    join->row.tier = (uint8_t)coordinator->settings->default_tier;
    operation_submit(&join->operation);
    return FAULT_NONE;
}

/* ---- Tokens ---- */

static enum fault token_request_apply(struct command *command, struct database *database)
{
    return nonce_spend(database, &((struct token_request *)command)->proof);
}

struct token_request *token_request_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct token_request), token_request_apply, NULL);
}

enum fault token_request_submit(struct token_request *request)
{
    struct coordinator *coordinator = request->operation.coordinator;
    if (!timestamp_is_fresh(&request->proof))
        return FAULT_TIMESTAMP_STALE;
    char coordinator_key[B64_LENGTH(32) + 1];
    coordinator_key_text(coordinator, coordinator_key);
    const char *lines[] = {
        "cfed/v1/token",          coordinator_key,           request->instance_id,
        request->proof.timestamp, request->proof.nonce_text,
    };
    const struct instance *instance = instance_id_parse(request->instance_id, &request->handle)
                                          ? directory_find(coordinator->directory, request->handle)
                                          : NULL;
    if (!instance || !lines_verify(&instance->public_key, lines, sizeof lines / sizeof *lines,
                                   &request->proof.signature))
        return FAULT_SIGNATURE_INVALID;
    operation_submit(&request->operation);
    return FAULT_NONE;
}

void member_token(const struct coordinator *coordinator, uint64_t handle, int64_t now_s,
                  char ret_token[TOKEN_TEXT_LENGTH + 1], int64_t *ret_expires_at_s)
{
    int64_t expires_at_s = now_s + coordinator->settings->token_ttl_s;
    token_mint(coordinator->keyring->token, handle, expires_at_s, ret_token);
    *ret_expires_at_s = expires_at_s;
}

enum fault member_authenticate(const struct coordinator *coordinator, const char *token,
                               size_t length, int64_t now_s, struct instance **ret)
{
    uint64_t handle = 0;
    if (!token_check(coordinator->keyring->token, token, length, now_s, &handle))
        return FAULT_TOKEN_INVALID;
    if (!coordinator->ready)
        return FAULT_STARTING;
    struct instance *instance = directory_find(coordinator->directory, handle);
    if (!instance || instance->leaving)
        return FAULT_TOKEN_INVALID;
    *ret = instance;
    return FAULT_NONE;
}

/* ---- The own record ---- */

static enum fault profile_apply(struct command *command, struct database *database)
{
    struct profile *profile = (struct profile *)command;
    struct instance_row *row = &profile->row;
    enum fault fault = instance_get(database, profile->number, row);
    if (!fault)
        fault = contributions_sealed_before(database, profile->number, &profile->older_sealed);
    if (fault || !profile->change)
        return fault;
    if (profile->level != LEVEL_COUNT)
        row->level = (uint8_t)profile->level;
    if (profile->mode != MODE_COUNT)
        row->mode = (uint8_t)profile->mode;
    if (profile->domains)
        snprintf(row->domains, sizeof row->domains, "%s", profile->domains);
    return instance_update(database, row);
}

static void profile_settle(struct operation *operation, enum fault fault)
{
    struct profile *profile = (struct profile *)operation;
    struct instance *instance =
        directory_find_number(operation->coordinator->directory, profile->number);
    if (fault || !profile->change || !instance)
        return;
    instance->level = profile->row.level;
    instance->mode = profile->row.mode;
    /* Without memory the old domains steer routing until the next start. */
    (void)instance_set_domains(instance, profile->row.domains);
}

struct profile *profile_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct profile), profile_apply, profile_settle);
}

/* ---- The export ---- */

static enum fault export_step_apply(struct command *command, struct database *database)
{
    struct export_step *step = (struct export_step *)command;
    struct instance_row row;
    enum fault fault = instance_get(database, step->number, &row);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
    return export_read(database, step->number, EXPORT_STEP, step->position, step->take,
                       step->context);
}

struct export_step *export_step_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct export_step), export_step_apply, NULL);
}
