/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/contribution.h"

#include "crypto/group.h"
#include "domain/credits.h"
#include "domain/directory.h"
#include "domain/memo.h"
#include "store/catalog.h"
#include "store/search.h"
#include "util/clock.h"

static bool commitments_are_points(const struct record *record)
{
    for (size_t j = 0; j < record->k; j++)
        if (!point_is_valid(&record->commitments[j]))
            return false;
    return true;
}

void offer_check(struct offer *offer, const struct federation_id *federation_id)
{
    struct record *record = &offer->record;
    struct tag tag;
    record_tag(record, federation_id, &tag);
    if (!domain_is_valid(record->domain, record->domain_length))
        offer->refusal = FAULT_RECORD_DOMAIN;
    else if (!bytes_equal(&tag, &record->tag, sizeof tag))
        offer->refusal = FAULT_RECORD_TAG;
    else if (!scalar_is_canonical(&offer->share) || scalar_is_zero(&offer->share))
        offer->refusal = FAULT_RECORD_SHARE;
    else if (!commitments_are_points(record))
        offer->refusal = FAULT_RECORD_POINT;
}

/* What one request does to an instance's counters, until it is written in one go. */
struct tally {
    struct instance_row instance;
    struct activity today, change;
    struct instance_change counters;
};

/*
 * Pays for a contribution that was just added, or notes that it is due: within the daily limit, for
 * a tag that was not released when the request came in, and that has never paid this instance
 * before.
 */
static enum fault offer_pay(struct contribution *contribution, struct database *database,
                            struct tally *tally, struct contribution_row *row,
                            const struct tag *tag)
{
    const struct coordinator *coordinator = contribution->operation.coordinator;
    const struct settings *settings = coordinator->settings;
    if (tally->today.payable + tally->change.payable >= settings->daily_contribution_limit)
        return FAULT_NONE;
    struct payable payable = {
        .kind = TRANSFER_CONTRIBUTE, .instance = contribution->number, .tag = tag};
    struct transfer_id id;
    struct credits before = {0};
    credits_transfer_id(coordinator->keyring, &payable, &id);
    enum fault fault = ledger_amount(database, &id, &before);
    if (fault || before.milli > 0)
        return fault;
    bool proven_first = settings->credit_on == CREDIT_ON_RELEASE ||
                        tally->instance.unproven + tally->counters.unproven >=
                            (int64_t)settings->unproven_allowance;
    bool made = false;
    if (!proven_first)
        fault = credits_earn(coordinator, database, &payable, settings->price_contribute,
                             contribution->now_s, &made);
    if (fault)
        return fault;
    row->payment = made ? PAYMENT_PAID : PAYMENT_DUE;
    tally->change.payable++;
    tally->counters.unproven += made;
    contribution->earned.milli += made ? settings->price_contribute.milli : 0;
    return contribution_update(database, row);
}

/* Whoever has as many as one may have gets no further one; what it has already stays accepted. */
static enum fault offer_limit(struct contribution *contribution, struct database *database,
                              struct offer *offer)
{
    struct contribution_row row;
    enum fault fault = contribution_find(database, offer->pattern, contribution->number, &row);
    if (fault == FAULT_NOT_FOUND)
        offer->refusal = FAULT_RECORD_LIMIT;
    return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

static enum fault offer_apply(struct contribution *contribution, struct database *database,
                              struct tally *tally, struct offer *offer)
{
    uint8_t k = offer->record.k;
    int64_t most = contribution->operation.coordinator->settings->max_contributions;
    if (tally->instance.contributions + tally->counters.contributions >= most)
        return offer_limit(contribution, database, offer);
    bool carried = tally->instance.carried + tally->counters.carried > 0;
    struct contribution_row row = {
        .instance = contribution->number,
        .sequence = tally->instance.next_sequence + tally->counters.next_sequence,
        .pattern = offer->pattern,
        .share = offer->share,
        .confidence = offer->confidence,
        .min_group = privacy_min_group(contribution->mode, k),
        .epsilon_milli = privacy_of(contribution->mode)->epsilon_milli,
        .accepted_at_s = contribution->now_s,
        .carried = carried,
    };
    enum fault fault = contribution_add(database, &offer->record, &row, &offer->added);
    if (fault || !offer->added)
        return fault;
    tally->counters.next_sequence++;
    tally->counters.contributions++;
    tally->change.accepted++;
    tally->counters.carried -= carried;
    return offer->released || carried
               ? FAULT_NONE
               : offer_pay(contribution, database, tally, &row, &offer->record.tag);
}

/* What follows from the books as they are now. */
static enum fault contribution_standing(struct contribution *contribution,
                                        struct database *database, int64_t number, int64_t payable)
{
    const struct settings *settings = contribution->operation.coordinator->settings;
    contribution->daily_remaining = (int64_t)settings->daily_contribution_limit - payable;
    if (contribution->daily_remaining < 0)
        contribution->daily_remaining = 0;
    return account_balance(database, number, &contribution->balance);
}

static enum fault contribution_apply(struct command *command, struct database *database)
{
    struct contribution *contribution = (struct contribution *)command;
    const struct settings *settings = contribution->operation.coordinator->settings;
    struct tally tally = {0};
    int64_t number = contribution->number, today = clock_day(contribution->now_s);
    enum fault fault = instance_get(database, number, &tally.instance);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
    struct charge charge = {tally.instance.tier, QUOTA_CONTRIBUTIONS, number, contribution->now_s,
                            (uint32_t)contribution->count};
    fault = quota_charge(database, settings, &charge, &contribution->allowance);
    if (!fault)
        fault = activity_get(database, number, today, &tally.today);
    for (size_t i = 0; i < contribution->count && !fault; i++)
        if (!contribution->offers[i].refusal)
            fault = offer_apply(contribution, database, &tally, &contribution->offers[i]);
    if (!fault && tally.change.accepted > 0)
        fault = instance_count(database, number, &tally.counters);
    if (!fault && tally.change.accepted > 0)
        fault = activity_add(database, number, today, &tally.change);
    return fault ? fault
                 : contribution_standing(contribution, database, number,
                                         tally.today.payable + tally.change.payable);
}

/* In memos a rejection is its place in here: new ones come last. */
static const enum fault rejections[] = {
    FAULT_NONE,         FAULT_RECORD_DOMAIN, FAULT_RECORD_ENCODING, FAULT_RECORD_LIMIT,
    FAULT_RECORD_POINT, FAULT_RECORD_SHARE,  FAULT_RECORD_SIZE,     FAULT_RECORD_TAG,
};
enum { REJECTIONS = sizeof rejections / sizeof *rejections };

static void rejection_keep(enum fault *rejection, struct memo *memo)
{
    uint8_t place = 0;
    while (place < REJECTIONS && rejections[place] != *rejection)
        place++;
    memo_bytes(memo, &place, sizeof place);
    if (place < REJECTIONS)
        *rejection = rejections[place];
    else
        memo_spoil(memo);
}

static void contribution_keep(struct operation *operation, struct memo *memo)
{
    struct contribution *contribution = (struct contribution *)operation;
    uint32_t count = (uint32_t)contribution->count;
    memo_credits(memo, &contribution->earned);
    memo_u32(memo, &count);
    if (memo_reads(memo))
        contribution->offers =
            memo_array(memo, &count, CONTRIBUTION_RECORDS_MAX, sizeof *contribution->offers);
    contribution->count = count;
    for (size_t i = 0; i < contribution->count; i++)
        rejection_keep(&contribution->offers[i].refusal, memo);
}

static enum fault contribution_refresh(struct operation *operation, struct database *database)
{
    const struct memo *memo = operation->memo;
    struct activity today = {0};
    enum fault fault = activity_get(database, memo->instance, clock_day(memo->now_s), &today);
    if (!fault)
        fault = contribution_standing((struct contribution *)operation, database, memo->instance,
                                      today.payable);
    return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
}

static const struct replay contribution_replay = {
    .keep = contribution_keep,
    .refresh = contribution_refresh,
};

/* Ends the holds of the first `count` offers. */
static void holds_end(struct contribution *contribution, size_t count, bool stored)
{
    struct coordinator *coordinator = contribution->operation.coordinator;
    for (size_t i = 0; i < count; i++) {
        const struct offer *offer = &contribution->offers[i];
        if (!offer->pattern)
            continue;
        bool added = stored && offer->added;
        catalog_settle(coordinator->catalog, offer->pattern, added ? 1 : 0);
        /* Without memory for the mark, the next contribution or the next start sees to the group.
         */
        if (added && catalog_contributions(coordinator->catalog, offer->pattern) >= offer->record.k)
            (void)catalog_mark(coordinator->catalog, offer->pattern);
    }
}

static void contribution_settle(struct operation *operation, enum fault fault)
{
    struct contribution *contribution = (struct contribution *)operation;
    struct instance *instance =
        directory_find_number(operation->coordinator->directory, contribution->number);
    uint32_t added = 0;
    for (size_t i = 0; i < contribution->count; i++)
        added += contribution->offers[i].added;
    holds_end(contribution, contribution->count, fault == FAULT_NONE);
    if (fault || !instance)
        return;
    instance->balance = contribution->balance;
    if (added == 0)
        return;
    instance->has_contributed = true;
    instance_count_accepted(instance, clock_day(contribution->now_s), (int32_t)added);
}

struct contribution *contribution_new(struct coordinator *coordinator)
{
    struct contribution *contribution =
        operation_new(coordinator, sizeof *contribution, contribution_apply, contribution_settle);
    if (contribution)
        contribution->operation.replay = &contribution_replay;
    return contribution;
}

enum fault contribution_submit(struct contribution *contribution)
{
    struct coordinator *coordinator = contribution->operation.coordinator;
    for (size_t i = 0; i < contribution->count; i++) {
        struct offer *offer = &contribution->offers[i];
        if (offer->refusal)
            continue;
        enum fault fault = catalog_hold(coordinator->catalog, &offer->record.tag, &offer->pattern);
        if (fault) {
            holds_end(contribution, i, false);
            return fault;
        }
        offer->released = search_has(coordinator->search, offer->pattern);
    }
    operation_submit(&contribution->operation);
    return FAULT_NONE;
}

static enum fault contributions_page_apply(struct command *command, struct database *database)
{
    struct contributions_page *list = (struct contributions_page *)command;
    return contributions_list(database, list->number, &list->page, list->listed, &list->count);
}

struct contributions_page *contributions_page_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct contributions_page), contributions_page_apply,
                         NULL);
}
