/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_FOLDER_H
#define CONTINUUM_STORE_FOLDER_H

#include <stdbool.h>

#include "util/fault.h"

/*
 * The storage folder (option storage_path), which one daemon at a time owns:
 *
 *     continuum.db (-wal, -shm)   everything but secrets
 *     keys                        secrets (store/keyring.h)
 *     erased                      who was erased (store/erasure_log.h)
 *     lock                        held (flock) as long as the daemon runs; names its process id
 */
struct folder {
    int fd; /* of the folder, for openat */
    int lock_fd;
};

/* Opens `path`, creating it (mode 0700, parents not) when missing, and takes the lock.
 * FAULT_SYSTEM with `why`: cannot be created or opened, not a folder, or in use by another daemon
 * (names its process). */
enum fault folder_open(const char *path, struct folder *ret, struct why *why);

/*
 * A file of the folder that root has written belongs to whom the folder belongs, so that the daemon
 * can use it: one that is another's already is left alone. False: errno; EMLINK when it is not a
 * regular file with one name, for then root need not have made it, and should not touch it.
 */
bool folder_adopt(int folder_fd, int fd);

/* What errno says after that, for people. */
const char *folder_error(void);

/* Gives the lock back. A zeroed or {-1, -1} folder is left alone. */
void folder_close(struct folder *folder);

#endif
