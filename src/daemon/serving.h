/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_SERVING_H
#define CONTINUUM_DAEMON_SERVING_H

#include "api/api.h"
#include "daemon/listen.h"
#include "daemon/loop.h"
#include "store/folder.h"
#include "store/keyring.h"
#include "util/fault.h"
#include "util/job.h"

struct configuration;

/*
 * What the program has in either role while it serves: a storage folder with keys, a loop, workers,
 * and an HTTP server on a socket. SERVING_NONE can be closed.
 *
 *     serving_begin     the folder, locked, and the keys; the loop, before any thread starts
 *     serving_work      the workers
 *     serving_listen    the socket and the server, once `api` is filled in
 *     serving_drive     the loop drives them
 *     serving_close     in the opposite order; after what workers and requests work on is closed
 */
struct serving {
    const struct configuration *configuration;
    struct folder folder;
    struct keyring *keyring;
    struct loop *loop;
    struct workers *workers;
    struct listen_socket socket;
    struct api api;
    struct server *server;
};

#define SERVING_NONE(configured)                                                                   \
    {                                                                                              \
        .configuration = (configured), .folder = {.fd = -1, .lock_fd = -1}, .socket = {.fd = -1},  \
    }

/* `choose` looks into the folder and says what becomes of keys that are missing. */
enum fault serving_begin(struct serving *serving,
                         enum fault (*choose)(const struct serving *serving,
                                              enum keyring_making *ret, struct why *why),
                         struct why *why);
enum fault serving_work(struct serving *serving, struct why *why);
enum fault serving_listen(struct serving *serving, const struct router *router, struct why *why);

/* An engine that is the server alone, with `serving` as its userdata: what the loop is to drive, or
 * what a role's own is made of. */
struct loop_engine serving_engine(struct serving *serving);
enum fault serving_drive(struct serving *serving, const struct loop_engine *engine);

/* What the engine's `drain` and `drained` do. */
void serving_drain(struct serving *serving);
bool serving_is_drained(const struct serving *serving);

/* Whether `name` is in the folder. */
bool serving_has(const struct serving *serving, const char *name);

/* "127.0.0.1:8080", "[::1]:8080". */
enum { SERVING_ADDRESS_SIZE = LISTEN_ADDRESS_SIZE + 8 };
void serving_address(const struct serving *serving, char ret[SERVING_ADDRESS_SIZE]);

/* Ends the workers, who may work in the memory of requests that wait. May be called twice. */
void serving_rest(struct serving *serving);

void serving_close(struct serving *serving);

#endif
