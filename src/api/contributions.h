/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_CONTRIBUTIONS_H
#define CONTINUUM_API_CONTRIBUTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "api/json.h"
#include "domain/contribution.h"
#include "util/arena.h"

/* What the meaning of a body depends on. */
struct contributions_parameters {
    struct federation_id federation_id;
    unsigned max_json_depth;
    uint8_t k, confidence_step; /* in hundredths */
};

/* The body of POST /v1/contributions. */
struct contributions {
    uint32_t epoch;       /* as the body says; whether it is current is for the caller to check */
    struct offer *offers; /* the arena's; what `refusal` is set of is rejected alone */
    size_t count;
};

/*
 * Parses a body, and checks each record by itself: a pure function, which may run on any thread.
 *
 * FAULT_MALFORMED_JSON: findings->first says why. FAULT_INVALID_REQUEST: `findings` says what; it
 * is the caller's to release. FAULT_MEMORY.
 */
enum fault contributions_parse(const struct view *body,
                               const struct contributions_parameters *parameters,
                               struct arena *arena, struct contributions *ret,
                               struct findings *findings);

#endif
