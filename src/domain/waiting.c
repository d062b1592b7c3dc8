/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/waiting.h"

#include <stdlib.h>

enum { CHAINS = 8192 /* a power of two */, US_PER_MS = 1000 };

struct waiting {
    LIST_HEAD(, waiter) chains[CHAINS];
    struct waiter **heap; /* the next that is due on top */
    size_t count, capacity;
    struct moment now; /* of the last turn */
    bool drains;
};

/* Numbers come from sequences of our own, so that nobody can make them collide. */
static size_t chain_of(struct waiting_key key)
{
    uint64_t mixed = ((uint64_t)key.number * 2 + key.kind) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed >> 32 & (CHAINS - 1);
}

static bool key_equals(struct waiting_key a, struct waiting_key b)
{
    return a.kind == b.kind && a.number == b.number;
}

enum fault waiting_new(struct waiting **ret)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting)
        return FAULT_MEMORY;
    *ret = waiting;
    return FAULT_NONE;
}

void waiting_free(struct waiting *waiting)
{
    if (!waiting)
        return;
    free(waiting->heap);
    free(waiting);
}

/* ---- The heap ---- */

static void heap_put(struct waiting *waiting, size_t place, struct waiter *waiter)
{
    waiting->heap[place] = waiter;
    waiter->place = place;
}

static void heap_rise(struct waiting *waiting, struct waiter *waiter)
{
    size_t at = waiter->place;
    for (; at && waiting->heap[(at - 1) / 2]->due_ms > waiter->due_ms; at = (at - 1) / 2)
        heap_put(waiting, at, waiting->heap[(at - 1) / 2]);
    heap_put(waiting, at, waiter);
}

static void heap_sink(struct waiting *waiting, struct waiter *waiter)
{
    size_t at = waiter->place;
    for (size_t child; (child = 2 * at + 1) < waiting->count; at = child) {
        struct waiter **heap = waiting->heap;
        if (child + 1 < waiting->count && heap[child + 1]->due_ms < heap[child]->due_ms)
            child++;
        if (heap[child]->due_ms >= waiter->due_ms)
            break;
        heap_put(waiting, at, heap[child]);
    }
    heap_put(waiting, at, waiter);
}

static bool heap_reserve(struct waiting *waiting)
{
    if (waiting->count < waiting->capacity)
        return true;
    size_t capacity = waiting->capacity ? waiting->capacity * 2 : 64;
    struct waiter **heap = realloc(waiting->heap, capacity * sizeof *heap);
    if (!heap)
        return false;
    waiting->heap = heap;
    waiting->capacity = capacity;
    return true;
}

/* ---- Waiting ---- */

/* When the wall's clock will show `due_s`. */
static uint64_t due_of(const struct waiting *waiting, int64_t due_s)
{
    int64_t left_ms = due_s * 1000 - waiting->now.wall_ms;
    return waiting->now.steady_ms + (left_ms > 0 ? (uint64_t)left_ms : 0);
}

bool waiting_add(struct waiting *waiting, struct waiter *waiter, uint64_t deadline_ms,
                 int64_t due_s)
{
    if (waiting->drains || !heap_reserve(waiting))
        return false;
    uint64_t due_ms = due_s ? due_of(waiting, due_s) : deadline_ms;
    waiter->due_ms = due_ms < deadline_ms ? due_ms : deadline_ms;
    heap_put(waiting, waiting->count++, waiter);
    heap_rise(waiting, waiter);
    LIST_INSERT_HEAD(&waiting->chains[chain_of(waiter->key)], waiter, chain);
    return true;
}

void waiting_remove(struct waiting *waiting, struct waiter *waiter)
{
    struct waiter *last = waiting->heap[--waiting->count];
    LIST_REMOVE(waiter, chain);
    if (last == waiter)
        return;
    heap_put(waiting, waiter->place, last);
    heap_sink(waiting, last);
    heap_rise(waiting, last);
}

static void waiter_hasten(struct waiting *waiting, struct waiter *waiter, uint64_t due_ms)
{
    if (due_ms >= waiter->due_ms)
        return;
    waiter->due_ms = due_ms;
    heap_rise(waiting, waiter);
}

static void waiting_hasten_ms(struct waiting *waiting, struct waiting_key key, uint64_t due_ms)
{
    struct waiter *waiter;
    LIST_FOREACH(waiter, &waiting->chains[chain_of(key)], chain)
    {
        if (key_equals(waiter->key, key))
            waiter_hasten(waiting, waiter, due_ms);
    }
}

void waiting_wake(struct waiting *waiting, struct waiting_key key)
{
    waiting_hasten_ms(waiting, key, 0);
}

void waiting_hasten(struct waiting *waiting, struct waiting_key key, int64_t due_s)
{
    waiting_hasten_ms(waiting, key, due_of(waiting, due_s));
}

void waiting_turn(struct waiting *waiting, struct moment now)
{
    waiting->now = now;
    /* Whoever is added again by its `wake` waits for the next turn: never a circle here. */
    for (size_t left = waiting->count; left > 0 && waiting->count > 0; left--) {
        struct waiter *first = waiting->heap[0];
        if (first->due_ms > now.steady_ms)
            break;
        waiting_remove(waiting, first);
        first->wake(first);
    }
}

int64_t waiting_timeout_us(const struct waiting *waiting, uint64_t steady_ms)
{
    if (!waiting->count)
        return -1;
    uint64_t due_ms = waiting->heap[0]->due_ms;
    return due_ms > steady_ms ? (int64_t)(due_ms - steady_ms) * US_PER_MS : 0;
}

void waiting_drain(struct waiting *waiting)
{
    waiting->drains = true;
    for (size_t i = 0; i < waiting->count; i++)
        waiting->heap[i]->due_ms = 0; /* all alike: still a heap */
}

bool waiting_drains(const struct waiting *waiting)
{
    return waiting->drains;
}

size_t waiting_count(const struct waiting *waiting)
{
    return waiting->count;
}
