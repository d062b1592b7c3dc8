/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_CONTRIBUTION_H
#define CONTINUUM_DOMAIN_CONTRIBUTION_H

#include "crypto/record.h"
#include "domain/coordinator.h"
#include "domain/privacy.h"
#include "domain/tier.h"
#include "store/patterns.h"

/* ---- POST /v1/contributions ---- */

/* One record of a request, on its way from bytes to a row. */
struct offer {
    struct record record;
    struct scalar share;
    uint8_t confidence; /* hundredths */
    enum fault refusal; /* FAULT_NONE: good so far. Otherwise why this record alone is rejected */
    uint32_t pattern;   /* held in the catalog while the command is under way; 0: not */
    bool released;      /* when the request came in: then it earns nothing */
    bool added;
};

/*
 * What the coordinator can check in a record by itself, whose lengths and encodings are right
 * already: domain, commitments are group elements, the share is a non-zero scalar, the tag is the
 * hash of the rest. A pure function; it may run on any thread. Sets offer->refusal.
 */
void offer_check(struct offer *offer, const struct federation_id *federation_id);

struct contribution {
    struct operation operation;
    /* inputs */
    int64_t number, now_s;
    enum privacy_mode mode;
    struct offer *offers; /* in the arena */
    size_t count;
    /* outputs */
    struct credits earned, balance;
    int64_t daily_remaining;
    struct allowance allowance; /* of contributions; also of a refusal */
};

enum { CONTRIBUTION_RECORDS_MAX = 1000 };

struct contribution *contribution_new(struct coordinator *coordinator);

/* FAULT_MEMORY, FAULT_OVERLOADED: nothing is submitted, and it is the caller's to free. */
enum fault contribution_submit(struct contribution *contribution);

/* ---- GET /v1/contributions ---- */

struct contributions_page {
    struct operation operation;
    int64_t number;
    struct page page;
    struct contribution_listed listed[PAGE_MAX]; /* outputs */
    size_t count;
};

struct contributions_page *contributions_page_new(struct coordinator *coordinator);

#endif
