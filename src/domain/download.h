/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_DOWNLOAD_H
#define CONTINUUM_DOMAIN_DOWNLOAD_H

#include "domain/coordinator.h"
#include "domain/query.h"
#include "store/page.h"
#include "store/sets.h"

enum { DOWNLOAD_TTL_S = 86400 };

/*
 * How far a reader of a set has come. What its level shows only later is left out, and so that it
 * is not lost, a later download begins before the first of that: it may bring others once more.
 */
struct set_position {
    int64_t after; /* the sequence up to which all was looked at */
    int64_t again; /* where a later download begins; at most `after` */
};

/* A position as the number that a cursor carries, 0 for the beginning, and back. */
int64_t set_position_pack(const struct set_position *position);
void set_position_unpack(int64_t packed, struct set_position *ret);

/* ---- GET /v1/sets ---- */

struct sets_page {
    struct operation operation;
    struct page page;
    struct set_row sets[PAGE_MAX]; /* outputs */
    size_t count;
};

struct sets_page *sets_page_new(struct coordinator *coordinator);

/* ---- POST /v1/sets/{domain}/downloads ---- */

struct purchase {
    struct operation operation;
    /* inputs; of the row all but its domain's existence is the caller's to know */
    struct download_row row;
    int64_t now_s;
    /* outputs */
    struct credits cost, balance;
    int64_t patterns;  /* there are now */
    int64_t free_at_s; /* FAULT_TOO_MANY_REQUESTS: when one of the member's downloads expires */
    enum fault entitlement;
};

struct purchase *purchase_new(struct coordinator *coordinator);

/*
 * Pays for a download and remembers it. Answered, in this order: FAULT_NOT_FOUND (nothing of the
 * domain is released), FAULT_CONTRIBUTION_REQUIRED, FAULT_INSUFFICIENT_CREDITS with cost and
 * balance, FAULT_TOO_MANY_REQUESTS. None of them costs anything.
 */
void purchase_submit(struct purchase *purchase, const struct instance *buyer);

/* ---- GET /v1/downloads/{id} ---- */

/* Finds a download of the instance; FAULT_NOT_FOUND. */
struct download {
    struct operation operation;
    uint8_t id[DOWNLOAD_ID_LENGTH]; /* inputs */
    int64_t instance, now_s;
    struct download_row row; /* output */
};

struct download *download_new(struct coordinator *coordinator);

/* A look at the next patterns of a set. */
struct set_reading {
    const char *domain;
    struct visibility visibility;
    struct set_position position; /* moves ahead */
    bool ended;                   /* there is no more */
};

/*
 * Shows what is next and visible to `take`, each with the cursor behind it, until `take` returns
 * false (it has that one, and wants no more), or some hundred were looked at. Each is what it is
 * at this moment. A pure function of the rows, on any thread; a snapshot of its own.
 */
enum fault set_read(const struct coordinator *coordinator, struct set_reading *reading,
                    bool (*take)(void *context, const struct published *published, int64_t cursor),
                    void *context);

#endif
