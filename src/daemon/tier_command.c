/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/storage.h"
#include "domain/directory.h"
#include "domain/tier.h"
#include "store/database.h"
#include "store/instances.h"
#include "util/cleanup.h"

enum fault tier_set(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(folder_close) struct folder folder = {.fd = -1, .lock_fd = -1};
    _cleanup_(database_done) struct database *database = NULL;
    const char *id = configuration->operands[0], *name = configuration->operands[1];
    enum tier tier = tier_parse(name);
    uint64_t handle = 0;
    uint8_t old = 0;
    if (!instance_id_parse(id, &handle))
        return why_set(why, FAULT_CONFIGURATION,
                       "\"%.60s\" is not a member's id, which looks like fed-a3f2-89bc-44dd", id);
    if (tier == TIER_COUNT)
        return why_set(why, FAULT_CONFIGURATION, "the tiers are unlimited and free, not \"%.60s\"",
                       name);
    if (crypto_init())
        return why_set(why, FAULT_CRYPTO, "the system gives no random numbers");
    /* The daemon keeps tiers in memory. */
    enum fault fault = storage_take(configuration->storage_path, &folder, &database, why);
    if (fault)
        return fault;
    fault = instance_set_tier(database, handle, (uint8_t)tier, &old);
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "%s is no member of this federation", id);
    if (fault)
        return why_set(why, fault, "cannot change the tier of %s: %s", id,
                       database_error(database));
    fprintf(out, "%s has tier %s now, and had %s\n", id, tier_name(tier),
            tier_name((enum tier)old));
    return FAULT_NONE;
}
