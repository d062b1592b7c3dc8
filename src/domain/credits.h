/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_CREDITS_H
#define CONTINUUM_DOMAIN_CREDITS_H

#include "domain/coordinator.h"
#include "store/instances.h"
#include "store/ledger.h"

struct keyring;

/*
 * The economy's transfers. Each is named by a keyed hash of what it pays for, so that a retry
 * cannot pay twice: "contribute" or "reverse" with instance and tag, "query", "priority" or
 * "download" with instance and the id of what was bought.
 */
struct payable {
    enum transfer_kind kind;
    int64_t instance;
    const struct tag *tag;   /* or NULL */
    const uint8_t *query_id; /* or that of a download: 16 bytes, or NULL */
};

void credits_transfer_id(const struct keyring *keyring, const struct payable *payable,
                         struct transfer_id *ret);

/* Issues `amount` to the instance. *ret_made false: it was paid before. An amount of 0 is never
 * made. */
enum fault credits_earn(const struct coordinator *coordinator, struct database *database,
                        const struct payable *payable, struct credits amount, int64_t now_s,
                        bool *ret_made);

/* Takes `amount` from the instance. FAULT_INSUFFICIENT_CREDITS. An amount of 0 changes nothing. */
enum fault credits_spend(const struct coordinator *coordinator, struct database *database,
                         const struct payable *payable, struct credits amount, int64_t now_s);

/*
 * Takes back what a contribution earned, as far as the balance covers it; once. The tag never pays
 * this instance again: its transfer stays.
 */
struct reversal {
    struct credits amount; /* taken */
    bool whole;            /* all that was earned: then the unproven allowance has it back, too */
};
enum fault credits_reverse(const struct coordinator *coordinator, struct database *database,
                           int64_t instance, const struct tag *tag, int64_t now_s,
                           struct reversal *ret);

/* ---- GET /v1/credits ---- */

struct account {
    struct operation operation;
    int64_t number, now_s;
    struct credits balance; /* outputs */
    struct activity today, month;
};

struct account *account_new(struct coordinator *coordinator);

/* ---- GET /v1/credits/ledger ---- */

struct ledger_page {
    struct operation operation;
    int64_t number;
    struct page page;
    struct transfer transfers[PAGE_MAX]; /* outputs */
    size_t count;
};

struct ledger_page *ledger_page_new(struct coordinator *coordinator);

#endif
