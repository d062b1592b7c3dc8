/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/query.h"

#include <string.h>

#include "domain/credits.h"
#include "domain/memo.h"
#include "store/catalog.h"
#include "store/domains.h"

/* What a level sees of high-confidence patterns: those that were released until this time; 0: none.
 */
static uint32_t high_released_until(const struct settings *settings, enum level level,
                                    int64_t now_s)
{
    switch (level) {
    case LEVEL_MINIMAL:
        return 0;
    case LEVEL_STANDARD:
        return (uint32_t)(now_s - settings->high_confidence_delay_s);
    case LEVEL_EXTENSIVE:
    case LEVEL_COUNT:
        break;
    }
    return UINT32_MAX;
}

void visibility_of(const struct settings *settings, const struct instance *asker, int64_t now_s,
                   struct visibility *ret)
{
    enum level level = instance_effective_level(asker, settings, now_s, NULL);
    *ret = (struct visibility){
        .high_confidence = (uint8_t)settings->high_confidence,
        .high_until_s = high_released_until(settings, level, now_s),
        .shows_later = level == LEVEL_STANDARD,
    };
}

bool visibility_shows(const struct visibility *visibility, uint8_t confidence,
                      uint32_t released_at_s)
{
    return confidence < visibility->high_confidence || released_at_s <= visibility->high_until_s;
}

bool pattern_is_visible(const struct settings *settings, const struct instance *asker,
                        const struct search_facts *facts, int64_t now_s)
{
    struct visibility visibility;
    visibility_of(settings, asker, now_s, &visibility);
    return visibility_shows(&visibility, facts->confidence, facts->released_at_s);
}

static enum fault query_spend(struct query *query, struct database *database)
{
    const struct coordinator *coordinator = query->operation.coordinator;
    const struct settings *settings = coordinator->settings;
    struct payable payable = {
        .kind = TRANSFER_QUERY, .instance = query->number, .query_id = query->id};
    enum fault fault = account_balance(database, query->number, &query->balance);
    if (!fault && query->balance.milli < query->cost.milli)
        fault = FAULT_INSUFFICIENT_CREDITS; /* before a part of it is spent */
    if (!fault)
        fault = credits_spend(coordinator, database, &payable, settings->price_query, query->now_s);
    payable.kind = TRANSFER_PRIORITY;
    if (!fault && query->priority)
        fault =
            credits_spend(coordinator, database, &payable, settings->price_priority, query->now_s);
    return fault;
}

static enum fault query_fetch(struct query *query, struct database *database)
{
    for (size_t i = 0; i < query->result_count; i++) {
        struct published *result = &query->results[query->count];
        enum fault fault =
            published_get(database, query->hits[i].pattern, &result->record, &result->release);
        if (fault == FAULT_NOT_FOUND)
            continue; /* un-released since it matched */
        if (fault)
            return fault;
        result->score_millionths = query->hits[i].score_millionths;
        query->count++;
    }
    return FAULT_NONE;
}

static enum fault query_route(struct query *query, struct database *database)
{
    struct route_rules rules = {
        .settings = query->operation.coordinator->settings,
        .arena = &query->operation.arena,
        .now_s = query->now_s,
        .hits = query->hits,
        .hit_count = query->hit_count < ROUTE_HITS_MAX ? query->hit_count : ROUTE_HITS_MAX,
    };
    struct question_row question = {.asker = query->number, .domain = query->domain};
    memcpy(question.id, query->id, sizeof question.id);
    query->route.priority = query->priority;
    return route_apply(&query->route, &rules, &question, database);
}

enum { TAG_KEPT = 8 }; /* bytes: enough to know a pattern again, whose id may be another's by now */

static void query_keep(struct operation *operation, struct memo *memo)
{
    struct query *query = (struct query *)operation;
    uint32_t count = (uint32_t)query->count, routed = query->route.routed;
    memo_bytes(memo, query->id, sizeof query->id);
    memo_credits(memo, &query->cost);
    memo_u32(memo, &routed);
    memo_u32(memo, &count);
    query->route.routed = routed != 0;
    if (memo_reads(memo))
        query->results = memo_array(memo, &count, SEARCH_HITS_MAX, sizeof *query->results);
    query->count = count;
    for (size_t i = 0; i < query->count; i++) {
        struct published *result = &query->results[i];
        memo_u32(memo, &result->release.pattern);
        memo_u32(memo, &result->score_millionths);
        memo_bytes(memo, result->record.tag.bytes, TAG_KEPT);
    }
}

/* What was found then and is released now. */
static enum fault query_refresh(struct operation *operation, struct database *database)
{
    struct query *query = (struct query *)operation;
    size_t found = query->count;
    enum fault fault = memo_balance(operation->memo, database, &query->balance);
    query->count = 0;
    for (size_t i = 0; i < found && !fault; i++) {
        struct published *result = &query->results[query->count];
        uint32_t score = query->results[i].score_millionths;
        struct tag tag = query->results[i].record.tag;
        fault = published_get(database, query->results[i].release.pattern, &result->record,
                              &result->release);
        result->score_millionths = score;
        query->count += !fault && memcmp(&tag, &result->record.tag, TAG_KEPT) == 0;
        if (fault == FAULT_NOT_FOUND)
            fault = FAULT_NONE;
    }
    return fault;
}

static const struct replay query_replay = {.keep = query_keep, .refresh = query_refresh};

/* Whether its member's limits leave room for it; `charge` tells whether it is counted as well. */
static enum fault query_limit(struct query *query, struct database *database, bool charge)
{
    const struct settings *settings = query->operation.coordinator->settings;
    struct route_rules rules = {.settings = settings, .now_s = query->now_s};
    struct charge quota = {query->tier, QUOTA_QUERIES, query->number, query->now_s, 1};
    enum fault fault =
        (charge ? quota_charge : quota_check)(database, settings, &quota, &query->allowance);
    return fault || !query->route.wanted
               ? fault
               : route_check(&query->route, &rules, query->number, database);
}

/* The balance is told also to who cannot pay. */
static enum fault query_apply(struct command *command, struct database *database)
{
    struct query *query = (struct query *)command;
    enum fault fault = account_balance(database, query->number, &query->balance);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault; /* erased while it waited */
    if (query->balance.milli < query->cost.milli)
        return FAULT_INSUFFICIENT_CREDITS;
    fault = query_limit(query, database, !query->operation.asks);
    if (query->operation.asks)
        return fault;
    if (!fault && query->cost.milli > 0)
        fault = query_spend(query, database);
    if (!fault)
        fault = query_fetch(query, database);
    if (!fault && query->route.wanted)
        fault = query_route(query, database);
    if (!fault)
        query->balance.milli -= query->cost.milli;
    return fault;
}

static enum fault query_match(struct query *query, struct instance *asker)
{
    const struct coordinator *coordinator = query->operation.coordinator;
    const struct settings *settings = coordinator->settings;
    size_t max_results = settings->level_max_results[query->level];
    size_t wanted = query->max_results < max_results ? query->max_results : max_results;
    size_t routed = query->route.wanted ? ROUTE_HITS_MAX : 0;
    struct search_query search = {
        .tokens = query->tokens,
        .token_count = query->token_count,
        .coarse_bits = coordinator->epochs.coarse_bits,
        .domain = SEARCH_DOMAIN_ANY,
        .confidence_min = query->confidence_min,
        .high_confidence = (uint8_t)settings->high_confidence,
        .high_released_until_s = high_released_until(settings, query->level, query->now_s),
        .limit = wanted > routed ? wanted : routed,
    };
    if (query->domain)
        search.domain = domains_find(coordinator->domains, query->domain);
    if (!query->domain || search.domain != DOMAIN_UNKNOWN)
        query->hit_count = search_match(coordinator->search, &search, query->hits);
    query->result_count = query->hit_count < wanted ? query->hit_count : wanted;
    query->results =
        arena_array(&query->operation.arena, query->result_count, sizeof *query->results);
    if (!query->results)
        return FAULT_MEMORY;
    query->is_matched = true;
    asker->pending.milli += query->cost.milli;
    return FAULT_NONE;
}

static bool query_is_doubtful(const struct query *query, const struct instance *asker)
{
    return asker->quota_spent || (query->route.wanted && asker->routes_full) ||
           asker->balance.milli - asker->pending.milli < query->cost.milli;
}

static void query_settle(struct operation *operation, enum fault fault)
{
    struct query *query = (struct query *)operation;
    struct instance *asker =
        directory_find_number(operation->coordinator->directory, query->number);
    if (!fault)
        route_settle(&query->route, operation->coordinator);
    if (!asker)
        return;
    if (query->is_matched)
        asker->pending.milli -= query->cost.milli;
    if (fault == FAULT_NONE || fault == FAULT_INSUFFICIENT_CREDITS)
        asker->balance = query->balance;
    if (fault == FAULT_NONE || fault == FAULT_TOO_MANY_REQUESTS) /* else it may be as it was */
        asker->quota_spent = fault && !query->route.full_for_s;
    if (query->route.checked)
        asker->routes_full = query->route.full_for_s > 0;
}

/*
 * The writer says that it can be paid: now it matches. But if others of the same member, which are
 * under way, may take what it counted on, it asks again, behind them.
 */
static enum fault query_go_on(struct operation *operation)
{
    struct query *query = (struct query *)operation;
    struct instance *asker =
        directory_find_number(operation->coordinator->directory, query->number);
    if (!asker)
        return FAULT_TOKEN_INVALID;
    asker->balance = query->balance;
    asker->quota_spent = false;
    if (query->route.wanted)
        asker->routes_full = false;
    query->operation.asks = query_is_doubtful(query, asker);
    enum fault fault = query->operation.asks ? FAULT_NONE : query_match(query, asker);
    if (!fault)
        operation_submit(operation);
    return fault;
}

struct query *query_new(struct coordinator *coordinator)
{
    struct query *query = operation_new(coordinator, sizeof *query, query_apply, query_settle);
    if (!query)
        return NULL;
    query->operation.go_on = query_go_on;
    query->operation.replay = &query_replay;
    return query;
}

enum fault query_submit(struct query *query, struct instance *asker)
{
    const struct settings *settings = query->operation.coordinator->settings;
    if (settings->require_contribution && !asker->has_contributed)
        return FAULT_CONTRIBUTION_REQUIRED;
    if (settings->require_contribution)
        query->cost.milli =
            settings->price_query.milli + (query->priority ? settings->price_priority.milli : 0);
    query->tier = asker->tier;
    query->level = instance_effective_level(asker, settings, query->now_s, NULL);
    query->operation.asks = query_is_doubtful(query, asker);
    enum fault fault = query->operation.asks ? FAULT_NONE : query_match(query, asker);
    if (!fault)
        operation_submit(&query->operation);
    return fault;
}

static enum fault lookup_apply(struct command *command, struct database *database)
{
    struct lookup *lookup = (struct lookup *)command;
    return published_get(database, lookup->pattern, &lookup->published.record,
                         &lookup->published.release);
}

struct lookup *lookup_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct lookup), lookup_apply, NULL);
}

enum fault lookup_submit(struct lookup *lookup, const struct tag *tag, const struct instance *asker,
                         int64_t now_s)
{
    const struct coordinator *coordinator = lookup->operation.coordinator;
    struct search_facts facts;
    lookup->pattern = catalog_find(coordinator->catalog, tag);
    if (!search_facts_get(coordinator->search, lookup->pattern, &facts))
        return FAULT_NOT_FOUND;
    if (!pattern_is_visible(coordinator->settings, asker, &facts, now_s))
        return FAULT_LEVEL_TOO_LOW;
    operation_submit(&lookup->operation);
    return FAULT_NONE;
}
