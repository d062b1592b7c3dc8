/* SPDX-License-Identifier: Apache-2.0 */
#include "util/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code, *title;
    unsigned http_status;
} faults[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", "No fault", 200},

    [FAULT_ALREADY_ANSWERED] = {"already-answered", "You answered this otherwise before", 409},
    [FAULT_ALREADY_VERIFIED] = {"already-verified", "You verified this pattern before", 409},
    [FAULT_BATCH_TOO_LARGE] = {"batch-too-large", "Too many records in one request", 422},
    [FAULT_BODY_TOO_LARGE] = {"body-too-large", "The request body is too large", 413},
    [FAULT_CONTRIBUTION_REQUIRED] = {"contribution-required", "Contribute before you query", 403},
    [FAULT_EPOCH_NOT_CURRENT] = {"epoch-not-current", "The epoch is not the current one", 409},
    [FAULT_IDEMPOTENCY_KEY_REUSED] = {"idempotency-key-reused",
                                      "This Idempotency-Key stands for another request", 422},
    [FAULT_INSUFFICIENT_CREDITS] = {"insufficient-credits", "Not enough credits", 402},
    [FAULT_INVALID_REQUEST] = {"invalid-request", "The request is not valid", 422},
    [FAULT_INVITE_INVALID] = {"invite-invalid", "The invite is not valid here", 403},
    [FAULT_LEVEL_TOO_LOW] = {"level-too-low", "Your contribution level does not show this", 403},
    [FAULT_MALFORMED_JSON] = {"malformed-json", "The body is not well-formed JSON", 400},
    [FAULT_METHOD_NOT_ALLOWED] = {"method-not-allowed", "This method is not allowed here", 405},
    [FAULT_NONCE_REUSED] = {"nonce-reused", "The nonce was used before", 401},
    [FAULT_NOT_FOUND] = {"not-found", "No such resource", 404},
    [FAULT_OVERLOADED] = {"overloaded", "This server is at its limit", 503},
    [FAULT_OWN_PATTERN] = {"own-pattern", "Contributors do not judge their own pattern", 403},
    [FAULT_PROOF_INVALID] = {"proof-invalid", "Proof or signature does not verify", 422},
    [FAULT_PUBLIC_KEY_INVALID] = {"public-key-invalid", "The public key cannot be used", 422},
    [FAULT_SHUTTING_DOWN] = {"shutting-down", "This server is shutting down", 503},
    [FAULT_SIGNATURE_INVALID] = {"signature-invalid", "The signature does not verify", 401},
    [FAULT_STARTING] = {"starting", "This server is loading", 503},
    [FAULT_STORAGE] = {"storage-unavailable", "This server could not store this", 503},
    [FAULT_TIMESTAMP_STALE] = {"timestamp-stale", "The timestamp is too far from now", 401},
    [FAULT_TOKEN_INVALID] = {"token-invalid", "A valid bearer token is required", 401},
    [FAULT_TOO_MANY_REQUESTS] = {"too-many-requests", "Too many requests", 429},
    [FAULT_UNSUPPORTED_MEDIA_TYPE] = {"unsupported-media-type", "Send application/json", 415},
    [FAULT_WRONG_FEDERATION_KEY] = {"wrong-federation-key", "Not this federation's key", 409},

    [FAULT_RECORD_DOMAIN] = {"invalid-domain", "The domain is not well-formed", 422},
    [FAULT_RECORD_ENCODING] = {"invalid-encoding", "A field is not canonical base64url", 422},
    [FAULT_RECORD_LIMIT] = {"too-many-contributions", "You have as many contributions as one may",
                            422},
    [FAULT_RECORD_POINT] = {"invalid-point", "A commitment is not a group element", 422},
    [FAULT_RECORD_SHARE] = {"invalid-share", "The share is not a scalar", 422},
    [FAULT_RECORD_SIZE] = {"invalid-size", "A field has the wrong length", 422},
    [FAULT_RECORD_TAG] = {"tag-mismatch", "The tag is not the record's hash", 422},

    [FAULT_CONFIGURATION] = {"configuration", "The configuration is not valid", 500},
    [FAULT_CORRUPT] = {"corrupt", "Stored data is damaged", 500},
    [FAULT_CRYPTO] = {"crypto", "A cryptographic check failed", 500},
    [FAULT_INTERNAL] = {"internal", "An internal error", 500},
    [FAULT_MEMORY] = {"out-of-memory", "Out of memory", 503},
    [FAULT_RECEIPT_LOST] = {"receipt-lost", "You are erased, but the receipt was lost", 500},
    [FAULT_REMEMBERED] = {"remembered", "Done before under this Idempotency-Key", 500},
    [FAULT_SYSTEM] = {"system", "The operating system refused", 500},
};

enum fault why_set(struct why *why, enum fault fault, const char *format, ...)
{
    if (why) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(why->text, sizeof why->text, format, arguments);
        va_end(arguments);
    }
    return fault;
}

const char *fault_code(enum fault fault)
{
    return faults[fault].code;
}

const char *fault_title(enum fault fault)
{
    return faults[fault].title;
}

unsigned fault_http_status(enum fault fault)
{
    return faults[fault].http_status;
}
