/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_DOWNLOAD_H
#define CONTINUUM_CLIENT_DOWNLOAD_H

#include "client/session.h"

/* Sets and their downloads. Faults: the coordinator's problem, or FAULT_CORRUPT. */

/* *ret is the caller's (continuum_sets_free). */
enum fault client_sets(struct continuum_client *client, struct continuum_sets **ret,
                       struct why *why);

/* `since` may be NULL. FAULT_INVALID_REQUEST: not a domain, or the cursor is not of this set. */
enum fault client_purchase(struct continuum_client *client, const char *domain, const char *since,
                           struct continuum_purchase *ret, struct why *why);

/* See continuum_download_read. FAULT_NOT_FOUND: it has expired. FAULT_SYSTEM: the connection broke
 * again and again, and nothing came. */
enum fault client_download(struct continuum_client *client, struct continuum_download *download,
                           struct why *why);

#endif
