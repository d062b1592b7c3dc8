/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/storage.h"
#include "domain/epochs.h"
#include "store/database.h"
#include "store/epochs.h"
#include "store/keyring.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* What the new one is to be. */
static enum fault epoch_prepare(struct database *database, const struct settings *settings,
                                struct epoch_row *ret_old, struct epoch_row *ret_new,
                                struct why *why)
{
    struct epoch_row rows[EPOCHS_MAX];
    size_t count = 0;
    enum fault fault = epochs_list(database, rows, &count);
    if (!fault && count == 0)
        fault = FAULT_NOT_FOUND;
    if (fault)
        return why_set(why, fault, "there is no epoch yet: start the coordinator first");
    if (count == EPOCHS_MAX)
        return why_set(why, FAULT_OVERLOADED,
                       "there are patterns of %zu epochs, and no more are kept: wait until what is "
                       "sealed in the oldest has expired",
                       count);
    *ret_old = rows[count - 1];
    *ret_new = (struct epoch_row){
        .number = ret_old->number + 1,
        .k = (uint8_t)settings->min_contributors,
        .token_bits = (uint8_t)settings->token_bits,
        .started_at_s = clock_now_s(),
    };
    if (ret_new->started_at_s < ret_old->started_at_s)
        return why_set(why, FAULT_CONFIGURATION,
                       "the clock says that epoch %u has not begun yet; set it right first",
                       ret_old->number);
    return FAULT_NONE;
}

static enum fault epoch_begin(struct database *database, const struct epoch_row *epoch)
{
    enum fault fault = database_begin(database);
    if (!fault)
        fault = epoch_carry(database);
    if (!fault)
        fault = epoch_insert(database, epoch);
    return fault ? fault : database_commit(database);
}

/*
 * The helper's key, which no epoch that is still listed began with; or one that is made. On the way
 * to a helper or back from one the old epoch's key is not where the new one's is.
 */
static enum fault epoch_key(const struct configuration *configuration, int folder_fd,
                            struct keyring *keyring, struct epoch_row *epoch, struct why *why)
{
    const struct settings *settings = &configuration->settings;
    enum fault fault = *settings->oprf_url ? keyring_erase(folder_fd, keyring, epoch->number, why)
                                           : keyring_add(folder_fd, keyring, epoch->number, why);
    return fault ? fault
                 : epochs_public_key(settings, keyring, epoch->number, &epoch->oprf_public_key);
}

static enum fault epoch_key_check(struct database *database, const struct epoch_row *epoch,
                                  struct why *why)
{
    struct epoch_row rows[EPOCHS_MAX];
    size_t count = 0;
    enum fault fault = epochs_list(database, rows, &count);
    for (size_t i = 0; i < count && !fault; i++)
        if (bytes_equal(&rows[i].oprf_public_key, &epoch->oprf_public_key, 32))
            fault = why_set(why, FAULT_CONFIGURATION,
                            "oprf_public_key is that of epoch %u already: have the helper make the "
                            "key of epoch %u (\"epoch rotate\" there), and configure that one",
                            rows[i].number, epoch->number);
    return fault;
}

/* The key is on disk before the row that names it: what a crash leaves between the two is a key
 * that nobody uses, and that the next try takes. */
enum fault epoch_rotate(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(database_done) struct database *database = NULL;
    _cleanup_(keyring_done) struct keyring *keyring = NULL;
    struct epoch_row old, new;
    if (configuration->role == ROLE_OPRF)
        return oprf_rotate(configuration, out, why);
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    enum fault fault = storage_take(configuration->storage_path, &folder, &database, why);
    if (!fault)
        fault = epoch_prepare(database, &configuration->settings, &old, &new, why);
    if (!fault)
        fault = keyring_open(folder.fd, KEYRING_MISSING, &keyring, why);
    if (!fault && keyring_oprf(keyring, old.number))
        fault = epoch_check_key(&old, keyring, why);
    if (!fault)
        fault = epoch_key(configuration, folder.fd, keyring, &new, why);
    if (!fault)
        fault = epoch_key_check(database, &new, why);
    if (fault)
        return fault;
    fault = epoch_begin(database, &new);
    if (fault)
        return why_set(why, fault, "the new epoch cannot be stored: %s", database_error(database));
    fprintf(out,
            "epoch %u has begun: k = %u, token_bits = %u. What is sealed of epoch %u expires %u "
            "days from now, with its OPRF key; what is released stays\n",
            new.number, new.k, new.token_bits, old.number,
            configuration->settings.epoch_grace_days);
    if (*configuration->settings.oprf_url)
        fprintf(out, "Its OPRF key is that of %s, where it must be the key of epoch %u\n",
                configuration->settings.oprf_url, new.number);
    return FAULT_NONE;
}
