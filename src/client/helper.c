/* SPDX-License-Identifier: Apache-2.0 */
#include "client/helper.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/session.h"
#include "util/cleanup.h"

void client_helper_close(struct client_helper *helper)
{
    client_http_close(TAKE(helper->http));
    helper->is_known = false;
}

/* Says of which server it is said. */
static enum fault helper_fault(const struct client_helper *helper, enum fault fault,
                               const struct why *because, struct why *why)
{
    return why_set(why, fault, "The OPRF helper at %.80s does not evaluate: %.140s", helper->url,
                   because->text[0] ? because->text : fault_title(fault));
}

static enum fault helper_open(struct continuum_client *client, const struct federation *federation,
                              struct why *why)
{
    struct client_helper *helper = &client->helper;
    char url[ADDRESS_SIZE];
    struct why because = {0};
    enum fault fault = address_parse(federation->oprf_url, client->insecure, url, &because);
    if (fault)
        return why_set(why, fault, "The address of the OPRF helper, %.60s, cannot be used: %.150s",
                       federation->oprf_url, because.text);
    if (helper->http && strcmp(helper->url, url) == 0)
        return FAULT_NONE;
    client_helper_close(helper);
    snprintf(helper->url, sizeof helper->url, "%s", url);
    return client_http_open(url, client->timeout_ms, &helper->http);
}

/* Whether what the helper says of itself is what this federation's would say. */
static bool introduction_read(const json_t *answer, const struct federation *federation,
                              struct client_helper *helper)
{
    const char *protocol = json_string_value(json_object_get(answer, "protocol"));
    const char *key = json_string_value(json_object_get(answer, "coordinator_key"));
    const char *context = json_string_value(json_object_get(answer, "redemption_context"));
    struct oprf_context decoded;
    if (!protocol || strcmp(protocol, "cfed/v1") != 0 || !key ||
        strcmp(key, federation->coordinator_key) != 0 || !context ||
        !b64_decode(context, strlen(context), &decoded, sizeof decoded))
        return false;
    snprintf(helper->context, sizeof helper->context, "%s", context);
    return true;
}

/* Whether it has the key that the epoch began with. */
static bool key_is_had(const json_t *answer, const struct federation *federation)
{
    size_t i;
    json_t *epoch;
    char key[KEY_TEXT_SIZE];
    b64_encode(&federation->oprf_public_key, sizeof federation->oprf_public_key, key);
    json_array_foreach (json_object_get(answer, "epochs"), i, epoch) {
        const char *said = json_string_value(json_object_get(epoch, "oprf_public_key"));
        json_int_t number = json_integer_value(json_object_get(epoch, "number"));
        if (said && strcmp(said, key) == 0 && number == federation->epoch.number)
            return true;
    }
    return false;
}

static enum fault helper_learn(struct client_helper *helper, const struct federation *federation,
                               struct why *why)
{
    struct client_request request = {.method = "GET", .path = "/v1/oprf", .repeat = REPEAT_ALWAYS};
    struct why because = {0};
    _cleanup_(json_done) json_t *answer = NULL;
    if (helper->is_known)
        return FAULT_NONE;
    enum fault fault = client_http_call(helper->http, &request, &answer, &because);
    if (fault)
        return helper_fault(helper, fault, &because, why);
    if (!introduction_read(answer, federation, helper))
        return why_set(why, FAULT_CORRUPT,
                       "The OPRF helper at %.80s is another coordinator's, or none. Nothing was "
                       "sent. Tell the operator.",
                       helper->url);
    helper->is_known = key_is_had(answer, federation);
    return helper->is_known
               ? FAULT_NONE
               : why_set(why, FAULT_EPOCH_NOT_CURRENT,
                         "The OPRF helper at %.80s does not have the key of epoch %u. If this "
                         "stays so, tell the operator.",
                         helper->url, federation->epoch.number);
}

static enum fault token_fetch(struct continuum_client *client, const struct federation *federation,
                              size_t elements, char ret[OPRF_TOKEN_TEXT_LENGTH + 1],
                              struct why *why)
{
    _cleanup_(json_done) json_t *answer = NULL;
    _cleanup_(json_done) json_t *body =
        json_pack("{s:I, s:I, s:s}", "epoch", (json_int_t)federation->epoch.number, "elements",
                  (json_int_t)elements, "redemption_context", client->helper.context);
    struct client_request request = {.method = "POST", .path = "/v1/oprf/tokens", .body = body};
    if (!body)
        return FAULT_MEMORY;
    enum fault fault = session_call(client, &request, &answer, why);
    if (fault)
        return fault;
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (!token || strlen(token) != OPRF_TOKEN_TEXT_LENGTH || token[strcspn(token, " \r\n")])
        return why_set(why, FAULT_CORRUPT,
                       "The coordinator's answer has no token for the OPRF helper.");
    snprintf(ret, OPRF_TOKEN_TEXT_LENGTH + 1, "%s", token);
    return FAULT_NONE;
}

static enum fault round_ask(struct continuum_client *client, const struct federation *federation,
                            const struct json_t *body, size_t elements, struct json_t **ret,
                            struct why *why)
{
    struct client_helper *helper = &client->helper;
    char token[OPRF_TOKEN_TEXT_LENGTH + 1];
    struct why because = {0};
    struct client_request request = {.method = "POST",
                                     .path = "/v1/oprf/evaluations",
                                     .body = body,
                                     .token = token,
                                     .repeat = REPEAT_ALWAYS};
    enum fault fault = helper_learn(helper, federation, why);
    if (!fault)
        fault = token_fetch(client, federation, elements, token, why);
    if (fault)
        return fault;
    fault = client_http_call(helper->http, &request, ret, &because);
    if (fault == FAULT_TOKEN_INVALID) {
        helper->is_known = false;
        return why_set(why, fault,
                       "The OPRF helper at %.80s does not take the coordinator's tokens. Their "
                       "clocks may be minutes apart: tell the operators.",
                       helper->url);
    }
    return fault ? helper_fault(helper, fault, &because, why) : FAULT_NONE;
}

enum fault client_helper_evaluate(struct continuum_client *client,
                                  const struct federation *federation, const struct json_t *body,
                                  size_t elements, struct json_t **ret, struct why *why)
{
    enum fault fault = helper_open(client, federation, why);
    if (!fault)
        fault = round_ask(client, federation, body, elements, ret, why);
    if (fault != FAULT_TOKEN_INVALID || client->helper.is_known)
        return fault;
    return round_ask(client, federation, body, elements, ret, why);
}
