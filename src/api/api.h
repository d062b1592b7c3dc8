/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_API_H
#define CONTINUUM_API_API_H

#include "domain/coordinator.h"
#include "domain/directory.h"
#include "http/bucket.h"
#include "http/router.h"
#include "http/server.h"

/* What handlers work with; every request's `context`. */
struct api {
    struct coordinator *coordinator; /* NULL: closed, and the server is about to be */
    const struct settings *settings;
    const struct server_limits *limits; /* shown to members */
    struct buckets *joins;              /* by address */
    bool draining;                      /* /readyz says so */
    uint32_t polls;                     /* long polls under way */
    uint32_t streams[STREAM_KINDS];     /* being sent */
};

/* The route table and the bearer token's check. */
extern const struct router api_router;

#endif
