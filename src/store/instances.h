/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_INSTANCES_H
#define CONTINUUM_STORE_INSTANCES_H

#include <stdbool.h>

#include "crypto/bytes.h"
#include "util/credits.h"
#include "util/fault.h"

struct database;

enum { INSTANCE_DOMAINS_MAX = 16, INSTANCE_DOMAINS_LENGTH_MAX = 16 * 65 };

struct instance_row {
    int64_t number;  /* internal; also the number of its account */
    uint64_t handle; /* 48 bits, shown as fed-xxxx-xxxx-xxxx */
    struct public_key public_key;
    uint8_t level, mode, tier;
    char domains[INSTANCE_DOMAINS_LENGTH_MAX + 1]; /* separated by spaces */
    int64_t joined_at_s;
    int64_t next_sequence; /* 1: has never contributed */
    int64_t contributions, released, unproven;
    int64_t carried; /* contributions to come that pay nothing, as epochs before had as many */
};

/* Adds a member and its account. *ret_number is its number. The counts of `row` are not looked at.
 */
enum fault instance_insert(struct database *database, const struct instance_row *row,
                           int64_t *ret_number);

/* The handle of the member with this public key. FAULT_NOT_FOUND. */
enum fault instance_handle_of_key(struct database *database, const struct public_key *public_key,
                                  uint64_t *ret);

/* The public key of the member with this handle. FAULT_NOT_FOUND. */
enum fault instance_key_of_handle(struct database *database, uint64_t handle,
                                  struct public_key *ret);

/* FAULT_NOT_FOUND: no such instance (any more). */
enum fault instance_get(struct database *database, int64_t number, struct instance_row *ret);

/* Stores level, mode and domains of row->number. */
enum fault instance_update(struct database *database, const struct instance_row *row);

/* Moves the member with this handle to a tier. *ret_old is its tier so far. FAULT_NOT_FOUND. */
enum fault instance_set_tier(struct database *database, uint64_t handle, uint8_t tier,
                             uint8_t *ret_old);

/* Moves the counters of an instance by these amounts. */
struct instance_change {
    int64_t next_sequence, contributions, released, unproven, carried;
};
enum fault instance_count(struct database *database, int64_t number,
                          const struct instance_change *change);

/* Calls `each` for all instances; it stops at the first fault that `each` returns. */
enum fault instances_each(struct database *database,
                          enum fault (*each)(void *context, const struct instance_row *row),
                          void *context);

/* One day (UTC, days since 1970) of an instance. */
struct activity {
    int64_t accepted, payable, verified;
    struct credits earned, spent;
    struct credits contributed; /* of earned: for contributions */
};

/* Zeros when nothing happened on that day. */
enum fault activity_get(struct database *database, int64_t number, int64_t day,
                        struct activity *ret);

/* Adds to a day. */
enum fault activity_add(struct database *database, int64_t number, int64_t day,
                        const struct activity *amounts);

/* A contribution that was accepted on `day` is withdrawn: it does not count any more. */
enum fault activity_retract(struct database *database, int64_t number, int64_t day);

/* What the days from `first_day` up to and without `end_day` add up to. */
enum fault activity_sum(struct database *database, int64_t number, int64_t first_day,
                        int64_t end_day, struct activity *ret);

/* Calls `each` for the accepted contributions of every instance and day from `first_day` on. */
enum fault activity_each(struct database *database, int64_t first_day,
                         void (*each)(void *context, int64_t number, int64_t day, int64_t accepted),
                         void *context);

/* Erases the row, the days and the quotas of an instance, whose contributions and account must be
 * gone already.
 */
enum fault instance_delete(struct database *database, int64_t number);

#endif
