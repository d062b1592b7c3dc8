/* SPDX-License-Identifier: Apache-2.0 */
#include "client/home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/bytes.h"
#include "util/cleanup.h"

void home_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

void home_text_wipe(struct home_text *text)
{
    bytes_wipe(text, sizeof *text);
}

static enum fault home_path(char ret[PATH_MAX], struct why *why)
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

enum fault home_open(bool create, int *ret_fd, struct why *why)
{
    char path[PATH_MAX];
    enum fault fault = home_path(path, why);
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

static enum fault file_read(int fd, const char *file, struct home_text *ret, struct why *why)
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
        return why_set(why, FAULT_CONFIGURATION, "%s is damaged.", file);
    ret->text[length] = '\0';
    return FAULT_NONE;
}

enum fault home_read(int folder, const char *file, struct home_text *ret, struct why *why)
{
    _cleanup_(home_close) int fd = openat(folder, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return why_set(why, errno == ENOENT ? FAULT_NOT_FOUND : FAULT_SYSTEM,
                       "%s cannot be opened: %s.", file, strerror(errno));
    return file_read(fd, file, ret, why);
}

bool home_replace(int folder, const char *file, const char *text, size_t length)
{
    char passing[NAME_MAX + 1];
    snprintf(passing, sizeof passing, ".%s.%ld", file, (long)getpid());
    _cleanup_(home_close) int fd =
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
