/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_READERS_H
#define CONTINUUM_STORE_READERS_H

#include "util/fault.h"

struct database;

/*
 * Connections for short snapshots, one for each worker that takes one at the same time: opened when
 * first needed, and kept. Their caches are small, for what they read is read once. From any thread.
 */
struct readers;

enum fault readers_new(const char *path, struct readers **ret); /* FAULT_MEMORY, FAULT_SYSTEM */

/* None may be taken. Takes NULL. */
void readers_free(struct readers *readers);

/* A connection of one's own, in a snapshot. Faults as database_open. */
enum fault readers_take(struct readers *readers, struct database **ret);

/* Ends the snapshot and gives the connection back. */
void readers_give(struct readers *readers, struct database *database);

#endif
