/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_EPOCHS_H
#define CONTINUUM_STORE_EPOCHS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/federation.h"

/* Rows of epochs, at most: one more must wait until an old one is forgotten. */
enum { EPOCHS_MAX = 64 };

/* All epochs that are not forgotten, ascending: the current one is the last. FAULT_CORRUPT: there
 * are more than EPOCHS_MAX. */
enum fault epochs_list(struct database *database, struct epoch_row ret[EPOCHS_MAX],
                       size_t *ret_count);

/* FAULT_NOT_FOUND. */
enum fault epoch_token_bits(struct database *database, uint32_t number, uint8_t *ret);

/* Forgets an epoch of which there is no pattern left. *ret_forgotten false: there are some. */
enum fault epoch_forget(struct database *database, uint32_t number, bool *ret_forgotten);

/*
 * A new epoch is to begin: what each member holds of the current one, and what it holds no longer
 * but kept the pay for, is added to what it has still to contribute without pay. Its next
 * contribution is the first of the new one.
 */
enum fault epoch_carry(struct database *database);

/* Patterns of `epoch` with an id above `after`, at most `max` of them are looked at. */
struct epoch_scan {
    uint32_t epoch, after;
    size_t max;
};

/*
 * Of them the ids of those that are not released go to `ret`, which has room for scan->max.
 * scan->after becomes the id of the last that was looked at, and *ret_more tells whether there may
 * be further ones.
 */
enum fault epoch_sealed(struct database *database, struct epoch_scan *scan, uint32_t *ret,
                        size_t *ret_count, bool *ret_more);

#endif
