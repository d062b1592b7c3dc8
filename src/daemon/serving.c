/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serving.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/bytes.h"
#include "daemon/configuration.h"
#include "daemon/log.h"
#include "util/cleanup.h"

enum { DESCRIPTORS_BESIDE_CONNECTIONS = 64 };

/* ---- What the loop calls ---- */

static int64_t engine_timeout_us(void *userdata)
{
    return server_timeout_us(((struct serving *)userdata)->server);
}

static void engine_turn(void *userdata)
{
    server_turn(((struct serving *)userdata)->server);
}

static void engine_drain(void *userdata)
{
    serving_drain(userdata);
}

static bool engine_drained(void *userdata)
{
    return serving_is_drained(userdata);
}

static void workers_finished(void *userdata)
{
    workers_dispatch(((struct serving *)userdata)->workers);
}

void serving_drain(struct serving *serving)
{
    log_write(LOG_LEVEL_INFO, "stopping: %zu requests are under way",
              server_pending(serving->server));
    serving->api.draining = true;
    server_drain(serving->server);
}

bool serving_is_drained(const struct serving *serving)
{
    return server_is_quiet(serving->server) && workers_pending(serving->workers) == 0;
}

/* ---- Opening, in the order of what needs what ---- */

/* Each connection is a descriptor: asks for as many as the configuration allows connections. */
static void descriptors_raise(uint32_t max_connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)max_connections + DESCRIPTORS_BESIDE_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_write(LOG_LEVEL_WARNING,
                  "only %ju open files are allowed: fewer than max_connections = %u needs",
                  (uintmax_t)limit.rlim_cur, max_connections);
}

bool serving_has(const struct serving *serving, const char *name)
{
    return faccessat(serving->folder.fd, name, F_OK, 0) == 0;
}

enum fault serving_begin(struct serving *serving,
                         enum fault (*choose)(const struct serving *serving,
                                              enum keyring_making *ret, struct why *why),
                         struct why *why)
{
    const struct configuration *configuration = serving->configuration;
    enum keyring_making making = KEYRING_MISSING;
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    descriptors_raise(configuration->server.limits.max_connections);
    enum fault fault = folder_open(configuration->storage_path, &serving->folder, why);
    if (!fault)
        fault = choose(serving, &making, why);
    if (!fault)
        fault = keyring_open(serving->folder.fd, making, &serving->keyring, why);
    return fault ? fault : loop_new(&serving->loop, why);
}

enum fault serving_work(struct serving *serving, struct why *why)
{
    enum fault fault = workers_new(serving->configuration->workers, &serving->workers);
    return fault ? why_set(why, fault, "cannot start the workers' threads") : FAULT_NONE;
}

enum fault serving_listen(struct serving *serving, const struct router *router, struct why *why)
{
    const struct configuration *configuration = serving->configuration;
    enum fault fault =
        listen_open(configuration->listen_address, configuration->port, &serving->socket, why);
    if (fault)
        return fault;
    serving->api.workers = serving->workers;
    serving->api.settings = &configuration->settings;
    serving->api.limits = &configuration->server.limits;
    return server_open(&configuration->server, serving->socket.fd, router, &serving->api,
                       &serving->server, why);
}

struct loop_engine serving_engine(struct serving *serving)
{
    return (struct loop_engine){
        .fd = server_fd(serving->server),
        .timeout_us = engine_timeout_us,
        .turn = engine_turn,
        .drain = engine_drain,
        .drained = engine_drained,
        .userdata = serving,
        .drain_limit_ms = LOOP_DRAIN_LIMIT_MS,
    };
}

enum fault serving_drive(struct serving *serving, const struct loop_engine *engine)
{
    enum fault fault = loop_set_engine(serving->loop, engine);
    return fault ? fault
                 : loop_add_source(serving->loop, workers_fd(serving->workers), workers_finished,
                                   serving);
}

void serving_address(const struct serving *serving, char ret[SERVING_ADDRESS_SIZE])
{
    const char *address = serving->socket.address;
    snprintf(ret, SERVING_ADDRESS_SIZE, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
             serving->socket.port);
}

void serving_rest(struct serving *serving)
{
    workers_free(TAKE(serving->workers));
}

void serving_close(struct serving *serving)
{
    serving_rest(serving);
    server_close(serving->server);
    listen_close(&serving->socket);
    loop_free(serving->loop);
    keyring_free(serving->keyring);
    folder_close(&serving->folder);
}
