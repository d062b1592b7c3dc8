/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_FAULT_H
#define CONTINUUM_UTIL_FAULT_H

/*
 * Every way in which a call can fail. A fault is a value: functions return one, FAULT_NONE means
 * success, and on a fault their outputs are untouched. fault.c holds the one table that gives each
 * fault its problem code, HTTP status and title.
 */
enum fault {
    FAULT_NONE = 0,
    /* answers of the interface (docs/PROTOCOL.md, section 6) */
    FAULT_ALREADY_ANSWERED,
    FAULT_ALREADY_VERIFIED,
    FAULT_BATCH_TOO_LARGE,
    FAULT_BODY_TOO_LARGE,
    FAULT_CONTRIBUTION_REQUIRED,
    FAULT_EPOCH_NOT_CURRENT,
    FAULT_IDEMPOTENCY_KEY_REUSED,
    FAULT_INSUFFICIENT_CREDITS,
    FAULT_INVALID_REQUEST,
    FAULT_INVITE_INVALID,
    FAULT_LEVEL_TOO_LOW,
    FAULT_MALFORMED_JSON,
    FAULT_METHOD_NOT_ALLOWED,
    FAULT_NONCE_REUSED,
    FAULT_NOT_FOUND,
    FAULT_OVERLOADED,
    FAULT_OWN_PATTERN,
    FAULT_PROOF_INVALID,
    FAULT_PUBLIC_KEY_INVALID,
    FAULT_SHUTTING_DOWN,
    FAULT_SIGNATURE_INVALID,
    FAULT_STARTING,
    FAULT_STORAGE,
    FAULT_TIMESTAMP_STALE,
    FAULT_TOKEN_INVALID,
    FAULT_TOO_MANY_REQUESTS,
    FAULT_UNSUPPORTED_MEDIA_TYPE,
    FAULT_WRONG_FEDERATION_KEY,
    /* answers about one record of a batch */
    FAULT_RECORD_DOMAIN,
    FAULT_RECORD_ENCODING,
    FAULT_RECORD_LIMIT,
    FAULT_RECORD_POINT,
    FAULT_RECORD_SHARE,
    FAULT_RECORD_SIZE,
    FAULT_RECORD_TAG,
    /* inside one process */
    FAULT_CONFIGURATION,
    FAULT_CORRUPT,
    FAULT_CRYPTO,
    FAULT_INTERNAL,
    FAULT_MEMORY,
    FAULT_RECEIPT_LOST,
    FAULT_REMEMBERED,
    FAULT_SYSTEM,
    FAULT_COUNT
};

/* Detail for a person, in the caller's frame: why a call failed. Always NUL-terminated; never a
 * secret. */
struct why {
    char text[240];
};

/* Writes a printf-style sentence to `why` (which may be NULL) and returns `fault`, so that a caller
 * can write `return why_set(why, FAULT_X, "...", ...)`. */
enum fault why_set(struct why *why, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The problem code, for example "epoch-not-current". Static. */
const char *fault_code(enum fault fault);

/* A short title in English, for example "The epoch is not current". Static. */
const char *fault_title(enum fault fault);

/* The HTTP status that answers with this fault, 400 to 503. */
unsigned fault_http_status(enum fault fault);

#endif
