/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"
#include "crypto/oprf.h"
#include "domain/contribution.h"
#include "domain/download.h"
#include "domain/membership.h"
#include "domain/query.h"
#include "domain/retention.h"
#include "domain/routing.h"
#include "store/keyring.h"

enum { DAY_S = 86400 };

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *epoch_encode(const struct coordinator *coordinator)
{
    const struct epoch_row *epoch = &coordinator->epoch;
    struct signature signature;
    coordinator_sign_epoch(coordinator, &signature);
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "number", (int)epoch->number, "k",
                     epoch->k, "token_bits", epoch->token_bits, "oprf_public_key",
                     json_b64(&epoch->oprf_public_key, 32), "oprf_url",
                     text_or_null(coordinator->settings->oprf_url), "started_at",
                     json_time(epoch->started_at_s), "signature", json_b64(&signature, 64));
}

static json_t *epochs_encode(const struct epochs *epochs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < epochs->count; i++) {
        const struct epoch_row *epoch = &epochs->rows[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:i}", "number", (int)epoch->number, "k",
                                              epoch->k, "token_bits", epoch->token_bits));
    }
    return list;
}

static json_t *levels_encode(const struct settings *settings)
{
    json_t *levels = json_object();
    for (enum level level = LEVEL_MINIMAL; level < LEVEL_COUNT; level++)
        json_object_set_new(levels, level_name(level),
                            json_pack("{s:i, s:i, s:i}", "max_records",
                                      (int)settings->level_max_records[level], "max_results",
                                      (int)settings->level_max_results[level], "min_contributions",
                                      (int)settings->level_min_weekly[level]));
    return levels;
}

static json_t *modes_encode(uint8_t k)
{
    json_t *modes = json_object();
    for (enum privacy_mode mode = MODE_HIGH; mode < MODE_COUNT; mode++) {
        const struct privacy *privacy = privacy_of(mode);
        json_object_set_new(modes, privacy->name,
                            json_pack("{s:i, s:f, s:o}", "min_contributors",
                                      privacy_min_group(mode, k), "epsilon",
                                      (double)privacy->epsilon_milli / 1000, "confidence_step",
                                      json_hundredths(privacy->confidence_step)));
    }
    return modes;
}

static json_t *prices_encode(const struct settings *settings)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "contribute", json_credits(settings->price_contribute),
        "verify", json_credits(settings->price_verify), "quality",
        json_credits(settings->price_quality), "query", json_credits(settings->price_query),
        "download", json_credits(settings->price_download), "priority",
        json_credits(settings->price_priority));
}

static json_t *limits_encode(const struct api *api)
{
    const struct settings *settings = api->settings;
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "max_body_bytes",
        (int)api->limits->max_body_bytes, "max_small_body_bytes",
        (int)api->limits->max_small_body_bytes, "max_records",
        (int)settings->level_max_records[LEVEL_EXTENSIVE], "max_terms", QUERY_TOKENS_MAX,
        "max_results", (int)settings->level_max_results[LEVEL_EXTENSIVE], "max_oprf_elements",
        OPRF_BATCH_MAX, "max_page", PAGE_MAX, "max_json_depth", (int)settings->max_json_depth,
        "daily_contributions_paid", (int)settings->daily_contribution_limit, "max_wait_s",
        (int)settings->max_wait_s, "max_deliveries", DELIVERIES_MAX, "answer_cadence_s",
        (int)settings->answer_cadence_s);
}

/* What (epsilon, delta) the gate "dp" keeps to. */
static json_t *limits_with_gate(const struct api *api)
{
    const struct settings *settings = api->settings;
    json_t *limits = limits_encode(api);
    if (settings->release_gate == RELEASE_GATE_K)
        return limits;
    json_object_set_new(limits, "release_epsilon",
                        json_real((double)settings->release_epsilon_milli / 1000));
    json_object_set_new(limits, "release_delta",
                        json_real((double)settings->release_delta_billionths / 1e9));
    return limits;
}

/* Seconds for which things are kept: what is not named here is kept until a member erases it. */
static json_t *retention_encode(const struct settings *settings)
{
    return json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:i}", "unreleased_contributions",
                     (json_int_t)settings->unreleased_ttl_days * DAY_S, "sealed_of_older_epochs",
                     (json_int_t)settings->epoch_grace_days * DAY_S, "idempotency_keys",
                     (int)settings->idempotency_retention_s, "downloads", DOWNLOAD_TTL_S,
                     "questions_after_ttl", ROUTE_KEPT_S, "nonces",
                     2 * SIGNED_REQUEST_TOLERANCE_S + RETENTION_NONCES_S, "quotas",
                     RETENTION_QUOTAS_S);
}

void federation_get_handle(struct request *request)
{
    const struct api *api = api_of(request);
    const struct coordinator *coordinator = api->coordinator;
    const struct settings *settings = api->settings;
    request_answer(
        request, 200,
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:i, s:i, s:s, s:o, s:o,"
                  " s:o, s:o, s:o}",
                  "protocol", "cfed/v1", "name", settings->name, "description",
                  settings->description, "federation_id", json_b64(&coordinator->federation_id, 16),
                  "coordinator_key", json_b64(&coordinator->keyring->signing.public, 32),
                  "key_check", text_or_null(settings->key_check), "admission", "open", "epoch",
                  epoch_encode(coordinator), "epochs", epochs_encode(&coordinator->epochs),
                  "require_contribution", settings->require_contribution, "min_contributors",
                  coordinator->epoch.k, "release_interval_s", (int)settings->release_interval_s,
                  "release_gate", settings->release_gate == RELEASE_GATE_DP ? "dp" : "k", "levels",
                  levels_encode(settings), "privacy_modes", modes_encode(coordinator->epoch.k),
                  "prices", prices_encode(settings), "retention", retention_encode(settings),
                  "limits", limits_with_gate(api)));
}
