/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_PACE_H
#define CONTINUUM_HTTP_PACE_H

#include <stdint.h>

struct exchange;
struct exchanges;

/*
 * The time that an answer takes must not tell what the work for it met: on paced routes an answer
 * that was waited for leaves a whole number of steps after its request was complete. A step is
 * several times as long as the work usually takes on a quiet machine, so that nearly all take one.
 * Then it waits for the next grain, so that many leave in one turn of the loop.
 */
enum { PACE_STEP_US = 4000, PACE_GRAIN_US = 1000 };

/* The exchange is answered: from now on it stands in `paced`. */
void pace_keep(struct exchange *exchange);

/* Lets go those whose time has come, or all. */
void pace_turn(struct exchanges *all);
void pace_end(struct exchanges *all);

/* Time until the next one leaves, in us; -1: there is none. */
int64_t pace_timeout_us(const struct exchanges *all);

#endif
