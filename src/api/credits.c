/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"
#include "domain/credits.h"

/* ---- GET /v1/credits ---- */

static void account_answer(struct operation *operation, enum fault fault)
{
    const struct account *account = (const struct account *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault);
        return;
    }
    const struct settings *settings = api_of(request)->settings;
    struct credits limit = {settings->daily_contribution_limit * settings->price_contribute.milli};
    request_answer(
        request, 200,
        json_pack("{s:o, s:o, s:o, s:{s:o, s:o}}", "available", json_credits(account->balance),
                  "earned_monthly", json_credits(account->month.earned), "spent_monthly",
                  json_credits(account->month.spent), "daily", "earned",
                  json_credits(account->today.contributed), "limit", json_credits(limit)));
}

void credits_get_handle(struct request *request)
{
    struct account *account = account_new(api_of(request)->coordinator);
    if (!account) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    account->number = api_caller(request)->number;
    account->now_s = api_now_s();
    account->operation.answer = account_answer;
    account->operation.context = request;
    operation_submit(&account->operation);
}

/* ---- GET /v1/credits/ledger ---- */

static json_t *transfer_encode(const struct transfer *transfer, int64_t number)
{
    bool received = transfer->credit == number;
    struct credits amount = {received ? transfer->amount.milli : -transfer->amount.milli};
    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "transfer_id", json_b64(&transfer->id, 16),
                     "kind", transfer_kind_name(transfer->kind), "amount", json_credits(amount),
                     "tag", transfer->has_tag ? json_b64(&transfer->tag, 32) : json_null(),
                     "created_at", json_time(transfer->created_at_s));
}

static void ledger_answer(struct operation *operation, enum fault fault)
{
    const struct ledger_page *ledger = (const struct ledger_page *)operation;
    struct request *request = operation->context;
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *transfers = json_array();
    for (size_t i = 0; i < ledger->count; i++)
        json_array_append_new(transfers, transfer_encode(&ledger->transfers[i], ledger->number));
    int64_t last = ledger->count ? ledger->transfers[ledger->count - 1].sequence : 0;
    request_answer(request, 200,
                   json_pack("{s:o, s:o}", "transfers", transfers, "next_cursor",
                             api_cursor(request, last, ledger->page.more)));
}

void ledger_get_handle(struct request *request)
{
    struct page page;
    if (!api_page(request, &page))
        return;
    struct ledger_page *ledger = ledger_page_new(api_of(request)->coordinator);
    if (!ledger) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    ledger->number = api_caller(request)->number;
    ledger->page = page;
    ledger->operation.answer = ledger_answer;
    ledger->operation.context = request;
    operation_submit(&ledger->operation);
}
