/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_FEDERATION_H
#define CONTINUUM_CLIENT_FEDERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "client/http.h"
#include "client/profile.h"
#include "crypto/record.h"

/* What GET /v1/federation says, checked. */
enum { EPOCHS_MAX = 64, LEVELS = 3 };

struct federation_level {
    const char *name; /* static */
    size_t max_records;
};

struct federation {
    char name[128];
    char coordinator_key[KEY_TEXT_SIZE], id_text[B64_LENGTH(16) + 1];
    struct epoch_parameters epoch; /* the current one */
    int64_t started_at_s;          /* the current one */
    int64_t older_until_s;         /* sealed patterns of older ones may be gone then; 0: unknown */
    struct point oprf_public_key;
    char oprf_url[ADDRESS_SIZE]; /* of its OPRF helper, as it was said; "": the coordinator */
    struct epoch_parameters epochs[EPOCHS_MAX]; /* every one with live records */
    size_t epoch_count;
    struct federation_level levels[LEVELS];
    size_t max_body_bytes;
    unsigned max_wait_s; /* of a long poll; 0: it does not say */
};

/*
 * Reads the answer of GET /v1/federation, and checks it against the profile: coordinator_key,
 * federation_id and key_check where both sides have one, ranges, and the signature under
 * coordinator_key, which is taken on trust when the profile has none yet.
 *
 * FAULT_SIGNATURE_INVALID, FAULT_WRONG_FEDERATION_KEY, FAULT_CORRUPT with `why`: not the federation
 * of this profile.
 */
enum fault client_federation_read(struct json_t *answer, const struct profile *profile,
                                  struct federation *ret, struct why *why);

/* Asks, and reads the answer. Faults: those of client_http_call and client_federation_read. */
enum fault client_federation_get(struct client_http *http, const struct profile *profile,
                                 struct federation *ret, struct why *why);

/* The parameters of a live epoch, or NULL. */
const struct epoch_parameters *client_federation_epoch(const struct federation *federation,
                                                       uint64_t number);

#endif
