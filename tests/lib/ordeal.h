/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_ORDEAL_H
#define CONTINUUM_TESTS_LIB_ORDEAL_H

#include "lib/world.h"

/*
 * One short history that touches everything: members contribute, one of them badly, a tick
 * releases, one asks and looks up, one withdraws, another is erased, a tick un-releases. Any of it
 * may fail; what may not is told below.
 */

/* A world with its members in it and its patterns made. */
void ordeal_prepare(struct world *world, bool durable);

/* Runs the history and takes whatever answers come: each must be success or a fault of the machine.
 */
void ordeal_run(struct world *world);

/* Nothing waits for an answer, rows are sound, and memory is as the rows say. */
void ordeal_assert_sound(struct world *world);

/* Now that nothing fails any more: brings the history to its end, and asserts that it is the one
 * that is expected. */
void ordeal_finish(struct world *world);

#endif
