/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_ECONOMY_H
#define CONTINUUM_TESTS_LIB_ECONOMY_H

#include "lib/world.h"

/*
 * The economy as docs/PROTOCOL.md, sections 5 and 7, tells it, in the plainest way: one table of
 * what each member has to do with each pattern, one of what it did on each day, and everything else
 * counted anew from them whenever it is asked for. It shares with src/domain, which it is there to
 * judge, nothing but the names of levels, modes, tiers and faults.
 *
 * Members and patterns are the world's, amounts thousandths of a credit. Every function takes the
 * time, and says what the coordinator must answer.
 */
enum { ECONOMY_MEMBERS = 50, ECONOMY_PATTERNS = 320, ECONOMY_DAYS = 1000, ECONOMY_K = 3 };

/* What one member has to do with one pattern. */
struct stake {
    bool held, bad, counted;
    uint8_t r, confidence;
    uint64_t order; /* of its acceptance */
    int64_t day;
    enum { STAKE_SEALED, STAKE_RELEASED, STAKE_INVALID } state;
    enum { STAKE_UNPAID, STAKE_DUE, STAKE_PAID } payment;
    bool ever_paid; /* the tag never pays it again */
    bool unproven;  /* paid, neither released since nor taken back whole */
    bool ever_rewarded, ever_paid_verification;
    bool verified, confirms, voted, high;
};

struct economy_day {
    int64_t payable, verified; /* paid or to be paid */
    int64_t earned, spent, contributed;
    int64_t used[QUOTA_COUNT];
};

struct economy_member {
    bool joined, contributed;
    enum level level;
    enum privacy_mode mode;
    enum tier tier;
    int64_t joined_at_s, balance;
    struct economy_day days[ECONOMY_DAYS]; /* from first_day on */
    struct stake stakes[ECONOMY_PATTERNS];
};

struct economy_pattern {
    bool spoiled; /* its index does not open; noticed at a tick */
    bool invalid; /* it was noticed, and the group is invalid for good */
    bool released, rewarded;
    int64_t released_at_s;
    int64_t period;     /* that `confidence` was drawn in; 0: it was in none that still counts */
    uint8_t confidence; /* shown, or shown again in the same period */
    struct judgements shown;
};

struct economy {
    const struct settings *rules;
    int64_t first_day;
    uint64_t accepted;
    struct economy_member members[ECONOMY_MEMBERS];
    struct economy_pattern patterns[ECONOMY_PATTERNS];
};

void economy_join(struct economy *economy, unsigned member, const struct economy_member *as,
                  int64_t now_s);

/* Everything of a member goes, except the credits that others have; *ret_contributions: held. */
void economy_erase(struct economy *economy, unsigned member, size_t *ret_contributions);

struct contributed economy_contribute(struct economy *economy, unsigned member,
                                      const struct bundle *bundle, int64_t now_s);
struct withdrawn economy_withdraw(struct economy *economy, unsigned member, int pattern,
                                  int64_t now_s);

/* Only what it costs; see economy_sees for what it finds. */
struct asked economy_query(struct economy *economy, unsigned member, bool priority, int64_t now_s);
enum fault economy_meter(struct economy *economy, unsigned member, uint32_t elements,
                         int64_t now_s);

/* FAULT_NONE, FAULT_NOT_FOUND, FAULT_LEVEL_TOO_LOW. */
enum fault economy_sees(const struct economy *economy, unsigned member, unsigned pattern,
                        int64_t now_s);
struct verified economy_verify(struct economy *economy, unsigned member, unsigned pattern,
                               enum verdict verdict, enum flaw flaw, int64_t now_s);
enum fault economy_vote(struct economy *economy, unsigned member, unsigned pattern, bool high,
                        int64_t now_s);

/* A release tick that nothing comes in between. */
void economy_tick(struct economy *economy, int64_t now_s);

/* ---- What follows from the tables ---- */

enum level economy_level(const struct economy *economy, unsigned member, int64_t now_s,
                         uint32_t *ret_missing);
struct accounted economy_account(const struct economy *economy, unsigned member, int64_t now_s);
int64_t economy_left(const struct economy *economy, unsigned member, enum quota quota,
                     int64_t now_s);
size_t economy_held(const struct economy *economy, unsigned member, bool released_only);
size_t economy_unproven(const struct economy *economy, unsigned member);

/* Paid contributions that the next tick may find to be invalid. */
size_t economy_at_risk(const struct economy *economy, unsigned member);

/* Hundredths; -1: nobody has judged. */
int economy_quality(const struct judgements *judgements);
uint8_t economy_trust(const struct judgements *judgements, uint8_t confidence);

/* ---- The coordinator says the same ---- */

/* Of one member's account, level and counts. */
void economy_assert_member(const struct economy *economy, struct world *world, unsigned member);

/* Of all members and what they hold, and of all patterns. */
void economy_assert_all(const struct economy *economy, struct world *world);

#endif
