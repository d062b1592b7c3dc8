/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/handlers.h"
#include "domain/membership.h"
#include "util/clock.h"

struct token_body {
    const char *instance_id, *timestamp, *nonce;
    uint8_t signature[64];
};

#define TOKEN(member) offsetof(struct token_body, member)
static const struct field token_fields[] = {
    {"instance_id", FIELD_TEXT, REQUIRED, TOKEN(instance_id), 1, 64},
    {"timestamp", FIELD_TEXT, REQUIRED, TOKEN(timestamp), CLOCK_TEXT_LENGTH, CLOCK_TEXT_LENGTH},
    {"nonce", FIELD_TEXT, REQUIRED, TOKEN(nonce), B64_LENGTH(NONCE_LENGTH),
     B64_LENGTH(NONCE_LENGTH)},
    {"signature", FIELD_BYTES, REQUIRED, TOKEN(signature), 0, 64},
};

static void token_answer(struct operation *operation, enum fault fault)
{
    struct token_request *token_request = (struct token_request *)operation;
    struct request *request = operation->context;
    char token[TOKEN_TEXT_LENGTH + 1];
    int64_t expires_at_s = 0;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    member_token(operation->coordinator, token_request->handle, token_request->proof.now_s, token,
                 &expires_at_s);
    request_answer(
        request, 200,
        json_pack("{s:s, s:o}", "token", token, "token_expires_at", json_time(expires_at_s)));
}

static void token_body_decode(const struct token_body *body, struct token_request *token_request,
                              struct findings *findings)
{
    struct signed_request *proof = &token_request->proof;
    if (!clock_parse(body->timestamp, CLOCK_TEXT_LENGTH, &proof->timestamp_s))
        findings_add(findings, "/timestamp", "must be a time like 2026-01-02T03:04:05Z");
    if (!b64_decode(body->nonce, strlen(body->nonce), proof->nonce, NONCE_LENGTH))
        findings_add(findings, "/nonce", "must be base64url without padding");
    memcpy(&proof->signature, body->signature, sizeof proof->signature);
    proof->timestamp = body->timestamp;
    proof->nonce_text = body->nonce;
    token_request->instance_id = body->instance_id;
}

void tokens_post_handle(struct request *request)
{
    struct coordinator *coordinator = api_of(request)->coordinator;
    struct token_body body = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    if (!coordinator->ready) {
        api_refuse(request, FAULT_STARTING);
        return;
    }
    if (!api_body(request, token_fields, sizeof token_fields / sizeof *token_fields, &body, &root))
        return;
    json_decref(root);
    struct token_request *token_request = token_request_new(coordinator);
    if (!token_request) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    token_body_decode(&body, token_request, &findings);
    token_request->proof.now_s = api_now_s();
    token_request->operation.answer = token_answer;
    token_request->operation.context = request;
    enum fault fault =
        findings.errors ? FAULT_INVALID_REQUEST : token_request_submit(token_request);
    api_refuse_unsubmitted(request, &token_request->operation, fault, &findings);
}
