/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/storage.h"

#include <stdio.h>
#include <unistd.h>

#include "store/database.h"

enum fault storage_database(const char *storage_path, char ret[PATH_MAX], struct why *why)
{
    int length = snprintf(ret, PATH_MAX, "%s/continuum.db", storage_path);
    return length >= 0 && length < PATH_MAX
               ? FAULT_NONE
               : why_set(why, FAULT_CONFIGURATION, "storage_path is too long");
}

enum fault storage_read(const char *storage_path, struct database **ret, struct why *why)
{
    char path[PATH_MAX];
    enum fault fault = storage_database(storage_path, path, why);
    if (!fault)
        fault = database_open(path, DATABASE_READER, ret, why);
    if (fault == FAULT_STORAGE && access(path, F_OK) == 0 && access(storage_path, W_OK) != 0)
        return why_set(why, fault,
                       "the storage folder %.100s cannot be written, as those must who share the "
                       "daemon's log with it: be its user, or copy the folder",
                       storage_path);
    return fault;
}

enum fault storage_take(const char *storage_path, struct folder *ret_folder, struct database **ret,
                        struct why *why)
{
    char path[PATH_MAX];
    struct why because = {""};
    enum fault fault = storage_database(storage_path, path, why);
    if (fault)
        return fault;
    if (access(path, F_OK) != 0)
        return why_set(why, FAULT_SYSTEM, "there is no federation in %.150s", storage_path);
    fault = folder_open(storage_path, ret_folder, &because);
    if (fault)
        return why_set(why, fault, "%.170s (this is done while none runs)", because.text);
    return database_open(path, DATABASE_WRITER, ret, why);
}
