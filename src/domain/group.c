/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/release.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"

static int compare_bytes(const void *a, const void *b)
{
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

size_t group_counted(uint8_t *r, size_t count)
{
    if (count == 0)
        return 0;
    qsort(r, count, sizeof *r, compare_bytes);
    size_t counted = 0;
    for (size_t m = 1; m <= count; m++)
        if (r[m - 1] <= m)
            counted = m;
    return counted;
}

/* How many of the valid contributors count. Those are the ones whose r is at most that number. */
static enum fault counted_of(const struct group *group, struct arena *arena, size_t *ret)
{
    uint8_t *r = arena_alloc(arena, group->count);
    if (!r)
        return FAULT_MEMORY;
    size_t valid = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->valid[i])
            r[valid++] = group->contributors[i].contribution.min_group;
    *ret = group_counted(r, valid);
    return FAULT_NONE;
}

/* The mean confidence of the counted, rounded half up, and their strictest epsilon. */
static void counted_summarize(const struct group *group, size_t counted, uint8_t *ret_confidence,
                              uint32_t *ret_epsilon_milli)
{
    uint64_t sum = 0;
    uint32_t epsilon_milli = UINT32_MAX;
    for (size_t i = 0; i < group->count; i++) {
        const struct contribution_row *row = &group->contributors[i].contribution;
        if (!group->valid[i] || row->min_group > counted)
            continue;
        sum += row->confidence;
        if (row->epsilon_milli < epsilon_milli)
            epsilon_milli = row->epsilon_milli;
    }
    *ret_confidence = (uint8_t)((2 * sum + counted) / (2 * counted));
    *ret_epsilon_milli = epsilon_milli;
}

bool group_counts(const struct group *group, size_t i)
{
    return group->released && group->valid[i] &&
           group->contributors[i].contribution.min_group <= group->release.counted;
}

static void release_describe(struct group *group, const struct group_rules *rules, size_t counted)
{
    struct release_row *release = &group->release;
    uint32_t epsilon_milli = 0;
    counted_summarize(group, counted, &release->confidence, &epsilon_milli);
    struct epsilon epsilon = {.numerator = epsilon_milli, .denominator = 1000};
    int64_t noise = noise_of_tag(rules->noise_key, &group->record.tag,
                                 (uint32_t)(rules->now_s / NOISE_PERIOD_S), epsilon);
    int64_t count = (int64_t)counted + noise;
    release->pattern = group->pattern;
    memcpy(release->domain, group->record.domain, sizeof release->domain);
    release->counted = (uint32_t)counted;
    release->contributor_count = (uint32_t)(count > group->record.k ? count : group->record.k);
    release->released_at_s = rules->now_s;
}

/* The shares of all contributors, checked; FAULT_NONE with *ret_valid below k: not enough good
 * ones. */
static enum fault shares_check(struct group *group, const struct group_rules *rules,
                               struct arena *arena, size_t *ret_valid)
{
    struct share *shares = arena_array(arena, group->count, sizeof *shares);
    if (!shares)
        return FAULT_MEMORY;
    for (size_t i = 0; i < group->count; i++) {
        share_abscissa(rules->federation_id, &group->contributors[i].public_key, &shares[i].x);
        shares[i].y = group->contributors[i].contribution.share;
    }
    *ret_valid = share_check_all(group->record.commitments, group->record.k, shares, group->count,
                                 group->valid, &group->release.secret);
    return FAULT_NONE;
}

enum fault group_evaluate(struct group *group, const struct group_rules *rules, struct arena *arena)
{
    size_t valid = 0, counted = 0;
    group->released = false;
    if (group->count < group->record.k)
        return FAULT_NONE;
    enum fault fault = shares_check(group, rules, arena, &valid);
    if (!fault)
        fault = counted_of(group, arena, &counted);
    if (fault || valid < group->record.k || counted < group->record.k)
        return fault;
    fault = record_index_open(group->record.index, &group->release.secret, rules->token_bits,
                              group->release.tokens, &group->release.token_count);
    group->spoiled = fault != FAULT_NONE;
    group->released = !group->spoiled;
    if (group->released)
        release_describe(group, rules, counted);
    return FAULT_NONE;
}
