/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"
#include "fuzz/folder.h"
#include "fuzz/fuzz.h"

/* The input is the file of a membership. */

static bool profile_equal(const struct profile *a, const struct profile *b)
{
    return strcmp(a->url, b->url) == 0 && strcmp(a->coordinator_key, b->coordinator_key) == 0 &&
           strcmp(a->federation_id, b->federation_id) == 0 &&
           strcmp(a->federation_key, b->federation_key) == 0 && strcmp(a->seed, b->seed) == 0 &&
           strcmp(a->instance_id, b->instance_id) == 0 && strcmp(a->token, b->token) == 0 &&
           strcmp(a->token_expires_at, b->token_expires_at) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct profile profile = {0}, again = {0};
    static const struct profile untouched;
    struct why why = {0};
    PROPERTY(crypto_init() == FAULT_NONE);
    folder_write("default.conf", bytes, length);
    setenv("CONTINUUM_FED_DIR", folder_path, 1);
    enum fault fault = profile_load(NULL, &profile, &why);
    if (fault) {
        PROPERTY(fault == FAULT_CONFIGURATION && strstr(why.text, "default.conf is damaged"));
        PROPERTY(memcmp(&profile, &untouched, sizeof profile) == 0);
        return 0;
    }
    PROPERTY(link_key_is_valid(profile.federation_key) && link_key_is_valid(profile.seed) &&
             link_key_is_valid(profile.coordinator_key) && strcmp(profile.name, "default") == 0);
    PROPERTY(profile_save(&profile, &why) == FAULT_NONE);
    PROPERTY(profile_load(NULL, &again, &why) == FAULT_NONE);
    PROPERTY(profile_equal(&again, &profile));
    return 0;
}
