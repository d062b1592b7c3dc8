/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/routing.h"

#include <stdlib.h>
#include <string.h>

#include "domain/memo.h"
#include "domain/waiting.h"
#include "store/instances.h"
#include "util/arena.h"

enum {
    HOUR_S = 3600,
    MINUTE_S = 60,
    CONTRIBUTORS_MAX = 256, /* of one pattern, from a random one on */
    CANDIDATES_ENOUGH = 64, /* of these somebody will have room */
    CANDIDATES_MAX = CANDIDATES_ENOUGH + CONTRIBUTORS_MAX,
    CHECKED_MAX = 128, /* inboxes */
    POOL_MAX = 2 * ROUTE_FANOUT_MAX,
};

/* ---- Whom to ask ---- */

struct draft {
    struct routing *route;
    const struct route_rules *rules;
    const struct question_row *question;
    struct database *database;
    struct candidate *candidates;
    size_t count;
    int64_t pool[POOL_MAX];
    size_t pool_count;
    uint64_t drawn; /* random numbers so far */
};

static uint64_t draft_draw(struct draft *draft)
{
    uint64_t number = draft->drawn++;
    return bytes_siphash(draft->route->random_key, &number, sizeof number);
}

/* Each once, with the best of its patterns. */
static void candidate_keep(struct draft *draft, const struct candidate *candidate, uint32_t score)
{
    for (size_t i = 0; i < draft->count; i++)
        if (draft->candidates[i].instance == candidate->instance)
            return;
    struct candidate *kept = &draft->candidates[draft->count++];
    *kept = *candidate;
    kept->score_millionths = score;
    kept->draw = draft_draw(draft);
}

static enum fault candidates_collect(struct draft *draft)
{
    const struct route_rules *rules = draft->rules;
    struct candidate *found = arena_array(rules->arena, CONTRIBUTORS_MAX, sizeof *found);
    draft->candidates = arena_array(rules->arena, CANDIDATES_MAX, sizeof *draft->candidates);
    int64_t last = 0;
    if (!found || !draft->candidates)
        return FAULT_MEMORY;
    enum fault fault = instance_last(draft->database, &last);
    for (size_t i = 0; i < rules->hit_count && draft->count < CANDIDATES_ENOUGH && !fault; i++) {
        if (rules->hits[i].score_millionths < rules->hits[0].score_millionths / 2)
            break; /* they know of something else */
        struct candidates_query query = {
            .pattern = rules->hits[i].pattern,
            .asker = draft->question->asker,
            .start = (int64_t)(draft_draw(draft) % (uint64_t)(last + 1)),
            .max = CONTRIBUTORS_MAX,
        };
        size_t count = 0;
        fault = candidates_find(draft->database, &query, found, &count);
        for (size_t j = 0; j < count && !fault; j++)
            candidate_keep(draft, &found[j], rules->hits[i].score_millionths);
    }
    return fault;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* The best match first; of equals whoever calls the domain its own, then who was asked longest ago,
 * then chance. */
static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = compare(right->score_millionths, left->score_millionths);
    if (!order)
        order = (int)right->prefers - (int)left->prefers;
    if (!order)
        order = compare((uint64_t)left->last_asked, (uint64_t)right->last_asked);
    return order ? order : compare(left->draw, right->draw);
}

static enum fault candidate_has_room(const struct draft *draft, int64_t instance, bool *ret)
{
    const struct settings *settings = draft->rules->settings;
    int64_t now_s = draft->rules->now_s;
    struct inbox_counts counts;
    enum fault fault = inbox_count(draft->database, instance, draft->question->asker, now_s,
                                   now_s - HOUR_S, &counts);
    if (!fault)
        *ret = counts.waiting < settings->max_inbox &&
               counts.of_asker < settings->max_inbox_per_asker &&
               counts.recent < settings->max_inbox_per_hour;
    return fault;
}

static void pool_draw(struct draft *draft)
{
    struct routing *route = draft->route;
    while (route->count < route->fanout && draft->pool_count > 0) {
        size_t at = (size_t)(draft_draw(draft) % draft->pool_count);
        route->instances[route->count++] = draft->pool[at];
        draft->pool[at] = draft->pool[--draft->pool_count];
    }
    draft->pool_count = 0;
}

/*
 * Those that match equally well, from `first` on: of the first that have room, twice as many as may
 * still be asked, chance decides, so that nobody can tell beforehand who it will be. *ret_next: who
 * matches less.
 */
static enum fault equals_ask(struct draft *draft, size_t first, size_t *ret_next)
{
    enum fault fault = FAULT_NONE;
    size_t next = first, wanted = 2 * (draft->route->fanout - draft->route->count);
    uint32_t score = draft->candidates[first].score_millionths;
    for (; next < draft->count && draft->candidates[next].score_millionths == score; next++) {
        bool room = false;
        if (fault || draft->pool_count == wanted || next >= CHECKED_MAX)
            continue;
        fault = candidate_has_room(draft, draft->candidates[next].instance, &room);
        if (!fault && room)
            draft->pool[draft->pool_count++] = draft->candidates[next].instance;
    }
    pool_draw(draft);
    *ret_next = next;
    return fault;
}

static enum fault candidates_ask(struct draft *draft)
{
    enum fault fault = FAULT_NONE;
    qsort(draft->candidates, draft->count, sizeof *draft->candidates, candidate_compare);
    for (size_t i = 0; i < draft->count && draft->route->count < draft->route->fanout && !fault;)
        fault = equals_ask(draft, i, &i);
    return fault;
}

/* ---- Asking ---- */

enum fault route_check(struct routing *route, const struct route_rules *rules, int64_t asker,
                       struct database *database)
{
    struct question_limits limits = {
        .open = rules->settings->max_routed_open,
        .recent = rules->settings->max_routed_per_hour,
        .recent_s = HOUR_S,
    };
    int64_t free_s = 0;
    enum fault fault = questions_check(database, asker, rules->now_s, &limits, &free_s);
    if (fault)
        return fault;
    route->checked = true;
    route->full_for_s = free_s > rules->now_s ? (uint32_t)(free_s - rules->now_s) : 0;
    return route->full_for_s ? FAULT_TOO_MANY_REQUESTS : FAULT_NONE;
}

/* Whole minutes: the seconds at which somebody asked are nobody's business. */
static int64_t expiry(int64_t now_s, uint32_t ttl_s)
{
    return (now_s + ttl_s + MINUTE_S - 1) / MINUTE_S * MINUTE_S;
}

static enum fault route_store(const struct routing *route, struct question_row *question,
                              struct database *database)
{
    struct delivery_row delivery = {
        .asker = question->asker,
        .priority = route->priority,
        .asked_at_s = question->asked_at_s,
        .expires_at_s = question->expires_at_s,
    };
    enum fault fault = question_insert(database, question, &delivery.question);
    for (size_t i = 0; i < route->count && !fault; i++) {
        memcpy(delivery.id, route->ids[i], sizeof delivery.id);
        delivery.instance = route->instances[i];
        fault = delivery_insert(database, &delivery);
    }
    return fault;
}

enum fault route_apply(struct routing *route, const struct route_rules *rules,
                       struct question_row *question, struct database *database)
{
    struct draft draft = {
        .route = route, .rules = rules, .question = question, .database = database};
    route->count = 0;
    enum fault fault = candidates_collect(&draft);
    if (!fault)
        fault = candidates_ask(&draft);
    route->routed = draft.count > 0;
    if (fault || !route->routed)
        return fault;
    question->sealed = route->sealed;
    question->sealed_length = route->sealed_length;
    memcpy(question->reply_key, route->reply_key, sizeof question->reply_key);
    question->asked_at_s = rules->now_s;
    question->expires_at_s = expiry(rules->now_s, route->ttl_s);
    return route_store(route, question, database);
}

void route_settle(const struct routing *route, struct coordinator *coordinator)
{
    for (size_t i = 0; i < route->count; i++)
        waiting_wake(coordinator->waiting,
                     (struct waiting_key){WAITING_INBOX, route->instances[i]});
}

/* ---- The inbox ---- */

static enum fault inbox_apply(struct command *command, struct database *database)
{
    struct inbox *inbox = (struct inbox *)command;
    const struct settings *settings = inbox->operation.coordinator->settings;
    struct instance_row instance;
    struct inbox_query query = {.instance = inbox->number,
                                .now_s = inbox->now_s,
                                .max = inbox->max,
                                .arena = &inbox->operation.arena};
    enum fault fault = instance_get(database, inbox->number, &instance);
    if (fault)
        return fault == FAULT_NOT_FOUND ? FAULT_TOKEN_INVALID : fault;
    fault = inbox_read(database, &query, inbox->deliveries, &inbox->count);
    for (size_t i = 0; i < inbox->count && !fault; i++)
        fault =
            delivery_lease(database, inbox->deliveries[i].number, inbox->now_s + settings->lease_s);
    return fault ? fault
                 : inbox_next_due(database, inbox->number, inbox->now_s, &inbox->next_due_s);
}

struct inbox *inbox_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct inbox), inbox_apply, NULL);
}

/* ---- Replies ---- */

/* Answers leave in batches, at times that have nothing to do with who answers; the last one when
 * the question closes. */
static int64_t batch_end(int64_t now_s, int64_t cadence_s, int64_t closes_at_s)
{
    int64_t end_s = now_s - now_s % cadence_s + cadence_s;
    return end_s < closes_at_s ? end_s : closes_at_s;
}

static enum fault reply_repeat(const struct reply *reply, const struct answer_row *answer,
                               enum delivery_state state, struct database *database)
{
    bool equal = false;
    if (state == DELIVERY_DECLINED)
        return reply->sealed ? FAULT_NOT_FOUND : FAULT_NONE;
    enum fault fault =
        reply->sealed ? answer_equals(database, answer, &equal) : FAULT_ALREADY_ANSWERED;
    return fault || equal ? fault : FAULT_ALREADY_ANSWERED;
}

static enum fault reply_apply(struct command *command, struct database *database)
{
    struct reply *reply = (struct reply *)command;
    const struct settings *settings = reply->operation.coordinator->settings;
    struct delivery_row delivery;
    enum fault fault = delivery_find(database, reply->delivery, reply->number, &delivery);
    if (fault)
        return fault;
    struct answer_row answer = {
        .delivery = delivery.number,
        .sealed = reply->sealed,
        .sealed_length = reply->sealed_length,
        .due_at_s = batch_end(reply->now_s, settings->answer_cadence_s, delivery.expires_at_s),
        .place = reply->place,
    };
    if (delivery.state != DELIVERY_WAITING)
        return reply_repeat(reply, &answer, delivery.state, database);
    if (delivery.expires_at_s <= reply->now_s)
        return FAULT_NOT_FOUND;
    fault = delivery_set_state(database, delivery.number,
                               reply->sealed ? DELIVERY_ANSWERED : DELIVERY_DECLINED);
    if (fault || !reply->sealed)
        return fault;
    reply->question = delivery.question;
    reply->due_at_s = answer.due_at_s;
    return answer_insert(database, &answer);
}

static void reply_settle(struct operation *operation, enum fault fault)
{
    const struct reply *reply = (const struct reply *)operation;
    if (!fault && reply->due_at_s)
        waiting_hasten(operation->coordinator->waiting,
                       (struct waiting_key){WAITING_ANSWERS, reply->question}, reply->due_at_s);
}

static const struct replay reply_replay = {0};

struct reply *reply_new(struct coordinator *coordinator)
{
    struct reply *reply = operation_new(coordinator, sizeof *reply, reply_apply, reply_settle);
    if (reply)
        reply->operation.replay = &reply_replay;
    return reply;
}

/* ---- Answers ---- */

static enum fault answers_apply(struct command *command, struct database *database)
{
    struct answers *answers = (struct answers *)command;
    int64_t expires_at_s = 0, due_s = 0;
    enum fault fault = question_find(database, answers->query_id, answers->number,
                                     &answers->question, &expires_at_s);
    struct answers_query query = {
        .question = answers->question,
        .now_s = answers->now_s,
        .max = ROUTE_FANOUT_MAX,
        .arena = &answers->operation.arena,
    };
    if (!fault)
        fault = answers_read(database, &query, answers->answers, &answers->count);
    if (!fault)
        fault =
            answers_hand_out(database, answers->question, answers->now_s, &answers->news, &due_s);
    answers->open = expires_at_s > answers->now_s;
    answers->next_due_s = due_s && due_s < expires_at_s ? due_s : expires_at_s;
    return fault;
}

struct answers *answers_new(struct coordinator *coordinator)
{
    return operation_new(coordinator, sizeof(struct answers), answers_apply, NULL);
}
