/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/credits.h"

#include "crypto/hash.h"
#include "store/keyring.h"
#include "util/clock.h"

void credits_transfer_id(const struct keyring *keyring, const struct payable *payable,
                         struct transfer_id *ret)
{
    struct hash hash;
    hash_init(&hash, keyring->ledger, sizeof keyring->ledger, "cfed/v1/transfer",
              sizeof ret->bytes);
    hash_u8(&hash, (uint8_t)payable->kind);
    hash_u32(&hash, (uint32_t)(payable->instance >> 32));
    hash_u32(&hash, (uint32_t)payable->instance);
    if (payable->tag)
        hash_bytes(&hash, payable->tag->bytes, sizeof payable->tag->bytes);
    if (payable->query_id)
        hash_bytes(&hash, payable->query_id, 16);
    hash_final(&hash, ret->bytes);
}

static struct transfer transfer_of(const struct coordinator *coordinator,
                                   const struct payable *payable, struct credits amount,
                                   int64_t now_s)
{
    struct transfer transfer = {.kind = payable->kind, .amount = amount, .created_at_s = now_s};
    credits_transfer_id(coordinator->keyring, payable, &transfer.id);
    if (payable->tag) {
        transfer.tag = *payable->tag;
        transfer.has_tag = true;
    }
    return transfer;
}

enum fault credits_earn(const struct coordinator *coordinator, struct database *database,
                        const struct payable *payable, struct credits amount, int64_t now_s,
                        bool *ret_made)
{
    *ret_made = false;
    if (amount.milli == 0)
        return FAULT_NONE;
    struct transfer transfer = transfer_of(coordinator, payable, amount, now_s);
    transfer.debit = ACCOUNT_ISSUANCE;
    transfer.credit = payable->instance;
    return ledger_transfer(database, &transfer, ret_made);
}

enum fault credits_spend(const struct coordinator *coordinator, struct database *database,
                         const struct payable *payable, struct credits amount, int64_t now_s)
{
    if (amount.milli == 0)
        return FAULT_NONE;
    struct transfer transfer = transfer_of(coordinator, payable, amount, now_s);
    transfer.debit = payable->instance;
    transfer.credit = ACCOUNT_REVENUE;
    bool made = false;
    return ledger_transfer(database, &transfer, &made);
}

enum fault credits_reverse(const struct coordinator *coordinator, struct database *database,
                           int64_t instance, const struct tag *tag, int64_t now_s,
                           struct reversal *ret)
{
    struct payable earned = {.kind = TRANSFER_CONTRIBUTE, .instance = instance, .tag = tag};
    struct payable reversal = {.kind = TRANSFER_REVERSE, .instance = instance, .tag = tag};
    struct transfer_id id;
    struct credits paid = {0}, balance = {0};
    bool made = false;
    credits_transfer_id(coordinator->keyring, &earned, &id);
    enum fault fault = ledger_amount(database, &id, &paid);
    if (!fault)
        fault = account_balance(database, instance, &balance);
    if (fault)
        return fault;
    struct credits amount = paid.milli < balance.milli ? paid : balance;
    if (amount.milli > 0) {
        struct transfer transfer = transfer_of(coordinator, &reversal, amount, now_s);
        transfer.debit = instance;
        transfer.credit = ACCOUNT_ISSUANCE;
        fault = ledger_transfer(database, &transfer, &made);
    }
    if (!fault)
        *ret = (struct reversal){.amount = made ? amount : (struct credits){0},
                                 .whole = made && amount.milli == paid.milli};
    return fault;
}

static enum fault account_apply(struct command *command, struct database *database)
{
    struct account *account = (struct account *)command;
    enum fault fault = account_balance(database, account->number, &account->balance);
    if (!fault)
        fault = activity_get(database, account->number, clock_day(account->now_s), &account->today);
    if (!fault)
        fault =
            activity_sum(database, account->number, clock_day(clock_month_start(account->now_s)),
                         clock_day(clock_month_end(account->now_s)), &account->month);
    return fault;
}

struct account *account_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct account), account_apply, NULL);
}

static enum fault ledger_page_apply(struct command *command, struct database *database)
{
    struct ledger_page *ledger = (struct ledger_page *)command;
    return ledger_list(database, ledger->number, &ledger->page, ledger->transfers, &ledger->count);
}

struct ledger_page *ledger_page_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct ledger_page), ledger_page_apply, NULL);
}
