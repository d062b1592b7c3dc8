/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/storage.h"
#include "domain/epochs.h"
#include "store/database.h"
#include "store/federation.h"
#include "store/keyring.h"
#include "util/cleanup.h"

enum fault backup_make(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(database_done) struct database *database = NULL;
    const char *file = configuration->operands[0];
    enum fault fault = storage_read(configuration->storage_path, &database, why);
    if (!fault)
        fault = database_copy(database, file, why);
    if (fault)
        return fault;
    fprintf(out,
            "%s is a copy of the database as it was at this moment.\n"
            "It has no keys: keep copies of %s/keys and, after each backup, of %s/erased too,\n"
            "elsewhere and secret. Who was erased since is erased again when it is restored.\n",
            file, configuration->storage_path, configuration->storage_path);
    return FAULT_NONE;
}

/* Whether a database can be this folder's: whole, of this program, and of its keys. */
static enum fault backup_check(const struct configuration *configuration,
                               const struct keyring *keyring, struct database **ret,
                               struct why *why)
{
    const char *file = configuration->operands[0];
    _cleanup_(database_done) struct database *database = NULL;
    struct epoch_row epoch;
    struct why because = {""};
    enum fault fault = database_open(file, DATABASE_READER, &database, &because);
    if (!fault)
        fault = database_verify(database, &because);
    if (!fault)
        fault = epoch_current(database, &epoch);
    if (fault)
        return why_set(why, fault, "%.80s is no backup of a federation: %.150s", file,
                       because.text[0] ? because.text : fault_title(fault));
    fault = epochs_check_key(&configuration->settings, &epoch, keyring, why);
    if (!fault)
        fault = federation_check_keys(database, keyring, why);
    if (!fault)
        *ret = TAKE(database);
    return fault;
}

static enum fault place_check(const struct configuration *configuration, struct folder *ret_folder,
                              char ret_path[PATH_MAX], struct why *why)
{
    enum fault fault = storage_database(configuration->storage_path, ret_path, why);
    if (!fault)
        fault = folder_open(configuration->storage_path, ret_folder, why);
    /* A log that was left behind would be replayed over what is restored. */
    static const char *const files[] = {"continuum.db", "continuum.db-wal", "continuum.db-shm",
                                        "continuum.db-journal"};
    for (size_t i = 0; i < sizeof files / sizeof *files && !fault; i++)
        if (faccessat(ret_folder->fd, files[i], F_OK, 0) == 0)
            fault = why_set(why, FAULT_SYSTEM,
                            "%s is in %.100s: a restored database takes the place of none, move "
                            "all of continuum.db* away first",
                            files[i], configuration->storage_path);
    return fault;
}

/* Who was erased after the backup was made stands nowhere else. */
static enum fault erasures_check(const struct configuration *configuration, int folder_fd,
                                 bool *ret_has_log, struct why *why)
{
    *ret_has_log = faccessat(folder_fd, "erased", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (*ret_has_log || configuration->waives)
        return FAULT_NONE;
    return why_set(why, FAULT_SYSTEM,
                   "%.80s has no file \"erased\", the log of erasures: bring the newest copy, or "
                   "who was erased since comes back. If it is lost: --without-erased",
                   configuration->storage_path);
}

static enum fault database_adopt(int folder_fd, const char *path, struct why *why)
{
    int fd = openat(folder_fd, "continuum.db", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool adopted = fd >= 0 && folder_adopt(folder_fd, fd);
    if (fd >= 0)
        close(fd);
    return adopted ? FAULT_NONE
                   : why_set(why, FAULT_SYSTEM,
                             "%s is restored, but does not belong to the owner of its folder: %s",
                             path, folder_error());
}

/*
 * The noise first, then the database: whatever a crash leaves, no database of before meets the
 * noise of before. So `keys` is another file also when this fails, and who keeps a copy of it is
 * told.
 */
static enum fault restore_files(int folder_fd, struct keyring *keyring, struct database *backup,
                                const char *path, struct why *why)
{
    struct why because = {""};
    enum fault fault = keyring_renew_noise(folder_fd, keyring, why);
    if (fault)
        return fault;
    fault = database_copy(backup, path, &because);
    if (!fault)
        fault = database_adopt(folder_fd, path, &because);
    return fault ? why_set(why, fault, "%.160s. The key of the noise is a new one: copy keys anew",
                           because.text[0] ? because.text : fault_title(fault))
                 : FAULT_NONE;
}

enum fault backup_restore(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(keyring_done) struct keyring *keyring = NULL;
    _cleanup_(database_done) struct database *backup = NULL;
    char path[PATH_MAX];
    bool has_log = false;
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    enum fault fault = place_check(configuration, &folder, path, why);
    if (!fault)
        fault = keyring_open(folder.fd, KEYRING_MISSING, &keyring, why);
    if (!fault)
        fault = erasures_check(configuration, folder.fd, &has_log, why);
    if (!fault)
        fault = backup_check(configuration, keyring, &backup, why);
    if (!fault)
        fault = restore_files(folder.fd, keyring, backup, path, why);
    if (fault)
        return fault;
    fprintf(out, "%s is restored to %s. The key of the noise is a new one: copy %s/keys anew. %s\n",
            configuration->operands[0], path, configuration->storage_path,
            has_log ? "Who was erased since is erased again when the coordinator starts."
                    : "Without the log of erasures, who was erased after the backup was made is a "
                      "member again, with all that the backup holds of them, and nothing tells who "
                      "that is: \"erase INSTANCE_ID\", before the coordinator starts, erases whom "
                      "you know of.");
    return FAULT_NONE;
}
