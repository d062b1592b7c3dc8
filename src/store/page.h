/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_PAGE_H
#define CONTINUUM_STORE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a list: what comes behind `after`, at most `limit` (1 to PAGE_MAX); the list sets
 * `more`, which says whether that was not all. */
enum { PAGE_MAX = 200 };
struct page {
    int64_t after;
    size_t limit;
    bool more;
};

#endif
