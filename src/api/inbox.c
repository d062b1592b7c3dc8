/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/polls.h"
#include "domain/routing.h"
#include "util/number.h"

/* What a contributor gets and gives, and what comes back to the asker. */

/* A capture of the route as 16 bytes. False: answered with 404. */
static bool id_capture(struct request *request, uint8_t ret[16])
{
    const char *text = request->captures[0];
    if (b64_decode(text, strlen(text), ret, 16))
        return true;
    api_refuse(request, FAULT_NOT_FOUND);
    return false;
}

/* ---- GET /v1/inbox ---- */

enum { DELIVERIES_DEFAULT = 10 };

struct inbox_poll {
    struct poll poll;
    size_t max;
};

static json_t *delivered_encode(const struct delivered *delivered)
{
    return json_pack("{s:o, s:s?, s:o, s:o, s:b, s:o}", "delivery_id",
                     json_b64(delivered->id, DELIVERY_ID_LENGTH), "domain", delivered->domain,
                     "sealed_query", json_b64(delivered->sealed, delivered->sealed_length),
                     "reply_key", json_b64(delivered->reply_key, REPLY_KEY_LENGTH), "priority",
                     delivered->priority, "expires_at", json_time(delivered->expires_at_s));
}

static void inbox_answer(struct operation *operation, enum fault fault)
{
    const struct inbox *inbox = (const struct inbox *)operation;
    struct poll *poll = operation->context;
    struct waiting_key key = {WAITING_INBOX, inbox->number};
    if (!fault && inbox->count == 0 && poll_wait(poll, key, inbox->next_due_s))
        return;
    poll_done(poll);
    if (fault) {
        api_refuse(poll->request, fault);
        return;
    }
    json_t *deliveries = json_array();
    for (size_t i = 0; i < inbox->count; i++)
        json_array_append_new(deliveries, delivered_encode(&inbox->deliveries[i]));
    request_answer(poll->request, 200, json_pack("{s:o}", "deliveries", deliveries));
}

static enum fault inbox_look(struct poll *poll)
{
    struct inbox *inbox = inbox_new(api_of(poll->request)->coordinator);
    if (!inbox)
        return FAULT_MEMORY;
    inbox->operation.answer = inbox_answer;
    inbox->operation.context = poll;
    inbox->number = api_caller(poll->request)->number;
    inbox->now_s = api_now_s();
    inbox->max = ((struct inbox_poll *)poll)->max;
    operation_submit(&inbox->operation);
    return FAULT_NONE;
}

void inbox_get_handle(struct request *request)
{
    const char *text = request_parameter(request, "max");
    uint64_t max = DELIVERIES_DEFAULT;
    struct why why;
    if (text && !number_parse(text, 1, DELIVERIES_MAX, &max)) {
        why_set(&why, FAULT_INVALID_REQUEST, "the parameter max must be a number from 1 to %d",
                DELIVERIES_MAX);
        request_refuse(request, FAULT_INVALID_REQUEST, &why, NULL);
        return;
    }
    struct inbox_poll *poll = poll_new(request, sizeof *poll, inbox_look);
    if (!poll)
        return;
    poll->max = (size_t)max;
    poll_look(&poll->poll);
}

/* ---- POST /v1/inbox/{delivery_id}/answer, DELETE /v1/inbox/{delivery_id} ---- */

static void reply_answer(struct operation *operation, enum fault fault)
{
    if (fault)
        api_refuse(operation->context, fault);
    else
        request_answer_empty(operation->context, 202);
}

static void decline_answer(struct operation *operation, enum fault fault)
{
    if (fault)
        api_refuse(operation->context, fault);
    else
        request_answer_empty(operation->context, 204);
}

/* NULL: refused already. */
static struct reply *reply_start(struct request *request)
{
    uint8_t id[DELIVERY_ID_LENGTH];
    if (!id_capture(request, id))
        return NULL;
    struct reply *reply = reply_new(api_of(request)->coordinator);
    if (!reply) {
        api_refuse(request, FAULT_MEMORY);
        return NULL;
    }
    memcpy(reply->delivery, id, sizeof reply->delivery);
    api_await(request, &reply->operation, decline_answer);
    reply->number = api_caller(request)->number;
    reply->now_s = api_now_s();
    bytes_random(&reply->place, sizeof reply->place);
    return reply;
}

struct reply_body {
    const char *sealed_answer;
};

static const struct field reply_fields[] = {
    {"sealed_answer", FIELD_TEXT, REQUIRED, offsetof(struct reply_body, sealed_answer), 1,
     B64_LENGTH(SEALED_ANSWER_MAX)},
};

static struct operation *reply_recall(struct request *request)
{
    struct reply *reply = reply_new(api_of(request)->coordinator);
    if (!reply)
        return NULL;
    api_await(request, &reply->operation, reply_answer);
    return &reply->operation;
}

static void reply_handle(struct request *request)
{
    struct reply_body body = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    struct sealed_view sealed = {0};
    if (!api_body(request, reply_fields, 1, &body, &root))
        return;
    json_decref(root);
    if (!sealed_decode(body.sealed_answer, sealed_answer_length_is_valid, &request->arena,
                       &sealed)) {
        findings_add(&findings, "/sealed_answer",
                     "must be base64url of 344, 1112, 4184 or 16472 bytes");
        api_refuse_findings(request, FAULT_INVALID_REQUEST, &findings);
        return;
    }
    struct reply *reply = reply_start(request);
    if (!reply)
        return;
    reply->sealed = sealed.bytes;
    reply->sealed_length = sealed.length;
    api_await(request, &reply->operation, reply_answer);
    operation_submit(&reply->operation);
}

void inbox_answer_handle(struct request *request)
{
    api_keyed(request, reply_recall, reply_handle);
}

void inbox_delete_handle(struct request *request)
{
    struct reply *reply = reply_start(request);
    if (reply)
        operation_submit(&reply->operation);
}

/* ---- GET /v1/queries/{id}/answers ---- */

struct answers_poll {
    struct poll poll;
    uint8_t query_id[QUERY_ID_LENGTH];
};

static void answers_answer(struct operation *operation, enum fault fault)
{
    const struct answers *answers = (const struct answers *)operation;
    struct poll *poll = operation->context;
    struct waiting_key key = {WAITING_ANSWERS, answers->question};
    if (!fault && !answers->news && answers->open && poll_wait(poll, key, answers->next_due_s))
        return;
    poll_done(poll);
    if (fault) {
        api_refuse(poll->request, fault);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < answers->count; i++) {
        const struct answer_row *answer = &answers->answers[i];
        json_array_append_new(list, json_pack("{s:o, s:o}", "sealed_answer",
                                              json_b64(answer->sealed, answer->sealed_length),
                                              "received_at", json_time(answer->due_at_s)));
    }
    request_answer(poll->request, 200,
                   json_pack("{s:o, s:b}", "answers", list, "open", answers->open));
}

static enum fault answers_look(struct poll *poll)
{
    struct answers *answers = answers_new(api_of(poll->request)->coordinator);
    if (!answers)
        return FAULT_MEMORY;
    answers->operation.answer = answers_answer;
    answers->operation.context = poll;
    answers->number = api_caller(poll->request)->number;
    answers->now_s = api_now_s();
    memcpy(answers->query_id, ((struct answers_poll *)poll)->query_id, QUERY_ID_LENGTH);
    operation_submit(&answers->operation);
    return FAULT_NONE;
}

void answers_get_handle(struct request *request)
{
    struct answers_poll *poll = poll_new(request, sizeof *poll, answers_look);
    if (!poll)
        return;
    if (id_capture(request, poll->query_id))
        poll_look(&poll->poll);
    else
        poll_done(&poll->poll);
}
