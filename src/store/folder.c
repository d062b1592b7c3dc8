/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

/* Writes who holds the lock to `ret`: only for people to read, so that trouble with it is no fault.
 */
static void owner_read(int lock_fd, char *ret, size_t size)
{
    ssize_t length = pread(lock_fd, ret, size - 1, 0);
    ret[length > 0 ? length : 0] = '\0';
    ret[strspn(ret, "0123456789")] = '\0';
    if (*ret == '\0')
        snprintf(ret, size, "unknown");
}

/* A file that has another name too may be anybody's: whoever may write to the folder can link to
 * what they may not write to. */
static bool is_of_one_name(const struct stat *file)
{
    return S_ISREG(file->st_mode) && file->st_nlink == 1;
}

bool folder_adopt(int folder_fd, int fd)
{
    struct stat folder, file;
    if (geteuid() != 0)
        return true;
    if (fstat(folder_fd, &folder) < 0 || fstat(fd, &file) < 0)
        return false;
    if (!is_of_one_name(&file)) {
        errno = EMLINK;
        return false;
    }
    return file.st_uid != 0 || fchown(fd, folder.st_uid, folder.st_gid) == 0;
}

const char *folder_error(void)
{
    return errno == EMLINK ? "it is not a regular file with one name: see who gave it another, and "
                             "remove that one"
                           : strerror(errno);
}

static enum fault lock_open(struct folder *folder, const char *path, struct why *why)
{
    struct stat file;
    folder->lock_fd =
        openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (folder->lock_fd < 0 || fstat(folder->lock_fd, &file) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot open %.100s/lock: %s", path, strerror(errno));
    if (!is_of_one_name(&file))
        return why_set(why, FAULT_SYSTEM,
                       "%.100s/lock is not a regular file with one name: see who made it, and "
                       "remove it",
                       path);
    if (!folder_adopt(folder->fd, folder->lock_fd))
        return why_set(why, FAULT_SYSTEM, "cannot give %.100s/lock to the owner of its folder: %s",
                       path, strerror(errno));
    return FAULT_NONE;
}

static enum fault lock_take(struct folder *folder, const char *path, struct why *why)
{
    char owner[24];
    enum fault fault = lock_open(folder, path, why);
    if (fault)
        return fault;
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return why_set(why, FAULT_SYSTEM, "cannot lock %.100s/lock: %s", path, strerror(errno));
        owner_read(folder->lock_fd, owner, sizeof owner);
        return why_set(why, FAULT_SYSTEM,
                       "the storage folder %.100s is in use by another coordinator, process %s",
                       path, owner);
    }
    if (ftruncate(folder->lock_fd, 0) < 0 || dprintf(folder->lock_fd, "%d\n", getpid()) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot write %.100s/lock: %s", path, strerror(errno));
    return FAULT_NONE;
}

enum fault folder_open(const char *path, struct folder *ret, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    if (mkdir(path, S_IRWXU) < 0 && errno != EEXIST)
        return why_set(why, FAULT_SYSTEM, "cannot create the storage folder %.100s: %s", path,
                       strerror(errno));
    folder.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0)
        return why_set(why, FAULT_SYSTEM, "cannot open the storage folder %.100s: %s", path,
                       strerror(errno));
    enum fault fault = lock_take(&folder, path, why);
    if (fault)
        return fault;
    *ret = folder;
    folder = (struct folder){.fd = -1, .lock_fd = -1};
    return FAULT_NONE;
}

void folder_close(struct folder *folder)
{
    if (folder->lock_fd > 0)
        close(folder->lock_fd);
    if (folder->fd > 0)
        close(folder->fd);
    *folder = (struct folder){.fd = -1, .lock_fd = -1};
}
