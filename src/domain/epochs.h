/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_EPOCHS_H
#define CONTINUUM_DOMAIN_EPOCHS_H

#include <stdbool.h>

#include "store/epochs.h"

struct coordinator;
struct keyring;
struct release_row;
struct settings;

/*
 * Epochs (docs/PROTOCOL.md, section 9). Which one is current is fixed while the coordinator runs:
 * the operator rotates while it does not. Older ones are here as long as there is, or may still be,
 * a pattern of theirs:
 *
 *     current -> past: what has k by now is released, the rest waits for nobody any more
 *             -> over, settings.epoch_grace_days after the next one began: what is sealed is
 *                deleted, step by step, and then the key
 *             -> forgotten, with its last released pattern
 */
struct epochs {
    struct epoch_row rows[EPOCHS_MAX]; /* ascending */
    bool clean[EPOCHS_MAX]; /* over, and nothing is sealed: the key is destroyed, or is about to be
                             */
    size_t count;
    uint8_t coarse_bits; /* how older tokens that are coarser than today's are indexed; 0: none are
                            coarser */
    bool expires;        /* an expiry is under way */
    bool stops;          /* it shall end */
};

/*
 * The OPRF public key that epoch `number` begins with: the configured one of a helper, or that of
 * the file of keys. FAULT_CORRUPT: the file has none.
 */
enum fault epochs_public_key(const struct settings *settings, const struct keyring *keyring,
                             uint32_t number, struct point *ret);

/*
 * Whether a database with this current epoch belongs to these settings and keys: its OPRF key is
 * the configured one of a helper, or in the file of keys. FAULT_CONFIGURATION, FAULT_CORRUPT with
 * `why`, which says what to do.
 */
enum fault epochs_check_key(const struct settings *settings, const struct epoch_row *epoch,
                            const struct keyring *keyring, struct why *why);

/* Reads them. coordinator->epoch is the last one. */
enum fault epochs_read(struct coordinator *coordinator, struct database *database);

/* Cuts the tokens of a release as queries of today look for them, into ret_tokens (TOKENS_MAX);
 * returns how many distinct ones there are. */
size_t epochs_cut_tokens(const struct coordinator *coordinator, const struct release_row *release,
                         uint32_t *ret_tokens);

/* A pattern of `epoch` is sealed again: if that is over, there is something to expire. */
void epochs_note_sealed(struct coordinator *coordinator, uint32_t epoch);

/* Begins to expire what is due, at the end of a tick that looked at all that waited; does nothing
 * while that is under way. */
enum { EPOCH_EXPIRY_STEP = 256, EPOCH_SCAN = 1024 }; /* contributions, patterns in a step */
void epochs_expire(struct coordinator *coordinator, int64_t now_s);

/* Lets it end after the step that is under way. The rest is for the next start. */
void epochs_stop(struct coordinator *coordinator);

#endif
