/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_LOOP_H
#define CONTINUUM_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/fault.h"

/*
 * The event loop: one thread that waits for descriptors, timers and signals, and calls back. One
 * rule shapes it: each time that the loop woke up and called anything, it calls the engine's `turn`
 * once more before it sleeps, so that what a callback answered leaves in that same wake-up.
 *
 *     loop_new           before any thread starts
 *     loop_set_engine    the HTTP server
 *     loop_add_source    the writer's and the workers' eventfds
 *     loop_add_timer     release ticks, housekeeping
 *     loop_ready         when requests are served
 *     loop_run           until a signal, or loop_drain, and the engine is drained
 *     loop_free          after the threads have ended
 */
struct loop;

/* What the loop drives. All functions are called on the loop thread with `userdata`. */
struct loop_engine {
    int fd; /* readable when there is something to do */
    int64_t (*timeout_us)(
        void *userdata); /* asked before each wait: may sleep so long at most; -1: any time */
    void (*turn)(void *userdata);  /* does all there is to do now */
    void (*drain)(void *userdata); /* called once: take no new work */
    bool (*drained)(
        void *userdata); /* asked after each turn once `drain` was called: nothing left to do? */
    void *userdata;
    uint32_t drain_limit_ms; /* how long draining may take; usually LOOP_DRAIN_LIMIT_MS */
};

enum { LOOP_DRAIN_LIMIT_MS = 5000 };

/*
 * An empty loop. Blocks SIGTERM and SIGINT in the calling thread, and so in all threads that it
 * starts later, and ignores SIGPIPE. Under systemd with WatchdogSec= it pings the watchdog as long
 * as it is not stuck in a callback. FAULT_MEMORY, FAULT_SYSTEM.
 */
enum fault loop_new(struct loop **ret, struct why *why);

/* Takes NULL. Closes no descriptor that it was given, and leaves SIGTERM and SIGINT blocked. */
void loop_free(struct loop *loop);

/* To be called once, before loop_run. `engine` is copied. FAULT_SYSTEM: the descriptor cannot be
 * waited for. */
enum fault loop_set_engine(struct loop *loop, const struct loop_engine *engine);

/* Calls `ready` while `fd` is readable; it must read from it. FAULT_MEMORY, FAULT_SYSTEM. */
enum fault loop_add_source(struct loop *loop, int fd, void (*ready)(void *userdata),
                           void *userdata);

/* Calls `fire` every `interval_ms` (at least 1), for the first time one interval from now. A loop
 * that was late does not catch up. FAULT_MEMORY, FAULT_SYSTEM. */
enum fault loop_add_timer(struct loop *loop, uint32_t interval_ms, void (*fire)(void *userdata),
                          void *userdata);

/* Tells the service manager, if there is one (sd_notify(3)), that requests are served, or how it is
 * going: a line for `systemctl status`. */
void loop_ready(void);
void loop_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does what the first SIGTERM or SIGINT does: tells the service manager, calls the engine's
 * `drain`, and ends the loop as soon as it is drained. May be called from callbacks; again: no
 * effect. */
void loop_drain(struct loop *loop);

/*
 * Runs until drained. Needs an engine.
 * FAULT_SHUTTING_DOWN: left with work undone, because of a second signal or of drain_limit_ms;
 * FAULT_SYSTEM.
 */
enum fault loop_run(struct loop *loop, struct why *why);

#endif
