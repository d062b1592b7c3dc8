/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/release.h"
#include "lib/rows.h"
#include "lib/world.h"
#include "store/catalog.h"
#include "store/search.h"

/*
 * Random histories against a naive model: what members hold, and from it what must be released
 * after a tick. Bursts of commands share a transaction, and may come between a tick's evaluation
 * and its settlement.
 */
enum { MEMBERS = 12, PATTERNS = 48, FIRST_SPOILED = 45, BURST_MAX = 6, STEPS = 1000, SEEDS = 8 };

struct held {
    bool is, bad;
    uint8_t r;
};

struct said { /* what a member says of a pattern */
    bool verified, confirmed, voted, high;
};

enum deed { DEED_CONTRIBUTE, DEED_WITHDRAW, DEED_QUERY };

struct act { /* one command under way */
    enum deed deed;
    unsigned member, pattern;
    int withdrawn_pattern;
    struct bundle bundle;
    enum privacy_mode mode;
    struct contributed contributed;
    struct withdrawn withdrawn;
    struct asked asked;
};

struct history {
    struct world world;
    uint64_t random;
    bool joined[MEMBERS];
    struct held held[PATTERNS][MEMBERS];
    struct said said[PATTERNS][MEMBERS];
    bool
        perhaps_released[PATTERNS]; /* exact after a quiet tick; after a raced one, some too many */
    struct act acts[BURST_MAX];
    size_t act_count;
    size_t answered; /* results seen in all queries */
    size_t queries_paid, releases_seen, judged;
};

static unsigned below(struct history *history, unsigned bound)
{
    return made_up_below(&history->random, bound);
}

/* ---- The model ---- */

static bool must_be_released(const struct history *history, unsigned pattern)
{
    uint8_t k = history->world.coordinator->epoch.k;
    size_t counted = 0;
    if (pattern >= FIRST_SPOILED)
        return false;
    for (size_t m = 1; m <= MEMBERS; m++) {
        size_t content = 0; /* contributors that are content with a group of m */
        for (unsigned i = 0; i < MEMBERS; i++) {
            const struct held *held = &history->held[pattern][i];
            content += held->is && !held->bad && held->r <= m;
        }
        if (content >= m)
            counted = m;
    }
    return counted >= k;
}

static void leave(struct history *history, unsigned member, unsigned pattern)
{
    history->held[pattern][member].is = false;
    for (unsigned i = 0; i < MEMBERS; i++)
        if (history->held[pattern][i].is)
            return;
    history->perhaps_released[pattern] = false; /* with the last contribution all of it goes */
    memset(history->said[pattern], 0, sizeof history->said[pattern]);
}

static void contributed(struct history *history, const struct act *act)
{
    for (size_t i = 0; i < act->bundle.count; i++) {
        struct held *held = &history->held[act->bundle.patterns[i]][act->member];
        if (!held->is)
            *held = (struct held){
                .is = true, .bad = act->bundle.bad, .r = privacy_min_group(act->mode, 3)};
    }
}

static void queried(struct history *history, const struct act *act)
{
    struct world *world = &history->world;
    assert_true(act->asked.fault == FAULT_NONE || act->asked.fault == FAULT_INSUFFICIENT_CREDITS ||
                act->asked.fault == FAULT_CONTRIBUTION_REQUIRED);
    history->queries_paid += act->asked.fault == FAULT_NONE;
    for (size_t i = 0; i < act->asked.count; i++) {
        unsigned pattern = 0;
        while (pattern < PATTERNS && memcmp(&world_pattern(world, pattern)->record.tag,
                                            &act->asked.results[i].tag, sizeof(struct tag)) != 0)
            pattern++;
        assert_true(pattern < PATTERNS);
        assert_true(history->perhaps_released[pattern]);
        assert_true(act->asked.results[i].contributor_count >= 3);
        history->answered++;
    }
}

/* What the answers say, in the order in which the commands were given. */
static void acts_settle(struct history *history)
{
    for (size_t i = 0; i < history->act_count; i++) {
        const struct act *act = &history->acts[i];
        switch (act->deed) {
        case DEED_CONTRIBUTE:
            assert_int_equal(act->contributed.fault, FAULT_NONE);
            contributed(history, act);
            break;
        case DEED_WITHDRAW:
            if (act->withdrawn_pattern != WORLD_ALL) {
                bool held = history->held[act->withdrawn_pattern][act->member].is;
                assert_int_equal(act->withdrawn.fault, held ? FAULT_NONE : FAULT_NOT_FOUND);
                leave(history, act->member, (unsigned)act->withdrawn_pattern);
                break;
            }
            assert_int_equal(act->withdrawn.fault, FAULT_NONE);
            for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
                if (history->held[pattern][act->member].is)
                    leave(history, act->member, pattern);
            break;
        case DEED_QUERY:
            queried(history, act);
            break;
        }
    }
    history->act_count = 0;
}

static void books_are_balanced(const struct history *history)
{
    assert_int_equal(world_number(&history->world, "SELECT sum(balance_milli) FROM account"), 0);
    assert_int_equal(world_number(&history->world, "SELECT count(*) FROM account WHERE number > 1"
                                                   " AND balance_milli < 0"),
                     0);
}

static struct judgements all_that_is_said(const struct history *history, unsigned pattern)
{
    struct judgements judgements = {0};
    for (unsigned i = 0; i < MEMBERS; i++) {
        const struct said *said = &history->said[pattern][i];
        judgements.confirmed += said->verified && said->confirmed;
        judgements.refuted += said->verified && !said->confirmed;
        judgements.votes_high += said->voted && said->high;
        judgements.votes_low += said->voted && !said->high;
    }
    return judgements;
}

static void what_is_said_is_shown(struct history *history, unsigned pattern)
{
    struct world *world = &history->world;
    struct release_row release;
    struct search_facts facts;
    struct judgements said = all_that_is_said(history, pattern);
    uint32_t id = world_pattern_id(world, pattern);
    assert_int_equal(release_get(world->database, id, &release), FAULT_NONE);
    assert_memory_equal(&release.judgements, &said, sizeof said);
    assert_true(search_facts_get(world->coordinator->search, id, &facts));
    assert_int_equal(facts.weight, judgements_trust(&said, release.confidence));
}

/* After a tick that nothing raced, everything is as the model says. */
static void tick_quietly(struct history *history)
{
    struct world *world = &history->world;
    world_tick(world);
    world_tick(world);
    for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
        bool released = must_be_released(history, pattern);
        if (world_is_released(world, pattern) != released)
            fail_msg("pattern %u is %sreleased", pattern, released ? "not " : "");
        history->perhaps_released[pattern] = released;
        history->releases_seen += released;
        if (released)
            what_is_said_is_shown(history, pattern);
    }
    assert_int_equal(world_number(world, "SELECT count(*) FROM release"),
                     search_count(world->coordinator->search));
    assert_int_equal(world_number(world, "SELECT count(*) FROM contribution c JOIN release r"
                                         " ON r.pattern = c.pattern WHERE state = 0"),
                     0);
}

/* ---- Commands ---- */

static void start_contribution(struct history *history, struct act *act)
{
    unsigned mine = act->member % 3; /* a pattern has a public of about two thirds */
    act->deed = DEED_CONTRIBUTE;
    act->bundle = (struct bundle){.count = 1 + below(history, 4),
                                  .confidence = (uint8_t)(10 * below(history, 11)),
                                  .bad = below(history, 9) == 0};
    for (size_t i = 0; i < act->bundle.count; i++) {
        unsigned pattern = below(history, PATTERNS);
        act->bundle.patterns[i] = pattern % 3 == mine ? (pattern + 1) % PATTERNS : pattern;
    }
    act->mode = world_instance(&history->world, act->member)->mode;
    world_contribute_start(&history->world, act->member, &act->bundle, &act->contributed);
}

static void start_act(struct history *history)
{
    struct act *act = &history->acts[history->act_count];
    unsigned die = below(history, 100);
    act->member = below(history, MEMBERS);
    if (!history->joined[act->member])
        return;
    history->act_count++;
    if (die < 55) {
        start_contribution(history, act);
    } else if (die < 72) {
        act->deed = DEED_WITHDRAW;
        act->withdrawn_pattern = die < 71 ? (int)below(history, PATTERNS) : WORLD_ALL;
        world_withdraw_start(&history->world, act->member, act->withdrawn_pattern, &act->withdrawn);
    } else {
        act->deed = DEED_QUERY;
        world_query_start(&history->world, act->member, below(history, PATTERNS), die > 97,
                          &act->asked);
    }
}

static void burst(struct history *history)
{
    unsigned count = 1 + below(history, BURST_MAX);
    bool raced = below(history, 12) == 0;
    if (raced) {
        for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
            history->perhaps_released[pattern] |= must_be_released(history, pattern);
        release_tick(history->world.coordinator, history->world.now_s);
        if (below(history, 2) == 0)
            world_work(&history->world);
    }
    while (count--)
        start_act(history);
    if (raced)
        world_work(&history->world);
    world_run(&history->world);
    acts_settle(history);
}

static void look_up(struct history *history)
{
    struct published published;
    unsigned member = below(history, MEMBERS), pattern = below(history, PATTERNS);
    if (!history->joined[member])
        return;
    enum fault fault = world_lookup(&history->world, member, pattern, &published);
    assert_true(fault == FAULT_NONE || fault == FAULT_NOT_FOUND || fault == FAULT_LEVEL_TOO_LOW);
    if (fault != FAULT_NOT_FOUND)
        assert_true(history->perhaps_released[pattern]);
    if (fault == FAULT_NONE)
        assert_true(published.release.contributor_count >= 3);
}

static enum fault judge_expected(struct history *history, unsigned member, unsigned pattern,
                                 bool verifies)
{
    if (!world_is_released(&history->world, pattern))
        return FAULT_NOT_FOUND;
    if (history->held[pattern][member].is)
        return FAULT_OWN_PATTERN;
    if (verifies && history->said[pattern][member].verified)
        return FAULT_ALREADY_VERIFIED;
    if (!world_instance(&history->world, member)->has_contributed)
        return FAULT_CONTRIBUTION_REQUIRED;
    return FAULT_NONE;
}

static void judge(struct history *history)
{
    unsigned member = below(history, MEMBERS), pattern = below(history, PATTERNS);
    bool verifies = below(history, 2) == 0, likes = below(history, 3) != 0;
    struct said *said = &history->said[pattern][member];
    if (!history->joined[member])
        return;
    enum fault expected = judge_expected(history, member, pattern, verifies);
    enum fault fault = verifies ? world_verify(&history->world, member, pattern,
                                               likes ? VERDICT_CONFIRM : VERDICT_REFUTE, FLAWLESS)
                                      .fault
                                : world_vote(&history->world, member, pattern, likes);
    if (fault == FAULT_LEVEL_TOO_LOW)
        expected = fault;
    assert_int_equal(fault, expected);
    if (fault)
        return;
    history->judged++;
    if (verifies)
        *said = (struct said){true, likes, said->voted, said->high};
    else
        *said = (struct said){said->verified, said->confirmed, true, likes};
}

static void come_or_go(struct history *history)
{
    struct world *world = &history->world;
    unsigned member = below(history, MEMBERS);
    if (!history->joined[member]) {
        assert_int_equal(world_join(world, member, (enum level)below(history, LEVEL_COUNT),
                                    (enum privacy_mode)below(history, MODE_COUNT)),
                         FAULT_NONE);
        history->joined[member] = true;
    } else if (below(history, 4) == 0) {
        size_t held = 0, erased = 0;
        for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
            held += history->held[pattern][member].is;
            if (history->held[pattern][member].is)
                leave(history, member, pattern);
        }
        for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
            history->said[pattern][member] = (struct said){0};
        assert_int_equal(world_erase(world, member, &erased), FAULT_NONE);
        assert_int_equal(erased, held);
        assert_null(world_instance(world, member));
        history->joined[member] = false;
    }
}

/* ---- Restarts ---- */

struct memory { /* what the loop knows */
    size_t patterns, released, members;
    uint32_t contributions[PATTERNS];
    bool is_released[PATTERNS];
    uint8_t weight[PATTERNS];
    struct {
        uint32_t weekly;
        bool has_contributed;
        enum level level;
        enum privacy_mode mode;
    } standing[MEMBERS];
    size_t hits[MADE_UP_TOPICS];
};

static void memory_read(struct history *history, struct memory *ret)
{
    struct world *world = &history->world;
    struct coordinator *coordinator = world->coordinator;
    memset(ret, 0, sizeof *ret);
    ret->patterns = catalog_count(coordinator->catalog);
    ret->released = search_count(coordinator->search);
    ret->members = directory_count(coordinator->directory);
    for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
        uint32_t id = world_pattern_id(world, pattern);
        ret->contributions[pattern] = id ? catalog_contributions(coordinator->catalog, id) : 0;
        struct search_facts facts = {0};
        ret->is_released[pattern] = world_is_released(world, pattern);
        search_facts_get(coordinator->search, id, &facts);
        ret->weight[pattern] = facts.weight;
    }
    for (unsigned member = 0; member < MEMBERS; member++) {
        const struct instance *instance = world_instance(world, member);
        if (!instance)
            continue;
        ret->standing[member].weekly = instance_weekly(instance, world->now_s / 86400);
        ret->standing[member].has_contributed = instance->has_contributed;
        ret->standing[member].level = instance->level;
        ret->standing[member].mode = instance->mode;
    }
    for (unsigned topic = 0; topic < MADE_UP_TOPICS; topic++) {
        uint32_t token = made_up_token(topic, 1);
        struct search_hit hits[SEARCH_HITS_MAX];
        struct search_query query = {.tokens = &token,
                                     .token_count = 1,
                                     .domain = SEARCH_DOMAIN_ANY,
                                     .high_confidence = 100,
                                     .high_released_until_s = UINT32_MAX,
                                     .limit = SEARCH_HITS_MAX};
        ret->hits[topic] = search_match(coordinator->search, &query, hits);
    }
}

static void restart(struct history *history)
{
    struct memory before, after;
    memory_read(history, &before);
    world_restart(&history->world);
    memory_read(history, &after);
    assert_memory_equal(&before, &after, sizeof before);
}

/* ---- Histories ---- */

static void step(struct history *history)
{
    unsigned die = below(history, 1000);
    if (die < 740)
        burst(history);
    else if (die < 880)
        judge(history);
    else if (die < 920)
        look_up(history);
    else if (die < 945)
        come_or_go(history);
    else if (die < 970)
        tick_quietly(history);
    else if (die < 980)
        history->world.now_s += below(history, 2 * 86400);
    else
        restart(history);
    books_are_balanced(history);
}

/* How many rewards of quality were paid. */
static int64_t run(uint64_t seed)
{
    static struct history history;
    history = (struct history){.random = seed * 2654435761u + 1};
    world_init(&history.world);
    history.world.settings.credit_on = seed % 3 == 0 ? CREDIT_ON_RELEASE : CREDIT_ON_ACCEPT;
    history.world.settings.unproven_allowance = seed % 2 ? 5 : 100;
    history.world.settings.quality_votes = 1;
    history.world.settings.daily_verification_limit = seed % 4 ? 100 : 2;
    history.world.settings.daily_contribution_limit = seed % 5 ? 200 : 10;
    for (unsigned pattern = FIRST_SPOILED; pattern < PATTERNS; pattern++)
        history.world.spoiled[pattern] = true;
    for (unsigned i = 0; i < MEMBERS; i++)
        come_or_go(&history);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&history);
        if (i % 200 == 0)
            rows_assert_sound(history.world.database);
    }
    tick_quietly(&history);
    rows_assert_sound(history.world.database);
    restart(&history);
    tick_quietly(&history);
    rows_assert_sound(history.world.database);
    /* The history was worth its while. */
    assert_true(history.releases_seen > 0);
    assert_true(history.answered > 0 && history.queries_paid > 0);
    assert_true(history.judged > 0);
    int64_t rewards = world_number(&history.world, "SELECT count(*) FROM transfer WHERE kind ="
                                                   " 'quality'");
    world_done(&history.world);
    return rewards;
}

static void every_history_keeps_the_books_and_the_threshold(void **state)
{
    (void)state;
    int64_t rewards = 0;
    const char *only = getenv("HISTORY_SEED");
    if (only) {
        run(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        rewards += run(seed);
    }
    assert_true(rewards > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_history_keeps_the_books_and_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
