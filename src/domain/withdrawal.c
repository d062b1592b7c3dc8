/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/withdrawal.h"

#include "domain/credits.h"
#include "domain/directory.h"
#include "store/catalog.h"

/* One contribution goes: its credit, its row, and what counted it. */
static enum fault contribution_withdraw(struct withdrawal *withdrawal, struct database *database,
                                        const struct contribution_row *row)
{
    const struct coordinator *coordinator = withdrawal->operation.coordinator;
    struct reversal reversal = {0};
    bool paid = row->payment == PAYMENT_PAID || row->payment == PAYMENT_PROVEN;
    struct instance_change change = {.released = row->state == CONTRIBUTION_RELEASED ? -1 : 0};
    struct record record;
    bool spoiled = false;
    enum fault fault = paid ? pattern_get(database, row->pattern, &record, &spoiled) : FAULT_NONE;
    if (!fault && paid)
        fault = credits_reverse(coordinator, database, withdrawal->number, &record.tag,
                                withdrawal->now_s, &reversal);
    change.unproven = row->payment == PAYMENT_PAID && reversal.whole ? -1 : 0;
    if (!fault)
        fault = contribution_depart(coordinator, database, row, &change,
                                    &withdrawal->gone[withdrawal->gone_count]);
    if (fault)
        return fault;
    withdrawal->gone_count++;
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

static void withdrawal_settle(struct operation *operation, enum fault fault)
{
    const struct withdrawal *withdrawal = (struct withdrawal *)operation;
    struct instance *instance =
        directory_find_number(operation->coordinator->directory, withdrawal->number);
    if (fault)
        return;
    contributions_forget(operation->coordinator, withdrawal->gone, withdrawal->gone_count);
    if (instance)
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
