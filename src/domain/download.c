/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/download.h"

#include "domain/credits.h"
#include "domain/memo.h"
#include "store/readers.h"

/* A packed position: 40 bits for `after`, above them how far `again` lies behind. */
enum { AFTER_BITS = 40, SET_ROWS_MAX = 512 };
static const int64_t behind_max = (INT64_C(1) << 23) - 1;

int64_t set_position_pack(const struct set_position *position)
{
    int64_t behind = position->after - position->again;
    return position->after | (behind < behind_max ? behind : behind_max) << AFTER_BITS;
}

void set_position_unpack(int64_t packed, struct set_position *ret)
{
    ret->after = packed & ((INT64_C(1) << AFTER_BITS) - 1);
    ret->again = ret->after - (packed >> AFTER_BITS);
}

/* ---- The list ---- */

static enum fault sets_page_apply(struct command *command, struct database *database)
{
    struct sets_page *sets = (struct sets_page *)command;
    return sets_list(database, &sets->page, sets->sets, &sets->count);
}

struct sets_page *sets_page_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct sets_page), sets_page_apply, NULL);
}

/* ---- The purchase ---- */

static enum fault purchase_allow(struct purchase *purchase, struct database *database)
{
    const struct settings *settings = purchase->operation.coordinator->settings;
    const struct download_row *row = &purchase->row;
    size_t count = 0;
    enum fault fault = account_balance(database, row->instance, &purchase->balance);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault; /* erased while it waited */
    if (purchase->entitlement)
        return purchase->entitlement;
    if (purchase->balance.milli < purchase->cost.milli)
        return FAULT_INSUFFICIENT_CREDITS;
    fault = downloads_count(database, row->instance, purchase->now_s, &count, &purchase->free_at_s);
    return !fault && count >= settings->max_kept_downloads ? FAULT_TOO_MANY_REQUESTS : fault;
}

static enum fault purchase_pay(struct purchase *purchase, struct database *database)
{
    struct payable payable = {.kind = TRANSFER_DOWNLOAD,
                              .instance = purchase->row.instance,
                              .query_id = purchase->row.id};
    enum fault fault = credits_spend(purchase->operation.coordinator, database, &payable,
                                     purchase->cost, purchase->now_s);
    if (!fault)
        purchase->balance.milli -= purchase->cost.milli;
    return fault;
}

static enum fault purchase_apply(struct command *command, struct database *database)
{
    struct purchase *purchase = (struct purchase *)command;
    const struct download_row *row = &purchase->row;
    struct set_row set;
    enum fault fault = set_get(database, row->domain, &set);
    if (!fault)
        fault = purchase_allow(purchase, database);
    if (!fault)
        fault = purchase_pay(purchase, database);
    purchase->patterns = fault ? 0 : set.patterns;
    if (!fault && row->start > 0)
        fault = set_count(database, row->domain, row->start, &purchase->patterns);
    return fault ? fault : download_insert(database, row);
}

static void purchase_keep(struct operation *operation, struct memo *memo)
{
    struct purchase *purchase = (struct purchase *)operation;
    memo_bytes(memo, purchase->row.id, sizeof purchase->row.id);
    memo_bytes(memo, &purchase->row.expires_at_s, sizeof purchase->row.expires_at_s);
    memo_bytes(memo, &purchase->patterns, sizeof purchase->patterns);
    memo_credits(memo, &purchase->cost);
}

static enum fault purchase_refresh(struct operation *operation, struct database *database)
{
    struct purchase *purchase = (struct purchase *)operation;
    return memo_balance(operation->memo, database, &purchase->balance);
}

struct purchase *purchase_new(struct coordinator *coordinator)
{
    static const struct replay replay = {.keep = purchase_keep, .refresh = purchase_refresh};
    struct purchase *purchase =
        operation_new(coordinator, sizeof(struct purchase), purchase_apply, NULL);
    if (purchase)
        purchase->operation.replay = &replay;
    return purchase;
}

void purchase_submit(struct purchase *purchase, const struct instance *buyer)
{
    const struct settings *settings = purchase->operation.coordinator->settings;
    purchase->row.instance = buyer->number;
    purchase->row.expires_at_s = purchase->now_s + DOWNLOAD_TTL_S;
    if (settings->require_contribution) {
        purchase->cost = settings->price_download;
        purchase->entitlement = buyer->has_contributed ? FAULT_NONE : FAULT_CONTRIBUTION_REQUIRED;
    }
    operation_submit(&purchase->operation);
}

/* ---- The download ---- */

static enum fault download_apply(struct command *command, struct database *database)
{
    struct download *download = (struct download *)command;
    return download_get(database, download->id, download->instance, download->now_s,
                        &download->row);
}

struct download *download_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct download), download_apply, NULL);
}

struct look {
    struct set_reading *reading;
    size_t seen;
    bool (*take)(void *context, const struct published *published, int64_t cursor);
    void *context;
};

static void position_move(struct set_position *position, int64_t sequence, bool left_out)
{
    bool behind = left_out || position->again < position->after;
    position->after = sequence;
    position->again = behind ? position->again : sequence;
}

static bool pattern_look(void *context, const struct set_entry *entry)
{
    struct look *look = context;
    struct set_reading *reading = look->reading;
    const struct visibility *visibility = &reading->visibility;
    bool visible = visibility_shows(visibility, entry->release.confidence,
                                    (uint32_t)entry->release.released_at_s);
    /* The last of what was looked at stays the place from where a later download begins. */
    position_move(&reading->position, entry->sequence, !visible && visibility->shows_later);
    look->seen++;
    if (!visible)
        return look->seen < SET_ROWS_MAX;
    struct published published = {.record = entry->record, .release = entry->release};
    return look->take(look->context, &published, set_position_pack(&reading->position)) &&
           look->seen < SET_ROWS_MAX;
}

enum fault set_read(const struct coordinator *coordinator, struct set_reading *reading,
                    bool (*take)(void *context, const struct published *published, int64_t cursor),
                    void *context)
{
    struct look look = {.reading = reading, .take = take, .context = context};
    struct database *reader = NULL;
    bool ended = false;
    enum fault fault = readers_take(coordinator->readers, &reader);
    if (fault)
        return fault;
    fault = set_each(reader, reading->domain, reading->position.after, pattern_look, &look, &ended);
    readers_give(coordinator->readers, reader);
    if (!fault)
        reading->ended = ended;
    return fault;
}
