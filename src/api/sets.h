/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_SETS_H
#define CONTINUUM_API_SETS_H

#include "crypto/cursor.h"
#include "http/request.h"

/*
 * Cursors of a set: good for every download of its domain that the caller buys, now or later.
 * *ret lives as long as the request. FAULT_MEMORY.
 */
enum fault set_cursor_owner(struct request *request, const char *domain, struct cursor_owner *ret);

#endif
