/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/directory.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { DAY_S = 86400 };

struct directory {
    void *by_handle, *by_number, *by_key; /* trees of struct instance (tsearch) */
    size_t count;
};

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_handles(const void *a, const void *b)
{
    return compare(((const struct instance *)a)->handle, ((const struct instance *)b)->handle);
}

static int compare_numbers(const void *a, const void *b)
{
    return compare((uint64_t)((const struct instance *)a)->number,
                   (uint64_t)((const struct instance *)b)->number);
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(&((const struct instance *)a)->public_key,
                  &((const struct instance *)b)->public_key, sizeof(struct public_key));
}

enum fault directory_new(struct directory **ret)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return FAULT_MEMORY;
    *ret = directory;
    return FAULT_NONE;
}

static void instance_free(void *memory)
{
    struct instance *instance = memory;
    free(instance->domains);
    free(instance);
}

static void keep(void *memory)
{
    (void)memory; /* freed with the first tree */
}

void directory_free(struct directory *directory)
{
    if (!directory)
        return;
    tdestroy(directory->by_number, keep);
    tdestroy(directory->by_key, keep);
    tdestroy(directory->by_handle, instance_free);
    free(directory);
}

enum fault directory_add(struct directory *directory, const struct instance *instance)
{
    struct instance *copy = malloc(sizeof *copy);
    if (!copy)
        return FAULT_MEMORY;
    *copy = *instance;
    copy->domains = strdup(instance->domains);
    bool added = copy->domains && tsearch(copy, &directory->by_handle, compare_handles) &&
                 tsearch(copy, &directory->by_number, compare_numbers) &&
                 tsearch(copy, &directory->by_key, compare_keys);
    if (!added) {
        tdelete(copy, &directory->by_handle, compare_handles);
        tdelete(copy, &directory->by_number, compare_numbers);
        instance_free(copy);
        return FAULT_MEMORY;
    }
    directory->count++;
    return FAULT_NONE;
}

void directory_remove(struct directory *directory, struct instance *instance)
{
    tdelete(instance, &directory->by_handle, compare_handles);
    tdelete(instance, &directory->by_number, compare_numbers);
    tdelete(instance, &directory->by_key, compare_keys);
    instance_free(instance);
    directory->count--;
}

static struct instance *find(void *const *tree, const struct instance *key,
                             int (*order)(const void *, const void *))
{
    struct instance *const *node = tfind(key, tree, order);
    return node ? *node : NULL;
}

struct instance *directory_find(const struct directory *directory, uint64_t handle)
{
    struct instance key = {.handle = handle};
    return find(&directory->by_handle, &key, compare_handles);
}

struct instance *directory_find_number(const struct directory *directory, int64_t number)
{
    struct instance key = {.number = number};
    return find(&directory->by_number, &key, compare_numbers);
}

struct instance *directory_find_key(const struct directory *directory,
                                    const struct public_key *public_key)
{
    struct instance key = {.public_key = *public_key};
    return find(&directory->by_key, &key, compare_keys);
}

static void note_leaving(const void *node, VISIT visit, void *ret)
{
    struct instance *instance = *(struct instance *const *)node;
    if ((visit == postorder || visit == leaf) && instance->leaving)
        *(struct instance **)ret = instance;
}

struct instance *directory_find_leaving(const struct directory *directory)
{
    struct instance *found = NULL;
    twalk_r(directory->by_number, note_leaving, &found);
    return found;
}

size_t directory_count(const struct directory *directory)
{
    return directory->count;
}

enum fault instance_set_domains(struct instance *instance, const char *domains)
{
    char *copy = strdup(domains);
    if (!copy)
        return FAULT_MEMORY;
    free(instance->domains);
    instance->domains = copy;
    return FAULT_NONE;
}

void instance_count_accepted(struct instance *instance, int64_t day, int32_t accepted)
{
    size_t slot = (size_t)(day % STANDING_SLOTS);
    bool is_new = instance->week[slot].day != day;
    if (is_new && accepted < 0)
        return; /* longer ago than the week looks */
    if (is_new)
        instance->week[slot].accepted = 0;
    instance->week[slot].day = (uint32_t)day;
    instance->week[slot].accepted += (uint32_t)accepted;
}

uint32_t instance_weekly(const struct instance *instance, int64_t day)
{
    uint32_t sum = 0;
    for (size_t slot = 0; slot < STANDING_SLOTS; slot++) {
        int64_t age = day - instance->week[slot].day;
        if (age >= 0 && age < STANDING_DAYS)
            sum += instance->week[slot].accepted;
    }
    return sum;
}

enum level instance_effective_level(const struct instance *instance,
                                    const struct settings *settings, int64_t now_s,
                                    uint32_t *ret_missing)
{
    uint32_t weekly = instance_weekly(instance, clock_day(now_s));
    uint32_t wanted = settings->level_min_weekly[instance->level];
    enum level level = instance->level;
    if (now_s - instance->joined_at_s >= STANDING_DAYS * DAY_S)
        while (level > LEVEL_MINIMAL && weekly < settings->level_min_weekly[level])
            level--;
    if (ret_missing)
        *ret_missing = level < instance->level ? wanted - weekly : 0;
    return level;
}

static const char *const level_names[LEVEL_COUNT] = {"minimal", "standard", "extensive"};

const char *level_name(enum level level)
{
    return level_names[level];
}

enum level level_parse(const char *name)
{
    enum level level = LEVEL_MINIMAL;
    while (level < LEVEL_COUNT && strcmp(level_names[level], name) != 0)
        level++;
    return level;
}

void instance_id_format(uint64_t handle, char ret[INSTANCE_ID_LENGTH + 1])
{
    snprintf(ret, INSTANCE_ID_LENGTH + 1, "fed-%04x-%04x-%04x", (unsigned)(handle >> 32 & 0xffff),
             (unsigned)(handle >> 16 & 0xffff), (unsigned)(handle & 0xffff));
}

bool instance_id_parse(const char *text, uint64_t *ret_handle)
{
    uint64_t handle = 0;
    for (const char *c = text; *c; c++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *c);
        if (digit && c - text >= 4)
            handle = handle << 4 | (uint64_t)(digit - digits);
    }
    char canonical[INSTANCE_ID_LENGTH + 1];
    instance_id_format(handle, canonical);
    if (strcmp(text, canonical) != 0)
        return false;
    *ret_handle = handle;
    return true;
}
