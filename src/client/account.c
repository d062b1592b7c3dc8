/* SPDX-License-Identifier: Apache-2.0 */
#include "client/account.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "util/cleanup.h"

enum fault answer_not_understood(struct why *why)
{
    return why_set(why, FAULT_CORRUPT,
                   "The coordinator's answer is not what this client expects. Is there a newer "
                   "version of it?");
}

bool credits_member(const struct json_t *object, const char *name, int64_t *ret_millicredits)
{
    const json_t *member = json_object_get(object, name);
    double value = json_number_value(member);
    if (!json_is_number(member) || !(fabs(value) < 1e12))
        return false;
    *ret_millicredits = llround(value * 1000);
    return true;
}

static enum fault account_get(struct continuum_client *client, const char *path, json_t **ret,
                              struct why *why)
{
    struct client_request request = {.method = "GET", .path = path, .repeat = REPEAT_ALWAYS};
    return session_call(client, &request, ret, why);
}

enum fault client_credits(struct continuum_client *client, struct continuum_credits *ret,
                          struct why *why)
{
    _cleanup_(json_done) json_t *answer = NULL;
    struct continuum_credits credits = {0};
    enum fault fault = account_get(client, "/v1/credits", &answer, why);
    if (fault)
        return fault;
    const json_t *daily = json_object_get(answer, "daily");
    if (!credits_member(answer, "available", &credits.available_millicredits) ||
        !credits_member(answer, "earned_monthly", &credits.earned_monthly_millicredits) ||
        !credits_member(answer, "spent_monthly", &credits.spent_monthly_millicredits) ||
        !credits_member(daily, "earned", &credits.earned_today_millicredits) ||
        !credits_member(daily, "limit", &credits.daily_limit_millicredits))
        return answer_not_understood(why);
    *ret = credits;
    return FAULT_NONE;
}

static bool transfer_read(json_t *entry, struct continuum_transfer *ret)
{
    const char *id, *kind, *created_at;
    if (json_unpack(entry, "{s:s, s:s, s:s}", "transfer_id", &id, "kind", &kind, "created_at",
                    &created_at) < 0 ||
        !credits_member(entry, "amount", &ret->amount_millicredits))
        return false;
    text_copy(ret->transfer_id, sizeof ret->transfer_id, id);
    text_copy(ret->kind, sizeof ret->kind, kind);
    text_copy(ret->created_at, sizeof ret->created_at, created_at);
    text_copy(ret->tag, sizeof ret->tag, json_string_value(json_object_get(entry, "tag")));
    return true;
}

enum fault client_ledger(struct continuum_client *client, const char *cursor,
                         struct continuum_ledger *ret, struct why *why)
{
    char path[128];
    size_t i, room = sizeof ret->transfers / sizeof *ret->transfers;
    json_t *entry;
    _cleanup_(json_done) json_t *answer = NULL;
    snprintf(path, sizeof path, "/v1/credits/ledger?limit=%zu%s%s", room, *cursor ? "&cursor=" : "",
             cursor);
    enum fault fault = account_get(client, path, &answer, why);
    if (fault)
        return fault;
    const json_t *transfers = json_object_get(answer, "transfers");
    const char *next = json_string_value(json_object_get(answer, "next_cursor"));
    if (!json_is_array(transfers) || json_array_size(transfers) > room ||
        (next && strlen(next) >= sizeof ret->next_cursor))
        return answer_not_understood(why);
    *ret = (struct continuum_ledger){.count = json_array_size(transfers)};
    text_copy(ret->next_cursor, sizeof ret->next_cursor, next);
    json_array_foreach (transfers, i, entry)
        if (!transfer_read(entry, &ret->transfers[i]))
            return answer_not_understood(why);
    return FAULT_NONE;
}

/* 0 where a coordinator does not tell. */
static uint64_t count_member(const json_t *object, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(object, name));
    return count > 0 ? (uint64_t)count : 0;
}

static bool instance_read(json_t *answer, struct continuum_status *ret)
{
    const char *level, *effective_level, *privacy_mode, *tier, *joined_at;
    json_int_t level_missing, contributions, released;
    if (json_unpack(answer, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "contribution_level",
                    &level, "effective_level", &effective_level, "privacy_mode", &privacy_mode,
                    "tier", &tier, "joined_at", &joined_at, "level_missing", &level_missing,
                    "contributions", &contributions, "released", &released) < 0 ||
        level_missing < 0 || contributions < 0 || released < 0)
        return false;
    text_copy(ret->level, sizeof ret->level, level);
    text_copy(ret->effective_level, sizeof ret->effective_level, effective_level);
    text_copy(ret->privacy_mode, sizeof ret->privacy_mode, privacy_mode);
    text_copy(ret->tier, sizeof ret->tier, tier);
    text_copy(ret->joined_at, sizeof ret->joined_at, joined_at);
    ret->level_missing = (uint64_t)level_missing;
    ret->contributions = (uint64_t)contributions;
    ret->released = (uint64_t)released;
    ret->older_sealed = count_member(answer, "older_sealed");
    ret->carried = count_member(answer, "carried");
    return true;
}

enum fault client_status(struct continuum_client *client, struct continuum_status *ret,
                         struct federation *ret_federation, struct why *why)
{
    const struct profile *profile = &client->profile;
    _cleanup_(json_done) json_t *answer = NULL;
    struct continuum_status status = {0};
    struct federation federation;
    char path[64];
    enum fault fault = session_federation(client, &federation, why);
    if (fault)
        return fault;
    snprintf(path, sizeof path, "/v1/instances/%s", profile->instance_id);
    fault = account_get(client, path, &answer, why);
    if (fault)
        return fault;
    if (!instance_read(answer, &status))
        return answer_not_understood(why);
    snprintf(status.url, sizeof status.url, "%s", profile->url);
    snprintf(status.federation_name, sizeof status.federation_name, "%s", federation.name);
    snprintf(status.federation_id, sizeof status.federation_id, "%s", profile->federation_id);
    snprintf(status.coordinator_key, sizeof status.coordinator_key, "%s", profile->coordinator_key);
    snprintf(status.instance_id, sizeof status.instance_id, "%s", profile->instance_id);
    status.epoch = federation.epoch.number;
    status.threshold = federation.epoch.k;
    snprintf(status.oprf_url, sizeof status.oprf_url, "%s", federation.oprf_url);
    clock_format(federation.started_at_s, status.epoch_started_at);
    if (federation.older_until_s)
        clock_format(federation.older_until_s, status.older_until);
    *ret = status;
    *ret_federation = federation;
    return FAULT_NONE;
}

enum fault client_withdraw(struct continuum_client *client, const char *tag,
                           struct continuum_withdrawal *ret, struct why *why)
{
    _cleanup_(json_done) json_t *answer = NULL;
    struct continuum_withdrawal withdrawal = {0};
    json_int_t withdrawn;
    struct tag bytes;
    char path[64 + B64_LENGTH(sizeof bytes)] = "/v1/contributions";
    if (tag && !b64_decode(tag, strlen(tag), bytes.bytes, sizeof bytes.bytes))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "\"%.60s\" is not a tag. A tag has 43 characters; contribute --json lists "
                       "those of your contributions.",
                       tag);
    if (tag)
        snprintf(path, sizeof path, "/v1/contributions/%s", tag);
    struct client_request request = {.method = "DELETE", .path = path, .repeat = REPEAT_IF_REFUSED};
    enum fault fault = session_call(client, &request, &answer, why);
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "You hold no contribution with this tag.");
    if (fault)
        return fault;
    if (json_unpack(answer, "{s:I}", "withdrawn", &withdrawn) < 0 || withdrawn < 0 ||
        !credits_member(answer, "credits_reversed", &withdrawal.reversed_millicredits) ||
        !credits_member(answer, "balance", &withdrawal.balance_millicredits))
        return answer_not_understood(why);
    withdrawal.withdrawn = (uint64_t)withdrawn;
    *ret = withdrawal;
    return FAULT_NONE;
}

enum fault client_export(struct continuum_client *client, const struct client_sink *sink,
                         struct why *why)
{
    char path[64];
    _cleanup_(json_done) json_t *answer = NULL;
    snprintf(path, sizeof path, "/v1/instances/%s/export", client->profile.instance_id);
    struct client_request request = {
        .method = "GET", .path = path, .repeat = REPEAT_IF_REFUSED, .sink = sink};
    return session_call(client, &request, &answer, why);
}
