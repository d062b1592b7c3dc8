/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_VFS_FAULT_H
#define CONTINUUM_TESTS_LIB_VFS_FAULT_H

#include <stdbool.h>

/* A layer between SQLite and its files, on which writes, syncs and truncations can be made to fail.
 */

/* Puts the layer under every database that is opened from now on. */
void vfs_fault_install(void);

/*
 * The `nth` (from 1) write, sync or truncation from now on fails; with `for_good` every one after
 * it as well, as on a full or dead disk. 0: none does.
 */
void vfs_fault_arm(unsigned nth, bool for_good);

/* Whether it came to that. */
bool vfs_fault_struck(void);

/* Writes, syncs and truncations since the last vfs_fault_arm. */
unsigned vfs_fault_count(void);

#endif
