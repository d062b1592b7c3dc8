/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_STATEMENT_H
#define CONTINUUM_CLIENT_STATEMENT_H

#include "continuum/client.h"

/* See continuum_statement_parse. */
void statement_parse(const char *line, size_t length, struct continuum_statement *ret);

/* Rounds to what a privacy mode permits: 0.01 for "open", 0.1 for the others. */
double confidence_round(double confidence, const char *privacy_mode);

#endif
