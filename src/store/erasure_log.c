/* SPDX-License-Identifier: Apache-2.0 */
#include "store/erasure_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "store/folder.h"
#include "store/keyring.h"
#include "util/cleanup.h"

enum { HASH_LENGTH = 32, LINE_LENGTH = B64_LENGTH(HASH_LENGTH) + 1 };

static const char file_name[] = "erased";

struct line {
    char text[LINE_LENGTH];
};

struct erasure_log {
    int fd;
    const struct keyring *keyring;
    struct line *lines; /* as they were at first, sorted */
    size_t count;
};

static void line_make(const struct erasure_log *log, uint64_t handle,
                      const struct public_key *public_key, struct line *ret)
{
    uint8_t digest[HASH_LENGTH];
    char text[B64_LENGTH(HASH_LENGTH) + 1];
    struct hash hash;
    hash_init(&hash, log->keyring->ledger, sizeof log->keyring->ledger, "cfed/v1/erased",
              HASH_LENGTH);
    hash_u32(&hash, (uint32_t)(handle >> 32));
    hash_u32(&hash, (uint32_t)handle);
    hash_bytes(&hash, public_key, sizeof *public_key);
    hash_final(&hash, digest);
    b64_encode(digest, sizeof digest, text);
    memcpy(ret->text, text, LINE_LENGTH - 1);
    ret->text[LINE_LENGTH - 1] = '\n';
}

static int line_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct line));
}

static bool line_is_whole(const struct line *line)
{
    uint8_t digest[HASH_LENGTH];
    return line->text[LINE_LENGTH - 1] == '\n' &&
           b64_decode(line->text, LINE_LENGTH - 1, digest, sizeof digest);
}

/* What was written last may be cut off where a line ends or anywhere else, but nowhere before. */
static enum fault log_read(struct erasure_log *log)
{
    struct stat status;
    if (fstat(log->fd, &status) < 0)
        return FAULT_SYSTEM;
    log->count = (size_t)status.st_size / LINE_LENGTH;
    off_t length = (off_t)(log->count * LINE_LENGTH);
    log->lines = malloc(log->count ? (size_t)length : 1);
    if (!log->lines)
        return FAULT_MEMORY;
    if (pread(log->fd, log->lines, (size_t)length, 0) != length)
        return FAULT_SYSTEM;
    for (size_t i = 0; i < log->count; i++)
        if (!line_is_whole(&log->lines[i]))
            return FAULT_CORRUPT;
    qsort(log->lines, log->count, sizeof *log->lines, line_compare);
    return ftruncate(log->fd, length) < 0 ? FAULT_SYSTEM : FAULT_NONE;
}

static void close_log(struct erasure_log **log)
{
    erasure_log_close(*log);
}

enum fault erasure_log_open(int folder_fd, const struct keyring *keyring, struct erasure_log **ret,
                            struct why *why)
{
    _cleanup_(close_log) struct erasure_log *log = calloc(1, sizeof *log);
    if (!log)
        return FAULT_MEMORY;
    log->keyring = keyring;
    log->fd = openat(folder_fd, file_name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                     S_IRUSR | S_IWUSR);
    if (log->fd < 0 || !folder_adopt(folder_fd, log->fd) || fsync(folder_fd) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot open %s in the storage folder: %s", file_name,
                       folder_error());
    enum fault fault = log_read(log);
    if (fault == FAULT_CORRUPT)
        return why_set(why, fault,
                       "%s in the storage folder, the log of erasures, is damaged: bring it back "
                       "from a copy, or who was erased could come back with an old database",
                       file_name);
    if (fault)
        return why_set(why, fault, "cannot read %s in the storage folder: %s", file_name,
                       strerror(errno));
    *ret = TAKE(log);
    return FAULT_NONE;
}

void erasure_log_close(struct erasure_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->lines);
    free(log);
}

enum fault erasure_log_add(struct erasure_log *log, uint64_t handle,
                           const struct public_key *public_key)
{
    struct line line;
    struct stat before;
    line_make(log, handle, public_key, &line);
    if (fstat(log->fd, &before) < 0)
        return FAULT_STORAGE;
    bool written = write(log->fd, &line, sizeof line) == (ssize_t)sizeof line;
    if (written && fdatasync(log->fd) == 0)
        return FAULT_NONE;
    /* A part of a line would spoil the next; if even this fails, the next start cuts it off. */
    int cut = ftruncate(log->fd, before.st_size);
    (void)cut;
    return FAULT_STORAGE;
}

bool erasure_log_has(const struct erasure_log *log, uint64_t handle,
                     const struct public_key *public_key)
{
    struct line line;
    line_make(log, handle, public_key, &line);
    return bsearch(&line, log->lines, log->count, sizeof line, line_compare) != NULL;
}
