/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_BUCKET_H
#define CONTINUUM_HTTP_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "util/fault.h"

/*
 * Token buckets by client address (IPv6: by /64), for what a stranger may do only so often. Bounded
 * in memory: when the table is full the fullest, that is the least used, bucket is forgotten.
 */
struct buckets;

/* Each address may take `burst` at once (1 to 1,000,000) and then `per_hour` (1 to 60,000,000); at
 * most `addresses_max` addresses, 48 bytes each. */
enum fault buckets_new(uint32_t burst, uint32_t per_hour, uint32_t addresses_max,
                       struct buckets **ret);
void buckets_free(struct buckets *buckets);

/* Takes one. FAULT_TOO_MANY_REQUESTS: none left; *ret_retry_after_s says when there will be one.
 * `now_ms` is monotonic. */
enum fault buckets_take(struct buckets *buckets, const uint8_t address[16], uint64_t now_ms,
                        uint32_t *ret_retry_after_s);

#endif
