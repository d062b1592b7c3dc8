/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_ROWS_H
#define CONTINUUM_TESTS_LIB_ROWS_H

#include "store/database.h"
#include "store/ledger.h"

/* A fresh database in memory, today's schema. */
struct database *rows_open(void);

/* The first column of the only row of a query, which is a string literal. */
int64_t rows_number(struct database *database, const char *sql_literal);

/* A member with an account; returns its number. */
int64_t rows_member(struct database *database, unsigned member);

/* Moves `milli` under an id made of `id`. */
enum fault rows_transfer(struct database *database, const struct transfer *transfer, uint8_t id,
                         bool *ret_made);

/* Asserts what must hold of any database: books, counters, foreign keys, integrity. */
void rows_assert_sound(struct database *database);

#endif
