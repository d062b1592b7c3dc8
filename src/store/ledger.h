/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_LEDGER_H
#define CONTINUUM_STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bytes.h"
#include "store/page.h"
#include "util/credits.h"
#include "util/fault.h"

struct database;

/* Accounts of the system; a member's account has the number of its instance, 16 and up. */
enum { ACCOUNT_ISSUANCE = 1, ACCOUNT_REVENUE = 2, ACCOUNT_TOMBSTONE = 3, ACCOUNT_MEMBERS = 16 };

/* Why credits move. The numbers go into transfers' ids: new ones come last. */
enum transfer_kind {
    TRANSFER_CONTRIBUTE,
    TRANSFER_REVERSE,
    TRANSFER_QUERY,
    TRANSFER_PRIORITY,
    TRANSFER_VERIFY,
    TRANSFER_QUALITY,
    TRANSFER_DOWNLOAD,
};

struct transfer_id {
    uint8_t bytes[16];
};

struct transfer {
    int64_t sequence; /* given by the ledger */
    struct transfer_id id;
    enum transfer_kind kind;
    int64_t debit, credit; /* accounts: it moves from debit to credit */
    struct credits amount; /* above zero */
    struct tag tag;
    bool has_tag;
    int64_t created_at_s;
};

/* "contribute", "reverse", ... Static. */
const char *transfer_kind_name(enum transfer_kind kind);

enum fault account_open(struct database *database, int64_t number);

/* FAULT_NOT_FOUND: no such account. */
enum fault account_balance(struct database *database, int64_t number, struct credits *ret);

/*
 * Makes a transfer: the row, both balances, and the day's totals of the member it concerns, in the
 * caller's transaction. FAULT_INSUFFICIENT_CREDITS: the debit account would fall below zero.
 * *ret_made false: a transfer of this id was made before, and nothing happened.
 */
enum fault ledger_transfer(struct database *database, const struct transfer *transfer,
                           bool *ret_made);

/* The amount of the transfer `id` of an earning kind; 0 when there is none. */
enum fault ledger_amount(struct database *database, const struct transfer_id *id,
                         struct credits *ret);

/* A page of the transfers of one account, in the order of their sequences, into `ret`, which has
 * room for page->limit; their number in *ret_count. */
enum fault ledger_list(struct database *database, int64_t account, struct page *page,
                       struct transfer *ret, size_t *ret_count);

/*
 * Erasure, in steps of at most `max` transfers: the tombstone takes over the account's balance and
 * its place in its transfers, under new random ids and without tags; in the last step the account
 * goes. *ret_count: transfers of this step; fewer than `max`: it was the last.
 */
enum fault ledger_bury(struct database *database, int64_t account, size_t max, size_t *ret_count);

#endif
