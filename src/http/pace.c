/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pace.h"

#include "http/exchange.h"
#include "util/clock.h"

/* The first multiple of `unit` above `time_us`. */
static uint64_t above(uint64_t time_us, uint64_t unit)
{
    return (time_us / unit + 1) * unit;
}

void pace_keep(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;
    uint64_t taken_us = clock_monotonic_us() - exchange->handled_us;
    exchange->leaves_us =
        above(exchange->handled_us + above(taken_us, PACE_STEP_US), PACE_GRAIN_US);
    /* In the order of their times; who is answered last mostly leaves last. */
    struct exchange *before = TAILQ_LAST(&all->paced, exchange_queue);
    while (before && before->leaves_us > exchange->leaves_us)
        before = TAILQ_PREV(before, exchange_queue, queue);
    if (before)
        TAILQ_INSERT_AFTER(&all->paced, before, exchange, queue);
    else
        TAILQ_INSERT_HEAD(&all->paced, exchange, queue);
}

static void pace_release(struct exchanges *all, uint64_t until_us)
{
    struct exchange *first;
    while ((first = TAILQ_FIRST(&all->paced)) && first->leaves_us <= until_us) {
        TAILQ_REMOVE(&all->paced, first, queue);
        exchange_resume(first);
    }
}

void pace_turn(struct exchanges *all)
{
    if (!TAILQ_EMPTY(&all->paced))
        pace_release(all, clock_monotonic_us());
}

void pace_end(struct exchanges *all)
{
    pace_release(all, UINT64_MAX);
}

int64_t pace_timeout_us(const struct exchanges *all)
{
    const struct exchange *first = TAILQ_FIRST(&all->paced);
    if (!first)
        return -1;
    uint64_t now_us = clock_monotonic_us();
    return first->leaves_us > now_us ? (int64_t)(first->leaves_us - now_us) : 0;
}
