/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "store/database_connection.h"
#include "util/cleanup.h"

/* A copy is written under a name of its own, which it loses when it is whole. */
struct copy {
    const char *path;
    char partial[PATH_MAX];
    bool exists; /* the partial file */
};

static void copy_done(struct copy *copy)
{
    if (copy->exists)
        unlink(copy->partial);
}

static void close_connection(sqlite3 **connection)
{
    sqlite3_close(*connection);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum fault copy_fault(const struct copy *copy, struct why *why)
{
    return why_set(why, FAULT_SYSTEM, "cannot write %.100s: %s", copy->path, strerror(errno));
}

static enum fault copy_create(struct copy *copy, struct why *why)
{
    int length = snprintf(copy->partial, sizeof copy->partial, "%s.partial", copy->path);
    if (length < 0 || (size_t)length >= sizeof copy->partial)
        return why_set(why, FAULT_SYSTEM, "the name of the file is too long");
    if (access(copy->path, F_OK) == 0) {
        errno = EEXIST;
        return copy_fault(copy, why);
    }
    _cleanup_(close_fd) int fd =
        open(copy->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    copy->exists = fd >= 0;
    return fd >= 0 ? FAULT_NONE
                   : why_set(why, FAULT_SYSTEM, "cannot write %.100s: %s", copy->partial,
                             strerror(errno));
}

/* All pages in one step: one snapshot, however much is written meanwhile. */
static enum fault copy_fill(const struct copy *copy, sqlite3 *from, struct why *why)
{
    _cleanup_(close_connection) sqlite3 *to = NULL;
    int result = sqlite3_open_v2(copy->partial, &to, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_backup *backup =
        result == SQLITE_OK ? sqlite3_backup_init(to, "main", from, "main") : NULL;
    if (backup) {
        int step = sqlite3_backup_step(backup, -1);
        result = sqlite3_backup_finish(backup);
        if (result == SQLITE_OK && step != SQLITE_DONE)
            result = step;
    }
    if (result == SQLITE_OK && backup)
        result = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (result == SQLITE_OK && backup)
        return FAULT_NONE;
    return why_set(why, FAULT_STORAGE, "cannot copy the database to %.100s: %s", copy->path,
                   to ? sqlite3_errmsg(to) : sqlite3_errstr(result));
}

/* The folder of `path` is synced too, so that the name stays. */
static bool folder_sync(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 1;
    if (length >= sizeof folder)
        return false;
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    _cleanup_(close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static enum fault copy_publish(struct copy *copy, struct why *why)
{
    _cleanup_(close_fd) int fd = open(copy->partial, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0 ||
        renameat2(AT_FDCWD, copy->partial, AT_FDCWD, copy->path, RENAME_NOREPLACE) < 0)
        return copy_fault(copy, why);
    copy->exists = false;
    return folder_sync(copy->path) ? FAULT_NONE : copy_fault(copy, why);
}

enum fault database_copy(struct database *database, const char *path, struct why *why)
{
    _cleanup_(copy_done) struct copy copy = {.path = path};
    enum fault fault = copy_create(&copy, why);
    if (!fault)
        fault = copy_fill(&copy, database_connection(database), why);
    return fault ? fault : copy_publish(&copy, why);
}
