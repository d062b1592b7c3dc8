/* SPDX-License-Identifier: Apache-2.0 */
#include "client/privacy.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/account.h"
#include "client/federation.h"
#include "client/link.h"
#include "client/text.h"
#include "util/cleanup.h"

/* Numbers are drawn once in a period of 30 days, and 365 days touch up to 14 of them: 12 whole ones
 * and a part of one at either end. */
enum { PERIODS_OF_A_YEAR = 14 };

double client_noise_beyond(double epsilon, unsigned distance)
{
    double p = exp(-epsilon);
    return 2 * pow(p, distance + 1.0) / (1 + p);
}

static bool mode_read(const char *name, json_t *mode, struct continuum_privacy_mode *ret)
{
    json_int_t min_contributors;
    if (json_unpack(mode, "{s:I, s:F, s:F}", "min_contributors", &min_contributors, "epsilon",
                    &ret->epsilon, "confidence_step", &ret->confidence_step) < 0 ||
        min_contributors < 1 || !(ret->epsilon > 0 && ret->epsilon < 1e6) ||
        !(ret->confidence_step > 0 && ret->confidence_step <= 1))
        return false;
    text_copy(ret->name, sizeof ret->name, name);
    ret->min_contributors = (uint64_t)min_contributors;
    ret->epsilon_per_year = PERIODS_OF_A_YEAR * ret->epsilon;
    ret->off_by_more_than_1 = client_noise_beyond(ret->epsilon, 1);
    ret->off_by_more_than_2 = client_noise_beyond(ret->epsilon, 2);
    ret->off_by_more_than_5 = client_noise_beyond(ret->epsilon, 5);
    return true;
}

bool client_privacy_read(json_t *answer, struct continuum_privacy *ret)
{
    const char *gate, *name;
    json_t *modes, *mode, *limits = json_object_get(answer, "limits");
    if (json_unpack(answer, "{s:s, s:o}", "release_gate", &gate, "privacy_modes", &modes) < 0 ||
        !json_is_object(modes))
        return false;
    text_copy(ret->gate, sizeof ret->gate, gate);
    ret->gate_epsilon = json_number_value(json_object_get(limits, "release_epsilon"));
    ret->gate_delta = json_number_value(json_object_get(limits, "release_delta"));
    json_object_foreach (modes, name, mode)
        if (ret->count == sizeof ret->modes / sizeof *ret->modes ||
            !mode_read(name, mode, &ret->modes[ret->count++]))
            return false;
    return ret->count > 0;
}

/* A profile without a membership serves for asking. */
static enum fault asker_make(const struct continuum_settings *settings, const char *address,
                             struct profile *ret, struct why *why)
{
    struct link link = {0};
    char url[ADDRESS_SIZE];
    enum fault fault = FAULT_NONE;
    if (!address) {
        fault = profile_load(settings->profile, ret, why);
        return fault ? fault : address_parse(ret->url, settings->insecure, url, why);
    }
    fault = strchr(address, '#') ? link_parse(address, settings->insecure, &link, why)
                                 : address_parse(address, settings->insecure, link.url, why);
    snprintf(ret->url, sizeof ret->url, "%s", link.url);
    snprintf(ret->coordinator_key, sizeof ret->coordinator_key, "%s", link.coordinator_key);
    bytes_wipe(&link, sizeof link);
    return fault;
}

enum fault client_privacy(const struct continuum_settings *settings, const char *address,
                          struct continuum_privacy *ret, struct why *why)
{
    _cleanup_(profile_done) struct profile profile = {0};
    _cleanup_(client_http_done) struct client_http *http = NULL;
    _cleanup_(json_done) json_t *answer = NULL;
    struct continuum_privacy privacy = {0};
    struct federation federation;
    struct client_request request = {
        .method = "GET", .path = "/v1/federation", .repeat = REPEAT_ALWAYS};
    enum fault fault = asker_make(settings, address, &profile, why);
    if (!fault)
        fault = client_http_open(profile.url, settings->timeout_ms, &http);
    if (!fault)
        fault = client_http_call(http, &request, &answer, why);
    if (!fault)
        fault = client_federation_read(answer, &profile, &federation, why);
    if (fault)
        return fault;
    if (!client_privacy_read(answer, &privacy))
        return answer_not_understood(why);
    text_copy(privacy.federation_name, sizeof privacy.federation_name, federation.name);
    privacy.threshold = federation.epoch.k;
    *ret = privacy;
    return FAULT_NONE;
}
