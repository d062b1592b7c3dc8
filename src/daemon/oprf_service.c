/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/oprf_service.h"

#include <stdio.h>
#include <string.h>

#include "daemon/configuration.h"
#include "daemon/log.h"
#include "daemon/serving.h"
#include "domain/helper.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { WATCH_MS = 1000, EPOCHS_TEXT_SIZE = KEYRING_EPOCHS_MAX * 12 };

/* All parts of a running helper. */
struct oprf_service {
    struct serving serving;
    struct helper *helper;
    int64_t exhausted_day; /* that was logged */
    bool is_behind;        /* the clock; that was logged */
};

static void service_close(struct oprf_service *service)
{
    serving_close(&service->serving);
    helper_close(service->helper);
}

/* Says once a day what the coordinator's members only see as "too-many-requests". */
static void watch_budget(struct oprf_service *service)
{
    int64_t day = service->helper->exhausted_day;
    if (day != service->exhausted_day)
        log_write(LOG_LEVEL_WARNING,
                  "the %u elements of oprf_elements_per_day do not suffice today: tokens that the "
                  "coordinator signed were refused",
                  service->helper->elements_per_day);
    service->exhausted_day = day;
}

/* Tokens are judged by the latest time that the clock has shown: to a clock that was set back,
 * those of the coordinator have expired. */
static void watch_clock(struct oprf_service *service)
{
    int64_t behind_s = service->helper->now_s - clock_now_s();
    bool is_behind = behind_s > OPRF_TOKEN_TTL_S;
    if (is_behind && !service->is_behind)
        log_write(
            LOG_LEVEL_WARNING,
            "the clock is %lld s behind the latest that it has shown: until it has caught up, "
            "or this helper is started anew, all tokens count as expired",
            (long long)behind_s);
    service->is_behind = is_behind;
}

static void watch(void *userdata)
{
    watch_budget(userdata);
    watch_clock(userdata);
}

static enum fault keyring_choose(const struct serving *serving, enum keyring_making *ret,
                                 struct why *why)
{
    if (serving_has(serving, "continuum.db"))
        return why_set(why, FAULT_CONFIGURATION,
                       "%.100s is the folder of a coordinator: an OPRF helper needs a storage_path "
                       "of its own",
                       serving->configuration->storage_path);
    *ret = KEYRING_MADE;
    return FAULT_NONE;
}

static enum fault helper_make(struct oprf_service *service, struct why *why)
{
    const struct configuration *configuration = service->serving.configuration;
    const char *text = configuration->coordinator_key;
    struct public_key coordinator;
    if (!b64_decode(text, strlen(text), &coordinator, sizeof coordinator))
        return FAULT_CONFIGURATION;
    enum fault fault = helper_open(service->serving.keyring, &coordinator,
                                   configuration->oprf_elements_per_day, &service->helper);
    service->serving.api.helper = service->helper;
    return fault ? why_set(why, fault, "no memory for the tokens that are spent") : FAULT_NONE;
}

static void keys_announce(const struct oprf_service *service)
{
    const struct keyring *keyring = service->serving.keyring;
    char where[SERVING_ADDRESS_SIZE], epochs[EPOCHS_TEXT_SIZE] = "", key[B64_LENGTH(32) + 1];
    size_t used = 0;
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        b64_encode(&keyring->oprf[i].key.public, 32, key);
        log_write(LOG_LEVEL_INFO, "epoch %u: oprf_public_key = %s", keyring->oprf[i].epoch, key);
        used += (size_t)snprintf(epochs + used, sizeof epochs - used, "%s%u", i ? ", " : "",
                                 keyring->oprf[i].epoch);
    }
    serving_address(&service->serving, where);
    loop_status("Evaluating for epochs %s on %s", epochs, where);
    log_write(LOG_LEVEL_INFO, "serving on %s", where);
}

enum fault oprf_service_run(const struct configuration *configuration, struct why *why)
{
    _cleanup_(service_close) struct oprf_service service = {
        .serving = SERVING_NONE(configuration),
    };
    enum fault fault = serving_begin(&service.serving, keyring_choose, why);
    if (!fault)
        fault = serving_work(&service.serving, why);
    if (!fault)
        fault = helper_make(&service, why);
    if (!fault)
        fault = serving_listen(&service.serving, &helper_router, why);
    if (fault)
        return fault;
    struct loop_engine engine = serving_engine(&service.serving);
    fault = serving_drive(&service.serving, &engine);
    if (!fault)
        fault = loop_add_timer(service.serving.loop, WATCH_MS, watch, &service);
    if (fault)
        return fault;
    keys_announce(&service);
    loop_ready();
    return loop_run(service.serving.loop, why);
}
