/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds every file of tests/fuzz/corpus/<name of this program> to the fuzz target it is linked
 * with, and reports one result in TAP. The name of each input comes first, so that a crash names
 * its cause.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

static bool input_replay(const char *path)
{
    _cleanup_(file_close) FILE *file = fopen(path, "rb");
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0)
        return false;

    size_t length = (size_t)status.st_size;
    /* Exactly as large as the input: a sanitizer sees the first byte read beyond it. */
    _cleanup_(free_pointer) uint8_t *bytes = malloc(length);

    if (!bytes || fread(bytes, 1, length, file) != length)
        return false;
    LLVMFuzzerTestOneInput(bytes, length);
    return true;
}

static int input_is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    char folder[512];
    struct dirent **entries = NULL;

    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", program_invocation_short_name);
    puts("1..1");
    int count = scandir(folder, &entries, input_is_visible, alphasort);
    int replayed = 0;

    for (int i = 0; i < count; i++) {
        char path[1024];

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        printf("# %s\n", path);
        fflush(stdout);
        replayed += input_replay(path);
        free(entries[i]);
    }
    free(entries);
    if (count <= 0 || replayed != count) {
        printf("not ok 1 - %s: %d of %d inputs could be read\n", folder, replayed, count);
        return 1;
    }
    printf("ok 1 - %s: %d inputs\n", folder, replayed);
    return 0;
}
