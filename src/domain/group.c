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

uint32_t noise_period(int64_t now_s)
{
    return (uint32_t)(now_s / NOISE_PERIOD_S);
}

/*
 * One draw a period. A second one, of another count or another epsilon, would come from the same
 * stream: the difference of the two is the exact difference of the counts, or tells the noise. So
 * what was shown in this period is shown again, whoever came or left.
 */
static struct numbers numbers_draw(const struct group *group, const struct group_rules *rules,
                                   size_t counted)
{
    if (group->has_shown)
        return group->shown;
    struct numbers numbers = {.period = noise_period(rules->now_s)};
    struct epsilon epsilon = {.denominator = 1000};
    counted_summarize(group, counted, &numbers.confidence, &epsilon.numerator);
    int64_t count = (int64_t)counted +
                    noise_of_tag(rules->noise_key, &group->record.tag, numbers.period, epsilon);
    numbers.contributor_count = (uint32_t)(count > group->record.k ? count : group->record.k);
    return numbers;
}

static void release_describe(struct group *group, const struct group_rules *rules, size_t counted)
{
    struct release_row *release = &group->release;
    struct numbers numbers = numbers_draw(group, rules, counted);
    release->pattern = group->pattern;
    memcpy(release->domain, group->record.domain, sizeof release->domain);
    release->token_bits = rules->token_bits;
    release->counted = (uint32_t)counted;
    release->contributor_count = numbers.contributor_count;
    release->confidence = numbers.confidence;
    release->period = numbers.period;
    release->released_at_s = rules->now_s;
}

/* What is decided once a day waits for that moment. */
static bool gate_agrees(struct group *group, const struct group_rules *rules, size_t counted)
{
    bool agrees =
        !rules->selection || selection_shows(rules->selection, rules->gate_key, &group->record.tag,
                                             group->record.k, counted);
    group->waits = agrees != group->was_released && rules->selection && !rules->gate_is_open;
    return group->waits ? group->was_released : agrees;
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
    if (fault || valid < group->record.k || counted < group->record.k ||
        !gate_agrees(group, rules, counted))
        return fault;
    fault = record_index_open(group->record.index, &group->release.secret, rules->token_bits,
                              group->release.tokens, &group->release.token_count);
    group->spoiled = fault != FAULT_NONE;
    group->released = !group->spoiled;
    if (group->released)
        release_describe(group, rules, counted);
    return FAULT_NONE;
}
