/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/economy.h"
#include "lib/rows.h"
#include "util/clock.h"

/*
 * Random histories of all calls by fifty members, against the model of lib/economy.h: every answer,
 * and again and again everything that members can be told. The clock jumps over midnights and ends
 * of months, forth and back; restarts, also with commands that nobody was answered, come at any
 * time.
 *
 * HISTORY_SEED=n runs one seed alone; HISTORY_STEPS=n makes longer histories, as `make torture`
 * does.
 */
enum {
    SEEDS = 8,
    STEPS = 3500,
    DAY_S = 86400,
    BURST_MAX = 6,
    BACK_MAX_S = 6 * DAY_S,
    ERA = 40,
    ERA_STEPS = 60
};

static struct world world;
static struct economy economy;

static struct {
    uint64_t random;
    int64_t latest_s; /* that the clock ever showed */
    unsigned era;     /* members are busy with the patterns from here on */
    size_t operations;
    size_t met[FAULT_COUNT]; /* answers */
    size_t rewards, reversals, released, seen;
} history;

static unsigned below(unsigned bound)
{
    return made_up_below(&history.random, bound);
}

static bool one_in(unsigned bound)
{
    return below(bound) == 0;
}

static unsigned any_pattern(void)
{
    /* Few are popular, so that groups come together; all have their time. */
    unsigned popularity = one_in(3) ? ERA : ERA / 4;
    return (history.era + below(popularity)) % ECONOMY_PATTERNS;
}

/* One that was released, if there is one close by. */
static unsigned any_released(void)
{
    unsigned first = any_pattern(), pattern = first;
    for (unsigned i = 0; i < ERA && !economy.patterns[pattern].released; i++)
        pattern = (first + i) % ECONOMY_PATTERNS;
    return one_in(6) ? first : pattern;
}

static bool any_member(unsigned *ret)
{
    *ret = below(ECONOMY_MEMBERS);
    return economy.members[*ret].joined;
}

static void answered(enum fault expected, enum fault fault)
{
    history.operations++;
    history.met[expected]++;
    if (fault != expected)
        fail_msg("answered \"%s\" instead of \"%s\"", fault_title(fault), fault_title(expected));
}

/* ---- Calls ---- */

/* Two of the members send wrong shares, always. */
static struct bundle any_bundle(unsigned member)
{
    struct bundle bundle = {.count = 1 + below(one_in(20) ? 12 : 3),
                            .confidence = (uint8_t)(10 * below(11)),
                            .bad = member % 25 == 24};
    for (size_t i = 0; i < bundle.count; i++)
        bundle.patterns[i] = any_pattern();
    if (bundle.patterns[0] % 4 == 0)
        bundle.confidence = 100; /* of high confidence, some are */
    return bundle;
}

static void contributed_as_expected(const struct contributed *expected,
                                    const struct contributed *answer)
{
    answered(expected->fault, answer->fault);
    if (expected->fault)
        return;
    assert_int_equal(answer->added, expected->added);
    assert_int_equal(answer->earned.milli, expected->earned.milli);
    assert_int_equal(answer->balance.milli, expected->balance.milli);
    assert_int_equal(answer->daily_remaining, expected->daily_remaining);
}

static void left_as_expected(unsigned member, const struct allowance *allowance)
{
    if (economy.members[member].tier == TIER_UNLIMITED)
        assert_int_equal(allowance->resets_in_s, 0);
    else
        assert_int_equal(allowance->left,
                         economy_left(&economy, member, allowance->quota, world.now_s));
}

static void contribute(void)
{
    unsigned member;
    struct contributed answer;
    if (!any_member(&member))
        return;
    struct bundle bundle = any_bundle(member);
    world_contribute_start(&world, member, &bundle, &answer);
    world_run(&world);
    struct contributed expected = economy_contribute(&economy, member, &bundle, world.now_s);
    contributed_as_expected(&expected, &answer);
    left_as_expected(member, &answer.allowance);
}

/* Several in one transaction, in their order. */
static void contribute_together(void)
{
    struct bundle bundles[BURST_MAX];
    struct contributed answers[BURST_MAX];
    unsigned members[BURST_MAX];
    size_t count = 0;
    for (size_t i = 0; i < BURST_MAX; i++) {
        if (!any_member(&members[count]))
            continue;
        bundles[count] = any_bundle(members[count]);
        world_contribute_start(&world, members[count], &bundles[count], &answers[count]);
        count++;
    }
    world_run(&world);
    for (size_t i = 0; i < count; i++) {
        struct contributed expected =
            economy_contribute(&economy, members[i], &bundles[i], world.now_s);
        contributed_as_expected(&expected, &answers[i]);
    }
}

static void withdraw_of(unsigned member, int pattern)
{
    struct withdrawn answer = world_withdraw(&world, member, pattern);
    struct withdrawn expected = economy_withdraw(&economy, member, pattern, world.now_s);
    answered(expected.fault, answer.fault);
    if (expected.fault)
        return;
    assert_int_equal(answer.withdrawn, expected.withdrawn);
    assert_int_equal(answer.reversed.milli, expected.reversed.milli);
    assert_int_equal(answer.balance.milli, expected.balance.milli);
    history.reversals += answer.reversed.milli > 0;
}

static void withdraw(void)
{
    unsigned member, pattern = below(ECONOMY_PATTERNS);
    if (!any_member(&member))
        return;
    for (unsigned i = 0; i < ECONOMY_PATTERNS && !one_in(100); i++)
        if (!economy.members[member].stakes[pattern].held)
            pattern = (pattern + 1) % ECONOMY_PATTERNS;
    withdraw_of(member, one_in(30) ? WORLD_ALL : (int)pattern);
}

/* What a query for the tokens of `pattern` must find, how much of it there is room for. */
static void found_as_expected(unsigned member, unsigned pattern, const struct asked *answer)
{
    static bool matches[ECONOMY_PATTERNS];
    uint32_t missing;
    enum level level = economy_level(&economy, member, world.now_s, &missing);
    size_t room = economy.rules->level_max_results[level], expected = 0;
    for (unsigned i = 0; i < ECONOMY_PATTERNS; i++) {
        matches[i] = i % MADE_UP_TOPICS == pattern % MADE_UP_TOPICS &&
                     economy_sees(&economy, member, i, world.now_s) == FAULT_NONE;
        expected += matches[i];
    }
    assert_int_equal(answer->count, expected < room ? expected : room);
    for (size_t i = 0; i < answer->count; i++) {
        unsigned found = pattern % MADE_UP_TOPICS;
        while (memcmp(&world_pattern(&world, found)->record.tag, &answer->results[i].tag,
                      sizeof(struct tag)) != 0)
            found += MADE_UP_TOPICS;
        assert_true(found < ECONOMY_PATTERNS);
        assert_true(matches[found]);
        matches[found] = false; /* once */
        assert_int_equal(answer->results[i].confidence, economy.patterns[found].confidence);
        assert_true(answer->results[i].contributor_count >= ECONOMY_K);
        history.seen++;
    }
}

static void query(void)
{
    unsigned member, pattern = any_pattern();
    struct asked answer;
    bool priority = one_in(8);
    if (!any_member(&member))
        return;
    world_query_start(&world, member, pattern, priority, &answer);
    world_run(&world);
    struct asked expected = economy_query(&economy, member, priority, world.now_s);
    answered(expected.fault, answer.fault);
    if (expected.fault == FAULT_NONE || expected.fault == FAULT_INSUFFICIENT_CREDITS) {
        assert_int_equal(answer.balance.milli, expected.balance.milli);
        assert_int_equal(answer.cost.milli, expected.cost.milli);
    }
    if (!expected.fault) {
        left_as_expected(member, &answer.allowance);
        found_as_expected(member, pattern, &answer);
    }
}

/* Many queries of one member in one transaction: as many are answered as it can pay, and no more.
 */
static void query_at_once(void)
{
    unsigned member;
    struct asked answers[2 * BURST_MAX];
    size_t count = 2 + below(2 * BURST_MAX - 1), expected[FAULT_COUNT] = {0};
    if (!any_member(&member))
        return;
    for (size_t i = 0; i < count; i++)
        world_query_start(&world, member, any_pattern(), false, &answers[i]);
    world_run(&world);
    for (size_t i = 0; i < count; i++)
        expected[economy_query(&economy, member, false, world.now_s).fault]++;
    for (size_t i = 0; i < count; i++) {
        assert_true(expected[answers[i].fault] > 0);
        expected[answers[i].fault]--;
        history.operations++;
    }
}

static void look_up(void)
{
    struct published published;
    struct judgements counts;
    size_t sampled;
    unsigned member, pattern = any_released();
    const struct economy_pattern *that = &economy.patterns[pattern];
    if (!any_member(&member))
        return;
    enum fault expected = economy_sees(&economy, member, pattern, world.now_s);
    answered(expected, world_lookup(&world, member, pattern, &published));
    answered(that->released ? FAULT_NONE : FAULT_NOT_FOUND,
             world_verifications(&world, pattern, &counts, &sampled));
    if (that->released)
        assert_memory_equal(&counts, &that->shown, sizeof counts);
    if (expected)
        return;
    assert_memory_equal(&published.release.judgements, &that->shown, sizeof that->shown);
    assert_int_equal(published.release.confidence, that->confidence);
    assert_int_equal(published.release.released_at_s, that->released_at_s);
    assert_int_equal(judgements_quality(&published.release.judgements),
                     economy_quality(&that->shown));
}

static void verify(void)
{
    unsigned member, pattern = any_released();
    enum verdict verdict = one_in(4) ? VERDICT_REFUTE : VERDICT_CONFIRM;
    enum flaw flaw = one_in(12) ? FLAW_BLIND : one_in(12) ? FLAW_SIGNATURE : FLAWLESS;
    if (!any_member(&member))
        return;
    struct verified answer = world_verify(&world, member, pattern, verdict, flaw);
    struct verified expected =
        economy_verify(&economy, member, pattern, verdict, flaw, world.now_s);
    answered(expected.fault, answer.fault);
    if (expected.fault)
        return;
    assert_int_equal(answer.earned.milli, expected.earned.milli);
    assert_int_equal(answer.balance.milli, expected.balance.milli);
}

static void vote(void)
{
    unsigned member, pattern = any_released();
    bool high = !one_in(3);
    if (!any_member(&member))
        return;
    enum fault fault = world_vote(&world, member, pattern, high);
    answered(economy_vote(&economy, member, pattern, high, world.now_s), fault);
}

static void evaluate(void)
{
    unsigned member;
    uint32_t elements = 1 + below(20);
    if (!any_member(&member))
        return;
    enum fault fault = world_evaluate(&world, member, elements);
    answered(economy_meter(&economy, member, elements, world.now_s), fault);
}

static void change(void)
{
    unsigned member;
    if (!any_member(&member))
        return;
    struct economy_member *self = &economy.members[member];
    if (one_in(2))
        self->level = (enum level)below(LEVEL_COUNT);
    else
        self->mode = (enum privacy_mode)below(MODE_COUNT);
    struct instance_row row = world_profile(&world, member, self->level, self->mode);
    assert_int_equal(row.level, self->level);
    assert_int_equal(row.mode, self->mode);
    history.operations++;
}

static void come_or_go(void)
{
    unsigned member = below(ECONOMY_MEMBERS);
    size_t held = 0, expected = 0;
    if (economy.members[member].joined && !one_in(5))
        return;
    if (economy.members[member].joined) {
        answered(FAULT_NONE, world_erase(&world, member, &held));
        economy_erase(&economy, member, &expected);
        assert_int_equal(held, expected);
        return;
    }
    struct economy_member as = {.level = (enum level)below(LEVEL_COUNT),
                                .mode = (enum privacy_mode)below(MODE_COUNT),
                                .tier = (enum tier)below(TIER_COUNT)};
    world.settings.default_tier = as.tier;
    answered(FAULT_NONE, world_join(&world, member, as.level, as.mode));
    economy_join(&economy, member, &as, world.now_s);
}

static void look_at_oneself(void)
{
    unsigned member;
    if (!any_member(&member))
        return;
    economy_assert_member(&economy, &world, member);
    history.operations += 2;
}

/* ---- Time ---- */

/*
 * Where a member is to lose more in one tick than it has, and may also gain, what it has then would
 * depend on which group comes first, which nobody promises. So it withdraws what it would lose.
 */
static void doubts_are_settled(unsigned member)
{
    const struct economy_member *self = &economy.members[member];
    size_t at_risk = economy_at_risk(&economy, member);
    if (economy_held(&economy, member, false) == at_risk)
        return;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        bool doubtful = economy.patterns[pattern].spoiled || self->stakes[pattern].bad;
        if (self->balance >= (int64_t)at_risk * economy.rules->price_contribute.milli)
            return;
        if (!doubtful || !self->stakes[pattern].held)
            continue;
        withdraw_of(member, (int)pattern);
        at_risk = economy_at_risk(&economy, member);
    }
}

static void tick(void)
{
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++)
        doubts_are_settled(member);
    world_tick(&world);
    economy_tick(&economy, world.now_s);
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        history.released += economy.patterns[pattern].released;
    if (one_in(8))
        economy_assert_all(&economy, &world);
}

/* Mostly on, by hours; now and then to one side or the other of a midnight or of a month's end. */
static void pass_time(void)
{
    int64_t midnight_s = (world.now_s / DAY_S + 1) * DAY_S, end_s = clock_month_end(world.now_s);
    switch (below(10)) {
    case 0:
        world.now_s = midnight_s - below(2);
        break;
    case 1:
        world.now_s = midnight_s - DAY_S - below(2);
        break;
    case 2:
        world.now_s += below(3 * DAY_S);
        break;
    case 3:
        world.now_s -= below(2 * DAY_S);
        break;
    case 4:
        world.now_s = end_s - history.latest_s < 3 * DAY_S ? end_s : world.now_s;
        break;
    case 5:
        world.now_s = clock_month_start(world.now_s) - 1;
        break;
    default:
        world.now_s = history.latest_s + below(DAY_S / 2);
        break;
    }
    if (world.now_s < history.latest_s - BACK_MAX_S)
        world.now_s = history.latest_s - BACK_MAX_S;
    if (world.now_s > history.latest_s)
        history.latest_s = world.now_s;
}

static void restart(void)
{
    world_restart(&world);
    if (one_in(4))
        economy_assert_all(&economy, &world);
}

/* It ends before the writer took what it was given: that has not happened. */
static void crash(void)
{
    unsigned member;
    struct contributed contributed;
    struct asked asked;
    struct withdrawn withdrawn;
    if (!any_member(&member))
        return;
    struct bundle bundle = any_bundle(member);
    world_contribute_start(&world, member, &bundle, &contributed);
    world_query_start(&world, member, any_pattern(), true, &asked);
    world_withdraw_start(&world, member, (int)any_pattern(), &withdrawn);
    world_restart(&world);
}

/* ---- Histories ---- */

static const struct {
    void (*run)(void);
    unsigned weight;
} steps[] = {
    {contribute, 190},   {contribute_together, 12},
    {withdraw, 80},      {query, 200},
    {query_at_once, 15}, {look_up, 250},
    {verify, 100},       {vote, 150},
    {evaluate, 60},      {look_at_oneself, 250},
    {change, 10},        {come_or_go, 20},
    {tick, 12},          {pass_time, 24},
    {restart, 2},        {crash, 2},
};

static void step(void)
{
    unsigned sum = 0, i = 0;
    for (size_t each = 0; each < sizeof steps / sizeof *steps; each++)
        sum += steps[each].weight;
    unsigned die = below(sum);
    for (; die >= steps[i].weight; i++)
        die -= steps[i].weight;
    steps[i].run();
}

/* The limits are small, so that members meet them every day. */
static void rules_set(uint64_t seed)
{
    struct settings *rules = &world.settings;
    rules->credit_on = seed % 4 == 3 ? CREDIT_ON_RELEASE : CREDIT_ON_ACCEPT;
    rules->require_contribution = seed % 8 != 5;
    rules->unproven_allowance = seed % 3 ? 6 : 100;
    rules->daily_contribution_limit = seed % 5 ? 5 : 200;
    rules->daily_verification_limit = 1 + (uint32_t)seed % 3;
    rules->quality_votes = 1 + (uint32_t)seed % 4;
    rules->price_contribute.milli = seed % 2 ? 1000 : 1250;
    rules->max_contributions = seed % 3 ? 1000000 : 14;
    for (enum level level = LEVEL_MINIMAL; level < LEVEL_COUNT; level++) {
        rules->level_min_weekly[level] = (const uint32_t[]){1, 5, 12}[level];
        rules->level_max_results[level] = (const uint32_t[]){1, 3, 200}[level];
    }
    rules->free_daily[QUOTA_CONTRIBUTIONS] = 6;
    rules->free_daily[QUOTA_QUERIES] = 3;
    rules->free_daily[QUOTA_OPRF_ELEMENTS] = 20;
}

static size_t from_environment(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void run(uint64_t seed, size_t count)
{
    memset(&history, 0, sizeof history);
    memset(&economy, 0, sizeof economy);
    history.random = seed * 2654435761u + 1;
    world_init(&world);
    rules_set(seed);
    economy.rules = &world.settings;
    history.latest_s = world.now_s;
    economy.first_day = world.now_s / DAY_S - 40;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern += 13)
        world.spoiled[pattern] = economy.patterns[pattern].spoiled = true;
    for (unsigned i = 0; i < 2 * ECONOMY_MEMBERS; i++)
        come_or_go();
    for (size_t i = 0; i < count; i++) {
        history.era = (unsigned)(i / ERA_STEPS);
        step();
        if (i % 5000 == 0)
            rows_assert_sound(world.database);
    }
    tick();
    restart();
    economy_assert_all(&economy, &world);
    rows_assert_sound(world.database);
    history.rewards = (size_t)world_number(&world, "SELECT count(*) FROM transfer"
                                                   " WHERE kind = 'quality'");
    world_done(&world);
}

static void every_answer_and_every_balance_is_as_the_rules_say(void **state)
{
    (void)state;
    uint64_t only = from_environment("HISTORY_SEED", 0);
    uint64_t first = only ? only : 1, last = only ? only : SEEDS;
    size_t steps_each = from_environment("HISTORY_STEPS", STEPS), operations = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        print_message("HISTORY_SEED=%llu\n", (unsigned long long)seed);
        run(seed, steps_each);
        operations += history.operations;
        assert_true(history.reversals > 0 && history.released > 0 && history.seen > 0);
    }
    print_message("%zu operations\n", operations);
    assert_true(operations >= steps_each * (last - first + 1));
    assert_true(only || history.rewards > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_and_every_balance_is_as_the_rules_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
