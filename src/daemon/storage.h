/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_STORAGE_H
#define CONTINUUM_DAEMON_STORAGE_H

#include <limits.h>

#include "store/folder.h"
#include "util/fault.h"

struct database;

/* The path of the database below the folder `storage_path`. FAULT_CONFIGURATION: too long. */
enum fault storage_database(const char *storage_path, char ret[PATH_MAX], struct why *why);

/* Opens the database for reading, whether a coordinator runs or not. The caller closes it. */
enum fault storage_read(const char *storage_path, struct database **ret, struct why *why);

/*
 * Takes the place of the coordinator in a folder that has a federation, for what may change only
 * while none runs: the folder is locked, the database open for writing. The caller closes both.
 * FAULT_SYSTEM with `why`: there is none, or a coordinator runs.
 */
enum fault storage_take(const char *storage_path, struct folder *ret_folder, struct database **ret,
                        struct why *why);

#endif
