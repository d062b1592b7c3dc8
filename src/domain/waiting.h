/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_WAITING_H
#define CONTINUUM_DOMAIN_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "util/fault.h"

/*
 * Who waits for something to happen: long polls, by what they wait for, and by time. An event finds
 * those that wait for it by a hash, the next that is due is on top of a heap. Owned by the loop
 * thread.
 *
 *     waiting_add --> event, or time --> waiting_turn calls `wake`: look again
 */
struct waiting;

/* An event that one can wait for. */
enum waiting_kind { WAITING_INBOX /* of an instance */, WAITING_ANSWERS /* to a question */ };
struct waiting_key {
    enum waiting_kind kind;
    int64_t number;
};

/* Embed it; it must stay where it is while it waits. */
struct waiter {
    struct waiting_key key;
    void (*wake)(struct waiter *waiter); /* it does not wait any more, and may be added again */
    uint64_t due_ms;                     /* the rest is waiting.c's */
    size_t place;
    LIST_ENTRY(waiter) chain;
};

/* Two clocks at one moment: deadlines go by the steady one, what is stored by the wall's. */
struct moment {
    uint64_t steady_ms;
    int64_t wall_ms;
};

enum fault waiting_new(struct waiting **ret);
void waiting_free(struct waiting *waiting); /* takes NULL; wakes nobody */

/*
 * Waits for `key`, at most until `deadline_ms` (steady), and until `due_s` (wall; 0: no such time).
 * False: memory is out, or nobody may wait any more (waiting_drain).
 */
bool waiting_add(struct waiting *waiting, struct waiter *waiter, uint64_t deadline_ms,
                 int64_t due_s);

/* It does not wait any more. */
void waiting_remove(struct waiting *waiting, struct waiter *waiter);

/* Those that wait for `key` are woken by the next turn, or at `due_s` (wall) at the latest. */
void waiting_wake(struct waiting *waiting, struct waiting_key key);
void waiting_hasten(struct waiting *waiting, struct waiting_key key, int64_t due_s);

/* Wakes all that are due. */
void waiting_turn(struct waiting *waiting, struct moment now);

/* Time until somebody is due, in us; -1: nobody waits. */
int64_t waiting_timeout_us(const struct waiting *waiting, uint64_t steady_ms);

/* Everybody is due, and nobody may wait from now on. */
void waiting_drain(struct waiting *waiting);
bool waiting_drains(const struct waiting *waiting);

size_t waiting_count(const struct waiting *waiting);

#endif
