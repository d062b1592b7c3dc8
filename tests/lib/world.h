/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_LIB_WORLD_H
#define CONTINUUM_TESTS_LIB_WORLD_H

#include <stdbool.h>

#include "domain/contribution.h"
#include "domain/coordinator.h"
#include "domain/directory.h"
#include "domain/judgement.h"
#include "domain/memo.h"
#include "domain/membership.h"
#include "domain/query.h"
#include "lib/made_up.h"
#include "store/database.h"
#include "store/erasure_log.h"
#include "store/keyring.h"

/*
 * A whole coordinator on a temporary database, in one thread, with the clock as an input: what it
 * hands to its writer and its workers waits here, until the test says so. The test's link line must
 * catch both ways out:
 *
 *     -Wl,--wrap=store_submit -Wl,--wrap=workers_submit
 *
 * Members and patterns are named by numbers (lib/made_up.h). One world at a time.
 */
enum { WORLD_MEMBERS = 64, WORLD_PATTERNS = 512 };

struct world {
    struct settings settings; /* a test may change them at any time */
    int64_t now_s;
    struct keyring keyring;
    struct erasure_log *erasures;
    struct coordinator *coordinator;
    struct database *database; /* the writer's, in this thread */
    char folder[64], path[96];
    int folder_fd;
    struct job_list commands, jobs; /* handed out, not done yet */
    struct made_up_pattern *patterns[WORLD_PATTERNS];
    struct signing_key members[WORLD_MEMBERS];
    uint64_t joins;    /* each gets a handle that no other had */
    struct memo *memo; /* of the next contribution, query or verification; NULL: it has no key */
    bool durable;      /* commits are synced, as the daemon's are; set between prepare and open */
    bool spoiled[WORLD_PATTERNS]; /* set before the first use of a pattern */
};

/* A new federation with k = 3, the default prices, and nobody in it. */
void world_init(struct world *world);

/* The same, but the coordinator is left to the caller (world_try_open): for tests in which opening
 * may fail. */
void world_prepare(struct world *world);

void world_done(struct world *world);

/* One tick more, a look at whether what is stored is sound, and done. */
void world_end(struct world *world);

/* Closes the coordinator and opens it again, loaded from its rows. What waited is forgotten. */
void world_restart(struct world *world);

/* The two halves of a restart. */
void world_shut(struct world *world);
enum fault world_try_open(struct world *world);

/* As the operator does it, and a restart: a new epoch with threshold `k`. Patterns that were used
 * before stay what they were; those that are used for the first time are of the new epoch. */
void world_rotate(struct world *world, uint8_t k);

/* Runs the waiting jobs; then what they say is done. */
void world_work(struct world *world);

/* Applies the waiting commands in one transaction; then they are done. */
void world_write(struct world *world);

/* Both, until nothing waits. */
void world_run(struct world *world);

/* A release tick, to its end. */
void world_tick(struct world *world);

/* NULL: not a member. */
struct instance *world_instance(const struct world *world, unsigned member);
const struct made_up_pattern *world_pattern(struct world *world, unsigned pattern);

/* 0: the catalog does not know it. */
uint32_t world_pattern_id(struct world *world, unsigned pattern);
bool world_is_released(struct world *world, unsigned pattern);

/* The first column of the only row. */
int64_t world_number(const struct world *world, const char *sql_literal);
int64_t world_balance(const struct world *world, unsigned member);

/* ---- Commands: each `start` fills in *ret when the answer comes; without it, after world_run ----
 */

#define WORLD_UNANSWERED FAULT_COUNT

enum fault world_join(struct world *world, unsigned member, enum level level,
                      enum privacy_mode mode);

/* `count` members, from 0 on. */
void world_people(struct world *world, unsigned count, enum privacy_mode mode);

/* As the operator does it: while no coordinator runs. */
void world_set_tier(struct world *world, unsigned member, enum tier tier);

struct contributed {
    enum fault fault;
    struct credits earned, balance;
    int64_t daily_remaining;
    size_t added, count;
    enum fault refusals[16]; /* record by record */
    struct allowance allowance;
};
struct bundle { /* one request's patterns */
    unsigned patterns[16];
    size_t count;
    uint8_t confidence;
    bool bad; /* their shares are wrong */
};
void world_contribute_start(struct world *world, unsigned member, const struct bundle *bundle,
                            struct contributed *ret);
struct contributed world_contribute(struct world *world, unsigned member, unsigned pattern);
/* Each of the members `first` to `last`, to all of whom it is new. */
void world_contribute_all(struct world *world, unsigned pattern, unsigned first, unsigned last);
struct contributed world_contribute_bad(struct world *world, unsigned member, unsigned pattern);

struct withdrawn {
    enum fault fault;
    size_t withdrawn;
    struct credits reversed, balance;
};
enum { WORLD_ALL = -1 };
void world_withdraw_start(struct world *world, unsigned member, int pattern, struct withdrawn *ret);
struct withdrawn world_withdraw(struct world *world, unsigned member, int pattern);

struct asked {
    enum fault fault;
    uint8_t id[QUERY_ID_LENGTH];
    struct credits cost, balance;
    struct allowance allowance;
    bool is_matched; /* it cost a look into the index */
    size_t count;
    struct {
        struct tag tag;
        uint32_t contributor_count, score_millionths;
        uint8_t confidence;
    } results[SEARCH_HITS_MAX];
};
/* Asks for the tokens of one pattern: its own and its topic. */
void world_query_start(struct world *world, unsigned member, unsigned pattern, bool priority,
                       struct asked *ret);
struct asked world_query(struct world *world, unsigned member, unsigned pattern);

/* FAULT_NONE with *ret when it is released. */
enum fault world_lookup(struct world *world, unsigned member, unsigned pattern,
                        struct published *ret);

/* What is wrong with a verification. */
enum flaw { FLAWLESS, FLAW_BLIND /* made without the key W */, FLAW_SIGNATURE /* another's */ };
struct verified {
    enum fault fault;
    struct credits earned, balance;
};
struct verified world_verify(struct world *world, unsigned member, unsigned pattern,
                             enum verdict verdict, enum flaw flaw);

/* *ret_count: how many there are in the sample, whose members are not looked at. */
enum fault world_verifications(struct world *world, unsigned pattern, struct judgements *ret,
                               size_t *ret_count);

enum fault world_vote(struct world *world, unsigned member, unsigned pattern, bool high);

/* A routed query for the tokens of one pattern; its sealed question is filled with the asker's
 * number. */
struct asking {
    unsigned member, pattern;
    uint32_t fanout, ttl_s;
    bool priority;
};
struct routed {
    enum fault fault;
    bool is_matched; /* it cost a look into the index */
    bool routed;
    uint32_t full_for_s;
    uint8_t query_id[QUERY_ID_LENGTH];
    struct credits balance;
    int64_t instances[ROUTE_FANOUT_MAX]; /* what the asker is never told */
    size_t count;
};
void world_route_start(struct world *world, const struct asking *asking, struct routed *ret);
struct routed world_route(struct world *world, const struct asking *asking);

struct inboxed {
    enum fault fault;
    size_t count;
    struct {
        uint8_t id[DELIVERY_ID_LENGTH];
        uint8_t first; /* byte of the sealed question */
        bool priority;
        int64_t expires_at_s;
    } deliveries[DELIVERIES_MAX];
    int64_t next_due_s;
};
struct inboxed world_inbox(struct world *world, unsigned member, size_t max);

/* The sealed answer is filled with `byte`; WORLD_DECLINE: declined. */
enum { WORLD_DECLINE = -1 };
enum fault world_reply(struct world *world, unsigned member, const uint8_t *delivery, int byte);

struct answered {
    enum fault fault;
    size_t count;
    uint8_t first[ROUTE_FANOUT_MAX]; /* bytes of the sealed answers */
    int64_t received_at_s[ROUTE_FANOUT_MAX];
    bool news, open;
    int64_t next_due_s;
};
struct answered world_answers(struct world *world, unsigned member, const uint8_t *query_id);

/* ---- With an Idempotency-Key: first recalled; then, if nothing was, done with world->memo ---- */

struct keyed {
    struct memo memo; /* first: a memo is its keyed */
    bool is_fresh;    /* nothing is remembered */
    bool is_again;    /* the command was not done, as another one with the key was first */
};
void world_keyed(struct world *world, unsigned member, const char *path, const char *key,
                 struct keyed *ret); /* its body is empty: memo_hash for another one */

/* Each waits; false: nothing is remembered, and *ret is as it was. */
bool world_recall(struct world *world, struct keyed *keyed, struct operation *operation,
                  void (*answer)(struct operation *operation, enum fault fault), void *ret);
bool world_recall_contribution(struct world *world, struct keyed *keyed, struct contributed *ret);
bool world_recall_query(struct world *world, struct keyed *keyed, struct asked *ret);
bool world_recall_verification(struct world *world, struct keyed *keyed, struct verified *ret);

/* What a member is told of its account; thousandths of a credit. */
struct accounted {
    enum fault fault;
    int64_t available, earned_monthly, spent_monthly, daily;
};
struct accounted world_account(struct world *world, unsigned member);

/* What it declares: LEVEL_COUNT, MODE_COUNT leave it as it is. */
struct instance_row world_profile(struct world *world, unsigned member, enum level level,
                                  enum privacy_mode mode);

/* A page of what it holds, from behind the sequence number `after`; how many there are. */
size_t world_contributions(struct world *world, unsigned member, int64_t after,
                           struct contribution_listed ret[PAGE_MAX]);

/* Uses up so many OPRF elements. */
enum fault world_evaluate(struct world *world, unsigned member, uint32_t elements);

/* *ret_contributions may be NULL. */
enum fault world_erase(struct world *world, unsigned member, size_t *ret_contributions);

#endif
