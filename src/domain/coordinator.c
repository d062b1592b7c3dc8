/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/coordinator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/directory.h"
#include "domain/memo.h"
#include "domain/waiting.h"
#include "store/catalog.h"
#include "store/database.h"
#include "store/domains.h"
#include "store/keyring.h"
#include "store/readers.h"
#include "store/search.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { FIRST_EPOCH = 1 };

static void close_coordinator(struct coordinator **coordinator)
{
    coordinator_close(*coordinator);
}

/* What a database without a federation gets at its first start. */
static enum fault federation_found(struct coordinator *coordinator, struct database *database,
                                   int64_t now_s)
{
    struct point oprf_public_key;
    enum fault fault = epochs_public_key(coordinator->settings, coordinator->keyring, FIRST_EPOCH,
                                         &oprf_public_key);
    if (fault)
        return fault;
    bytes_random(&coordinator->federation_id, sizeof coordinator->federation_id);
    coordinator->epoch = (struct epoch_row){
        .number = FIRST_EPOCH,
        .k = (uint8_t)coordinator->settings->min_contributors,
        .token_bits = (uint8_t)coordinator->settings->token_bits,
        .oprf_public_key = oprf_public_key,
        .started_at_s = now_s,
    };
    fault = database_begin(database);
    if (!fault)
        fault = federation_insert(database, &coordinator->federation_id);
    if (!fault)
        fault = epoch_insert(database, &coordinator->epoch);
    return fault ? fault : database_commit(database);
}

static enum fault federation_read(struct coordinator *coordinator,
                                  const struct coordinator_parts *parts, struct why *why)
{
    _cleanup_(database_done) struct database *database = NULL;
    enum fault fault = database_open(parts->path, DATABASE_WRITER, &database, why);
    if (fault)
        return fault;
    fault = federation_get(database, &coordinator->federation_id);
    if (fault == FAULT_NOT_FOUND)
        fault = federation_found(coordinator, database, parts->now_s);
    if (!fault)
        fault = epochs_read(coordinator, database);
    if (!fault)
        fault = gate_day_get(database, &coordinator->gate_day);
    if (fault)
        return why_set(why, fault, "cannot read the federation: %s", database_error(database));
    fault = epochs_check_key(parts->settings, &coordinator->epoch, parts->keyring, why);
    if (!fault)
        fault = federation_check_keys(database, parts->keyring, why);
    if (fault)
        return fault;
    fault = federation_claim(database, parts->keyring);
    return fault ? why_set(why, fault, "cannot write into the database which keys are its: %s",
                           database_error(database))
                 : FAULT_NONE;
}

enum fault coordinator_open(const struct coordinator_parts *parts, struct coordinator **ret,
                            struct why *why)
{
    _cleanup_(close_coordinator) struct coordinator *coordinator = calloc(1, sizeof *coordinator);
    if (!coordinator)
        return FAULT_MEMORY;
    coordinator->settings = parts->settings;
    coordinator->keyring = parts->keyring;
    coordinator->folder_fd = parts->folder_fd;
    coordinator->erasures = parts->erasures;
    coordinator->workers = parts->workers;
    coordinator->selection = (struct selection){
        .epsilon_milli = parts->settings->release_epsilon_milli,
        .delta_billionths = parts->settings->release_delta_billionths,
    };
    enum fault fault = federation_read(coordinator, parts, why);
    if (!fault)
        fault = directory_new(&coordinator->directory);
    if (!fault)
        fault = catalog_new(&coordinator->catalog);
    if (!fault)
        fault = search_new(&coordinator->search);
    if (!fault)
        fault = domains_new(&coordinator->domains);
    if (!fault)
        fault = waiting_new(&coordinator->waiting);
    if (!fault)
        fault = store_open(parts->path, &coordinator->store, why);
    if (!fault)
        fault = store_reader_open(coordinator->store, &coordinator->reader, why);
    if (!fault)
        fault = readers_new(parts->path, &coordinator->readers);
    if (fault)
        return fault;
    *ret = TAKE(coordinator);
    return FAULT_NONE;
}

void coordinator_close(struct coordinator *coordinator)
{
    if (!coordinator)
        return;
    database_close(coordinator->reader);
    readers_free(coordinator->readers);
    store_close(coordinator->store);
    directory_free(coordinator->directory);
    catalog_free(coordinator->catalog);
    search_free(coordinator->search);
    domains_free(coordinator->domains);
    waiting_free(coordinator->waiting);
    ids_done(&coordinator->gate_waits);
    free(coordinator);
}

void coordinator_sign_epoch(const struct coordinator *coordinator, struct signature *ret)
{
    const struct epoch_row *epoch = &coordinator->epoch;
    const struct signing_key *key = &coordinator->keyring->signing;
    char coordinator_key[B64_LENGTH(32) + 1], federation_id[B64_LENGTH(16) + 1];
    char oprf_key[B64_LENGTH(32) + 1], started_at[CLOCK_TEXT_LENGTH + 1];
    char number[16], k[8], token_bits[8];
    b64_encode(&key->public, 32, coordinator_key);
    b64_encode(&coordinator->federation_id, 16, federation_id);
    b64_encode(&epoch->oprf_public_key, 32, oprf_key);
    clock_format(epoch->started_at_s, started_at);
    snprintf(number, sizeof number, "%u", epoch->number);
    snprintf(k, sizeof k, "%u", epoch->k);
    snprintf(token_bits, sizeof token_bits, "%u", epoch->token_bits);
    const char *lines[] = {
        "cfed/v1/epoch",
        coordinator_key,
        federation_id,
        number,
        k,
        token_bits,
        oprf_key,
        coordinator->settings->oprf_url,
        started_at,
    };
    lines_sign(key, lines, sizeof lines / sizeof *lines, ret);
}

/* ---- Operations
 * -------------------------------------------------------------------------------------------------
 */

void operation_end(struct operation *operation, enum fault fault)
{
    if (!fault && operation->asks) {
        fault = operation->go_on(operation);
        if (!fault)
            return;
    }
    if (operation->settle)
        operation->settle(operation, fault);
    if (operation->again && !fault) {
        operation_submit(operation);
        return;
    }
    operation->answer(operation, fault);
    operation_free(operation);
}

static void operation_done(struct command *command, enum fault fault)
{
    operation_end((struct operation *)command, fault);
}

void *operation_new(struct coordinator *coordinator, size_t size,
                    enum fault (*apply)(struct command *command, struct database *database),
                    void (*settle)(struct operation *operation, enum fault fault))
{
    struct operation *operation = calloc(1, size);
    if (!operation)
        return NULL;
    operation->command.apply = apply;
    operation->command.done = operation_done;
    operation->coordinator = coordinator;
    operation->settle = settle;
    return operation;
}

void operation_submit(struct operation *operation)
{
    operation->again = false;
    if (operation->memo)
        memo_attach(operation);
    store_submit(operation->coordinator->store, &operation->command);
}

void operation_free(struct operation *operation)
{
    if (!operation)
        return;
    arena_done(&operation->arena);
    free(operation);
}
