/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_MEMBERSHIP_H
#define CONTINUUM_DOMAIN_MEMBERSHIP_H

#include "crypto/token.h"
#include "domain/coordinator.h"
#include "domain/directory.h"
#include "store/export.h"
#include "store/instances.h"
#include "util/clock.h"

enum { SIGNED_REQUEST_TOLERANCE_S = 300, NONCE_LENGTH = 16 };

/* What every signed request carries, as strings exactly as they were sent and decoded. */
struct signed_request {
    const char *timestamp, *nonce_text;
    int64_t timestamp_s, now_s;
    uint8_t nonce[NONCE_LENGTH];
    struct signature signature;
};

/* ---- POST /v1/instances ---- */

struct join {
    struct operation operation;
    /* inputs */
    struct signed_request proof;
    const char *public_key_text, *key_check, *invite; /* as sent; invite "" when it was not */
    bool has_invite;
    struct instance_row row; /* public_key, level, mode, domains; a random handle */
    enum fault refusal;      /* join_submit's, after the nonce was found good */
    /* outputs */
    bool known; /* the public key had joined before; then only row.handle counts */
};

struct join *join_new(struct coordinator *coordinator);

/*
 * Checks what can be checked in memory, in the protocol's order, then submits: a new member, or an
 * old one found again. Returned or answered: FAULT_PUBLIC_KEY_INVALID, FAULT_TIMESTAMP_STALE,
 * FAULT_SIGNATURE_INVALID, FAULT_NONCE_REUSED, FAULT_WRONG_FEDERATION_KEY, FAULT_INVITE_INVALID,
 * FAULT_OVERLOADED (max_instances). On a fault returned, `join` is the caller's to free.
 */
enum fault join_submit(struct join *join);

/* ---- POST /v1/tokens ---- */

struct token_request {
    struct operation operation;
    struct signed_request proof;
    const char *instance_id; /* as sent */
    uint64_t handle;         /* output */
};

struct token_request *token_request_new(struct coordinator *coordinator);

/* FAULT_TIMESTAMP_STALE, FAULT_SIGNATURE_INVALID (unknown instances too), FAULT_NONCE_REUSED. As
 * join_submit. */
enum fault token_request_submit(struct token_request *request);

/* A token for `handle`, valid from now_s for token_ttl_s. */
void member_token(const struct coordinator *coordinator, uint64_t handle, int64_t now_s,
                  char ret_token[TOKEN_TEXT_LENGTH + 1], int64_t *ret_expires_at_s);

/* The member that a bearer token belongs to. FAULT_TOKEN_INVALID; FAULT_STARTING. */
enum fault member_authenticate(const struct coordinator *coordinator, const char *token,
                               size_t length, int64_t now_s, struct instance **ret);

/* ---- GET and PATCH /v1/instances/{id} ---- */

struct profile {
    struct operation operation;
    int64_t number;
    /* inputs of a change; without one, they are not looked at */
    bool change;
    enum level level;        /* LEVEL_COUNT: stays */
    enum privacy_mode mode;  /* MODE_COUNT: stays; counts for later contributions only */
    const char *domains;     /* NULL: stay */
    struct instance_row row; /* output: as it is then */
    int64_t older_sealed;    /* output: what it holds of past epochs that is sealed */
};

struct profile *profile_new(struct coordinator *coordinator);

/* ---- GET /v1/instances/{id}/export ---- */

enum { EXPORT_STEP = 256 };

/* The next rows of all that is stored of a member: at most EXPORT_STEP of them are shown to `take`,
 * on the writer. Answered: FAULT_TOKEN_INVALID, the member is erased. */
struct export_step {
    struct operation operation;
    int64_t number;                   /* inputs */
    struct export_position *position; /* moves ahead, unless the answer is a fault */
    bool (*take)(void *context, const struct export_row *row);
    void *context;
};

struct export_step *export_step_new(struct coordinator *coordinator);

/* ---- DELETE /v1/instances/{id} ---- */

enum { ERASURE_STEP = 256 };

/*
 * Erases a member, in steps of ERASURE_STEP rows, each a transaction of its own. The first one
 * writes it into the log of erasures: what is cut off after that goes on at the next start. The
 * answer comes when nothing of the member is left in any file.
 */
struct erasure {
    struct operation operation;
    /* inputs */
    int64_t number;
    uint64_t handle;
    struct public_key public_key;
    int64_t now_s;
    /* outputs, of all steps together */
    size_t contributions, verifications, votes, queries, deliveries;
    bool logged, erased; /* all but what the write-ahead log still has */
    /* one step */
    struct {
        uint32_t pattern;
        bool contributed, last; /* else judged; whether the pattern went with it */
    } gone[ERASURE_STEP];
    size_t gone_count;
};

struct erasure *erasure_new(struct coordinator *coordinator, const struct instance *instance);

/* From here on the member's token is nobody's, unless the answer is a fault. */
void erasure_submit(struct erasure *erasure);

/* What proves an erasure to whoever asked for it: the line of docs/PROTOCOL.md section 6, signed.
 */
struct erasure_receipt {
    char instance_id[INSTANCE_ID_LENGTH + 1];
    char erased_at[CLOCK_TEXT_LENGTH + 1];
    struct signature signature;
};
void erasure_receipt(const struct erasure *erasure, struct erasure_receipt *ret);

#endif
