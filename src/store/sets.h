/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_SETS_H
#define CONTINUUM_STORE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/record.h"
#include "store/page.h"
#include "util/fault.h"

struct database;

/* What is in the set of a domain: all of its released patterns. */
struct set_row {
    int64_t number; /* for pages */
    char domain[DOMAIN_LENGTH_MAX + 1];
    int64_t patterns;     /* at least one */
    int64_t bytes;        /* of a download, about, before it is compressed */
    int64_t updated_at_s; /* when a pattern was last released */
};

/* A page of all sets, into `ret`, which has room for page->limit; their number in *ret_count. */
enum fault sets_list(struct database *database, struct page *page, struct set_row *ret,
                     size_t *ret_count);

/* FAULT_NOT_FOUND: nothing of this domain is released. */
enum fault set_get(struct database *database, const char *domain, struct set_row *ret);

/* How many patterns of a set have a sequence above `after`. */
enum fault set_count(struct database *database, const char *domain, int64_t after, int64_t *ret);

/* A download that was paid. */
enum { DOWNLOAD_ID_LENGTH = 16 };

struct download_row {
    uint8_t id[DOWNLOAD_ID_LENGTH];
    int64_t instance;
    char domain[DOMAIN_LENGTH_MAX + 1];
    int64_t start; /* releases with a sequence above it */
    int64_t expires_at_s;
};

enum fault download_insert(struct database *database, const struct download_row *row);

/* FAULT_NOT_FOUND: no such download, or another instance's, or it has expired. */
enum fault download_get(struct database *database, const uint8_t id[DOWNLOAD_ID_LENGTH],
                        int64_t instance, int64_t now_s, struct download_row *ret);

/* How many of an instance have not expired, and when the first of them will (0: there is none). */
enum fault downloads_count(struct database *database, int64_t instance, int64_t now_s,
                           size_t *ret_count, int64_t *ret_expires_at_s);

/* Deletes at most `max` that expired at or before `before_s`. */
enum fault downloads_purge(struct database *database, int64_t before_s, size_t max,
                           size_t *ret_count);

/* At most `max` of them; *ret_count: how many. */
enum fault downloads_delete_of_instance(struct database *database, int64_t instance, size_t max,
                                        size_t *ret_count);

#endif
