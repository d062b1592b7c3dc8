/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_SESSION_H
#define CONTINUUM_CLIENT_SESSION_H

#include "client/federation.h"
#include "client/helper.h"
#include "client/http.h"
#include "client/profile.h"
#include "continuum/client.h"
#include "crypto/sign.h"

/* A membership at work: the profile, its keys, and the connection. */
struct continuum_client {
    struct profile profile;
    struct signing_key key;
    struct federation_keys keys; /* of F */
    struct client_http *http;
    struct client_helper helper; /* who evaluates, where it is not the coordinator */
    bool insecure;               /* as continuum_settings */
    unsigned timeout_ms;
    unsigned max_wait_s; /* of a long poll; 0: not asked yet */
};

/* Takes over the profile, which must be valid, and makes keys and connection. FAULT_MEMORY. */
enum fault session_open(const struct profile *profile, const struct continuum_settings *settings,
                        struct continuum_client **ret);

/* Wipes. NULL is fine. */
void session_close(struct continuum_client *client);
void session_done(struct continuum_client **client);

/* GET /v1/federation, checked against the profile. */
enum fault session_federation(struct continuum_client *client, struct federation *ret,
                              struct why *why);

/*
 * client_http_call with the bearer token. Fetches a token when there is none or it is about to
 * expire, and once more when the coordinator does not take it; a new one is kept in the profile.
 * A POST goes with a fresh Idempotency-Key, which makes it REPEAT_ALWAYS.
 */
enum fault session_call(struct continuum_client *client, const struct client_request *request,
                        struct json_t **ret, struct why *why);

/* A fresh timestamp and nonce for a signed request. */
struct session_stamp {
    char timestamp[CLOCK_TEXT_LENGTH + 1];
    char nonce[B64_LENGTH(16) + 1];
};
void session_stamp_make(struct session_stamp *ret);

/* The B64 signature of the member over these lines. FAULT_CRYPTO: they cannot be signed. */
enum { SIGNATURE_TEXT_SIZE = B64_LENGTH(64) + 1 };
enum fault session_sign(const struct continuum_client *client, const char *const *lines,
                        size_t count, char ret[SIGNATURE_TEXT_SIZE]);

/*
 * Fetches a token, which takes the place of what the profile has. FAULT_SIGNATURE_INVALID: the
 * coordinator knows no member with this id and key.
 */
enum fault session_token_renew(struct continuum_client *client, struct why *why);

/* Puts `token` and `token_expires_at` of an answer into the profile. FAULT_CORRUPT: they are not in
 * it. */
enum fault session_token_take(struct continuum_client *client, struct json_t *answer,
                              struct why *why);

#endif
