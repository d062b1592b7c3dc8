/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_DEPARTURE_H
#define CONTINUUM_DOMAIN_DEPARTURE_H

#include "domain/coordinator.h"
#include "store/instances.h"
#include "store/patterns.h"

/* A contribution that goes: withdrawn, or expired. What it was paid is another matter. */
struct departure {
    uint32_t pattern;
    int64_t instance, day; /* of its acceptance */
    bool last;             /* the pattern went with it */
};

/*
 * On the writer: its row, and what counted it. If it is of the current epoch and paid nothing
 * because it was carried, one is to come without pay once more. `change` says what else changes
 * for its instance. *ret is for contributions_forget, once this is on disk.
 */
enum fault contribution_depart(const struct coordinator *coordinator, struct database *database,
                               const struct contribution_row *row,
                               const struct instance_change *change, struct departure *ret);

/* Memory follows: a contribution to `pattern` is gone, and with the `last` one the pattern. */
void contribution_forget(struct coordinator *coordinator, uint32_t pattern, bool last);

/* The same for all that departed; they do not count for their instances' levels any more. */
void contributions_forget(struct coordinator *coordinator, const struct departure *departures,
                          size_t count);

#endif
