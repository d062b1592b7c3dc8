/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/withdrawal.h"

#include "domain/credits.h"
#include "domain/directory.h"
#include "store/catalog.h"
#include "store/search.h"
#include "util/clock.h"

/* What was to come without pay, and is taken back, is to come once more. */
static bool is_carried_again(const struct withdrawal *withdrawal,
                             const struct contribution_row *row, const struct record *record)
{
    return row->carried && record->epoch == withdrawal->operation.coordinator->epoch.number;
}

/* One contribution goes: its credit, its row, and what counted it. */
static enum fault contribution_withdraw(struct withdrawal *withdrawal, struct database *database,
                                        const struct contribution_row *row)
{
    const struct coordinator *coordinator = withdrawal->operation.coordinator;
    struct reversal reversal = {0};
    bool last = false;
    bool paid = row->payment == PAYMENT_PAID || row->payment == PAYMENT_PROVEN;
    struct record record = {0};
    bool spoiled = false;
    enum fault fault = FAULT_NONE;
    if (paid || row->carried)
        fault = pattern_get(database, row->pattern, &record, &spoiled);
    if (!fault && paid)
        fault = credits_reverse(coordinator, database, withdrawal->number, &record.tag,
                                withdrawal->now_s, &reversal);
    if (!fault)
        fault = contribution_delete(database, row, &last);
    struct instance_change change = {
        .contributions = -1,
        .released = row->state == CONTRIBUTION_RELEASED ? -1 : 0,
        .unproven = row->payment == PAYMENT_PAID && reversal.whole ? -1 : 0,
        .carried = is_carried_again(withdrawal, row, &record),
    };
    if (!fault)
        fault = instance_count(database, withdrawal->number, &change);
    int64_t day = clock_day(row->accepted_at_s);
    if (!fault)
        fault = activity_retract(database, withdrawal->number, day);
    if (fault)
        return fault;
    withdrawal->gone[withdrawal->gone_count].pattern = row->pattern;
    withdrawal->gone[withdrawal->gone_count].day = day;
    withdrawal->gone[withdrawal->gone_count++].last = last;
    withdrawal->reversed.milli += reversal.amount.milli;
    withdrawal->withdrawn++;
    return FAULT_NONE;
}

static enum fault withdraw_one(struct withdrawal *withdrawal, struct database *database)
{
    struct contribution_row row;
    enum fault fault = contribution_find(database, withdrawal->pattern, withdrawal->number, &row);
    return fault ? fault : contribution_withdraw(withdrawal, database, &row);
}

static enum fault withdraw_step(struct withdrawal *withdrawal, struct database *database)
{
    while (withdrawal->gone_count < WITHDRAWAL_STEP) {
        struct contribution_row row;
        enum fault fault = contribution_next(database, withdrawal->number, withdrawal->after, &row);
        if (fault)
            return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
        withdrawal->after = row.sequence;
        fault = contribution_withdraw(withdrawal, database, &row);
        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

static enum fault withdrawal_apply(struct command *command, struct database *database)
{
    struct withdrawal *withdrawal = (struct withdrawal *)command;
    withdrawal->gone_count = 0;
    enum fault fault =
        withdrawal->all ? withdraw_step(withdrawal, database) : withdraw_one(withdrawal, database);
    withdrawal->operation.again = withdrawal->all && withdrawal->gone_count == WITHDRAWAL_STEP;
    if (!fault)
        fault = account_balance(database, withdrawal->number, &withdrawal->balance);
    return fault;
}

void contribution_forget(struct coordinator *coordinator, uint32_t pattern, bool last)
{
    bool released = search_has(coordinator->search, pattern);
    if (last)
        search_remove(coordinator->search, pattern);
    else if (released)
        (void)catalog_mark(coordinator->catalog,
                           pattern); /* no memory: seen to at the next start */
    catalog_remove(coordinator->catalog, pattern, 1);
}

static void withdrawal_settle(struct operation *operation, enum fault fault)
{
    const struct withdrawal *withdrawal = (struct withdrawal *)operation;
    struct instance *instance =
        directory_find_number(operation->coordinator->directory, withdrawal->number);
    for (size_t i = 0; i < withdrawal->gone_count && !fault; i++) {
        contribution_forget(operation->coordinator, withdrawal->gone[i].pattern,
                            withdrawal->gone[i].last);
        if (instance)
            instance_count_accepted(instance, withdrawal->gone[i].day, -1);
    }
    if (!fault && instance)
        instance->balance = withdrawal->balance;
}

struct withdrawal *withdrawal_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct withdrawal), withdrawal_apply,
                         withdrawal_settle);
}

void withdrawal_submit(struct withdrawal *withdrawal)
{
    /* 0 for a tag that nobody holds: it takes the same way as one that only others hold. */
    if (!withdrawal->all)
        withdrawal->pattern =
            catalog_find(withdrawal->operation.coordinator->catalog, &withdrawal->tag);
    operation_submit(&withdrawal->operation);
}
