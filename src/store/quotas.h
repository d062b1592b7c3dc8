/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_QUOTAS_H
#define CONTINUUM_STORE_QUOTAS_H

#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct database;

/* What a member uses up in a day. The numbers are stored: new ones come last. */
enum quota { QUOTA_CONTRIBUTIONS, QUOTA_QUERIES, QUOTA_OPRF_ELEMENTS, QUOTA_COUNT };

/* What is used up of one quota on a day (UTC, days since 1970); 0 without a row. */
enum fault quota_used(struct database *database, int64_t instance, int64_t day, enum quota quota,
                      int64_t *ret);

enum fault quota_add(struct database *database, int64_t instance, int64_t day, enum quota quota,
                     int64_t amount);

/* Forgets at most `max` rows of days that were over at `before_s` (Unix seconds). */
enum fault quotas_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count);

/* All that is noted of an instance. */
enum fault quotas_delete(struct database *database, int64_t instance);

#endif
