/* SPDX-License-Identifier: Apache-2.0 */
#include "client/routed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "client/text.h"
#include "crypto/hash.h"
#include "util/cleanup.h"

enum { PATH_SIZE = 160, POLL_MAX_S = 30, QUESTIONS_MAX = 1000, INBOX_DEFAULT = 10 };

static const char unexpected[] =
    "The coordinator's answer is not what this client expects. Is there a newer version of it?";

/* What passes is text, and nothing that a terminal or a program would stumble over. */
static bool text_is_utf8(const char *text, size_t length)
{
    utf8proc_int32_t code_point;
    for (size_t i = 0; i < length;) {
        utf8proc_ssize_t width = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                  (utf8proc_ssize_t)(length - i), &code_point);
        if (width < 1)
            return false;
        i += (size_t)width;
    }
    return true;
}

static enum fault text_refuse(const char *text, struct why *why)
{
    size_t length = strlen(text);
    if (length == 0)
        return why_set(why, FAULT_INVALID_REQUEST, "There is no text to send.");
    if (length > SEALED_TEXT_MAX)
        return why_set(why, FAULT_INVALID_REQUEST,
                       "The text has %zu bytes; at most %d can be sent.", length, SEALED_TEXT_MAX);
    if (!text_is_utf8(text, length))
        return why_set(why, FAULT_INVALID_REQUEST, "The text is not UTF-8.");
    return FAULT_NONE;
}

static json_t *b64_json(const void *bytes, size_t length)
{
    _cleanup_(free_pointer) char *text = malloc(B64_LENGTH(length) + 1);
    if (!text)
        return NULL;
    b64_encode(bytes, length, text);
    return json_string(text);
}

/* False: it is not B64 of a length that `is_valid` takes. */
static bool sealed_read(const json_t *text, bool (*is_valid)(size_t length), struct sealed *ret)
{
    size_t text_length = json_string_length(text), length = text_length * 6 / 8;
    if (!json_is_string(text) || !is_valid(length) ||
        !b64_decode(json_string_value(text), text_length, ret->bytes, length))
        return false;
    ret->length = length;
    return true;
}

struct passing { /* texts on their way, to be wiped */
    struct sealed sealed;
    struct plain plain;
};

static struct passing *passing_new(void)
{
    return calloc(1, sizeof(struct passing));
}

static void passing_free(struct passing **passing)
{
    if (*passing)
        bytes_wipe(*passing, sizeof **passing);
    free(*passing);
}

/* ---- Asking ---- */

enum fault route_make(const struct continuum_client *client,
                      const struct continuum_question *question, struct json_t **ret,
                      struct kept *ret_kept, struct why *why)
{
    const struct continuum_route *route = question->route;
    const char *text = route->text ? route->text : question->text;
    _cleanup_(kept_wipe) struct kept kept = {.kind = KEPT_QUESTION};
    _cleanup_(passing_free) struct passing *passing = passing_new();
    unsigned ttl_s = route->ttl_s ? route->ttl_s : CONTINUUM_ROUTE_TTL_S;
    unsigned fanout = route->fanout ? route->fanout : CONTINUUM_ROUTE_FANOUT;
    enum fault fault = passing ? text_refuse(text, why) : FAULT_MEMORY;
    if (fault)
        return fault;
    question_key_make(&kept.question, kept.secret);
    fault = sealed_query_make(&client->keys, &kept.question, text, strlen(text), &passing->sealed);
    if (fault)
        return fault;
    *ret = json_pack("{s:o, s:o, s:i, s:i}", "sealed_query",
                     b64_json(passing->sealed.bytes, passing->sealed.length), "reply_key",
                     b64_json(kept.question.reply_key, REPLY_KEY_LENGTH), "ttl_s", (int)ttl_s,
                     "fanout", (int)fanout);
    clock_format(clock_now_s() + ttl_s, kept.expires_at);
    *ret_kept = kept;
    return *ret ? FAULT_NONE : FAULT_MEMORY;
}

static void replies_done(struct continuum_replies **replies)
{
    continuum_replies_free(*replies);
}

static enum fault reply_open(const struct continuum_client *client, const struct kept *kept,
                             const json_t *answer, struct continuum_reply *ret)
{
    const char *received_at = json_string_value(json_object_get(answer, "received_at"));
    _cleanup_(passing_free) struct passing *passing = passing_new();
    uint8_t id[16];
    if (!passing)
        return FAULT_MEMORY;
    if (!received_at || !sealed_read(json_object_get(answer, "sealed_answer"),
                                     sealed_answer_length_is_valid, &passing->sealed))
        return FAULT_CORRUPT;
    enum fault fault = sealed_answer_open(&client->keys, &kept->question, kept->secret,
                                          &passing->sealed, &passing->plain);
    if (!fault && !text_is_utf8(passing->plain.text, passing->plain.length))
        fault = FAULT_CRYPTO;
    if (fault)
        return fault;
    hash_once(NULL, 0, "continuum-fed reply", passing->sealed.bytes, passing->sealed.length, id,
              sizeof id);
    b64_encode(id, sizeof id, ret->reply_id);
    text_copy(ret->received_at, sizeof ret->received_at, received_at);
    ret->text = strdup(passing->plain.text);
    return ret->text ? FAULT_NONE : FAULT_MEMORY;
}

static enum fault replies_take(const struct continuum_client *client, const struct kept *kept,
                               const json_t *answers, struct continuum_replies *replies)
{
    size_t i;
    json_t *answer;
    json_array_foreach (answers, i, answer) {
        enum fault fault = reply_open(client, kept, answer, &replies->replies[replies->count]);
        if (fault == FAULT_MEMORY)
            return fault;
        replies->count += fault == FAULT_NONE;
        replies->refused += fault != FAULT_NONE;
    }
    return FAULT_NONE;
}

/* How long one long poll of `wait_s` seconds may be: shorter than what the connection waits for,
 * and what the coordinator allows, which is asked once. */
static enum fault poll_wait(struct continuum_client *client, unsigned wait_s, unsigned *ret,
                            struct why *why)
{
    if (wait_s > 0 && client->max_wait_s == 0) {
        struct federation federation;
        enum fault fault = session_federation(client, &federation, why);
        if (fault)
            return fault;
        bool lower = federation.max_wait_s > 0 && federation.max_wait_s < POLL_MAX_S;
        client->max_wait_s = lower ? federation.max_wait_s : POLL_MAX_S;
    }
    *ret = wait_s < client->max_wait_s ? wait_s : client->max_wait_s;
    return FAULT_NONE;
}

enum fault client_replies(struct continuum_client *client, const char *query_id, unsigned wait_s,
                          struct continuum_replies **ret, struct why *why)
{
    _cleanup_(kept_wipe) struct kept kept = {0};
    _cleanup_(json_done) json_t *said = NULL;
    _cleanup_(replies_done) struct continuum_replies *replies = calloc(1, sizeof *replies);
    char path[PATH_SIZE];
    if (!replies)
        return FAULT_MEMORY;
    enum fault fault = kept_load(&client->profile, KEPT_QUESTION, query_id, &kept, why);
    if (!fault)
        fault = poll_wait(client, wait_s, &wait_s, why);
    if (fault)
        return fault;
    snprintf(path, sizeof path, "/v1/queries/%s/answers?wait=%u", query_id, wait_s);
    struct client_request request = {.method = "GET", .path = path, .repeat = REPEAT_ALWAYS};
    fault = session_call(client, &request, &said, why);
    if (fault == FAULT_NOT_FOUND)
        kept_forget(&client->profile, KEPT_QUESTION, query_id);
    if (fault)
        return fault;
    const json_t *answers = json_object_get(said, "answers"), *open = json_object_get(said, "open");
    if (!json_is_array(answers) || !json_is_boolean(open))
        return why_set(why, FAULT_CORRUPT, unexpected);
    replies->open = json_is_true(open);
    replies->replies = calloc(json_array_size(answers) + 1, sizeof *replies->replies);
    fault = replies->replies ? replies_take(client, &kept, answers, replies) : FAULT_MEMORY;
    if (!fault)
        *ret = TAKE(replies);
    return fault;
}

enum fault client_questions(struct continuum_client *client, struct continuum_questions **ret,
                            struct why *why)
{
    struct continuum_questions *questions = calloc(1, sizeof *questions);
    if (!questions)
        return FAULT_MEMORY;
    questions->ids = calloc(QUESTIONS_MAX, sizeof *questions->ids);
    enum fault fault = questions->ids ? kept_list(&client->profile, KEPT_QUESTION, QUESTIONS_MAX,
                                                  questions->ids, &questions->count, why)
                                      : FAULT_MEMORY;
    if (fault)
        continuum_questions_free(questions);
    else
        *ret = questions;
    return fault;
}

/* ---- The inbox ---- */

static void inbox_done(struct continuum_inbox **inbox)
{
    continuum_inbox_free(*inbox);
}

static enum fault delivery_open(const struct continuum_client *client, const json_t *said,
                                struct kept *kept, struct continuum_delivery *ret)
{
    const char *id = json_string_value(json_object_get(said, "delivery_id"));
    const char *key = json_string_value(json_object_get(said, "reply_key"));
    const char *expires_at = json_string_value(json_object_get(said, "expires_at"));
    uint8_t reply_key[REPLY_KEY_LENGTH];
    int64_t expires_at_s;
    _cleanup_(passing_free) struct passing *passing = passing_new();
    if (!passing)
        return FAULT_MEMORY;
    if (!id || strlen(id) >= sizeof kept->id || !key || !expires_at ||
        !clock_parse(expires_at, strlen(expires_at), &expires_at_s) ||
        !b64_decode(key, strlen(key), reply_key, sizeof reply_key) ||
        !sealed_read(json_object_get(said, "sealed_query"), sealed_query_length_is_valid,
                     &passing->sealed))
        return FAULT_CORRUPT;
    snprintf(kept->id, sizeof kept->id, "%s", id);
    enum fault fault = sealed_query_open(&client->keys, reply_key, &passing->sealed,
                                         &kept->question, &passing->plain);
    if (!fault && !text_is_utf8(passing->plain.text, passing->plain.length))
        fault = FAULT_CRYPTO;
    if (fault)
        return fault;
    clock_format(expires_at_s, kept->expires_at);
    snprintf(ret->delivery_id, sizeof ret->delivery_id, "%s", id);
    text_copy(ret->domain, sizeof ret->domain, json_string_value(json_object_get(said, "domain")));
    snprintf(ret->expires_at, sizeof ret->expires_at, "%s", kept->expires_at);
    ret->priority = json_is_true(json_object_get(said, "priority"));
    ret->question = strdup(passing->plain.text);
    return ret->question ? FAULT_NONE : FAULT_MEMORY;
}

static enum fault delivery_take(struct continuum_client *client, const json_t *said,
                                struct continuum_inbox *inbox, struct why *why)
{
    struct kept kept = {.kind = KEPT_DELIVERY};
    struct continuum_delivery *delivery = &inbox->deliveries[inbox->count];
    enum fault fault = delivery_open(client, said, &kept, delivery);
    if (fault == FAULT_MEMORY)
        return fault;
    if (!fault) {
        inbox->count++;
        return kept_save(&client->profile, &kept, why);
    }
    inbox->refused++;
    /* Nobody can ever answer what does not open. */
    if (kept.id[0])
        (void)client_decline(client, kept.id, NULL);
    return FAULT_NONE;
}

enum fault client_inbox(struct continuum_client *client, unsigned wait_s, unsigned max,
                        struct continuum_inbox **ret, struct why *why)
{
    _cleanup_(json_done) json_t *said = NULL;
    _cleanup_(inbox_done) struct continuum_inbox *inbox = calloc(1, sizeof *inbox);
    char path[PATH_SIZE];
    if (!inbox)
        return FAULT_MEMORY;
    enum fault fault = poll_wait(client, wait_s, &wait_s, why);
    if (fault)
        return fault;
    snprintf(path, sizeof path, "/v1/inbox?wait=%u&max=%u", wait_s, max ? max : INBOX_DEFAULT);
    struct client_request request = {.method = "GET", .path = path, .repeat = REPEAT_ALWAYS};
    fault = session_call(client, &request, &said, why);
    if (fault)
        return fault;
    json_t *deliveries = json_object_get(said, "deliveries"), *delivery;
    if (!json_is_array(deliveries))
        return why_set(why, FAULT_CORRUPT, unexpected);
    inbox->deliveries = calloc(json_array_size(deliveries) + 1, sizeof *inbox->deliveries);
    if (!inbox->deliveries)
        return FAULT_MEMORY;
    size_t i;
    json_array_foreach (deliveries, i, delivery) {
        fault = delivery_take(client, delivery, inbox, why);
        if (fault)
            return fault;
    }
    *ret = TAKE(inbox);
    return FAULT_NONE;
}

/* What the coordinator says of a delivery that is none any more, for a person. */
static enum fault delivery_call(struct continuum_client *client,
                                const struct client_request *request, const char *delivery_id,
                                struct why *why)
{
    _cleanup_(json_done) json_t *said = NULL;
    enum fault fault = session_call(client, request, &said, why);
    if (!fault || fault == FAULT_NOT_FOUND || fault == FAULT_ALREADY_ANSWERED)
        kept_forget(&client->profile, KEPT_DELIVERY, delivery_id);
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "The question is gone: its time is over, or you declined it.");
    if (fault == FAULT_ALREADY_ANSWERED)
        return why_set(why, fault, "You answered this question before. There is one answer to it.");
    return fault;
}

static json_t *reply_encode(const struct continuum_client *client, const struct kept *kept,
                            const char *text, enum fault *ret_fault)
{
    _cleanup_(passing_free) struct passing *passing = passing_new();
    *ret_fault = passing ? sealed_answer_make(&client->keys, &kept->question, text, strlen(text),
                                              &passing->sealed)
                         : FAULT_MEMORY;
    if (*ret_fault)
        return NULL;
    return json_pack("{s:o}", "sealed_answer",
                     b64_json(passing->sealed.bytes, passing->sealed.length));
}

enum fault client_reply(struct continuum_client *client, const char *delivery_id, const char *text,
                        struct why *why)
{
    struct kept kept = {0};
    char path[PATH_SIZE];
    enum fault fault = text_refuse(text, why);
    if (!fault)
        fault = kept_load(&client->profile, KEPT_DELIVERY, delivery_id, &kept, why);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body = reply_encode(client, &kept, text, &fault);
    if (!body)
        return fault ? fault : FAULT_MEMORY;
    snprintf(path, sizeof path, "/v1/inbox/%s/answer", delivery_id);
    /* The same bytes again are the same answer. */
    struct client_request request = {
        .method = "POST", .path = path, .body = body, .repeat = REPEAT_ALWAYS};
    return delivery_call(client, &request, delivery_id, why);
}

enum fault client_decline(struct continuum_client *client, const char *delivery_id, struct why *why)
{
    char path[PATH_SIZE];
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (!*delivery_id || delivery_id[strspn(delivery_id, letters)] ||
        strlen(delivery_id) >= KEPT_ID_SIZE)
        return why_set(why, FAULT_INVALID_REQUEST, "\"%.40s\" is not the id of a question.",
                       delivery_id);
    snprintf(path, sizeof path, "/v1/inbox/%s", delivery_id);
    struct client_request request = {.method = "DELETE", .path = path, .repeat = REPEAT_ALWAYS};
    return delivery_call(client, &request, delivery_id, why);
}
