/* SPDX-License-Identifier: Apache-2.0 */
#include "client/evaluate.h"

#include <jansson.h>
#include <string.h>

#include "util/cleanup.h"

/* One request: up to OPRF_BATCH_MAX elements under one proof. */
struct round {
    size_t count;
    struct scalar blinds[OPRF_BATCH_MAX];
    struct point blinded[OPRF_BATCH_MAX], evaluated[OPRF_BATCH_MAX];
    struct oprf_proof proof;
};

static void round_done(struct round *round)
{
    bytes_wipe(round->blinds, sizeof round->blinds);
}

static enum fault round_blind(struct round *round, const struct oprf_input *inputs, size_t count)
{
    round->count = count;
    for (size_t i = 0; i < count; i++) {
        oprf_blind_random(&round->blinds[i]);
        enum fault fault = oprf_blind(inputs[i].bytes, sizeof inputs[i].bytes, &round->blinds[i],
                                      &round->blinded[i]);
        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

static json_t *round_encode(const struct round *round, uint32_t epoch)
{
    _cleanup_(json_done) json_t *elements = json_array();
    for (size_t i = 0; i < round->count; i++) {
        char text[B64_LENGTH(32) + 1];
        b64_encode(round->blinded[i].bytes, sizeof round->blinded[i].bytes, text);
        if (json_array_append_new(elements, json_string(text)) < 0)
            return NULL;
    }
    return json_pack("{s:I, s:O}", "epoch", (json_int_t)epoch, "blinded", elements);
}

static bool round_decode(const json_t *answer, struct round *round)
{
    const json_t *evaluated = json_object_get(answer, "evaluated");
    const json_t *proof = json_object_get(answer, "proof");
    if (json_array_size(evaluated) != round->count || !json_is_string(proof) ||
        !b64_decode(json_string_value(proof), json_string_length(proof), round->proof.bytes,
                    sizeof round->proof.bytes))
        return false;
    for (size_t i = 0; i < round->count; i++) {
        const json_t *element = json_array_get(evaluated, i);
        if (!json_is_string(element) ||
            !b64_decode(json_string_value(element), json_string_length(element),
                        round->evaluated[i].bytes, sizeof round->evaluated[i].bytes))
            return false;
    }
    return true;
}

static enum fault round_send(struct continuum_client *client, const struct federation *federation,
                             struct round *round, struct why *why)
{
    _cleanup_(json_done) json_t *body = round_encode(round, federation->epoch.number);
    _cleanup_(json_done) json_t *answer = NULL;
    struct client_request request = {
        .method = "POST", .path = "/v1/oprf/evaluations", .body = body};
    bool has_helper = federation->oprf_url[0];
    if (!body)
        return FAULT_MEMORY;
    enum fault fault =
        has_helper ? client_helper_evaluate(client, federation, body, round->count, &answer, why)
                   : session_call(client, &request, &answer, why);
    if (fault)
        return fault;
    if (!round_decode(answer, round) ||
        oprf_verify(&federation->oprf_public_key, round->blinded, round->evaluated, round->count,
                    &round->proof) != FAULT_NONE)
        return why_set(why, FAULT_CRYPTO,
                       "The %s did not use the epoch's key on your patterns, or cannot prove it. "
                       "They were not sent. Tell the operator.",
                       has_helper ? "OPRF helper" : "coordinator");
    return FAULT_NONE;
}

static enum fault round_finalize(const struct round *round, const struct oprf_input *inputs,
                                 struct oprf_output *ret)
{
    for (size_t i = 0; i < round->count; i++) {
        enum fault fault = oprf_finalize(inputs[i].bytes, sizeof inputs[i].bytes, &round->blinds[i],
                                         &round->evaluated[i], &ret[i]);
        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

enum fault client_evaluate(struct continuum_client *client, const struct federation *federation,
                           const struct oprf_input *inputs, size_t count, struct oprf_output *ret,
                           struct why *why)
{
    _cleanup_(round_done) struct round round = {0};
    for (size_t done = 0; done < count; done += round.count) {
        size_t left = count - done;
        enum fault fault =
            round_blind(&round, inputs + done, left < OPRF_BATCH_MAX ? left : OPRF_BATCH_MAX);
        if (!fault)
            fault = round_send(client, federation, &round, why);
        if (!fault)
            fault = round_finalize(&round, inputs + done, ret + done);
        if (fault)
            return fault;
    }
    return FAULT_NONE;
}
