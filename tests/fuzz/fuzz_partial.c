/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/partial.h"
#include "fuzz/folder.h"
#include "fuzz/fuzz.h"

/* The input is FILE.state of a download that was cut off; FILE.part is empty. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct partial partial, again;
    char path[96], part[112], problem[200] = "";
    folder_write("file.state", bytes, length);
    snprintf(path, sizeof path, "%s/file", folder_path);
    snprintf(part, sizeof part, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    PROPERTY(fd >= 0 && close(fd) == 0);
    PROPERTY(partial_init(&partial, path, problem));
    bool resumed = partial_resume(&partial, problem);
    PROPERTY(resumed || strstr(problem, "file.state is damaged"));
    if (resumed) {
        PROPERTY(partial_save(&partial, problem));
        PROPERTY(partial_init(&again, path, problem) && partial_resume(&again, problem));
        PROPERTY(strcmp(again.download_id, partial.download_id) == 0 &&
                 strcmp(again.cursor, partial.cursor) == 0 &&
                 strcmp(again.domain, partial.domain) == 0 && again.json == partial.json &&
                 again.taken == partial.taken && again.total == partial.total);
        partial_done(&again);
    }
    partial_done(&partial);
    unlink(part);
    return 0;
}
