/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/storage.h"
#include "domain/directory.h"
#include "store/database.h"
#include "store/erasure_log.h"
#include "store/instances.h"
#include "store/keyring.h"
#include "util/cleanup.h"

static void close_log(struct erasure_log **log)
{
    erasure_log_close(*log);
}

enum fault member_erase(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(database_done) struct database *database = NULL;
    _cleanup_(keyring_done) struct keyring *keyring = NULL;
    _cleanup_(close_log) struct erasure_log *log = NULL;
    const char *id = configuration->operands[0];
    uint64_t handle = 0;
    struct public_key public_key;
    if (!instance_id_parse(id, &handle))
        return why_set(why, FAULT_CONFIGURATION,
                       "\"%.60s\" is not a member's id, which looks like fed-a3f2-89bc-44dd", id);
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    enum fault fault = storage_take(configuration->storage_path, &folder, &database, why);
    if (fault)
        return fault;
    fault = instance_key_of_handle(database, handle, &public_key);
    if (fault)
        return why_set(why, fault, "%s is no member of this federation", id);
    fault = keyring_open(folder.fd, KEYRING_MISSING, &keyring, why);
    if (!fault)
        fault = erasure_log_open(folder.fd, keyring, &log, why);
    if (!fault && (fault = erasure_log_add(log, handle, &public_key)))
        why_set(why, fault, "the log of erasures cannot be written");
    if (!fault)
        fprintf(out, "%s is erased when the coordinator starts, before it serves anybody\n", id);
    return fault;
}
