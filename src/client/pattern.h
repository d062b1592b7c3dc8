/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_PATTERN_H
#define CONTINUUM_CLIENT_PATTERN_H

#include "client/federation.h"
#include "continuum/client.h"
#include "crypto/record.h"

struct json_t;

/* A record of a contribution as it is sent; NULL when memory is out. */
struct json_t *client_pattern_encode(const struct record *record, const struct scalar *share,
                                     double confidence);

/* No record is longer than this when encoded. */
enum { PATTERN_JSON_MAX = 2800 };

/*
 * Opens a released pattern that the coordinator sent, after all checks of docs/PROTOCOL.md
 * section 6.5. ret->text is the caller's, to be freed.
 *
 * FAULT_CRYPTO or FAULT_CORRUPT with `why`: a check fails; the pattern must not be shown.
 */
enum fault client_pattern_open(struct json_t *pattern, const struct federation_keys *keys,
                               const struct federation *federation, struct continuum_result *ret,
                               struct why *why);

#endif
