/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_RELEASE_H
#define CONTINUUM_DOMAIN_RELEASE_H

#include "crypto/record.h"
#include "crypto/selection.h"
#include "domain/coordinator.h"
#include "store/numbers.h"
#include "store/patterns.h"

struct keyring;

/*
 * Release of groups that reached their threshold (docs/PROTOCOL.md, section 5). At a tick, never
 * inline:
 *
 *     catalog's marks -> evaluate (worker, a snapshot) -> settle (writer) -> publish (loop)
 *
 * in batches, until what was marked when the tick began is through. Then the same for released
 * groups whose numbers are of an earlier period: at most REDRAWS_MAX in a tick, in an order that
 * does not depend on who comes and goes. Nothing else redraws a number.
 *
 * A tick that came to its end begins to expire what is due of older epochs (epochs.h): so that
 * after a start nothing is taken for sealed that a tick would have released.
 *
 * With release_gate = dp the first tick of a day (UTC) opens the gate; in all others what is
 * released stays so as long as it has k, what is not waits, and nothing of older epochs expires.
 */
enum {
    RELEASE_BATCH = 128,        /* groups */
    RELEASE_BATCH_LOAD = 65536, /* contributions, from which a batch takes no further group */
    REDRAWS_MAX = 256,
    TICK_FAILURES_MAX = 8,
    NOISE_PERIOD_S = 30 * 86400,
};

/* Begins a tick; does nothing while one is running or before memory is loaded. */
void release_tick(struct coordinator *coordinator, int64_t now_s);

/* Lets the running tick end after the batch that is under way. What it leaves is seen to after the
 * next start. */
void release_stop(struct coordinator *coordinator);

/* Puts a released pattern into the search index. FAULT_MEMORY. */
enum fault release_publish(struct coordinator *coordinator, const struct release_row *release);

/* One group as the evaluation found it, and what follows. */
struct group {
    uint32_t pattern;
    struct record record;
    struct contributor *contributors;
    bool *valid; /* share by share */
    size_t count;
    bool was_released, released; /* before, and from now on */
    bool spoiled;                /* its index does not open under the secret: invalid for good */
    bool skip;                   /* gone, or spoiled and below k: nothing follows */
    bool redraw;                 /* of a released group: a new period has begun */
    bool waits;                  /* the gate would decide otherwise, but is not open */
    bool has_shown;              /* not released now, but earlier in this period ... */
    struct numbers shown;        /* ... and showed this, which it shows again */
    bool changed; /* somebody left between evaluation and settlement: once more, at the next tick */
    struct release_row before;  /* as it was published, when was_released */
    struct release_row release; /* as it is published, when released */
};

/*
 * Decides about a group from its record, contributors and shares: a pure function of its arguments.
 * valid[] must have room for `count`. Fills in valid, released, spoiled, release.
 */
struct group_rules {
    const struct federation_id *federation_id;
    const uint8_t *noise_key, *gate_key;
    uint8_t token_bits; /* of the group's epoch */
    int64_t now_s;
    const struct selection *selection; /* NULL: no gate but k */
    bool gate_is_open;
};

/* The period of 30 days that the noise is of. */
uint32_t noise_period(int64_t now_s);

enum fault group_evaluate(struct group *group, const struct group_rules *rules,
                          struct arena *arena);

/* Whether the contributor at `i` is one of the counted of a group that is released. */
bool group_counts(const struct group *group, size_t i);

/*
 * m: the largest m such that the m-th smallest of the `count` values r is at most m (0: there is
 * none). Sorts `r`.
 */
size_t group_counted(uint8_t *r, size_t count);

#endif
