/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/economy.h"

#include <string.h>
#include <time.h>

enum { DAY_S = 86400, WEEK_DAYS = 7, PERIOD_DAYS = 30 };

static int64_t day_of(int64_t now_s)
{
    return now_s / DAY_S;
}

static struct economy_day *today(struct economy *economy, unsigned member, int64_t now_s)
{
    return &economy->members[member].days[day_of(now_s) - economy->first_day];
}

static const struct stake *stake_of(const struct economy *economy, unsigned member,
                                    unsigned pattern)
{
    return &economy->members[member].stakes[pattern];
}

/* ---- What follows from the tables ---- */

size_t economy_held(const struct economy *economy, unsigned member, bool released_only)
{
    size_t held = 0;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        held += stake->held && (!released_only || stake->state == STAKE_RELEASED);
    }
    return held;
}

size_t economy_unproven(const struct economy *economy, unsigned member)
{
    size_t unproven = 0;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        unproven += stake_of(economy, member, pattern)->unproven;
    return unproven;
}

size_t economy_at_risk(const struct economy *economy, unsigned member)
{
    size_t at_risk = 0;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        at_risk += stake->held && stake->payment == STAKE_PAID && stake->state == STAKE_SEALED &&
                   (stake->bad || economy->patterns[pattern].spoiled);
    }
    return at_risk;
}

static size_t holders(const struct economy *economy, unsigned pattern)
{
    size_t count = 0;
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++)
        count += stake_of(economy, member, pattern)->held;
    return count;
}

static uint32_t weekly(const struct economy *economy, unsigned member, int64_t now_s)
{
    uint32_t count = 0;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        int64_t age = day_of(now_s) - stake->day;
        count += stake->held && age >= 0 && age < WEEK_DAYS;
    }
    return count;
}

enum level economy_level(const struct economy *economy, unsigned member, int64_t now_s,
                         uint32_t *ret_missing)
{
    const struct economy_member *self = &economy->members[member];
    const uint32_t *minimum = economy->rules->level_min_weekly;
    uint32_t has = weekly(economy, member, now_s);
    enum level effective = LEVEL_MINIMAL;
    for (enum level level = LEVEL_MINIMAL; level <= self->level; level++)
        if (has >= minimum[level])
            effective = level;
    if (now_s < self->joined_at_s + WEEK_DAYS * DAY_S)
        effective = self->level;
    *ret_missing = effective == self->level ? 0 : minimum[self->level] - has;
    return effective;
}

static bool months_are_equal(int64_t day, int64_t other)
{
    time_t one_s = day * DAY_S, other_s = other * DAY_S;
    struct tm one, two;
    gmtime_r(&one_s, &one);
    gmtime_r(&other_s, &two);
    return one.tm_year == two.tm_year && one.tm_mon == two.tm_mon;
}

struct accounted economy_account(const struct economy *economy, unsigned member, int64_t now_s)
{
    const struct economy_member *self = &economy->members[member];
    struct accounted account = {.available = self->balance};
    int64_t now = day_of(now_s);
    for (int64_t day = now - 31; day <= now + 31; day++) {
        if (day < economy->first_day || !months_are_equal(day, now))
            continue;
        const struct economy_day *that = &self->days[day - economy->first_day];
        account.earned_monthly += that->earned;
        account.spent_monthly += that->spent;
        if (day == now)
            account.daily = that->contributed;
    }
    return account;
}

int64_t economy_left(const struct economy *economy, unsigned member, enum quota quota,
                     int64_t now_s)
{
    const struct economy_member *self = &economy->members[member];
    return economy->rules->free_daily[quota] -
           self->days[day_of(now_s) - economy->first_day].used[quota];
}

static int64_t in_favour(const struct judgements *judgements)
{
    return 2 * (int64_t)judgements->confirmed + judgements->votes_high;
}

static int64_t opposed(const struct judgements *judgements)
{
    return 2 * (int64_t)judgements->refuted + judgements->votes_low;
}

int economy_quality(const struct judgements *judgements)
{
    int64_t p = in_favour(judgements), n = opposed(judgements);
    return p + n == 0 ? -1 : (int)((1000 * p / (p + n) + 5) / 10);
}

uint8_t economy_trust(const struct judgements *judgements, uint8_t confidence)
{
    int64_t p = in_favour(judgements), n = opposed(judgements);
    int64_t trust = confidence * (p + 2) / (p + n + 2);
    return (uint8_t)(trust > 1 ? trust : 1);
}

/* ---- Coming and going ---- */

void economy_join(struct economy *economy, unsigned member, const struct economy_member *as,
                  int64_t now_s)
{
    struct economy_member *self = &economy->members[member];
    memset(self, 0, sizeof *self);
    self->joined = true;
    self->level = as->level;
    self->mode = as->mode;
    self->tier = as->tier;
    self->joined_at_s = now_s;
}

/* With its last contribution all that was known and said of a pattern goes. */
static void pattern_fade(struct economy *economy, unsigned pattern)
{
    if (holders(economy, pattern) > 0)
        return;
    economy->patterns[pattern] =
        (struct economy_pattern){.spoiled = economy->patterns[pattern].spoiled,
                                 .period = economy->patterns[pattern].period,
                                 .confidence = economy->patterns[pattern].confidence};
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        struct stake *stake = &economy->members[member].stakes[pattern];
        stake->verified = stake->confirms = stake->voted = stake->high = false;
    }
}

void economy_erase(struct economy *economy, unsigned member, size_t *ret_contributions)
{
    *ret_contributions = economy_held(economy, member, false);
    memset(&economy->members[member], 0, sizeof economy->members[member]);
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        pattern_fade(economy, pattern);
}

/* ---- Credits ---- */

static void earn(struct economy *economy, unsigned member, struct credits amount, int64_t now_s)
{
    economy->members[member].balance += amount.milli;
    today(economy, member, now_s)->earned += amount.milli;
}

static void spend(struct economy *economy, unsigned member, int64_t amount, int64_t now_s)
{
    economy->members[member].balance -= amount;
    today(economy, member, now_s)->spent += amount;
}

static void pay_contribution(struct economy *economy, unsigned member, struct stake *stake,
                             int64_t now_s)
{
    struct credits price = economy->rules->price_contribute;
    earn(economy, member, price, now_s);
    today(economy, member, now_s)->contributed += price.milli;
    stake->payment = STAKE_PAID;
    stake->ever_paid = true;
}

/* What is taken back. */
static int64_t reverse(struct economy *economy, unsigned member, struct stake *stake, int64_t now_s)
{
    int64_t paid = economy->rules->price_contribute.milli;
    int64_t balance = economy->members[member].balance;
    if (stake->payment != STAKE_PAID)
        return 0;
    int64_t amount = paid < balance ? paid : balance;
    spend(economy, member, amount, now_s);
    stake->payment = STAKE_UNPAID;
    if (amount == paid)
        stake->unproven = false;
    return amount;
}

/* False: as a whole refused. */
static bool use_up(struct economy *economy, unsigned member, enum quota quota, int64_t amount,
                   int64_t now_s)
{
    if (economy->members[member].tier == TIER_UNLIMITED)
        return true;
    if (amount > economy_left(economy, member, quota, now_s))
        return false;
    today(economy, member, now_s)->used[quota] += amount;
    return true;
}

/* ---- Calls ---- */

static void accept(struct economy *economy, unsigned member, unsigned pattern, int64_t now_s)
{
    const struct settings *rules = economy->rules;
    struct stake *stake = &economy->members[member].stakes[pattern];
    int64_t *payable = &today(economy, member, now_s)->payable;
    economy->members[member].contributed = true;
    if (economy->patterns[pattern].released || stake->ever_paid ||
        *payable >= rules->daily_contribution_limit)
        return;
    ++*payable;
    stake->payment = STAKE_DUE;
    if (rules->credit_on == CREDIT_ON_RELEASE ||
        economy_unproven(economy, member) >= rules->unproven_allowance)
        return;
    pay_contribution(economy, member, stake, now_s);
    stake->unproven = true;
}

struct contributed economy_contribute(struct economy *economy, unsigned member,
                                      const struct bundle *bundle, int64_t now_s)
{
    struct economy_member *self = &economy->members[member];
    struct contributed answer = {.fault = FAULT_NONE};
    int64_t before = self->balance;
    if (!use_up(economy, member, QUOTA_CONTRIBUTIONS, (int64_t)bundle->count, now_s))
        return (struct contributed){.fault = FAULT_TOO_MANY_REQUESTS};
    for (size_t i = 0; i < bundle->count; i++) {
        unsigned pattern = bundle->patterns[i];
        struct stake *stake = &self->stakes[pattern];
        if (stake->held ||
            economy_held(economy, member, false) >= economy->rules->max_contributions)
            continue;
        stake->held = true;
        stake->bad = bundle->bad;
        stake->counted = false;
        stake->r = self->mode == MODE_HIGH ? 5 : ECONOMY_K;
        stake->confidence = bundle->confidence;
        stake->order = ++economy->accepted;
        stake->day = day_of(now_s);
        stake->state = STAKE_SEALED;
        stake->payment = STAKE_UNPAID;
        accept(economy, member, pattern, now_s);
        answer.added++;
    }
    int64_t left =
        economy->rules->daily_contribution_limit - today(economy, member, now_s)->payable;
    answer.earned.milli = self->balance - before;
    answer.balance.milli = self->balance;
    answer.daily_remaining = left > 0 ? left : 0;
    return answer;
}

static void withdraw(struct economy *economy, unsigned member, unsigned pattern,
                     struct withdrawn *answer, int64_t now_s)
{
    struct stake *stake = &economy->members[member].stakes[pattern];
    answer->withdrawn++;
    answer->reversed.milli += reverse(economy, member, stake, now_s);
    stake->held = stake->counted = false;
    pattern_fade(economy, pattern);
}

static int oldest(const struct economy *economy, unsigned member)
{
    int oldest = -1;
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        if (stake->held &&
            (oldest < 0 || stake->order < stake_of(economy, member, (unsigned)oldest)->order))
            oldest = (int)pattern;
    }
    return oldest;
}

struct withdrawn economy_withdraw(struct economy *economy, unsigned member, int pattern,
                                  int64_t now_s)
{
    struct withdrawn answer = {.fault = FAULT_NONE};
    if (pattern != WORLD_ALL && !stake_of(economy, member, (unsigned)pattern)->held)
        return (struct withdrawn){.fault = FAULT_NOT_FOUND};
    if (pattern != WORLD_ALL)
        withdraw(economy, member, (unsigned)pattern, &answer, now_s);
    else
        while ((pattern = oldest(economy, member)) >= 0)
            withdraw(economy, member, (unsigned)pattern, &answer, now_s);
    answer.balance.milli = economy->members[member].balance;
    return answer;
}

struct asked economy_query(struct economy *economy, unsigned member, bool priority, int64_t now_s)
{
    const struct settings *rules = economy->rules;
    struct economy_member *self = &economy->members[member];
    int64_t cost = rules->price_query.milli + (priority ? rules->price_priority.milli : 0);
    if (!rules->require_contribution)
        cost = 0;
    struct asked answer = {.fault = FAULT_NONE, .cost = {cost}};
    if (rules->require_contribution && !self->contributed)
        answer.fault = FAULT_CONTRIBUTION_REQUIRED;
    else if (self->balance < cost)
        answer.fault = FAULT_INSUFFICIENT_CREDITS;
    else if (!use_up(economy, member, QUOTA_QUERIES, 1, now_s))
        answer.fault = FAULT_TOO_MANY_REQUESTS;
    else
        spend(economy, member, cost, now_s);
    answer.balance.milli = self->balance;
    return answer;
}

enum fault economy_meter(struct economy *economy, unsigned member, uint32_t elements, int64_t now_s)
{
    return use_up(economy, member, QUOTA_OPRF_ELEMENTS, elements, now_s) ? FAULT_NONE
                                                                         : FAULT_TOO_MANY_REQUESTS;
}

enum fault economy_sees(const struct economy *economy, unsigned member, unsigned pattern,
                        int64_t now_s)
{
    const struct economy_pattern *that = &economy->patterns[pattern];
    const struct settings *rules = economy->rules;
    uint32_t missing;
    if (!that->released)
        return FAULT_NOT_FOUND;
    if (that->confidence < rules->high_confidence)
        return FAULT_NONE;
    bool old = now_s - that->released_at_s >= rules->high_confidence_delay_s;
    switch (economy_level(economy, member, now_s, &missing)) {
    case LEVEL_MINIMAL:
        return FAULT_LEVEL_TOO_LOW;
    case LEVEL_STANDARD:
        return old ? FAULT_NONE : FAULT_LEVEL_TOO_LOW;
    case LEVEL_EXTENSIVE:
    case LEVEL_COUNT:
        break;
    }
    return FAULT_NONE;
}

static enum fault entitled(const struct economy *economy, unsigned member, unsigned pattern,
                           int64_t now_s)
{
    if (economy->rules->require_contribution && !economy->members[member].contributed)
        return FAULT_CONTRIBUTION_REQUIRED;
    return economy_sees(economy, member, pattern, now_s);
}

struct verified economy_verify(struct economy *economy, unsigned member, unsigned pattern,
                               enum verdict verdict, enum flaw flaw, int64_t now_s)
{
    const struct settings *rules = economy->rules;
    struct stake *stake = &economy->members[member].stakes[pattern];
    struct verified answer = {.fault = entitled(economy, member, pattern, now_s)};
    if (!economy->patterns[pattern].released)
        answer.fault = FAULT_NOT_FOUND;
    else if (stake->held)
        answer.fault = FAULT_OWN_PATTERN;
    else if (flaw != FLAWLESS)
        answer.fault = FAULT_PROOF_INVALID;
    else if (stake->verified)
        answer.fault = FAULT_ALREADY_VERIFIED;
    if (answer.fault)
        return answer;
    int64_t *paid = &today(economy, member, now_s)->verified;
    stake->verified = true;
    stake->confirms = verdict == VERDICT_CONFIRM;
    if (!stake->ever_paid_verification && *paid < rules->daily_verification_limit) {
        ++*paid;
        stake->ever_paid_verification = true;
        earn(economy, member, rules->price_verify, now_s);
        answer.earned = rules->price_verify;
    }
    answer.balance.milli = economy->members[member].balance;
    return answer;
}

enum fault economy_vote(struct economy *economy, unsigned member, unsigned pattern, bool high,
                        int64_t now_s)
{
    struct stake *stake = &economy->members[member].stakes[pattern];
    if (!economy->patterns[pattern].released)
        return FAULT_NOT_FOUND;
    if (stake->held)
        return FAULT_OWN_PATTERN;
    enum fault fault = entitled(economy, member, pattern, now_s);
    if (fault)
        return fault;
    stake->voted = true;
    stake->high = high;
    return FAULT_NONE;
}

/* ---- Ticks ---- */

/* The largest m such that m of the valid contributions are content with a group of m. */
static size_t largest_group(const struct economy *economy, unsigned pattern)
{
    size_t largest = 0, content = 0, wishes[ECONOMY_MEMBERS + 1] = {0};
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        if (stake->held && !stake->bad)
            wishes[stake->r]++;
    }
    for (size_t m = 1; m <= ECONOMY_MEMBERS; m++) {
        content += wishes[m];
        if (content >= m)
            largest = m;
    }
    return largest;
}

/* Whom a number counts, and what it says, unless it was shown in this period before. */
static void draw(struct economy *economy, unsigned pattern, size_t m, int64_t now_s)
{
    struct economy_pattern *that = &economy->patterns[pattern];
    unsigned sum = 0, count = 0;
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        struct stake *stake = &economy->members[member].stakes[pattern];
        stake->counted = stake->held && !stake->bad && stake->r <= m;
        sum += stake->counted ? stake->confidence : 0;
        count += stake->counted;
    }
    if (that->period >= day_of(now_s) / PERIOD_DAYS)
        return;
    that->period = day_of(now_s) / PERIOD_DAYS;
    that->confidence = (uint8_t)((sum + count / 2.0) / count);
}

/* Numbers of past periods are drawn anew, or forgotten. */
static void turn_period(struct economy *economy, unsigned pattern, int64_t now_s)
{
    struct economy_pattern *that = &economy->patterns[pattern];
    if (that->period >= day_of(now_s) / PERIOD_DAYS)
        return;
    if (that->released)
        draw(economy, pattern, largest_group(economy, pattern), now_s);
    else
        that->period = 0;
}

static void judge(struct economy *economy, unsigned pattern, int64_t now_s)
{
    struct economy_pattern *that = &economy->patterns[pattern];
    struct judgements said = {0};
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        const struct stake *stake = stake_of(economy, member, pattern);
        said.confirmed += stake->verified && stake->confirms;
        said.refuted += stake->verified && !stake->confirms;
        said.votes_high += stake->voted && stake->high;
        said.votes_low += stake->voted && !stake->high;
    }
    that->shown = said;
    uint32_t votes = said.votes_high + said.votes_low;
    if (that->rewarded || votes < economy->rules->quality_votes ||
        said.votes_high < votes * 2 / 3.0)
        return;
    that->rewarded = true;
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++) {
        struct stake *stake = &economy->members[member].stakes[pattern];
        if (stake->counted && !stake->ever_rewarded)
            earn(economy, member, economy->rules->price_quality, now_s);
        stake->ever_rewarded |= stake->counted;
    }
}

/* Each contribution has the state of its group, and its credit follows. */
static void settle(struct economy *economy, unsigned member, unsigned pattern, int64_t now_s)
{
    const struct economy_pattern *that = &economy->patterns[pattern];
    struct stake *stake = &economy->members[member].stakes[pattern];
    bool invalid = that->invalid || (that->released && stake->bad);
    stake->state = invalid ? STAKE_INVALID : that->released ? STAKE_RELEASED : STAKE_SEALED;
    if (invalid) {
        reverse(economy, member, stake, now_s);
        stake->payment = STAKE_UNPAID;
    } else if (that->released) {
        if (stake->payment == STAKE_DUE)
            pay_contribution(economy, member, stake, now_s);
        if (stake->payment == STAKE_PAID)
            stake->unproven = false;
    }
}

static void pattern_tick(struct economy *economy, unsigned pattern, int64_t now_s)
{
    struct economy_pattern *that = &economy->patterns[pattern];
    size_t all = holders(economy, pattern), m = largest_group(economy, pattern);
    if (all < ECONOMY_K && !that->released)
        return;
    if (m < ECONOMY_K) {
        that->released = false;
        for (unsigned member = 0; member < ECONOMY_MEMBERS; member++)
            economy->members[member].stakes[pattern].counted = false;
    } else if (that->spoiled) {
        that->invalid = true;
    } else if (!that->released) {
        draw(economy, pattern, m, now_s);
        that->released = true;
        that->released_at_s = now_s;
    }
    for (unsigned member = 0; member < ECONOMY_MEMBERS; member++)
        if (stake_of(economy, member, pattern)->held)
            settle(economy, member, pattern, now_s);
    if (that->released)
        judge(economy, pattern, now_s);
}

void economy_tick(struct economy *economy, int64_t now_s)
{
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        pattern_tick(economy, pattern, now_s);
    for (unsigned pattern = 0; pattern < ECONOMY_PATTERNS; pattern++)
        turn_period(economy, pattern, now_s);
}
