/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_MEMO_H
#define CONTINUUM_DOMAIN_MEMO_H

#include "domain/coordinator.h"
#include "store/memos.h"

/*
 * A request with an Idempotency-Key, on its way to be remembered:
 *
 *     memo_recall --another body--> refused        FAULT_IDEMPOTENCY_KEY_REUSED
 *         |   ^   --the same-----> answered again  by the operation's `replay`
 *       fresh |
 *         v   again: the same key was there first
 *     an operation with this memo: done and remembered in one transaction
 *
 * Whoever makes it owns it, and keeps it until the request is answered.
 */
struct memo {
    struct coordinator *coordinator;
    int64_t instance, now_s;
    struct memo_hash scope, body;
    /* On the loop, the owner's: nothing is remembered, so that the request is to be handled. */
    void (*fresh)(struct memo *memo);
    /* On the loop, the owner's: the operation was not done, for the key is remembered by now. */
    void (*again)(struct memo *memo);

    /* What follows is memo.c's: while the memo is on the writer, and the answer as bytes. */
    enum fault (*apply)(struct command *command, struct database *database);
    bool found, refused;
    bool reads;     /* the answer's bytes are read; otherwise they are written */
    uint8_t *bytes; /* in the operation's arena */
    size_t length, room, at;
    struct arena *arena;
    enum fault fault; /* the first */
};

/* How an operation's answer is remembered, and made again. Both functions run on the writer. */
struct replay {
    /*
     * Passes what the answer says, but for what is fetched anew, through memo_u32 and its like:
     * they write it to the memo after `apply`, and read it back into a new operation later. Never a
     * secret, a ciphertext, or a token. NULL: nothing.
     */
    void (*keep)(struct operation *operation, struct memo *memo);
    /* Fetches anew what is of today: the balance, results. After `keep`; NULL: nothing. */
    enum fault (*refresh)(struct operation *operation, struct database *database);
};

void memo_u32(struct memo *memo, uint32_t *value);
void memo_credits(struct memo *memo, struct credits *value);
void memo_bytes(struct memo *memo, void *bytes, size_t length);

/* Whether memo_u32 and its like read. */
bool memo_reads(const struct memo *memo);

/* Room for `*count` elements that are read next, at most `most`; NULL, and *count is 0, when there
 * is none. */
void *memo_array(struct memo *memo, uint32_t *count, uint32_t most, size_t size);

/* The answer cannot be read: it is not what `keep` once wrote. */
void memo_spoil(struct memo *memo);

/* The balance of the memo's instance, for `refresh`. */
enum fault memo_balance(const struct memo *memo, struct database *database, struct credits *ret);

/* Hashes `method`, `path` and `key`, and the body, under a key of the coordinator's. */
struct memo_request {
    const char *method, *path, *key, *body;
    size_t body_length;
};
void memo_hash(struct memo *memo, const struct memo_request *request);

/*
 * Looks for the memo; `operation`, which has its `replay` and `answer` and was not submitted,
 * answers if there is one. Otherwise it is freed and `fresh` called.
 */
void memo_recall(struct memo *memo, struct operation *operation);

/* operation_submit's, for an operation with a memo. */
void memo_attach(struct operation *operation);

#endif
