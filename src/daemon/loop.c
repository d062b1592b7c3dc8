/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/clock.h"

/*
 * The turn is a "post" source of sd-event: pending whenever another source was dispatched. It and
 * the engine's own sources come after all others, so that one turn serves all that is ready. They
 * share one priority, because a readable engine would for ever go before a turn of lower priority.
 *
 *     signals, sources, timers    SD_EVENT_PRIORITY_NORMAL
 *     engine fd, timeout, turn    SD_EVENT_PRIORITY_IDLE
 */
enum { TIMER_ACCURACY_US = 1000, AT_ONCE_US = 1, US_PER_MS = 1000 };

struct loop {
    sd_event *event;
    struct arena arena; /* of the callbacks */
    struct loop_engine engine;
    sd_event_source *engine_timeout;
    bool draining;
    enum fault outcome;
};

/* What a source or a timer calls; interval 0: a source. */
struct loop_callback {
    void (*call)(void *userdata);
    void *userdata;
    uint64_t interval_ms;
};

static enum fault fault_of(int result)
{
    if (result >= 0)
        return FAULT_NONE;
    return result == -ENOMEM ? FAULT_MEMORY : FAULT_SYSTEM;
}

static void loop_leave(struct loop *loop, enum fault outcome)
{
    loop->outcome = outcome;
    sd_event_exit(loop->event, 0);
}

/* sd-event's own "now" is that of the last wake-up: too early by as long as the callbacks took
 * since. */
static uint64_t ms_from_now(uint64_t delay_ms)
{
    return clock_monotonic_us() + delay_ms * US_PER_MS;
}

/* Fires once, at `time_us`. sd-event would only switch off a source that fails: a timer that
 * cannot be armed ends the loop instead. */
static int timer_arm(sd_event_source *timer, uint64_t time_us)
{
    int result = sd_event_source_set_time(timer, time_us);
    if (result >= 0)
        result = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
    if (result < 0)
        sd_event_exit(sd_event_source_get_event(timer), result);
    return result;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    struct loop *loop = userdata;
    (void)source;
    (void)info;
    if (loop->draining)
        loop_leave(loop, FAULT_SHUTTING_DOWN);
    loop_drain(loop);
    return 0;
}

static int on_drain_limit(sd_event_source *source, uint64_t now_us, void *userdata)
{
    (void)source;
    (void)now_us;
    loop_leave(userdata, FAULT_SHUTTING_DOWN);
    return 0;
}

static int loop_add_signals(struct loop *loop)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    int result = -pthread_sigmask(SIG_BLOCK, &mask, NULL);
    if (result == 0)
        result = sd_event_add_signal(loop->event, NULL, SIGTERM, on_signal, loop);
    if (result >= 0)
        result = sd_event_add_signal(loop->event, NULL, SIGINT, on_signal, loop);
    return result;
}

static void free_loop(struct loop **loop)
{
    loop_free(*loop);
}

enum fault loop_new(struct loop **ret, struct why *why)
{
    _cleanup_(free_loop) struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return why_set(why, FAULT_MEMORY, "no memory for the event loop");
    signal(SIGPIPE, SIG_IGN);
    int result = sd_event_new(&loop->event);
    if (result >= 0)
        result = loop_add_signals(loop);
    if (result >= 0)
        result = sd_event_set_watchdog(loop->event, true);
    if (result < 0)
        return why_set(why, fault_of(result), "cannot make the event loop: %s", strerror(-result));
    *ret = TAKE(loop);
    return FAULT_NONE;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    sd_event_source_unref(loop->engine_timeout);
    sd_event_unref(loop->event);
    arena_done(&loop->arena);
    free(loop);
}

static int on_engine_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)fd;
    (void)events;
    (void)userdata;
    return 0; /* the turn that follows does it */
}

static int on_engine_timeout(sd_event_source *source, uint64_t now_us, void *userdata)
{
    (void)source;
    (void)now_us;
    (void)userdata;
    return 0; /* as above */
}

static int on_prepare(sd_event_source *source, void *userdata)
{
    struct loop *loop = userdata;
    (void)source;
    int64_t timeout_us = loop->engine.timeout_us(loop->engine.userdata);
    if (timeout_us >= 0)
        return timer_arm(loop->engine_timeout, clock_monotonic_us() + (uint64_t)timeout_us);
    return sd_event_source_set_enabled(loop->engine_timeout, SD_EVENT_OFF);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    struct loop *loop = userdata;
    (void)source;
    loop->engine.turn(loop->engine.userdata);
    if (loop->draining && loop->engine.drained(loop->engine.userdata))
        sd_event_exit(loop->event, 0);
    return 0;
}

/* `result` is that of making *source. */
static int source_make_last(int result, sd_event_source *const *source)
{
    return result < 0 ? result : sd_event_source_set_priority(*source, SD_EVENT_PRIORITY_IDLE);
}

enum fault loop_set_engine(struct loop *loop, const struct loop_engine *engine)
{
    _cleanup_(sd_event_source_unrefp) sd_event_source *ready = NULL;
    _cleanup_(sd_event_source_unrefp) sd_event_source *turn = NULL;
    loop->engine = *engine;
    int result = sd_event_add_time(loop->event, &loop->engine_timeout, CLOCK_MONOTONIC, 0,
                                   AT_ONCE_US, on_engine_timeout, NULL);
    result = source_make_last(result, &loop->engine_timeout);
    if (result >= 0)
        result = source_make_last(sd_event_add_post(loop->event, &turn, on_turn, loop), &turn);
    if (result >= 0)
        result = source_make_last(
            sd_event_add_io(loop->event, &ready, engine->fd, EPOLLIN, on_engine_ready, loop),
            &ready);
    if (result >= 0)
        result = sd_event_source_set_prepare(ready, on_prepare);
    if (result >= 0)
        result = sd_event_source_set_floating(turn, true);
    if (result >= 0) /* "floating": the event loop owns them from now on */
        result = sd_event_source_set_floating(ready, true);
    return fault_of(result);
}

static int on_source(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    const struct loop_callback *callback = userdata;
    (void)source;
    (void)fd;
    (void)events;
    callback->call(callback->userdata);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *userdata)
{
    const struct loop_callback *callback = userdata;
    (void)now_us;
    callback->call(callback->userdata);
    return timer_arm(source, ms_from_now(callback->interval_ms));
}

static struct loop_callback *callback_new(struct loop *loop, void (*call)(void *), void *userdata)
{
    struct loop_callback *callback = arena_alloc(&loop->arena, sizeof *callback);
    if (callback)
        *callback = (struct loop_callback){.call = call, .userdata = userdata};
    return callback;
}

enum fault loop_add_source(struct loop *loop, int fd, void (*ready)(void *userdata), void *userdata)
{
    struct loop_callback *callback = callback_new(loop, ready, userdata);
    if (!callback)
        return FAULT_MEMORY;
    return fault_of(sd_event_add_io(loop->event, NULL, fd, EPOLLIN, on_source, callback));
}

enum fault loop_add_timer(struct loop *loop, uint32_t interval_ms, void (*fire)(void *userdata),
                          void *userdata)
{
    struct loop_callback *callback = callback_new(loop, fire, userdata);
    if (!callback)
        return FAULT_MEMORY;
    callback->interval_ms = interval_ms;
    return fault_of(sd_event_add_time(loop->event, NULL, CLOCK_MONOTONIC, ms_from_now(interval_ms),
                                      TIMER_ACCURACY_US, on_timer, callback));
}

void loop_ready(void)
{
    sd_notify(0, "READY=1");
}

void loop_status(const char *format, ...)
{
    char status[256], escaped[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(status, sizeof status, format, arguments);
    va_end(arguments);
    /* A newline would begin a variable of its own. */
    log_escape(status, escaped, sizeof escaped);
    sd_notifyf(0, "STATUS=%s", escaped);
}

void loop_drain(struct loop *loop)
{
    if (loop->draining)
        return;
    loop->draining = true;
    sd_notify(0, "STOPPING=1");
    loop->engine.drain(loop->engine.userdata);
    /* Without a timer there is no deadline, and then a drain that never ends would be worse than a
     * hard one. */
    if (sd_event_add_time(loop->event, NULL, CLOCK_MONOTONIC,
                          ms_from_now(loop->engine.drain_limit_ms), TIMER_ACCURACY_US,
                          on_drain_limit, loop) < 0)
        loop_leave(loop, FAULT_SHUTTING_DOWN);
}

enum fault loop_run(struct loop *loop, struct why *why)
{
    int result = sd_event_loop(loop->event);
    if (result < 0)
        return why_set(why, fault_of(result), "the event loop failed: %s", strerror(-result));
    if (loop->outcome)
        return why_set(why, loop->outcome, "requests were left without an answer");
    return FAULT_NONE;
}
