/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/world.h"

enum { SEALED_QUERY_LENGTH = 312, SEALED_ANSWER_LENGTH = 344 };

static uint8_t *filled(struct operation *operation, size_t length, int byte)
{
    uint8_t *bytes = arena_alloc(&operation->arena, length);
    return bytes ? memset(bytes, byte, length) : NULL;
}

/* ---- Ask ---- */

static void route_answered(struct operation *operation, enum fault fault)
{
    const struct query *query = (const struct query *)operation;
    struct routed *ret = operation->context;
    ret->fault = fault;
    ret->is_matched = query->is_matched;
    ret->routed = query->route.routed;
    ret->full_for_s = query->route.full_for_s;
    ret->balance = query->balance;
    ret->count = fault ? 0 : query->route.count;
    memcpy(ret->instances, query->route.instances, sizeof ret->instances);
}

static void route_fill(struct query *query, const struct asking *asking)
{
    query->max_results = 1;
    query->priority = asking->priority;
    query->token_count = MADE_UP_TOKENS;
    query->tokens[0] = made_up_token(asking->pattern, 0);
    query->tokens[1] = made_up_token(asking->pattern, 1);
    query->route.wanted = true;
    query->route.sealed = filled(&query->operation, SEALED_QUERY_LENGTH, (int)asking->member);
    query->route.sealed_length = SEALED_QUERY_LENGTH;
    query->route.ttl_s = asking->ttl_s ? asking->ttl_s : 3600;
    query->route.fanout = asking->fanout;
    bytes_random(query->id, sizeof query->id);
    bytes_random(query->route.ids, sizeof query->route.ids);
    bytes_random(query->route.random_key, sizeof query->route.random_key);
}

void world_route_start(struct world *world, const struct asking *asking, struct routed *ret)
{
    *ret = (struct routed){.fault = WORLD_UNANSWERED};
    struct instance *instance = world_instance(world, asking->member);
    assert_non_null(instance);
    struct query *query = query_new(world->coordinator);
    if (!query) {
        ret->fault = FAULT_MEMORY;
        return;
    }
    query->operation.answer = route_answered;
    query->operation.context = ret;
    query->number = instance->number;
    query->now_s = world->now_s;
    route_fill(query, asking);
    memcpy(ret->query_id, query->id, sizeof ret->query_id);
    enum fault fault = query->route.sealed ? query_submit(query, instance) : FAULT_MEMORY;
    if (!fault)
        return;
    operation_free(&query->operation);
    ret->fault = fault;
}

struct routed world_route(struct world *world, const struct asking *asking)
{
    struct routed ret;
    world_route_start(world, asking, &ret);
    world_run(world);
    return ret;
}

/* ---- The inbox ---- */

static void inbox_answered(struct operation *operation, enum fault fault)
{
    const struct inbox *inbox = (const struct inbox *)operation;
    struct inboxed *ret = operation->context;
    *ret = (struct inboxed){.fault = fault, .next_due_s = inbox->next_due_s};
    for (size_t i = 0; i < inbox->count && !fault; i++) {
        const struct delivered *delivered = &inbox->deliveries[i];
        memcpy(ret->deliveries[i].id, delivered->id, sizeof delivered->id);
        ret->deliveries[i].first = delivered->sealed[0];
        ret->deliveries[i].priority = delivered->priority;
        ret->deliveries[i].expires_at_s = delivered->expires_at_s;
        ret->count++;
    }
}

struct inboxed world_inbox(struct world *world, unsigned member, size_t max)
{
    struct inboxed ret = {.fault = WORLD_UNANSWERED};
    struct instance *instance = world_instance(world, member);
    struct inbox *inbox = inbox_new(world->coordinator);
    if (!inbox)
        return (struct inboxed){.fault = FAULT_MEMORY};
    assert_non_null(instance);
    inbox->operation.answer = inbox_answered;
    inbox->operation.context = &ret;
    inbox->number = instance->number;
    inbox->now_s = world->now_s;
    inbox->max = max;
    operation_submit(&inbox->operation);
    world_run(world);
    return ret;
}

static void reply_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

enum fault world_reply(struct world *world, unsigned member, const uint8_t *delivery, int byte)
{
    enum fault answer = WORLD_UNANSWERED;
    struct instance *instance = world_instance(world, member);
    struct reply *reply = reply_new(world->coordinator);
    if (!reply)
        return FAULT_MEMORY;
    assert_non_null(instance);
    reply->operation.answer = reply_answered;
    reply->operation.context = &answer;
    reply->number = instance->number;
    reply->now_s = world->now_s;
    memcpy(reply->delivery, delivery, sizeof reply->delivery);
    bytes_random(&reply->place, sizeof reply->place);
    if (byte != WORLD_DECLINE) {
        reply->sealed = filled(&reply->operation, SEALED_ANSWER_LENGTH, byte);
        reply->sealed_length = SEALED_ANSWER_LENGTH;
        assert_non_null(reply->sealed);
    }
    operation_submit(&reply->operation);
    world_run(world);
    return answer;
}

/* ---- Answers ---- */

static void answers_answered(struct operation *operation, enum fault fault)
{
    const struct answers *answers = (const struct answers *)operation;
    struct answered *ret = operation->context;
    *ret = (struct answered){.fault = fault,
                             .news = answers->news,
                             .open = answers->open,
                             .next_due_s = answers->next_due_s};
    for (size_t i = 0; i < answers->count && !fault; i++) {
        ret->first[i] = answers->answers[i].sealed[0];
        ret->received_at_s[i] = answers->answers[i].due_at_s;
        ret->count++;
    }
}

struct answered world_answers(struct world *world, unsigned member, const uint8_t *query_id)
{
    struct answered ret = {.fault = WORLD_UNANSWERED};
    struct instance *instance = world_instance(world, member);
    struct answers *answers = answers_new(world->coordinator);
    if (!answers)
        return (struct answered){.fault = FAULT_MEMORY};
    assert_non_null(instance);
    answers->operation.answer = answers_answered;
    answers->operation.context = &ret;
    answers->number = instance->number;
    answers->now_s = world->now_s;
    memcpy(answers->query_id, query_id, sizeof answers->query_id);
    operation_submit(&answers->operation);
    world_run(world);
    return ret;
}
