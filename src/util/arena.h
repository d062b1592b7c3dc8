/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_ARENA_H
#define CONTINUUM_UTIL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Memory that lives as long as one piece of work (a request, a command, a batch) and goes away in
 * one call. A zeroed arena is empty and valid. Not thread-safe; it may be handed from one thread to
 * another.
 */
struct arena {
    struct arena_chunk *chunks;
};

/* `size` zeroed bytes, aligned for any type, or NULL when memory is out. They live until
 * arena_done. */
void *arena_alloc(struct arena *arena, size_t size);

/* `count` zeroed elements of `size` bytes; NULL when memory is out or the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of `length` bytes, with a NUL behind them; NULL when memory is out. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length);

/* Frees everything that came from the arena and leaves it empty. */
void arena_done(struct arena *arena);

#endif
