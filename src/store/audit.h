/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_AUDIT_H
#define CONTINUUM_STORE_AUDIT_H

#include <stdint.h>

#include "store/ledger.h"
#include "util/credits.h"
#include "util/fault.h"

struct database;

/* The books in figures: issued - reversed - revenue = members + tombstone. */
struct books {
    int64_t accounts, transfers;
    struct credits issued, reversed, revenue, members, tombstone;
};

/*
 * Reads an open database's books anew, from the transfers, in one snapshot. Not to be called inside
 * a transaction. Memory stays bounded: what must be sorted goes to temporary files.
 * FAULT_CORRUPT: `why` names the first thing that is not as it must be, what was expected and what
 * was found. FAULT_STORAGE, FAULT_MEMORY: they could not be read.
 */
enum fault books_audit(struct database *database, struct books *ret, struct why *why);

/* A row of the journal: what a transfer says, but for the tag. */
struct journal_row {
    int64_t sequence, created_at_s;
    struct transfer_id id;
    const char *kind; /* valid until the next row */
    int64_t debit, credit;
    uint64_t debit_handle, credit_handle; /* of a member's account, else 0 */
    struct credits amount;
};

/* Calls `each` for all transfers, in order, of one snapshot, until it returns a fault. */
enum fault journal_each(struct database *database,
                        enum fault (*each)(void *context, const struct journal_row *row),
                        void *context);

#endif
