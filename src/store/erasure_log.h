/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_ERASURE_LOG_H
#define CONTINUUM_STORE_ERASURE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bytes.h"
#include "util/fault.h"

struct keyring;

/*
 * Who was erased, beside the database and not in it: when an older database comes back, what it
 * says of them is erased again before anybody is served. It is also where an erasure begins: what
 * stands here and is still in the database was cut off half way, and goes on at the next start.
 *
 * The file `erased` of the storage folder, mode 0600, holds one line a member, in no order that
 * means anything: B64 of D(ledger key, "cfed/v1/erased", u64 handle || public_key, 32). Without the
 * coordinator's keys nobody can tell whether somebody is in it. Whoever joins again has a new
 * handle, and so is somebody else.
 */
struct erasure_log;

/* Opens or creates the log of the folder `folder_fd`. A last line that is not whole (power failed)
 * is cut off. The keyring must outlive it. FAULT_CORRUPT, FAULT_SYSTEM: `why` names the file. */
enum fault erasure_log_open(int folder_fd, const struct keyring *keyring, struct erasure_log **ret,
                            struct why *why);

/* Takes NULL. */
void erasure_log_close(struct erasure_log *log);

/* Adds a member; on disk when it returns. More than once does no harm. FAULT_STORAGE: it could not
 * be written, and is not there. */
enum fault erasure_log_add(struct erasure_log *log, uint64_t handle,
                           const struct public_key *public_key);

/* Whether a member was in the log when it was opened. */
bool erasure_log_has(const struct erasure_log *log, uint64_t handle,
                     const struct public_key *public_key);

#endif
