/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_SEARCH_SQL_H
#define CONTINUUM_BENCH_SEARCH_SQL_H

#include "bench/bench.h"

/*
 * The naive search: a table (token, pattern) with an index, filled from what the daemon released
 * (no daemon runs), and one SELECT ... GROUP BY a query, on one thread. Queries a second, of the
 * search alone.
 */
double search_sql_per_second(const struct bench *bench);

#endif
