/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_ALLOC_FAULT_H
#define CONTINUUM_TESTS_LIB_ALLOC_FAULT_H

#include <stdbool.h>

/*
 * Memory that runs out. Our own allocations pass through here by the test's link line,
 *
 *     -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
 *
 * and SQLite's by its configuration. Only the calling thread's are counted.
 */

/* Before SQLite is first used. */
void alloc_fault_install(void);

/* The `nth` allocation (from 1) from now on fails; with `for_good` every one after it as well. 0:
 * none does. */
void alloc_fault_arm(unsigned nth, bool for_good);
bool alloc_fault_struck(void);

/* Allocations since the last alloc_fault_arm. */
unsigned alloc_fault_count(void);

#endif
