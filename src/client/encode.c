/* SPDX-License-Identifier: Apache-2.0 */
#include "continuum/client.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Results as JSON documents. NULL from jansson travels to the end: packing a NULL fails, and so
 * does dumping it. */

static char *document(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(json);
    return text;
}

static char *line(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_REAL_PRECISION(15)) : NULL;
    json_decref(json);
    return text;
}

/* Whole credits as an integer, others with what decimals they have. A balance is never negative: -1
 * is unknown. */
static json_t *credits(int64_t millicredits)
{
    if (millicredits < 0)
        return json_null();
    return millicredits % 1000 ? json_real((double)millicredits / 1000)
                               : json_integer(millicredits / 1000);
}

static json_t *accepted_json(const struct continuum_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->accepted_count; i++)
        json_array_append_new(array,
                              json_pack("{s:I, s:s}", "line", (json_int_t)report->accepted[i].line,
                                        "tag", report->accepted[i].tag));
    return array;
}

static json_t *rejected_json(const struct continuum_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->rejected_count; i++) {
        const struct continuum_rejection *rejection = &report->rejected[i];
        json_array_append_new(array,
                              json_pack("{s:I, s:s, s:s}", "line", (json_int_t)rejection->line,
                                        "code", rejection->code, "detail", rejection->detail));
    }
    return array;
}

char *continuum_report_json(const struct continuum_report *report)
{
    return document(json_pack(
        "{s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:I}", "accepted",
        (json_int_t)report->accepted_count, "patterns", accepted_json(report), "rejected",
        rejected_json(report), "duplicates", (json_int_t)report->duplicates, "left_out",
        (json_int_t)report->left_out, "credits_earned", credits(report->earned_millicredits),
        "balance", credits(report->balance_millicredits), "daily_remaining",
        report->daily_remaining < 0 ? json_null() : json_integer(report->daily_remaining),
        "carried", (json_int_t)report->carried));
}

static json_t *result_json(const struct continuum_result *result)
{
    return json_pack("{s:s, s:s, s:f, s:I, s:f, s:s, s:s, s:I, s:I, s:I, s:o}", "text",
                     result->text, "domain", result->domain, "confidence", result->confidence,
                     "contributor_count", (json_int_t)result->contributor_count, "score",
                     result->score, "tag", result->tag, "released_on", result->released_on, "epoch",
                     (json_int_t)result->epoch, "verification_count",
                     (json_int_t)result->verification_count, "refuted_count",
                     (json_int_t)result->refuted_count, "quality",
                     result->quality < 0 ? json_null() : json_real(result->quality));
}

char *continuum_pattern_json(const struct continuum_result *pattern, const char *cursor)
{
    json_t *json = result_json(pattern);
    json_object_del(json, "score"); /* that is of a query */
    if (json_object_set_new(json, "cursor", json_string(cursor)) == 0)
        return line(json);
    json_decref(json);
    return NULL;
}

char *continuum_download_json(const struct continuum_download *download)
{
    return document(json_pack("{s:s, s:I, s:I, s:s}", "download_id", download->download_id,
                              "patterns", (json_int_t)download->taken, "refused",
                              (json_int_t)download->refused, "cursor", download->cursor));
}

static json_t *mode_json(const struct continuum_privacy_mode *mode)
{
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:{s:f, s:f, s:f}}", "mode", mode->name,
                     "min_contributors", (json_int_t)mode->min_contributors, "epsilon",
                     mode->epsilon, "epsilon_per_year", mode->epsilon_per_year, "confidence_step",
                     mode->confidence_step, "count_off_by_more_than", "1", mode->off_by_more_than_1,
                     "2", mode->off_by_more_than_2, "5", mode->off_by_more_than_5);
}

char *continuum_privacy_json(const struct continuum_privacy *privacy)
{
    json_t *modes = json_array(), *gate = json_pack("{s:s}", "name", privacy->gate);
    for (size_t i = 0; i < privacy->count; i++)
        json_array_append_new(modes, mode_json(&privacy->modes[i]));
    if (strcmp(privacy->gate, "dp") == 0)
        json_object_update_new(gate, json_pack("{s:f, s:f}", "epsilon", privacy->gate_epsilon,
                                               "delta", privacy->gate_delta));
    return document(json_pack("{s:s, s:I, s:o, s:I, s:o}", "federation", privacy->federation_name,
                              "threshold", (json_int_t)privacy->threshold, "release_gate", gate,
                              "period_days", (json_int_t)CONTINUUM_PERIOD_DAYS, "modes", modes));
}

char *continuum_sets_json(const struct continuum_sets *sets)
{
    json_t *array = json_array();
    for (size_t i = 0; i < sets->count; i++) {
        const struct continuum_set *set = &sets->sets[i];
        json_array_append_new(array,
                              json_pack("{s:s, s:I, s:I, s:s, s:o}", "domain", set->domain,
                                        "patterns", (json_int_t)set->patterns, "bytes",
                                        (json_int_t)set->bytes, "updated_at", set->updated_at,
                                        "price", credits(set->price_millicredits)));
    }
    return document(json_pack("{s:o}", "sets", array));
}

char *continuum_transfer_json(const struct continuum_transfer *transfer)
{
    int64_t milli = transfer->amount_millicredits;
    json_t *amount = milli % 1000 ? json_real((double)milli / 1000) : json_integer(milli / 1000);
    return line(json_pack("{s:s, s:s, s:o, s:s?, s:s}", "transfer_id", transfer->transfer_id,
                          "kind", transfer->kind, "amount", amount, "tag",
                          transfer->tag[0] ? transfer->tag : NULL, "created_at",
                          transfer->created_at));
}

char *continuum_answer_json(const struct continuum_answer *answer)
{
    json_t *results = json_array();
    for (size_t i = 0; i < answer->result_count; i++)
        json_array_append_new(results, result_json(&answer->results[i]));
    json_t *json = json_pack("{s:s, s:o, s:o, s:b, s:o, s:I}", "query_id", answer->query_id, "cost",
                             credits(answer->cost_millicredits), "balance",
                             credits(answer->balance_millicredits), "routed", answer->routed,
                             "results", results, "refused", (json_int_t)answer->refused);
    return answer->asked ? line(json) : document(json);
}

char *continuum_reply_json(const char *query_id, const struct continuum_reply *reply)
{
    return line(json_pack("{s:s, s:s, s:s, s:s}", "query_id", query_id, "reply_id", reply->reply_id,
                          "received_at", reply->received_at, "text", reply->text));
}

char *continuum_delivery_json(const struct continuum_delivery *delivery)
{
    return line(json_pack("{s:s, s:s?, s:s, s:b, s:s}", "delivery_id", delivery->delivery_id,
                          "domain", delivery->domain[0] ? delivery->domain : NULL, "question",
                          delivery->question, "priority", delivery->priority, "expires_at",
                          delivery->expires_at));
}

char *continuum_outcome_json(const char *delivery_id, const char *outcome)
{
    return line(json_pack("{s:s, s:s}", "delivery_id", delivery_id, "outcome", outcome));
}

char *continuum_credits_json(const struct continuum_credits *account)
{
    return document(json_pack("{s:o, s:o, s:o, s:{s:o, s:o}}", "available",
                              credits(account->available_millicredits), "earned_monthly",
                              credits(account->earned_monthly_millicredits), "spent_monthly",
                              credits(account->spent_monthly_millicredits), "daily", "earned",
                              credits(account->earned_today_millicredits), "limit",
                              credits(account->daily_limit_millicredits)));
}

static json_t *status_json(const struct continuum_status *status)
{
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:I, s:I, s:s, s:s?}, s:s, s:s, s:s, s:I, s:s, s:s, s:s, "
        "s:I, s:I, s:I, s:s?, s:I}",
        "url", status->url, "federation", "name", status->federation_name, "federation_id",
        status->federation_id, "coordinator_key", status->coordinator_key, "epoch",
        (json_int_t)status->epoch, "threshold", (json_int_t)status->threshold, "epoch_started_at",
        status->epoch_started_at, "oprf_url", status->oprf_url[0] ? status->oprf_url : NULL,
        "instance_id", status->instance_id, "contribution_level", status->level, "effective_level",
        status->effective_level, "level_missing", (json_int_t)status->level_missing, "privacy_mode",
        status->privacy_mode, "tier", status->tier, "joined_at", status->joined_at, "contributions",
        (json_int_t)status->contributions, "released", (json_int_t)status->released, "older_sealed",
        (json_int_t)status->older_sealed, "older_until",
        status->older_until[0] ? status->older_until : NULL, "carried",
        (json_int_t)status->carried);
}

char *continuum_status_json(const struct continuum_status *status)
{
    return document(status_json(status));
}

char *continuum_membership_json(const struct continuum_status *status, const char *link)
{
    json_t *json = status_json(status);
    if (json_object_set_new(json, "invite_link", json_string(link)) < 0) {
        json_decref(json);
        return NULL;
    }
    return document(json);
}

char *continuum_withdrawal_json(const struct continuum_withdrawal *withdrawal)
{
    return document(json_pack("{s:I, s:o, s:o}", "withdrawn", (json_int_t)withdrawal->withdrawn,
                              "credits_reversed", credits(withdrawal->reversed_millicredits),
                              "balance", credits(withdrawal->balance_millicredits)));
}

char *continuum_verification_json(const struct continuum_verification *verification)
{
    return document(json_pack("{s:s, s:s, s:o, s:o}", "tag", verification->tag, "verdict",
                              verification->confirmed ? "confirm" : "refute", "credits_earned",
                              credits(verification->earned_millicredits), "balance",
                              credits(verification->balance_millicredits)));
}

char *continuum_vote_json(const char *tag, bool high)
{
    return document(json_pack("{s:s, s:s}", "tag", tag, "quality", high ? "high" : "low"));
}

char *continuum_error_json(const struct continuum_error *error)
{
    return document(json_pack("{s:s+, s:s, s:I, s:s, s:s}", "type",
                              "urn:continuum:problem:", error->code, "title", error->title,
                              "status", (json_int_t)error->status, "detail", error->detail, "code",
                              error->code));
}

char *continuum_receipt_json(const struct continuum_receipt *receipt)
{
    return document(json_pack("{s:{s:s, s:s, s:I, s:I, s:I, s:I, s:I}, s:s, s:s}", "receipt",
                              "instance_id", receipt->instance_id, "erased_at", receipt->erased_at,
                              "contributions", (json_int_t)receipt->contributions, "verifications",
                              (json_int_t)receipt->verifications, "votes",
                              (json_int_t)receipt->votes, "queries", (json_int_t)receipt->queries,
                              "deliveries", (json_int_t)receipt->deliveries, "coordinator_key",
                              receipt->coordinator_key, "signature", receipt->signature));
}
