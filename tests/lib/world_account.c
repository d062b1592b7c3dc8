/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/credits.h"
#include "domain/membership.h"
#include "domain/tier.h"
#include "lib/world.h"

/* What a member is told of itself, and what it uses up. */

static int64_t number_of(const struct world *world, unsigned member)
{
    const struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    return instance->number;
}

static void account_answered(struct operation *operation, enum fault fault)
{
    const struct account *account = (const struct account *)operation;
    *(struct accounted *)operation->context = (struct accounted){
        .fault = fault,
        .available = account->balance.milli,
        .earned_monthly = account->month.earned.milli,
        .spent_monthly = account->month.spent.milli,
        .daily = account->today.contributed.milli,
    };
}

struct accounted world_account(struct world *world, unsigned member)
{
    struct accounted answer = {.fault = WORLD_UNANSWERED};
    struct account *account = account_new(world->coordinator);
    assert_non_null(account);
    account->number = number_of(world, member);
    account->now_s = world->now_s;
    account->operation.answer = account_answered;
    account->operation.context = &answer;
    operation_submit(&account->operation);
    world_run(world);
    return answer;
}

static void profile_answered(struct operation *operation, enum fault fault)
{
    assert_int_equal(fault, FAULT_NONE);
    *(struct instance_row *)operation->context = ((const struct profile *)operation)->row;
}

struct instance_row world_profile(struct world *world, unsigned member, enum level level,
                                  enum privacy_mode mode)
{
    struct instance_row answer = {0};
    struct profile *profile = profile_new(world->coordinator);
    assert_non_null(profile);
    profile->number = number_of(world, member);
    profile->change = level != LEVEL_COUNT || mode != MODE_COUNT;
    profile->level = level;
    profile->mode = mode;
    profile->operation.answer = profile_answered;
    profile->operation.context = &answer;
    operation_submit(&profile->operation);
    world_run(world);
    return answer;
}

struct listing {
    struct contribution_listed *listed;
    size_t count;
};

static void page_answered(struct operation *operation, enum fault fault)
{
    const struct contributions_page *page = (const struct contributions_page *)operation;
    struct listing *listing = operation->context;
    assert_int_equal(fault, FAULT_NONE);
    memcpy(listing->listed, page->listed, page->count * sizeof *page->listed);
    listing->count = page->count;
}

size_t world_contributions(struct world *world, unsigned member, int64_t after,
                           struct contribution_listed ret[PAGE_MAX])
{
    struct listing listing = {.listed = ret};
    struct contributions_page *page = contributions_page_new(world->coordinator);
    assert_non_null(page);
    page->number = number_of(world, member);
    page->page = (struct page){.after = after, .limit = PAGE_MAX};
    page->operation.answer = page_answered;
    page->operation.context = &listing;
    operation_submit(&page->operation);
    world_run(world);
    return listing.count;
}

static void metering_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

enum fault world_evaluate(struct world *world, unsigned member, uint32_t elements)
{
    enum fault answer = WORLD_UNANSWERED;
    const struct instance *instance = world_instance(world, member);
    struct metering *metering = metering_new(world->coordinator);
    assert_non_null(metering);
    metering->charge = (struct charge){instance->tier, QUOTA_OPRF_ELEMENTS, instance->number,
                                       world->now_s, elements};
    metering->operation.answer = metering_answered;
    metering->operation.context = &answer;
    operation_submit(&metering->operation);
    world_run(world);
    return answer;
}
