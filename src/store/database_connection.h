/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_DATABASE_CONNECTION_H
#define CONTINUUM_STORE_DATABASE_CONNECTION_H

#include <sqlite3.h>

struct database;

/* SQLite's own handle, for the one file beside database.c that needs it. */
sqlite3 *database_connection(const struct database *database);

#endif
