/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_API_H
#define CONTINUUM_API_API_H

#include "domain/coordinator.h"
#include "domain/directory.h"
#include "http/bucket.h"
#include "http/router.h"
#include "http/server.h"

struct helper;

/* What handlers work with; every request's `context`. */
struct api {
    struct coordinator
        *coordinator;      /* NULL: closed, and the server is about to be; or a helper's */
    struct helper *helper; /* of helper_router; else NULL */
    struct workers *workers;
    const struct settings *settings;
    const struct server_limits *limits; /* shown to members */
    struct buckets *joins;              /* by address */
    bool draining;                      /* /readyz says so */
    uint32_t polls;                     /* long polls under way */
    uint32_t streams[STREAM_KINDS];     /* being sent */
};

/* The route tables of a coordinator and of an OPRF helper, each with its check of bearer tokens. */
extern const struct router api_router, helper_router;

#endif
