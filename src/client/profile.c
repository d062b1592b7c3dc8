/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/record.h"
#include "util/cleanup.h"

enum { FILE_SIZE_MAX = 4096 };

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

static void descriptor_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

struct text_buffer {
    char text[FILE_SIZE_MAX];
};

static void text_buffer_wipe(struct text_buffer *buffer)
{
    bytes_wipe(buffer, sizeof *buffer);
}

void profile_done(struct profile *profile)
{
    bytes_wipe(profile, sizeof *profile);
}

static enum fault folder_path(char ret[PATH_MAX], struct why *why)
{
    const char *own = getenv("CONTINUUM_FED_DIR");
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int length;
    if (own && *own)
        length = snprintf(ret, PATH_MAX, "%s", own);
    else if (config && *config == '/')
        length = snprintf(ret, PATH_MAX, "%s/continuum-fed", config);
    else if (home && *home)
        length = snprintf(ret, PATH_MAX, "%s/.config/continuum-fed", home);
    else
        return why_set(why, FAULT_CONFIGURATION,
                       "There is no home folder to keep the membership in: set CONTINUUM_FED_DIR.");
    if (length < 0 || length >= PATH_MAX)
        return why_set(why, FAULT_CONFIGURATION,
                       "The path of the configuration folder is too long.");
    return FAULT_NONE;
}

/* Opens the folder; with `create`, makes it and the folders above it first. */
static enum fault folder_open(bool create, int *ret_fd, struct why *why)
{
    char path[PATH_MAX];
    enum fault fault = folder_path(path, why);
    if (fault)
        return fault;
    for (char *slash = path; create && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return why_set(why, FAULT_SYSTEM, "The folder %.120s cannot be made: %s.", path,
                           strerror(errno));
        if (slash)
            *slash = '/';
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return why_set(why, errno == ENOENT ? FAULT_NOT_FOUND : FAULT_SYSTEM,
                       "The folder %.120s cannot be opened: %s.", path, strerror(errno));
    *ret_fd = fd;
    return FAULT_NONE;
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

static enum fault file_read(int fd, const char *file, struct text_buffer *ret, struct why *why)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return why_set(why, FAULT_SYSTEM, "%s cannot be read: %s.", file, strerror(errno));
    if (status.st_mode & 077)
        return why_set(why, FAULT_CONFIGURATION,
                       "Others may read your keys in %s. Run chmod 600 on it, and think about "
                       "joining anew if somebody did.",
                       file);
    ssize_t length = read(fd, ret->text, sizeof ret->text - 1);
    if (length < 0 || length != status.st_size)
        return why_set(why, FAULT_CONFIGURATION, "The profile %s is damaged.", file);
    ret->text[length] = '\0';
    return FAULT_NONE;
}

enum fault profile_load(const char *name, struct profile *ret, struct why *why)
{
    char file[PROFILE_NAME_SIZE + 8];
    _cleanup_(descriptor_close) int folder = -1;
    _cleanup_(descriptor_close) int fd = -1;
    _cleanup_(text_buffer_wipe) struct text_buffer buffer = {0};
    _cleanup_(profile_done) struct profile profile = {0};
    if (!name)
        name = "default";
    enum fault fault = file_name(name, file, why);
    if (!fault)
        fault = folder_open(false, &folder, why);
    if (!fault && (fd = openat(folder, file, O_RDONLY | O_CLOEXEC)) < 0)
        fault = why_set(why, errno == ENOENT ? FAULT_NOT_FOUND : FAULT_SYSTEM,
                        "The profile %s cannot be opened: %s.", file, strerror(errno));
    if (!fault)
        fault = file_read(fd, file, &buffer, why);
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

static size_t profile_format(const struct profile *profile, struct text_buffer *ret)
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

/* Writes under a passing name, then puts it in place: neither a crash nor a full disk loses the old
 * keys. */
static bool file_replace(int folder, const char *file, const char *text, size_t length)
{
    char passing[PROFILE_NAME_SIZE + 32];
    snprintf(passing, sizeof passing, ".%s.%ld", file, (long)getpid());
    _cleanup_(descriptor_close) int fd =
        openat(folder, passing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    if (fchmod(fd, 0600) == 0 && write(fd, text, length) == (ssize_t)length && fsync(fd) == 0 &&
        renameat(folder, passing, folder, file) == 0 && fsync(folder) == 0)
        return true;
    int reason = errno;
    unlinkat(folder, passing, 0);
    errno = reason;
    return false;
}

enum fault profile_save(const struct profile *profile, struct why *why)
{
    char file[PROFILE_NAME_SIZE + 8];
    _cleanup_(descriptor_close) int folder = -1;
    _cleanup_(text_buffer_wipe) struct text_buffer buffer = {0};
    enum fault fault = file_name(profile->name, file, why);
    if (!fault)
        fault = folder_open(true, &folder, why);
    if (fault)
        return fault;
    if (!file_replace(folder, file, buffer.text, profile_format(profile, &buffer)))
        return why_set(why, FAULT_SYSTEM, "Your keys cannot be kept in %s: %s.", file,
                       strerror(errno));
    return FAULT_NONE;
}
