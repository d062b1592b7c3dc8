/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/economy.h"
#include "store/search.h"

static const struct stake *stakes_sorted; /* of the member whose list is sorted */

static int compare_orders(const void *a, const void *b)
{
    uint64_t left = stakes_sorted[*(const unsigned *)a].order;
    uint64_t right = stakes_sorted[*(const unsigned *)b].order;
    return left < right ? -1 : left > right;
}

static size_t held_in_order(const struct economy *economy, unsigned member,
                            unsigned ret[ECONOMY_PATTERNS])
{
    size_t count = 0;
    stakes_sorted = economy->members[member].stakes;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        if (stakes_sorted[pattern].held)
            ret[count++] = pattern;
    qsort(ret, count, sizeof *ret, compare_orders);
    return count;
}

static void holdings_assert(const struct economy *economy, struct world *world, unsigned member)
{
    static struct contribution_listed listed[PAGE_MAX];
    unsigned patterns[ECONOMY_PATTERNS];
    size_t held = held_in_order(economy, member, patterns);
    assert_true(held < PAGE_MAX);
    assert_int_equal(world_contributions(world, member, 0, listed), held);
    for (size_t i = 0; i < held; i++) {
        const struct stake *stake = &economy->members[member].stakes[patterns[i]];
        bool paid = listed[i].payment == PAYMENT_PAID || listed[i].payment == PAYMENT_PROVEN;
        assert_memory_equal(&listed[i].tag, &world_pattern(world, patterns[i])->record.tag,
                            sizeof(struct tag));
        assert_int_equal(listed[i].state, stake->state);
        assert_int_equal(paid, stake->payment == STAKE_PAID);
        assert_int_equal(listed[i].confidence, stake->confidence);
    }
}

void economy_assert_member(const struct economy *economy, struct world *world, unsigned member)
{
    const struct instance *instance = world_instance(world, member);
    struct accounted account = world_account(world, member);
    struct accounted expected = economy_account(economy, member, world->now_s);
    uint32_t missing = 0, missing_expected = 0;
    enum level level = economy_level(economy, member, world->now_s, &missing_expected);
    struct instance_row row = world_profile(world, member, LEVEL_COUNT, MODE_COUNT);
    assert_int_equal(account.fault, FAULT_NONE);
    assert_int_equal(account.available, expected.available);
    assert_int_equal(account.earned_monthly, expected.earned_monthly);
    assert_int_equal(account.spent_monthly, expected.spent_monthly);
    assert_int_equal(account.daily, expected.daily);
    assert_int_equal(instance_effective_level(instance, &world->settings, world->now_s, &missing),
                     level);
    assert_int_equal(missing, missing_expected);
    assert_int_equal(row.level, economy->members[member].level);
    assert_int_equal(row.tier, economy->members[member].tier);
    assert_int_equal(row.contributions, economy_held(economy, member, false));
    assert_int_equal(row.released, economy_held(economy, member, true));
    assert_int_equal(row.unproven, economy_unproven(economy, member));
}

void economy_assert_all(const struct economy *economy, struct world *world)
{
    struct search_facts facts;
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        if (!economy->members[member].joined) {
            assert_null(world_instance(world, member));
            continue;
        }
        economy_assert_member(economy, world, member);
        holdings_assert(economy, world, member);
    }
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        const struct economy_pattern *that = &economy->patterns[pattern];
        if (!world->patterns[pattern])
            continue;
        uint32_t id = world_pattern_id(world, pattern);
        assert_int_equal(world_is_released(world, pattern), that->released);
        if (that->released && search_facts_get(world->coordinator->search, id, &facts))
            assert_int_equal(facts.weight, economy_trust(&that->shown, that->confidence));
    }
}
