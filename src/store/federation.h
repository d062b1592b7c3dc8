/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_FEDERATION_H
#define CONTINUUM_STORE_FEDERATION_H

#include "crypto/bytes.h"
#include "util/fault.h"

struct database;
struct keyring;
struct statement;

struct epoch_row {
    uint32_t number;
    uint8_t k, token_bits;
    struct point oprf_public_key;
    int64_t started_at_s;
};

/* The federation's id. FAULT_NOT_FOUND: this database has none yet. */
enum fault federation_get(struct database *database, struct federation_id *ret);
enum fault federation_insert(struct database *database, const struct federation_id *id);

/* Writes into the database whose keys belong to it, unless that is there. */
enum fault federation_claim(struct database *database, const struct keyring *keyring);

/* FAULT_CORRUPT with `why`: the database says that other keys belong to it. */
enum fault federation_check_keys(struct database *database, const struct keyring *keyring,
                                 struct why *why);

/* A row of: number, k, token_bits, oprf_public_key, started_at. */
void epoch_read(struct statement *row, struct epoch_row *ret);

/* The epoch with the highest number. FAULT_NOT_FOUND: there is none yet. */
enum fault epoch_current(struct database *database, struct epoch_row *ret);

/* Whether a database with this epoch belongs to these keys. FAULT_CORRUPT with `why`: no. */
enum fault epoch_check_key(const struct epoch_row *epoch, const struct keyring *keyring,
                           struct why *why);
enum fault epoch_insert(struct database *database, const struct epoch_row *epoch);

/* The day on which release_gate = dp last decided; 0: on none. */
enum fault gate_day_get(struct database *database, int64_t *ret);
enum fault gate_day_set(struct database *database, int64_t day);

/* Uses up a nonce until `expires_at_s`. FAULT_NONCE_REUSED. */
enum fault nonce_use(struct database *database, const uint8_t nonce[16], int64_t expires_at_s);

/* Forgets at most `max` nonces that expired at or before `before_s`. */
enum fault nonces_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count);

#endif
