/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_KEYRING_H
#define CONTINUUM_STORE_KEYRING_H

#include "crypto/oprf.h"
#include "crypto/sign.h"
#include "util/fault.h"

/*
 * The coordinator's secrets. They live in one file of the storage folder, `keys`, mode 0600, and
 * never in the database: whoever has only the database can neither mint tokens, nor forge a
 * signature, nor evaluate the OPRF.
 *
 *     signing = B64 of 32 bytes
 *     token = ...
 *     noise = ...
 *     gate = ...     only where the noise was renewed: what `noise` was before
 *     ledger = ...
 *     oprf 1 = B64 of the scalar of epoch 1     none where an OPRF helper has it
 *     check = B64 of D(-, "cfed/v1/keyring", all lines before this one, 16)
 */
enum { KEYRING_EPOCHS_MAX = 64 };

/* What becomes of a file that is not there. */
enum keyring_making { KEYRING_MISSING, KEYRING_MADE, KEYRING_MADE_WITHOUT_OPRF };

struct keyring {
    struct signing_key signing;
    uint8_t token[32], noise[32], ledger[32];
    uint8_t gate[32]; /* of the coins of release_gate = dp: the first `noise` */
    struct {
        uint32_t epoch;
        struct oprf_key key;
    } oprf[KEYRING_EPOCHS_MAX];
    size_t oprf_count;
};

/*
 * Reads `keys` below the folder `folder_fd`, or, when it does not exist and `making` says so, makes
 * new random keys, with an OPRF key for epoch 1 or without, and writes them (to a new file that is
 * renamed into place, file and folder synced). The keyring lives in locked memory that core dumps
 * leave out; free it with keyring_free. FAULT_CORRUPT: the file is there but damaged, or readable
 * by others; FAULT_NOT_FOUND: not there, and KEYRING_MISSING; FAULT_SYSTEM. `why` names the file
 * and what to do.
 */
enum fault keyring_open(int folder_fd, enum keyring_making making, struct keyring **ret,
                        struct why *why);

/*
 * Makes a random OPRF key for `epoch`, which is above those of all others, unless there is one
 * already, and writes the file anew; on return file and folder are synced.
 * FAULT_OVERLOADED: there are KEYRING_EPOCHS_MAX already. FAULT_SYSTEM, FAULT_MEMORY, FAULT_CRYPTO.
 */
enum fault keyring_add(int folder_fd, struct keyring *keyring, uint32_t epoch, struct why *why);

/*
 * Makes a new key of the noise, and writes the file anew: what is drawn from now on is drawn
 * independently of all that was. The coins of the gate stay. FAULT_SYSTEM, FAULT_MEMORY.
 */
enum fault keyring_renew_noise(int folder_fd, struct keyring *keyring, struct why *why);

/*
 * Writes the file anew, without the OPRF key of `epoch`, to a new file that is renamed into place:
 * no file of the folder has the key any more. Reads the keyring, which keeps it until
 * keyring_forget. Nothing to do is FAULT_NONE. FAULT_SYSTEM, FAULT_MEMORY.
 */
enum fault keyring_erase(int folder_fd, const struct keyring *keyring, uint32_t epoch,
                         struct why *why);

/* Wipes the OPRF key of `epoch` from memory; other keys stay where they are. */
void keyring_forget(struct keyring *keyring, uint32_t epoch);

/* The key of `epoch`, or NULL. */
const struct oprf_key *keyring_oprf(const struct keyring *keyring, uint32_t epoch);

/* Wipes and frees. Takes NULL. */
void keyring_free(struct keyring *keyring);

/* For `_cleanup_(keyring_done) struct keyring *keyring = NULL;`. */
void keyring_done(struct keyring **keyring);

#endif
