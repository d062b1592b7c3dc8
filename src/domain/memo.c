/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/memo.h"

#include <string.h>

#include "crypto/hash.h"
#include "store/keyring.h"
#include "store/ledger.h"

/* More than one with each new memo, so that they go faster than they come. */
enum { PURGED_WITH_EACH = 4, ANSWER_ROOM = 64 };

/* ---- The answer as bytes: integers big-endian, all else as it is ---- */

static bool memo_grow(struct memo *memo, size_t length)
{
    size_t room = memo->room ? memo->room : ANSWER_ROOM;
    while (room < memo->length + length)
        room *= 2;
    if (room == memo->room)
        return true;
    uint8_t *bytes = arena_alloc(memo->arena, room);
    if (!bytes) {
        memo->fault = FAULT_MEMORY;
        return false;
    }
    if (memo->length)
        memcpy(bytes, memo->bytes, memo->length);
    memo->bytes = bytes;
    memo->room = room;
    return true;
}

void memo_bytes(struct memo *memo, void *bytes, size_t length)
{
    if (memo->fault || length == 0)
        return;
    if (memo->reads && length > memo->length - memo->at) {
        memo_spoil(memo);
    } else if (memo->reads) {
        memcpy(bytes, memo->bytes + memo->at, length);
        memo->at += length;
    } else if (memo_grow(memo, length)) {
        memcpy(memo->bytes + memo->length, bytes, length);
        memo->length += length;
    }
}

void memo_u32(struct memo *memo, uint32_t *value)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(*value >> (24 - 8 * i));
    memo_bytes(memo, bytes, sizeof bytes);
    if (memo->reads && !memo->fault)
        *value = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                 (uint32_t)bytes[3];
}

void memo_credits(struct memo *memo, struct credits *value)
{
    uint32_t high = (uint32_t)((uint64_t)value->milli >> 32), low = (uint32_t)value->milli;
    memo_u32(memo, &high);
    memo_u32(memo, &low);
    if (memo->reads && !memo->fault)
        value->milli = (int64_t)((uint64_t)high << 32 | low);
}

bool memo_reads(const struct memo *memo)
{
    return memo->reads;
}

void *memo_array(struct memo *memo, uint32_t *count, uint32_t most, size_t size)
{
    if (*count > most)
        memo_spoil(memo);
    void *array = memo->fault ? NULL : arena_array(memo->arena, *count, size);
    if (!array && !memo->fault)
        memo->fault = FAULT_MEMORY;
    if (!array)
        *count = 0;
    return array;
}

void memo_spoil(struct memo *memo)
{
    if (!memo->fault)
        memo->fault = FAULT_CORRUPT;
}

enum fault memo_balance(const struct memo *memo, struct database *database, struct credits *ret)
{
    enum fault fault = account_balance(database, memo->instance, ret);
    return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault; /* erased while it waited */
}

static void memo_open(struct memo *memo, struct operation *operation, const struct memo_row *row)
{
    memo->arena = &operation->arena;
    memo->reads = row != NULL;
    memo->bytes = row ? row->answer : NULL;
    memo->length = row ? row->answer_length : 0;
    memo->room = memo->at = 0;
    memo->fault = FAULT_NONE;
    if (!row)
        memo_grow(memo, 0);
}

/* ---- Its name ---- */

static void hash_text(struct hash *hash, const char *text)
{
    hash_u32(hash, (uint32_t)strlen(text));
    hash_bytes(hash, text, strlen(text));
}

void memo_hash(struct memo *memo, const struct memo_request *request)
{
    const struct keyring *keyring = memo->coordinator->keyring;
    struct hash hash;
    hash_init(&hash, keyring->ledger, sizeof keyring->ledger, "cfed/v1/memo-scope",
              sizeof memo->scope.bytes);
    hash_u32(&hash, (uint32_t)(memo->instance >> 32));
    hash_u32(&hash, (uint32_t)memo->instance);
    hash_text(&hash, request->method);
    hash_text(&hash, request->path);
    hash_text(&hash, request->key);
    hash_final(&hash, memo->scope.bytes);
    hash_init(&hash, keyring->ledger, sizeof keyring->ledger, "cfed/v1/memo-body",
              sizeof memo->body.bytes);
    hash_bytes(&hash, memo->scope.bytes, sizeof memo->scope.bytes);
    hash_bytes(&hash, request->body, request->body_length);
    hash_final(&hash, memo->body.bytes);
}

/* ---- Looking for it ---- */

static enum fault recall_replay(struct operation *operation, struct database *database,
                                const struct memo_row *row)
{
    const struct replay *replay = operation->replay;
    struct memo *memo = operation->memo;
    if (!bytes_equal(&row->body, &memo->body, sizeof memo->body))
        return FAULT_IDEMPOTENCY_KEY_REUSED;
    memo->refused = row->refused;
    memo_open(memo, operation, row);
    if (replay->keep)
        replay->keep(operation, memo);
    if (memo->at != memo->length)
        memo_spoil(memo);
    if (memo->fault || !replay->refresh)
        return memo->fault;
    return replay->refresh(operation, database);
}

static enum fault recall_apply(struct command *command, struct database *database)
{
    struct operation *operation = (struct operation *)command;
    struct memo *memo = operation->memo;
    struct memo_row row;
    enum fault fault =
        memo_find(database, memo->instance, &memo->scope, memo->now_s, &operation->arena, &row);
    memo->found = fault != FAULT_NOT_FOUND;
    if (!memo->found)
        return FAULT_NONE;
    return fault ? fault : recall_replay(operation, database, &row);
}

static enum fault memo_outcome(const struct memo *memo, enum fault fault)
{
    return !fault && memo->refused ? FAULT_INSUFFICIENT_CREDITS : fault;
}

static void recall_done(struct command *command, enum fault fault)
{
    struct operation *operation = (struct operation *)command;
    struct memo *memo = operation->memo;
    bool is_fresh = !fault && !memo->found;
    if (!is_fresh)
        operation->answer(operation, memo_outcome(memo, fault));
    operation_free(operation);
    if (is_fresh)
        memo->fresh(memo);
}

void memo_recall(struct memo *memo, struct operation *operation)
{
    memo->found = memo->refused = false;
    operation->memo = memo;
    operation->command.apply = recall_apply;
    operation->command.done = recall_done;
    store_submit(memo->coordinator->store, &operation->command);
}

/* ---- Making it ---- */

static enum fault memo_store(struct operation *operation, struct database *database)
{
    const struct settings *settings = operation->coordinator->settings;
    struct memo *memo = operation->memo;
    memo_open(memo, operation, NULL);
    if (operation->replay->keep)
        operation->replay->keep(operation, memo);
    if (memo->fault)
        return memo->fault;
    struct memo_row row = {
        .instance = memo->instance,
        .scope = memo->scope,
        .body = memo->body,
        .refused = memo->refused,
        .answer = memo->bytes,
        .answer_length = memo->length,
        .expires_at_s = memo->now_s + settings->idempotency_retention_s,
    };
    size_t expired = 0;
    enum fault fault = memos_purge(database, memo->now_s, PURGED_WITH_EACH, &expired);
    return fault ? fault : memo_insert(database, &row, settings->max_idempotency_keys);
}

/*
 * What the operation does and that it is remembered are one: neither is without the other. A
 * refusal for want of credits is remembered too, so it has to leave nothing else behind.
 */
static enum fault memo_apply(struct command *command, struct database *database)
{
    struct operation *operation = (struct operation *)command;
    struct memo *memo = operation->memo;
    struct memo_row row;
    enum fault outcome = FAULT_NONE;
    enum fault fault =
        memo_find(database, memo->instance, &memo->scope, memo->now_s, &operation->arena, &row);
    if (fault != FAULT_NOT_FOUND)
        return fault ? fault : FAULT_REMEMBERED;
    fault = command_attempt(command, memo->apply, database, &outcome);
    memo->refused = outcome == FAULT_INSUFFICIENT_CREDITS;
    if (fault || (outcome && !memo->refused))
        return fault ? fault : outcome;
    bool goes_on = !outcome && (operation->asks || operation->again);
    return goes_on ? FAULT_NONE : memo_store(operation, database);
}

static void memo_done(struct command *command, enum fault fault)
{
    struct operation *operation = (struct operation *)command;
    struct memo *memo = operation->memo;
    if (fault != FAULT_REMEMBERED) {
        operation_end(operation, memo_outcome(memo, fault));
        return;
    }
    if (operation->settle)
        operation->settle(operation, fault);
    operation_free(operation);
    memo->again(memo);
}

void memo_attach(struct operation *operation)
{
    if (operation->command.apply == memo_apply)
        return; /* it goes on */
    operation->memo->apply = operation->command.apply;
    operation->command.apply = memo_apply;
    operation->command.done = memo_done;
}
