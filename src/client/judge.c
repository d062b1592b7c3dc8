/* SPDX-License-Identifier: Apache-2.0 */
#include "client/judge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/account.h"
#include "client/pattern.h"
#include "crypto/hash.h"
#include "util/cleanup.h"

enum { VERIFIER_LENGTH = 16, PATH_SIZE = 64 + B64_LENGTH(32) };

static enum fault tag_parse(const char *text, struct tag *ret, struct why *why)
{
    if (b64_decode(text, strlen(text), ret->bytes, sizeof ret->bytes))
        return FAULT_NONE;
    return why_set(why, FAULT_INVALID_REQUEST,
                   "\"%.60s\" is not a tag. A tag has 43 characters; query --json shows those of "
                   "the patterns that it finds.",
                   text);
}

static enum fault judge_call(struct continuum_client *client, const struct client_request *request,
                             json_t **ret, struct why *why)
{
    enum fault fault = session_call(client, request, ret, why);
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "No released pattern has this tag.");
    return fault;
}

/* The secret that opens the pattern of `tag`, once all of it was checked as a query's result is. */
static enum fault secret_fetch(struct continuum_client *client, const char *tag, struct scalar *ret,
                               struct why *why)
{
    struct federation federation;
    struct continuum_result result = {0};
    _cleanup_(json_done) json_t *pattern = NULL;
    char path[PATH_SIZE];
    struct why failed = {0};
    snprintf(path, sizeof path, "/v1/patterns/%s", tag);
    struct client_request request = {.method = "GET", .path = path, .repeat = REPEAT_ALWAYS};
    enum fault fault = session_federation(client, &federation, why);
    if (!fault)
        fault = judge_call(client, &request, &pattern, why);
    if (fault)
        return fault;
    /* The one number of a query's result that a pattern by its tag lacks. */
    if (json_object_set_new(pattern, "score", json_integer(0)) < 0)
        return FAULT_MEMORY;
    fault = client_pattern_open(pattern, &client->keys, &federation, &result, &failed);
    free(result.text);
    if (fault == FAULT_MEMORY)
        return fault;
    if (!fault && strcmp(result.tag, tag) != 0)
        fault = why_set(&failed, FAULT_CORRUPT, "it is another pattern");
    if (fault)
        return why_set(why, fault, "The pattern did not pass the checks: %.120s.", failed.text);
    const char *secret = json_string_value(json_object_get(pattern, "secret"));
    return b64_decode(secret, strlen(secret), ret->bytes, sizeof ret->bytes) ? FAULT_NONE
                                                                             : FAULT_CORRUPT;
}

/* Proof and signature are over the same lines, by W's key and by the member's. */
static json_t *verification_encode(const struct continuum_client *client, const char *tag_text,
                                   const struct tag *tag, const struct scalar *secret,
                                   const char *verdict)
{
    uint8_t verifier[VERIFIER_LENGTH];
    char verifier_text[B64_LENGTH(VERIFIER_LENGTH) + 1], proof_text[SIGNATURE_TEXT_SIZE];
    char signature_text[SIGNATURE_TEXT_SIZE];
    struct signing_key read_key;
    struct signature proof;
    hash_once(client->key.seed, sizeof client->key.seed, "cfed/v1/verifier", tag->bytes,
              sizeof tag->bytes, verifier, sizeof verifier);
    b64_encode(verifier, sizeof verifier, verifier_text);
    const char *lines[] = {"cfed/v1/verify", client->profile.coordinator_key, tag_text,
                           verifier_text, verdict};
    size_t count = sizeof lines / sizeof *lines;
    record_verify_key(&client->keys, secret, &read_key);
    bool signs = lines_sign(&read_key, lines, count, &proof) &&
                 session_sign(client, lines, count, signature_text) == FAULT_NONE;
    bytes_wipe(&read_key, sizeof read_key);
    if (!signs)
        return NULL;
    b64_encode(proof.bytes, sizeof proof.bytes, proof_text);
    return json_pack("{s:s, s:s, s:s, s:s}", "verdict", verdict, "verifier", verifier_text, "proof",
                     proof_text, "signature", signature_text);
}

enum fault client_verify(struct continuum_client *client, const char *tag, bool confirm,
                         struct continuum_verification *ret, struct why *why)
{
    struct tag bytes;
    struct scalar secret;
    struct continuum_verification verification = {.confirmed = confirm};
    _cleanup_(json_done) json_t *answer = NULL;
    char path[PATH_SIZE];
    enum fault fault = tag_parse(tag, &bytes, why);
    if (!fault)
        fault = secret_fetch(client, tag, &secret, why);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body =
        verification_encode(client, tag, &bytes, &secret, confirm ? "confirm" : "refute");
    if (!body)
        return FAULT_MEMORY;
    snprintf(path, sizeof path, "/v1/patterns/%s/verifications", tag);
    snprintf(verification.tag, sizeof verification.tag, "%s", tag);
    struct client_request request = {.method = "POST", .path = path, .body = body};
    fault = judge_call(client, &request, &answer, why);
    if (fault)
        return fault;
    if (!credits_member(answer, "credits_earned", &verification.earned_millicredits) ||
        !credits_member(answer, "balance", &verification.balance_millicredits))
        return why_set(why, FAULT_CORRUPT,
                       "The coordinator's answer is not what this client expects. Is there a "
                       "newer version of it?");
    *ret = verification;
    return FAULT_NONE;
}

enum fault client_vote(struct continuum_client *client, const char *tag, bool high, struct why *why)
{
    struct tag bytes;
    _cleanup_(json_done) json_t *answer = NULL;
    char path[PATH_SIZE];
    enum fault fault = tag_parse(tag, &bytes, why);
    if (fault)
        return fault;
    _cleanup_(json_done) json_t *body = json_pack("{s:s}", "quality", high ? "high" : "low");
    if (!body)
        return FAULT_MEMORY;
    snprintf(path, sizeof path, "/v1/patterns/%s/vote", tag);
    struct client_request request = {
        .method = "PUT", .path = path, .body = body, .repeat = REPEAT_ALWAYS};
    return judge_call(client, &request, &answer, why);
}
