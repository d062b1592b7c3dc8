/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_MEMOS_H
#define CONTINUUM_STORE_MEMOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct arena;
struct database;

/* The hash of a request's method, path and Idempotency-Key, or of its body. */
struct memo_hash {
    uint8_t bytes[16];
};

/* A request of `instance` that was answered, and what its answer is made of. */
struct memo_row {
    int64_t instance;
    struct memo_hash scope, body;
    bool refused;    /* with FAULT_INSUFFICIENT_CREDITS */
    uint8_t *answer; /* not NULL, also when it is empty */
    size_t answer_length;
    int64_t expires_at_s;
};

/* The memo of `instance` and `scope`, its answer in `arena`. FAULT_NOT_FOUND: none, or expired at
 * `now_s`. */
enum fault memo_find(struct database *database, int64_t instance, const struct memo_hash *scope,
                     int64_t now_s, struct arena *arena, struct memo_row *ret);

/* Adds a memo, in the place of an expired one of the same scope. Of its instance the newest `most`
 * are kept. */
enum fault memo_insert(struct database *database, const struct memo_row *row, uint32_t most);

/* Forgets at most `max` that expired at or before `before_s`, the oldest first. */
enum fault memos_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count);

/* Forgets up to `max` of an instance, and counts them. */
enum fault memos_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                    size_t *ret_count);

#endif
