/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_POLLS_H
#define CONTINUUM_API_POLLS_H

#include "api/handlers.h"
#include "domain/waiting.h"

/*
 * A long poll: looks, and when there is nothing, waits for an event and looks again, until its time
 * is over. Lives in the arena of its request.
 *
 *     poll_new --> look --> poll_wait: true --> (event, or time) --> look ...
 *                      \--> false: answer, after poll_done
 */
struct poll {
    struct waiter waiter; /* first */
    struct request *request;
    uint64_t deadline_ms;
    /* Submits an operation whose `answer` calls poll_wait. FAULT_MEMORY. */
    enum fault (*look)(struct poll *poll);
};

/*
 * A poll of `size` bytes that begins with a struct poll, its ?wait= read and its place among the
 * polls taken. NULL: refused already.
 */
void *poll_new(struct request *request, size_t size, enum fault (*look)(struct poll *poll));

/* Looks; refuses the request where that cannot be. */
void poll_look(struct poll *poll);

/* Whether it waits now: there is time left, and room. `due_s`: look again then; 0: no such time. */
bool poll_wait(struct poll *poll, struct waiting_key key, int64_t due_s);

/* To be called once, before the request is answered. */
void poll_done(struct poll *poll);

#endif
