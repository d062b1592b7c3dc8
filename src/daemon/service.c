/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service.h"

#include "daemon/configuration.h"
#include "daemon/log.h"
#include "daemon/serving.h"
#include "daemon/storage.h"
#include "domain/release.h"
#include "domain/retention.h"
#include "domain/routing.h"
#include "domain/waiting.h"
#include "store/catalog.h"
#include "store/erasure_log.h"
#include "store/search.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { STARTING_POLL_MS = 100, STORAGE_WATCH_MS = 1000, SWEEP_MS = 30000 };

/* All parts of a running coordinator. */
struct service {
    struct serving serving;
    struct erasure_log *erasures;
    struct coordinator *coordinator;
    struct buckets *joins;
    struct why *why;                   /* of service_run */
    bool announced;                    /* READY was sent */
    size_t failures, release_failures; /* that were logged */
};

static void service_close(struct service *service)
{
    /* Threads first: what they work on may lie in the memory of requests that still wait. */
    serving_rest(&service->serving);
    coordinator_close(service->coordinator);
    service->serving.api.coordinator = NULL;
    erasure_log_close(service->erasures);
    serving_close(&service->serving);
    buckets_free(service->joins);
}

/* ---- What the loop calls ---- */

static int64_t engine_timeout_us(void *userdata)
{
    const struct service *service = userdata;
    return clock_sooner(server_timeout_us(service->serving.server),
                        waiting_timeout_us(service->coordinator->waiting, clock_monotonic_ms()));
}

static void engine_turn(void *userdata)
{
    struct service *service = userdata;
    struct moment now = {clock_monotonic_ms(), clock_now_ms()};
    waiting_turn(service->coordinator->waiting, now);
    server_turn(service->serving.server);
}

static void engine_drain(void *userdata)
{
    struct service *service = userdata;
    release_stop(service->coordinator);
    epochs_stop(service->coordinator);
    waiting_drain(service->coordinator->waiting);
    serving_drain(&service->serving);
}

static bool engine_drained(void *userdata)
{
    const struct service *service = userdata;
    return serving_is_drained(&service->serving) && store_pending(service->coordinator->store) == 0;
}

static void writer_finished(void *userdata)
{
    store_dispatch(((struct service *)userdata)->coordinator->store);
}

static void tick(void *userdata)
{
    struct service *service = userdata;
    if (!service->serving.api.draining)
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
    if (service->announced)
        return;
    if (coordinator->failed) {
        why_set(service->why, FAULT_STORAGE, "cannot read the database: %s",
                coordinator->failure.text);
        loop_drain(service->serving.loop);
        service->announced = true;
    } else if (coordinator->ready) {
        char where[SERVING_ADDRESS_SIZE];
        serving_address(&service->serving, where);
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

/* New keys only for a new database: another's would make nothing but nonsense of it. */
static enum fault keyring_choose(const struct serving *serving, enum keyring_making *ret,
                                 struct why *why)
{
    bool fresh = !serving_has(serving, "continuum.db");
    if (fresh && serving_has(serving, "keys"))
        return why_set(
            why, FAULT_CORRUPT,
            "%.60s has keys and no continuum.db: if an OPRF helper runs there, choose "
            "another storage_path; else bring back the database that belongs to them, or "
            "move the keys away to found a new federation",
            serving->configuration->storage_path);
    bool helped = *serving->configuration->settings.oprf_url;
    if (fresh)
        *ret = helped ? KEYRING_MADE_WITHOUT_OPRF : KEYRING_MADE;
    return FAULT_NONE;
}

static enum fault domain_open(struct service *service, struct why *why)
{
    const struct configuration *configuration = service->serving.configuration;
    const struct settings *settings = &configuration->settings;
    char path[PATH_MAX];
    enum fault fault = storage_database(configuration->storage_path, path, why);
    if (!fault)
        fault = serving_work(&service->serving, why);
    if (fault)
        return fault;
    struct coordinator_parts parts = {
        .settings = settings,
        .keyring = service->serving.keyring,
        .folder_fd = service->serving.folder.fd,
        .erasures = service->erasures,
        .workers = service->serving.workers,
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

static enum fault api_open(struct service *service, struct why *why)
{
    const struct settings *settings = &service->serving.configuration->settings;
    uint32_t joins = settings->joins_per_address_per_hour;
    enum fault fault = buckets_new(joins, joins, settings->max_instances, &service->joins);
    service->serving.api.coordinator = service->coordinator;
    service->serving.api.joins = service->joins;
    return fault ? fault : serving_listen(&service->serving, &api_router, why);
}

static enum fault loop_fill(struct service *service)
{
    struct loop *loop = service->serving.loop;
    struct loop_engine engine = serving_engine(&service->serving);
    engine.timeout_us = engine_timeout_us;
    engine.turn = engine_turn;
    engine.drain = engine_drain;
    engine.drained = engine_drained;
    engine.userdata = service;
    uint32_t interval_ms = service->serving.configuration->settings.release_interval_s * 1000;
    enum fault fault = serving_drive(&service->serving, &engine);
    if (!fault)
        fault =
            loop_add_source(loop, store_fd(service->coordinator->store), writer_finished, service);
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
        .serving = SERVING_NONE(configuration),
        .why = why,
    };
    enum fault fault = serving_begin(&service.serving, keyring_choose, why);
    if (!fault)
        fault = erasure_log_open(service.serving.folder.fd, service.serving.keyring,
                                 &service.erasures, why);
    if (!fault)
        fault = domain_open(&service, why);
    if (!fault)
        fault = api_open(&service, why);
    if (!fault)
        fault = loop_fill(&service);
    if (!fault)
        fault = coordinator_load(service.coordinator, clock_now_s(), why);
    if (!fault)
        fault = loop_run(service.serving.loop, why);
    if (!fault && service.coordinator->failed)
        fault = FAULT_STORAGE;
    return fault;
}
