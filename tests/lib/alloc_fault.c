/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/alloc_fault.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

static _Thread_local unsigned count, fails_at;
static _Thread_local bool fails_on, struck;
static sqlite3_mem_methods beneath;

void *__real_malloc(size_t size);
void *__real_calloc(size_t elements, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t elements, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool strikes(void)
{
    count++;
    bool now = fails_at && (count == fails_at || (fails_on && count > fails_at));
    struck = struck || now;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t elements, size_t size)
{
    return strikes() ? NULL : __real_calloc(elements, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return strikes() ? NULL : __real_realloc(memory, size);
}

static void *sqlite_malloc(int size)
{
    return strikes() ? NULL : beneath.xMalloc(size);
}

static void *sqlite_realloc(void *memory, int size)
{
    return strikes() ? NULL : beneath.xRealloc(memory, size);
}

void alloc_fault_install(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &beneath) != SQLITE_OK)
        abort();
    sqlite3_mem_methods layer = beneath;
    layer.xMalloc = sqlite_malloc;
    layer.xRealloc = sqlite_realloc;
    /* No pool of small pieces: every allocation is asked for here. */
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &layer) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
        abort();
}

void alloc_fault_arm(unsigned nth, bool for_good)
{
    fails_at = nth;
    fails_on = for_good;
    count = 0;
    struck = false;
}

bool alloc_fault_struck(void)
{
    return struck;
}

unsigned alloc_fault_count(void)
{
    return count;
}
