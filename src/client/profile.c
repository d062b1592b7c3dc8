/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/home.h"
#include "crypto/record.h"
#include "util/cleanup.h"

static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
#define FIELD(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct profile, member), sizeof(((struct profile *)0)->member)           \
    }
    FIELD(coordinator_key),  FIELD(federation_id), FIELD(federation_key),
    FIELD(instance_id),      FIELD(seed),          FIELD(token),
    FIELD(token_expires_at), FIELD(url),
#undef FIELD
};
enum { FIELDS = sizeof fields / sizeof *fields };

void profile_done(struct profile *profile)
{
    bytes_wipe(profile, sizeof *profile);
}

static enum fault file_name(const char *name, char ret[PROFILE_NAME_SIZE + 8], struct why *why)
{
    if (!domain_is_valid(name, strlen(name)))
        return why_set(why, FAULT_CONFIGURATION,
                       "\"%.70s\" is not a profile's name: use a-z, 0-9 and -.", name);
    snprintf(ret, PROFILE_NAME_SIZE + 8, "%s.conf", name);
    return FAULT_NONE;
}

static bool line_read(char *line, struct profile *profile)
{
    char *equals = strstr(line, " = ");
    if (!equals)
        return false;
    *equals = '\0';
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(fields[i].name, line) != 0)
            continue;
        size_t length = strlen(equals + 3);
        if (length >= fields[i].size)
            return false;
        memcpy((char *)profile + fields[i].offset, equals + 3, length + 1);
        return true;
    }
    return false;
}

static bool profile_is_valid(const struct profile *profile)
{
    uint8_t id[16];
    char url[ADDRESS_SIZE];
    return address_parse(profile->url, true, url, NULL) == FAULT_NONE &&
           strcmp(url, profile->url) == 0 && link_key_is_valid(profile->coordinator_key) &&
           link_key_is_valid(profile->federation_key) && link_key_is_valid(profile->seed) &&
           b64_decode(profile->federation_id, strlen(profile->federation_id), id, sizeof id);
}

static bool text_read(char *text, struct profile *profile)
{
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (*line && !line_read(line, profile))
            return false;
    }
    return profile_is_valid(profile);
}

enum fault profile_load(const char *name, struct profile *ret, struct why *why)
{
    char file[PROFILE_NAME_SIZE + 8];
    _cleanup_(home_close) int folder = -1;
    _cleanup_(home_text_wipe) struct home_text buffer = {0};
    _cleanup_(profile_done) struct profile profile = {0};
    if (!name)
        name = "default";
    enum fault fault = file_name(name, file, why);
    if (!fault)
        fault = home_open(false, &folder, why);
    if (!fault)
        fault = home_read(folder, file, &buffer, why);
    if (fault == FAULT_NOT_FOUND)
        return why_set(
            why, fault,
            "You are not a member yet (no profile \"%s\"). Begin with "
            "\"continuum-fed join LINK\", or \"continuum-fed init URL\" to be the first.",
            name);
    if (fault)
        return fault;
    if (!text_read(buffer.text, &profile))
        return why_set(why, FAULT_CONFIGURATION, "The profile %s is damaged.", file);
    snprintf(profile.name, sizeof profile.name, "%s", name);
    *ret = profile;
    return FAULT_NONE;
}

static size_t profile_format(const struct profile *profile, struct home_text *ret)
{
    size_t used = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        const char *value = (const char *)profile + fields[i].offset;
        if (*value)
            used += (size_t)snprintf(ret->text + used, sizeof ret->text - used, "%s = %s\n",
                                     fields[i].name, value);
    }
    return used;
}

enum fault profile_save(const struct profile *profile, struct why *why)
{
    char file[PROFILE_NAME_SIZE + 8];
    _cleanup_(home_close) int folder = -1;
    _cleanup_(home_text_wipe) struct home_text buffer = {0};
    enum fault fault = file_name(profile->name, file, why);
    if (!fault)
        fault = home_open(true, &folder, why);
    if (fault)
        return fault;
    if (!home_replace(folder, file, buffer.text, profile_format(profile, &buffer)))
        return why_set(why, FAULT_SYSTEM, "Your keys cannot be kept in %s: %s.", file,
                       strerror(errno));
    return FAULT_NONE;
}

enum fault profile_remove(const struct profile *profile, struct why *why)
{
    char prefix[PROFILE_NAME_SIZE + 8];
    int length = snprintf(prefix, sizeof prefix, "%s.", profile->name);
    int folder = -1;
    enum fault fault = home_open(false, &folder, why);
    DIR *files = fault ? NULL : fdopendir(folder); /* takes over the descriptor */
    if (!files)
        return fault ? fault : why_set(why, FAULT_MEMORY, "There is no memory.");
    for (struct dirent *file = readdir(files); file && !fault; file = readdir(files))
        if (strncmp(file->d_name, prefix, (size_t)length) == 0 &&
            unlinkat(dirfd(files), file->d_name, 0) < 0)
            fault = why_set(why, FAULT_SYSTEM, "%.80s cannot be removed: %s.", file->d_name,
                            strerror(errno));
    closedir(files);
    return fault;
}
