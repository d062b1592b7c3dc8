/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "crypto/bytes.h"
#include "daemon/configuration.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/storage.h"
#include "domain/release.h"
#include "domain/retention.h"
#include "domain/routing.h"
#include "domain/waiting.h"
#include "store/catalog.h"
#include "store/erasure_log.h"
#include "store/keyring.h"
#include "store/search.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/job.h"

enum {
    STARTING_POLL_MS = 100,
    STORAGE_WATCH_MS = 1000,
    SWEEP_MS = 30000,
    DESCRIPTORS_BESIDE_CONNECTIONS = 64
};

/* All parts of a running daemon. A zeroed one with descriptors of -1 can be closed. */
struct service {
    const struct configuration *configuration;
    struct folder folder;
    struct keyring *keyring;
    struct erasure_log *erasures;
    struct loop *loop;
    struct workers *workers;
    struct coordinator *coordinator;
    struct buckets *joins;
    struct listen_socket socket;
    struct api api;
    struct server *server;
    struct why *why;                   /* of service_run */
    bool announced;                    /* READY was sent */
    size_t failures, release_failures; /* that were logged */
};

static void service_close(struct service *service)
{
    /* Threads first: what they work on may lie in the memory of requests that still wait. */
    workers_free(service->workers);
    coordinator_close(service->coordinator);
    service->api.coordinator = NULL;
    server_close(service->server);
    listen_close(&service->socket);
    buckets_free(service->joins);
    loop_free(service->loop);
    erasure_log_close(service->erasures);
    keyring_free(service->keyring);
    folder_close(&service->folder);
}

/* ---- What the loop calls ---- */

static int engine_timeout_ms(void *userdata)
{
    const struct service *service = userdata;
    int server_ms = server_timeout_ms(service->server);
    int waiting_ms = waiting_timeout_ms(service->coordinator->waiting, clock_monotonic_ms());
    return server_ms < 0 || (waiting_ms >= 0 && waiting_ms < server_ms) ? waiting_ms : server_ms;
}

static void engine_turn(void *userdata)
{
    struct service *service = userdata;
    struct moment now = {clock_monotonic_ms(), clock_now_ms()};
    waiting_turn(service->coordinator->waiting, now);
    server_turn(service->server);
}

static void engine_drain(void *userdata)
{
    struct service *service = userdata;
    log_write(LOG_LEVEL_INFO, "stopping: %zu requests are under way",
              server_pending(service->server));
    service->api.draining = true;
    release_stop(service->coordinator);
    epochs_stop(service->coordinator);
    waiting_drain(service->coordinator->waiting);
    server_drain(service->server);
}

static bool engine_drained(void *userdata)
{
    const struct service *service = userdata;
    return server_is_quiet(service->server) && store_pending(service->coordinator->store) == 0 &&
           workers_pending(service->workers) == 0;
}

static void writer_finished(void *userdata)
{
    store_dispatch(((struct service *)userdata)->coordinator->store);
}

static void workers_finished(void *userdata)
{
    workers_dispatch(((struct service *)userdata)->workers);
}

static void tick(void *userdata)
{
    struct service *service = userdata;
    if (!service->api.draining)
        release_tick(service->coordinator, clock_now_s());
}

static void sweep(void *userdata)
{
    retention_sweep(((struct service *)userdata)->coordinator, clock_now_s());
}

/* Says once for each new trouble with the disk what the members only see as "storage-unavailable".
 */
static void watch_storage(void *userdata)
{
    struct service *service = userdata;
    struct why why;
    size_t failures = store_failures(service->coordinator->store, &why);
    if (failures != service->failures)
        log_write(LOG_LEVEL_ERROR, "the database made trouble %zu times, the last time: %s",
                  failures - service->failures, why.text);
    service->failures = failures;
    failures = service->coordinator->release_failures;
    if (failures != service->release_failures)
        log_write(LOG_LEVEL_ERROR, "%zu batches of groups could not be looked at for release",
                  failures - service->release_failures);
    service->release_failures = failures;
}

/* Tells the service manager how loading goes, and in the end that it is over. */
static void starting(void *userdata)
{
    struct service *service = userdata;
    const struct coordinator *coordinator = service->coordinator;
    const char *address = service->socket.address;
    if (service->announced)
        return;
    if (coordinator->failed) {
        why_set(service->why, FAULT_STORAGE, "cannot read the database: %s",
                coordinator->failure.text);
        loop_drain(service->loop);
        service->announced = true;
    } else if (coordinator->ready) {
        char where[LISTEN_ADDRESS_SIZE + 8];
        snprintf(where, sizeof where, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
                 service->socket.port);
        loop_status("Serving on %s, %zu patterns, %zu of them released", where,
                    catalog_count(coordinator->catalog), search_count(coordinator->search));
        loop_ready();
        log_write(LOG_LEVEL_INFO, "serving on %s", where);
        service->announced = true;
    } else {
        loop_status("Loading, %zu patterns so far", coordinator_loaded(coordinator));
    }
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

static enum fault storage_open(struct service *service, struct why *why)
{
    const struct configuration *configuration = service->configuration;
    enum fault fault = folder_open(configuration->storage_path, &service->folder, why);
    if (fault)
        return fault;
    /* New keys only for a new database: another's would make nothing but nonsense of it. */
    bool fresh = faccessat(service->folder.fd, "continuum.db", F_OK, 0) != 0;
    if (fresh && faccessat(service->folder.fd, "keys", F_OK, 0) == 0)
        return why_set(why, FAULT_CORRUPT,
                       "%s has keys and no continuum.db: bring back the database that belongs to "
                       "them, or move the keys away to found a new federation",
                       configuration->storage_path);
    fault = keyring_open(service->folder.fd, fresh, &service->keyring, why);
    if (!fault)
        fault = erasure_log_open(service->folder.fd, service->keyring, &service->erasures, why);
    if (fault)
        return fault;
    return loop_new(&service->loop, why);
}

static enum fault domain_open(struct service *service, struct why *why)
{
    const struct configuration *configuration = service->configuration;
    const struct settings *settings = &configuration->settings;
    char path[PATH_MAX];
    enum fault fault = storage_database(configuration->storage_path, path, why);
    if (fault)
        return fault;
    fault = workers_new(configuration->workers, &service->workers);
    if (fault)
        return why_set(why, fault, "cannot start the workers' threads");
    struct coordinator_parts parts = {
        .settings = settings,
        .keyring = service->keyring,
        .folder_fd = service->folder.fd,
        .erasures = service->erasures,
        .workers = service->workers,
        .path = path,
        .now_s = clock_now_s(),
    };
    fault = coordinator_open(&parts, &service->coordinator, why);
    if (fault)
        return fault;
    const struct epoch_row *epoch = &service->coordinator->epoch;
    if (epoch->k != settings->min_contributors || epoch->token_bits != settings->token_bits)
        log_write(LOG_LEVEL_WARNING,
                  "epoch %u keeps its k = %u and token_bits = %u: what the configuration says "
                  "counts for the next epoch, which \"epoch rotate\" begins",
                  epoch->number, epoch->k, epoch->token_bits);
    return FAULT_NONE;
}

static enum fault serving_open(struct service *service, struct why *why)
{
    const struct configuration *configuration = service->configuration;
    uint32_t joins = configuration->settings.joins_per_address_per_hour;
    enum fault fault =
        buckets_new(joins, joins, configuration->settings.max_instances, &service->joins);
    if (!fault)
        fault =
            listen_open(configuration->listen_address, configuration->port, &service->socket, why);
    service->api = (struct api){
        .coordinator = service->coordinator,
        .settings = &configuration->settings,
        .limits = &configuration->server.limits,
        .joins = service->joins,
    };
    return fault ? fault
                 : server_open(&configuration->server, service->socket.fd, &api_router,
                               &service->api, &service->server, why);
}

static enum fault loop_fill(struct service *service)
{
    struct loop *loop = service->loop;
    struct loop_engine engine = {
        .fd = server_fd(service->server),
        .timeout_ms = engine_timeout_ms,
        .turn = engine_turn,
        .drain = engine_drain,
        .drained = engine_drained,
        .userdata = service,
        .drain_limit_ms = LOOP_DRAIN_LIMIT_MS,
    };
    uint32_t interval_ms = service->configuration->settings.release_interval_s * 1000;
    enum fault fault = loop_set_engine(loop, &engine);
    if (!fault)
        fault =
            loop_add_source(loop, store_fd(service->coordinator->store), writer_finished, service);
    if (!fault)
        fault = loop_add_source(loop, workers_fd(service->workers), workers_finished, service);
    if (!fault)
        fault = loop_add_timer(loop, interval_ms, tick, service);
    if (!fault)
        fault = loop_add_timer(loop, STARTING_POLL_MS, starting, service);
    if (!fault)
        fault = loop_add_timer(loop, SWEEP_MS, sweep, service);
    if (!fault)
        fault = loop_add_timer(loop, STORAGE_WATCH_MS, watch_storage, service);
    return fault;
}

enum fault service_run(const struct configuration *configuration, struct why *why)
{
    _cleanup_(service_close) struct service service = {
        .configuration = configuration,
        .folder = {.fd = -1, .lock_fd = -1},
        .socket = {.fd = -1},
        .why = why,
    };
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    descriptors_raise(configuration->server.limits.max_connections);
    enum fault fault = storage_open(&service, why);
    if (!fault)
        fault = domain_open(&service, why);
    if (!fault)
        fault = serving_open(&service, why);
    if (!fault)
        fault = loop_fill(&service);
    if (!fault)
        fault = coordinator_load(service.coordinator, clock_now_s(), why);
    if (!fault)
        fault = loop_run(service.loop, why);
    if (!fault && service.coordinator->failed)
        fault = FAULT_STORAGE;
    return fault;
}
