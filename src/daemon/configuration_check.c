/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "crypto/group.h"
#include "crypto/sign.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"

/* "http://host", "https://host:port/path": nothing that a client would have to guess. */
static bool url_is_plain(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    const char *host = NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            host = url + strlen(schemes[i]);
    if (!host || strcspn(host, ":/") == 0)
        return false;
    for (const char *c = host; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("?#@\\\"<>", *c))
            return false;
    return true;
}

static bool text_is_point(const char *text)
{
    struct point point;
    return b64_decode(text, strlen(text), &point, sizeof point) && point_is_valid(&point);
}

static enum fault helper_check(const struct settings *settings, struct why *why)
{
    bool has_url = *settings->oprf_url, has_key = *settings->oprf_public_key;
    if (has_url != has_key)
        return why_set(
            why, FAULT_CONFIGURATION,
            "%s needs %s, too: both are the OPRF helper's, and without a helper both are "
            "empty",
            has_url ? "oprf_url" : "oprf_public_key", has_url ? "oprf_public_key" : "oprf_url");
    if (has_url && !url_is_plain(settings->oprf_url))
        return why_set(why, FAULT_CONFIGURATION,
                       "oprf_url must be an http or https URL without user, query and fragment, "
                       "like https://oprf.example.org, not \"%.100s\"",
                       settings->oprf_url);
    if (has_key && !text_is_point(settings->oprf_public_key))
        return why_set(why, FAULT_CONFIGURATION,
                       "oprf_public_key is no public key of an OPRF helper, whose log and \"epoch "
                       "rotate\" tell it");
    return FAULT_NONE;
}

/* Commands need no coordinator_key: they serve nobody. */
static enum fault role_oprf_check(const struct configuration *configuration, struct why *why)
{
    const char *text = configuration->coordinator_key;
    struct public_key key;
    if (*configuration->settings.oprf_url || *configuration->settings.oprf_public_key)
        return why_set(why, FAULT_CONFIGURATION,
                       "oprf_url and oprf_public_key are the coordinator's, and role is oprf");
    if (!*text && !configuration->command)
        return why_set(why, FAULT_CONFIGURATION,
                       "role oprf needs coordinator_key, the public key of the coordinator whose "
                       "tokens are taken");
    if (*text && (!b64_decode(text, strlen(text), &key, sizeof key) || !public_key_is_valid(&key)))
        return why_set(why, FAULT_CONFIGURATION,
                       "coordinator_key is no public key of a coordinator, which GET "
                       "/v1/federation shows");
    return FAULT_NONE;
}

enum fault configuration_check(const struct configuration *configuration, struct why *why)
{
    bool is_oprf = configuration->role == ROLE_OPRF;
    const struct command_line *command = configuration->command;
    if (configuration->action != ACTION_RUN && configuration->action != ACTION_CHECK_CONFIG)
        return FAULT_NONE;
    if (command && !(command->roles & (is_oprf ? OF_OPRF : OF_COORDINATOR)))
        return why_set(why, FAULT_CONFIGURATION, "%s is a command of role %s, and role is %s",
                       command->name, is_oprf ? "coordinator" : "oprf",
                       is_oprf ? "oprf" : "coordinator");
    if (is_oprf)
        return role_oprf_check(configuration, why);
    if (*configuration->coordinator_key)
        return why_set(why, FAULT_CONFIGURATION,
                       "coordinator_key is an OPRF helper's, and role is coordinator");
    return helper_check(&configuration->settings, why);
}
