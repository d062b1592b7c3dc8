/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_DIRECTORY_H
#define CONTINUUM_DOMAIN_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bytes.h"
#include "domain/privacy.h"
#include "domain/settings.h"
#include "util/credits.h"
#include "util/fault.h"

/* "fed-a3f2-89bc-44dd" */
enum { INSTANCE_ID_LENGTH = 18, STANDING_DAYS = 7, STANDING_SLOTS = 2 * STANDING_DAYS };

/* Long answers that are sent piece by piece. */
enum stream_kind { STREAM_DOWNLOAD, STREAM_EXPORT, STREAM_KINDS };

/* A member, as far as decisions on the loop need it. */
struct instance {
    int64_t number;
    uint64_t handle; /* 48 bits: the public id */
    struct public_key public_key;
    enum level level;
    enum privacy_mode mode;
    enum tier tier;
    char *domains; /* separated by spaces; the directory's */
    int64_t joined_at_s;
    bool has_contributed; /* ever */
    bool leaving;         /* it is being erased */
    /* What it can probably pay: the balance that its last command saw, and what its queries cost
     * that are under way. Good for no refusal: it may have earned since. */
    struct credits balance, pending;
    bool quota_spent;               /* its last query was refused for that */
    bool routes_full;               /* its last routed query was refused for that */
    uint32_t jobs;                  /* of the workers, under way for it */
    uint32_t polls;                 /* long polls of it, under way */
    uint32_t streams[STREAM_KINDS]; /* being sent to it */
    /* Contributions that it still holds, by day; slot day % STANDING_SLOTS. Twice as many as count,
     * so that a clock that goes back by up to STANDING_DAYS finds those that count then. */
    struct {
        uint32_t day, accepted;
    } week[STANDING_SLOTS];
};

/* All members, in memory, by handle and by public key. Owned by the loop thread. */
struct directory;

enum fault directory_new(struct directory **ret);
void directory_free(struct directory *directory);

/* Adds a copy of `instance` (and of its domains). FAULT_MEMORY. */
enum fault directory_add(struct directory *directory, const struct instance *instance);

/* Forgets a member; pointers to it are dead. */
void directory_remove(struct directory *directory, struct instance *instance);

/* Pointers stay valid until the instance is removed. NULL: there is none. */
struct instance *directory_find(const struct directory *directory, uint64_t handle);
struct instance *directory_find_number(const struct directory *directory, int64_t number);
struct instance *directory_find_key(const struct directory *directory,
                                    const struct public_key *public_key);

/* Any member that is leaving. */
struct instance *directory_find_leaving(const struct directory *directory);

size_t directory_count(const struct directory *directory);

/* FAULT_MEMORY: the old domains stay. */
enum fault instance_set_domains(struct instance *instance, const char *domains);

/* Counts contributions that were accepted on a day (since 1970, UTC); below zero: withdrawn since.
 */
void instance_count_accepted(struct instance *instance, int64_t day, int32_t accepted);

/* Accepted contributions of the STANDING_DAYS days that end with `day`. */
uint32_t instance_weekly(const struct instance *instance, int64_t day);

/*
 * The level that an instance has by its standing: the highest up to the declared one whose weekly
 * minimum is met; a newcomer has the declared one for STANDING_DAYS days. *ret_missing:
 * contributions that it lacks for the declared.
 */
enum level instance_effective_level(const struct instance *instance,
                                    const struct settings *settings, int64_t now_s,
                                    uint32_t *ret_missing);

const char *level_name(enum level level);

/* LEVEL_COUNT: no level has this name. */
enum level level_parse(const char *name);

void instance_id_format(uint64_t handle, char ret[INSTANCE_ID_LENGTH + 1]);
bool instance_id_parse(const char *text, uint64_t *ret_handle);

#endif
