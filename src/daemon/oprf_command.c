/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "store/folder.h"
#include "store/keyring.h"
#include "util/cleanup.h"
#include "util/number.h"

/* Takes the place of the helper in its folder, which is made with the first key if it may be. */
static enum fault helper_take(const struct configuration *configuration, enum keyring_making making,
                              struct folder *ret_folder, struct keyring **ret, struct why *why)
{
    const char *path = configuration->storage_path;
    struct why because = {""};
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    if (making == KEYRING_MISSING && access(path, F_OK) != 0)
        return why_set(why, FAULT_SYSTEM, "there is no OPRF helper in %.150s", path);
    enum fault fault = folder_open(path, ret_folder, &because);
    if (fault)
        return why_set(why, fault, "%.170s (this is done while none runs)", because.text);
    if (faccessat(ret_folder->fd, "continuum.db", F_OK, 0) == 0)
        return why_set(why, FAULT_CONFIGURATION,
                       "%.150s is the folder of a coordinator, and role is oprf", path);
    return keyring_open(ret_folder->fd, making, ret, why);
}

static uint32_t epoch_newest(const struct keyring *keyring)
{
    return keyring->oprf_count ? keyring->oprf[keyring->oprf_count - 1].epoch : 0;
}

/* The very first makes the keys, with that of epoch 1: a coordinator that is to be founded with
 * this helper needs it before the helper can be told the coordinator's. */
enum fault oprf_rotate(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(keyring_done) struct keyring *keyring = NULL;
    char path[PATH_MAX], key[B64_LENGTH(32) + 1];
    snprintf(path, sizeof path, "%s/keys", configuration->storage_path);
    bool first = access(path, F_OK) != 0;
    enum fault fault = helper_take(configuration, KEYRING_MADE, &folder, &keyring, why);
    if (fault)
        return fault;
    uint32_t epoch = epoch_newest(keyring) + !first;
    fault = keyring_add(folder.fd, keyring, epoch, why);
    if (fault == FAULT_OVERLOADED)
        return why_set(
            why, fault,
            "%.100s has the keys of %zu epochs, and room for no more: \"epoch destroy\" one that "
            "is over",
            path, keyring->oprf_count);
    if (fault)
        return fault;
    b64_encode(&keyring_oprf(keyring, epoch)->public, 32, key);
    fprintf(out, "epoch %u: oprf_public_key = %s\n", epoch, key);
    return FAULT_NONE;
}

enum fault epoch_destroy(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(keyring_done) struct keyring *keyring = NULL;
    const char *number = configuration->operands[0];
    uint64_t epoch = 0;
    if (!number_parse(number, 1, UINT32_MAX, &epoch))
        return why_set(why, FAULT_CONFIGURATION, "\"%.60s\" is not the number of an epoch", number);
    enum fault fault = helper_take(configuration, KEYRING_MISSING, &folder, &keyring, why);
    if (fault)
        return fault;
    if (!keyring_oprf(keyring, (uint32_t)epoch))
        return why_set(why, FAULT_NOT_FOUND, "there is no key of epoch %s", number);
    if (epoch == epoch_newest(keyring))
        return why_set(
            why, FAULT_CONFIGURATION,
            "the key of epoch %s is the newest: \"epoch rotate\" makes the next one first", number);
    fault = keyring_erase(folder.fd, keyring, (uint32_t)epoch, why);
    if (!fault)
        fprintf(out, "the key of epoch %s is destroyed\n", number);
    return fault;
}
