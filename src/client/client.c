/* SPDX-License-Identifier: Apache-2.0 */
#include "continuum/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/account.h"
#include "client/contribute.h"
#include "client/download.h"
#include "client/join.h"
#include "client/judge.h"
#include "client/leave.h"
#include "client/link.h"
#include "client/privacy.h"
#include "client/query.h"
#include "client/routed.h"
#include "client/session.h"
#include "client/statement.h"
#include "client/text.h"
#include "util/cleanup.h"

/* The face of the library: faults within, continuum_error outside. */

static bool outcome(enum fault fault, const struct why *why, struct continuum_error *error)
{
    if (fault == FAULT_NONE)
        return true;
    *error = (struct continuum_error){.status = fault_http_status(fault)};
    snprintf(error->code, sizeof error->code, "%s", fault_code(fault));
    snprintf(error->title, sizeof error->title, "%s", fault_title(fault));
    if (why->text[0])
        text_copy(error->detail, sizeof error->detail, why->text);
    else
        snprintf(error->detail, sizeof error->detail, "%s.", fault_title(fault));
    return false;
}

bool continuum_init(const struct continuum_settings *settings,
                    const struct continuum_membership *membership, struct continuum_client **ret,
                    struct continuum_error *error)
{
    struct why why = {0};
    enum fault fault = crypto_init();
    if (!fault)
        fault = client_join(settings, membership, true, ret, &why);
    return outcome(fault, &why, error);
}

bool continuum_join(const struct continuum_settings *settings,
                    const struct continuum_membership *membership, struct continuum_client **ret,
                    struct continuum_error *error)
{
    struct why why = {0};
    enum fault fault = crypto_init();
    if (!fault)
        fault = client_join(settings, membership, false, ret, &why);
    return outcome(fault, &why, error);
}

static enum fault membership_open(const struct continuum_settings *settings,
                                  struct continuum_client **ret, struct why *why)
{
    _cleanup_(profile_done) struct profile profile = {0};
    char url[ADDRESS_SIZE];
    enum fault fault = crypto_init();
    if (!fault)
        fault = profile_load(settings->profile, &profile, why);
    if (!fault)
        fault = address_parse(profile.url, settings->insecure, url, why);
    if (!fault && !profile.instance_id[0])
        fault = why_set(why, FAULT_NOT_FOUND,
                        "Joining %.100s was not finished. Run the same join or init once more.",
                        profile.url);
    return fault ? fault : session_open(&profile, settings, ret);
}

bool continuum_open(const struct continuum_settings *settings, struct continuum_client **ret,
                    struct continuum_error *error)
{
    struct why why = {0};
    return outcome(membership_open(settings, ret, &why), &why, error);
}

bool continuum_privacy_get(const struct continuum_settings *settings, const char *address,
                           struct continuum_privacy *ret, struct continuum_error *error)
{
    struct why why = {0};
    enum fault fault = crypto_init();
    if (!fault)
        fault = client_privacy(settings, address, ret, &why);
    return outcome(fault, &why, error);
}

void continuum_close(struct continuum_client *client)
{
    session_close(client);
}

void continuum_link(const struct continuum_client *client, char ret_link[CONTINUUM_LINK_SIZE])
{
    struct link link = {0};
    snprintf(link.url, sizeof link.url, "%s", client->profile.url);
    snprintf(link.federation_key, KEY_TEXT_SIZE, "%s", client->profile.federation_key);
    snprintf(link.coordinator_key, KEY_TEXT_SIZE, "%s", client->profile.coordinator_key);
    link_format(&link, ret_link);
    bytes_wipe(&link, sizeof link);
}

void continuum_statement_parse(const char *line, size_t length, struct continuum_statement *ret)
{
    statement_parse(line, length, ret);
}

bool continuum_contribute(struct continuum_client *client, const struct continuum_batch *batch,
                          struct continuum_report **ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_contribute(client, batch, ret, &why), &why, error);
}

void continuum_report_free(struct continuum_report *report)
{
    if (!report)
        return;
    free(report->accepted);
    free(report->rejected);
    free(report);
}

bool continuum_query(struct continuum_client *client, const struct continuum_question *question,
                     struct continuum_answer **ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_query(client, question, ret, &why), &why, error);
}

void continuum_answer_free(struct continuum_answer *answer)
{
    if (!answer)
        return;
    for (size_t i = 0; i < answer->result_count; i++)
        free(answer->results[i].text);
    free(answer->results);
    free(answer);
}

bool continuum_credits_get(struct continuum_client *client, struct continuum_credits *ret,
                           struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_credits(client, ret, &why), &why, error);
}

bool continuum_status_get(struct continuum_client *client, struct continuum_status *ret,
                          struct continuum_error *error)
{
    struct why why = {0};
    struct federation federation;
    return outcome(client_status(client, ret, &federation, &why), &why, error);
}

bool continuum_withdraw(struct continuum_client *client, const char *tag,
                        struct continuum_withdrawal *ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_withdraw(client, tag, ret, &why), &why, error);
}

bool continuum_ledger_get(struct continuum_client *client, const char *cursor,
                          struct continuum_ledger *ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_ledger(client, cursor, ret, &why), &why, error);
}

bool continuum_sets_get(struct continuum_client *client, struct continuum_sets **ret,
                        struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_sets(client, ret, &why), &why, error);
}

void continuum_sets_free(struct continuum_sets *sets)
{
    if (!sets)
        return;
    free(sets->sets);
    free(sets);
}

bool continuum_purchase_make(struct continuum_client *client, const char *domain, const char *since,
                             struct continuum_purchase *ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_purchase(client, domain, since, ret, &why), &why, error);
}

bool continuum_download_read(struct continuum_client *client, struct continuum_download *download,
                             struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_download(client, download, &why), &why, error);
}

bool continuum_verify(struct continuum_client *client, const char *tag, bool confirm,
                      struct continuum_verification *ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_verify(client, tag, confirm, ret, &why), &why, error);
}

bool continuum_vote(struct continuum_client *client, const char *tag, bool high,
                    struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_vote(client, tag, high, &why), &why, error);
}

/* ---- Asking members ---- */

bool continuum_replies_get(struct continuum_client *client, const char *query_id, unsigned wait_s,
                           struct continuum_replies **ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_replies(client, query_id, wait_s, ret, &why), &why, error);
}

void continuum_replies_free(struct continuum_replies *replies)
{
    if (!replies)
        return;
    for (size_t i = 0; i < replies->count; i++)
        free(replies->replies[i].text);
    free(replies->replies);
    free(replies);
}

bool continuum_questions_get(struct continuum_client *client, struct continuum_questions **ret,
                             struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_questions(client, ret, &why), &why, error);
}

void continuum_questions_free(struct continuum_questions *questions)
{
    if (!questions)
        return;
    free(questions->ids);
    free(questions);
}

bool continuum_inbox_get(struct continuum_client *client, unsigned wait_s, unsigned max,
                         struct continuum_inbox **ret, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_inbox(client, wait_s, max, ret, &why), &why, error);
}

void continuum_inbox_free(struct continuum_inbox *inbox)
{
    if (!inbox)
        return;
    for (size_t i = 0; i < inbox->count; i++)
        free(inbox->deliveries[i].question);
    free(inbox->deliveries);
    free(inbox);
}

bool continuum_reply(struct continuum_client *client, const char *delivery_id, const char *text,
                     struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_reply(client, delivery_id, text, &why), &why, error);
}

bool continuum_decline(struct continuum_client *client, const char *delivery_id,
                       struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_decline(client, delivery_id, &why), &why, error);
}

bool continuum_export(struct continuum_client *client,
                      bool (*take)(void *context, const char *bytes, size_t length), void *context,
                      struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_export(client, &(struct client_sink){take, context}, &why), &why, error);
}

/* ---- Leaving ---- */

bool continuum_leave(struct continuum_client *client, struct continuum_receipt *ret,
                     struct continuum_error *error)
{
    struct why why = {0};
    return outcome(client_leave(client, ret, &why), &why, error);
}

bool continuum_forget(struct continuum_client *client, struct continuum_error *error)
{
    struct why why = {0};
    return outcome(profile_remove(&client->profile, &why), &why, error);
}

bool continuum_receipt_check(const char *text, size_t length, const char *coordinator_key,
                             struct continuum_receipt *ret, struct continuum_error *error)
{
    struct why why = {0};
    enum fault fault = crypto_init();
    if (!fault)
        fault = client_receipt_check(text, length, coordinator_key, ret, &why);
    return outcome(fault, &why, error);
}
