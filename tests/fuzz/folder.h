/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_FUZZ_FOLDER_H
#define CONTINUUM_TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

/* A folder of this process's own, in memory where there is such a place; gone at its end. */
static char folder_path[64], folder_file[32];

static inline void folder_remove(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder_path, folder_file);
    unlink(path);
    rmdir(folder_path);
}

/* Writes `bytes` to the folder's one file, `name`, mode 0600. */
static inline void folder_write(const char *name, const void *bytes, size_t length)
{
    if (!folder_path[0]) {
        snprintf(folder_path, sizeof folder_path, "%s/continuum-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        snprintf(folder_file, sizeof folder_file, "%s", name);
        PROPERTY(mkdtemp(folder_path) != NULL);
        atexit(folder_remove);
    }
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    PROPERTY(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

#endif
