/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/epochs.h"

#include <string.h>

#include "domain/coordinator.h"
#include "domain/departure.h"
#include "store/keyring.h"
#include "store/patterns.h"

enum { DAY_S = 86400 };

enum fault epochs_public_key(const struct settings *settings, const struct keyring *keyring,
                             uint32_t number, struct point *ret)
{
    const struct oprf_key *key = keyring_oprf(keyring, number);
    const char *helpers = settings->oprf_public_key;
    if (*helpers)
        return b64_decode(helpers, strlen(helpers), ret, sizeof *ret) ? FAULT_NONE : FAULT_CORRUPT;
    if (key)
        *ret = key->public;
    return key ? FAULT_NONE : FAULT_CORRUPT;
}

enum fault epochs_check_key(const struct settings *settings, const struct epoch_row *epoch,
                            const struct keyring *keyring, struct why *why)
{
    struct point helpers = {{0}};
    if (!*settings->oprf_url)
        return epoch_check_key(epoch, keyring, why);
    if (epochs_public_key(settings, keyring, epoch->number, &helpers) == FAULT_NONE &&
        bytes_equal(&helpers, &epoch->oprf_public_key, sizeof helpers))
        return FAULT_NONE;
    return why_set(
        why, FAULT_CONFIGURATION,
        "oprf_public_key is not the key that epoch %u began with: change it and oprf_url "
        "back to what they were, or begin an epoch under the new key with \"epoch "
        "rotate\"",
        epoch->number);
}

enum fault epochs_read(struct coordinator *coordinator, struct database *database)
{
    struct epochs *epochs = &coordinator->epochs;
    enum fault fault = epochs_list(database, epochs->rows, &epochs->count);
    if (fault)
        return fault;
    coordinator->epoch = epochs->rows[epochs->count - 1];
    uint8_t least = coordinator->epoch.token_bits;
    for (size_t i = 0; i < epochs->count; i++)
        if (epochs->rows[i].token_bits < least)
            least = epochs->rows[i].token_bits;
    epochs->coarse_bits = least < coordinator->epoch.token_bits ? least : 0;
    return FAULT_NONE;
}

size_t epochs_cut_tokens(const struct coordinator *coordinator, const struct release_row *release,
                         uint32_t *ret_tokens)
{
    uint8_t today = coordinator->epoch.token_bits;
    uint8_t bits = release->token_bits < today ? coordinator->epochs.coarse_bits : today;
    size_t count = 0;
    for (size_t i = 0; i < release->token_count; i++) {
        uint32_t token = token_cut(release->tokens[i], bits);
        if (count == 0 || ret_tokens[count - 1] != token) /* ascending before, and so now */
            ret_tokens[count++] = token;
    }
    return count;
}

static void epoch_set_clean(struct epochs *epochs, uint32_t number, bool clean)
{
    for (size_t i = 0; i < epochs->count; i++)
        if (epochs->rows[i].number == number)
            epochs->clean[i] = clean;
}

void epochs_note_sealed(struct coordinator *coordinator, uint32_t epoch)
{
    epoch_set_clean(&coordinator->epochs, epoch, false);
}

/* ---- Expiry ---- */

/*
 * One epoch's, in steps. Once a walk through its patterns has found nothing sealed, the last step
 * takes its key out of the file, after the rows that it found are gone on disk: after a crash the
 * next start finds one or the other still to do. A pattern may be un-released behind the walk: that
 * makes the epoch due again (epochs_note_sealed), and it expires, for which no key is needed, after
 * the key.
 */
struct expiry {
    struct operation operation;
    struct epoch_scan scan;
    int64_t now_s;
    bool found; /* something, in this walk */
    /* one step */
    bool is_through, forgotten;
    struct departure gone[EPOCH_EXPIRY_STEP];
    size_t gone_count;
};

/* *ret_all false: the step is full before the pattern is empty. */
static enum fault pattern_expire(struct expiry *expiry, struct database *database, uint32_t pattern,
                                 bool *ret_all)
{
    enum fault fault = FAULT_NONE;
    while (!fault && expiry->gone_count < EPOCH_EXPIRY_STEP) {
        struct contribution_row row;
        fault = contribution_any(database, pattern, &row);
        if (!fault)
            fault = contribution_depart(expiry->operation.coordinator, database, &row,
                                        &(struct instance_change){0},
                                        &expiry->gone[expiry->gone_count]);
        if (!fault)
            expiry->gone_count++;
    }
    *ret_all = fault == FAULT_NOT_FOUND;
    return *ret_all ? FAULT_NONE : fault;
}

static enum fault sealed_expire(struct expiry *expiry, struct database *database, bool *ret_more)
{
    uint32_t sealed[EPOCH_SCAN];
    size_t count = 0;
    bool all = true;
    expiry->scan.max = EPOCH_SCAN;
    enum fault fault = epoch_sealed(database, &expiry->scan, sealed, &count, ret_more);
    for (size_t i = 0; i < count && all && !fault; i++) {
        fault = pattern_expire(expiry, database, sealed[i], &all);
        if (!all) {
            expiry->scan.after = sealed[i] - 1; /* on with this one */
            *ret_more = true;
        }
    }
    return fault;
}

static enum fault expiry_finish(struct expiry *expiry, struct database *database)
{
    const struct coordinator *coordinator = expiry->operation.coordinator;
    struct why why;
    enum fault fault =
        keyring_erase(coordinator->folder_fd, coordinator->keyring, expiry->scan.epoch, &why);
    if (!fault)
        fault = epoch_forget(database, expiry->scan.epoch, &expiry->forgotten);
    expiry->is_through = fault == FAULT_NONE;
    expiry->operation.command.scrub = true;
    return fault;
}

static enum fault expiry_apply(struct command *command, struct database *database)
{
    struct expiry *expiry = (struct expiry *)command;
    bool more = false;
    expiry->gone_count = 0;
    enum fault fault = sealed_expire(expiry, database, &more);
    if (fault)
        return fault;
    expiry->found |= expiry->gone_count > 0;
    if (!more && !expiry->found)
        return expiry_finish(expiry, database);
    if (!more) {
        expiry->scan.after = 0;
        expiry->found = false;
    }
    expiry->operation.again = command->scrub_follows = true;
    return FAULT_NONE;
}

/* The current epoch is the last and stays. */
static void epoch_drop(struct epochs *epochs, uint32_t number)
{
    size_t at = 0;
    while (at < epochs->count && epochs->rows[at].number != number)
        at++;
    if (at == epochs->count)
        return;
    epochs->count--;
    for (; at < epochs->count; at++) {
        epochs->rows[at] = epochs->rows[at + 1];
        epochs->clean[at] = epochs->clean[at + 1];
    }
}

static void expiry_settle(struct operation *operation, enum fault fault)
{
    const struct expiry *expiry = (struct expiry *)operation;
    struct coordinator *coordinator = operation->coordinator;
    if (!fault)
        contributions_forget(coordinator, expiry->gone, expiry->gone_count);
    if (fault)
        epoch_set_clean(&coordinator->epochs, expiry->scan.epoch, false);
    if (!fault && expiry->is_through)
        keyring_forget(coordinator->keyring, expiry->scan.epoch);
    if (!fault && expiry->is_through && expiry->forgotten)
        epoch_drop(&coordinator->epochs, expiry->scan.epoch);
    operation->again = operation->again && !coordinator->epochs.stops;
}

static void expiry_answer(struct operation *operation, enum fault fault)
{
    const struct expiry *expiry = (const struct expiry *)operation;
    operation->coordinator->epochs.expires = false;
    if (!fault && expiry->is_through)
        epochs_expire(operation->coordinator, expiry->now_s); /* the next one */
}

/* An epoch that is over and may have something to expire; 0: none. */
static uint32_t epoch_due(const struct coordinator *coordinator, int64_t now_s)
{
    const struct epochs *epochs = &coordinator->epochs;
    int64_t grace_s = (int64_t)coordinator->settings->epoch_grace_days * DAY_S;
    for (size_t i = 0; i + 1 < epochs->count; i++)
        if (!epochs->clean[i] && epochs->rows[i + 1].started_at_s + grace_s <= now_s)
            return epochs->rows[i].number;
    return 0;
}

void epochs_expire(struct coordinator *coordinator, int64_t now_s)
{
    struct epochs *epochs = &coordinator->epochs;
    if (!coordinator->ready || epochs->expires || epochs->stops)
        return;
    uint32_t due = epoch_due(coordinator, now_s);
    struct expiry *expiry =
        due ? operation_new(coordinator, sizeof *expiry, expiry_apply, expiry_settle) : NULL;
    if (!expiry)
        return;
    expiry->scan.epoch = due;
    expiry->now_s = now_s;
    expiry->operation.answer = expiry_answer;
    epochs->expires = true;
    epoch_set_clean(epochs, due, true); /* unless it fails, or something is sealed meanwhile */
    operation_submit(&expiry->operation);
}

void epochs_stop(struct coordinator *coordinator)
{
    coordinator->epochs.stops = true;
}
