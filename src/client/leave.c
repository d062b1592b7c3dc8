/* SPDX-License-Identifier: Apache-2.0 */
#include "client/leave.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/text.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { PATIENCE_MS = 120000 }; /* no further question of what became of an erasure after that */

/* Members of a receipt that are counts, in the order of the signed line. */
static const struct {
    const char *name;
    size_t offset;
} counts[] = {
    {"contributions", offsetof(struct continuum_receipt, contributions)},
    {"verifications", offsetof(struct continuum_receipt, verifications)},
    {"votes", offsetof(struct continuum_receipt, votes)},
    {"queries", offsetof(struct continuum_receipt, queries)},
    {"deliveries", offsetof(struct continuum_receipt, deliveries)},
};
enum { COUNTS = sizeof counts / sizeof *counts };

static bool text_take(const json_t *object, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= size)
        return false;
    text_copy(ret, size, text);
    return true;
}

static bool receipt_read(const json_t *answer, struct continuum_receipt *ret)
{
    const json_t *receipt = json_object_get(answer, "receipt");
    bool good = text_take(receipt, "instance_id", ret->instance_id, sizeof ret->instance_id) &&
                text_take(receipt, "erased_at", ret->erased_at, sizeof ret->erased_at) &&
                text_take(answer, "signature", ret->signature, sizeof ret->signature);
    for (size_t i = 0; i < COUNTS && good; i++) {
        const json_t *count = json_object_get(receipt, counts[i].name);
        good = json_is_integer(count) && json_integer_value(count) >= 0;
        if (good)
            *(uint64_t *)(void *)((char *)ret + counts[i].offset) =
                (uint64_t)json_integer_value(count);
    }
    return good;
}

static bool receipt_is_signed(const struct continuum_receipt *receipt)
{
    struct public_key key;
    struct signature signature;
    char numbers[COUNTS][24];
    const char *lines[4 + COUNTS] = {"cfed/v1/erasure-receipt", receipt->coordinator_key,
                                     receipt->instance_id, receipt->erased_at};
    for (size_t i = 0; i < COUNTS; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu64,
                 *(const uint64_t *)(const void *)((const char *)receipt + counts[i].offset));
        lines[4 + i] = numbers[i];
    }
    return b64_decode(receipt->coordinator_key, strlen(receipt->coordinator_key), key.bytes,
                      sizeof key.bytes) &&
           b64_decode(receipt->signature, strlen(receipt->signature), signature.bytes,
                      sizeof signature.bytes) &&
           lines_verify(&key, lines, sizeof lines / sizeof *lines, &signature);
}

/* Whether the member may be erased, or about to be: meanwhile its token is nobody's. */
static bool is_unsure(enum fault fault)
{
    return fault == FAULT_SYSTEM || fault == FAULT_TOKEN_INVALID || fault == FAULT_STARTING;
}

/* A token that was just fetched shows that the coordinator knows the member. When it does not give
 * another one later, the erasure is done. */
static enum fault erasure_request(struct continuum_client *client, json_t **ret, struct why *why)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/instances/%s", client->profile.instance_id);
    struct client_request request = {.method = "DELETE", .path = path, .repeat = REPEAT_ALWAYS};
    enum fault fault = session_token_renew(client, why);
    if (fault)
        return fault;
    uint64_t started_ms = clock_monotonic_ms();
    fault = session_call(client, &request, ret, why);
    for (unsigned pause_s = 1; is_unsure(fault) && clock_monotonic_ms() - started_ms < PATIENCE_MS;
         pause_s *= 2) {
        sleep(pause_s);
        fault = session_call(client, &request, ret, why);
    }
    if (fault == FAULT_SIGNATURE_INVALID)
        return why_set(why, FAULT_RECEIPT_LOST,
                       "You are erased. The receipt was lost with the connection, and the "
                       "coordinator keeps none.");
    if (is_unsure(fault))
        return why_set(why, fault,
                       "No receipt came: you may be erased, or about to be. Leave once more in "
                       "some minutes.");
    return fault;
}

enum fault client_leave(struct continuum_client *client, struct continuum_receipt *ret,
                        struct why *why)
{
    _cleanup_(json_done) json_t *answer = NULL;
    struct continuum_receipt receipt = {0};
    enum fault fault = erasure_request(client, &answer, why);
    if (fault)
        return fault;
    text_copy(receipt.coordinator_key, sizeof receipt.coordinator_key,
              client->profile.coordinator_key);
    bool good = receipt_read(answer, &receipt) &&
                strcmp(receipt.instance_id, client->profile.instance_id) == 0 &&
                receipt_is_signed(&receipt);
    *ret = receipt;
    if (!good)
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "The coordinator says that it erased you, but its receipt does not verify. "
                       "Ask the operator.");
    return FAULT_NONE;
}

enum fault client_receipt_check(const char *text, size_t length, const char *coordinator_key,
                                struct continuum_receipt *ret, struct why *why)
{
    struct continuum_receipt receipt = {0};
    _cleanup_(json_done) json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!document)
        return why_set(why, FAULT_MALFORMED_JSON, "This is no JSON document.");
    if (!receipt_read(document, &receipt) ||
        !text_take(document, "coordinator_key", receipt.coordinator_key,
                   sizeof receipt.coordinator_key))
        return why_set(why, FAULT_INVALID_REQUEST, "This is no receipt of an erasure.");
    if (coordinator_key && strcmp(coordinator_key, receipt.coordinator_key) != 0)
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "The receipt is by the key %s, not by that of your coordinator, %s.",
                       receipt.coordinator_key, coordinator_key);
    if (!receipt_is_signed(&receipt))
        return why_set(why, FAULT_SIGNATURE_INVALID,
                       "The signature is not the coordinator's over this receipt.");
    *ret = receipt;
    return FAULT_NONE;
}
