/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_PROFILE_H
#define CONTINUUM_CLIENT_PROFILE_H

#include "client/address.h"
#include "client/link.h"
#include "crypto/bytes.h"
#include "util/clock.h"

/*
 * A membership, kept as one file NAME.conf (mode 0600) of `name = value` lines in a folder of the
 * user's (mode 0700): $CONTINUUM_FED_DIR, else $XDG_CONFIG_HOME/continuum-fed, else
 * ~/.config/continuum-fed.
 */
enum { PROFILE_NAME_SIZE = 65, INSTANCE_ID_SIZE = 32, TOKEN_SIZE = 128 };

struct profile { /* all text; "" is absent */
    char name[PROFILE_NAME_SIZE];
    char url[ADDRESS_SIZE];
    char coordinator_key[KEY_TEXT_SIZE];
    char federation_id[B64_LENGTH(16) + 1];
    char federation_key[KEY_TEXT_SIZE]; /* F: secret */
    char seed[KEY_TEXT_SIZE];           /* of the Ed25519 key: secret */
    char instance_id[INSTANCE_ID_SIZE]; /* absent until joining has succeeded */
    char token[TOKEN_SIZE];             /* secret */
    char token_expires_at[CLOCK_TEXT_LENGTH + 1];
};

/*
 * Reads profile `name` (NULL: "default").
 * FAULT_NOT_FOUND: there is none. FAULT_CONFIGURATION: a bad name, a damaged file, or one that
 * others may read. FAULT_SYSTEM: it cannot be read.
 */
enum fault profile_load(const char *name, struct profile *ret, struct why *why);

/* Writes it so that a crash leaves either the old or the new file. FAULT_SYSTEM,
 * FAULT_CONFIGURATION. */
enum fault profile_save(const struct profile *profile, struct why *why);

/* Removes its file, and what else is kept for it: all files NAME.*. FAULT_SYSTEM. */
enum fault profile_remove(const struct profile *profile, struct why *why);

/* Wipes the secrets. */
void profile_done(struct profile *profile);

#endif
