/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_PATTERNS_H
#define CONTINUUM_STORE_PATTERNS_H

#include <stdbool.h>

#include "crypto/record.h"
#include "store/judgements.h"
#include "store/page.h"
#include "util/fault.h"

struct database;

/* One share of one instance. */
enum contribution_state { CONTRIBUTION_SEALED, CONTRIBUTION_RELEASED, CONTRIBUTION_INVALID };

enum payment {
    PAYMENT_NONE,
    PAYMENT_PAID,   /* and the pattern was never released: unproven */
    PAYMENT_PROVEN, /* paid, and the pattern was released */
    PAYMENT_DUE,    /* to be paid when the pattern is released */
};

struct contribution_row {
    int64_t instance, sequence;
    uint32_t pattern;
    struct scalar share;
    uint8_t confidence;     /* hundredths */
    uint8_t min_group;      /* r of the privacy mode */
    uint32_t epsilon_milli; /* of the privacy mode */
    int64_t accepted_at_s;
    int64_t sealed_at_s; /* when the pattern was un-released; 0: never */
    enum contribution_state state;
    enum payment payment;
    bool counted; /* when the pattern was released */
    bool carried; /* it pays nothing, as it stands for one of an epoch before */
};

/*
 * Adds a contribution, and the pattern's row when there is none of this id. *ret_added false: this
 * instance has contributed this pattern already, and nothing changed.
 */
enum fault contribution_add(struct database *database, const struct record *record,
                            const struct contribution_row *row, bool *ret_added);

/* The contribution of one instance to one pattern. FAULT_NOT_FOUND. */
enum fault contribution_find(struct database *database, uint32_t pattern, int64_t instance,
                             struct contribution_row *ret);

/* Any contribution to a pattern. FAULT_NOT_FOUND: there is none. */
enum fault contribution_any(struct database *database, uint32_t pattern,
                            struct contribution_row *ret);

/* How many of the first 20000 that `instance` holds of past epochs are sealed. */
enum fault contributions_sealed_before(struct database *database, int64_t instance, int64_t *ret);

/* The first contribution of `instance` with a sequence above `after`. FAULT_NOT_FOUND: there is
 * none. */
enum fault contribution_next(struct database *database, int64_t instance, int64_t after,
                             struct contribution_row *ret);

/* Where a look at all contributions has come: behind this one. Zeroed: at the beginning. */
struct contribution_position {
    int64_t instance, sequence;
};

/*
 * Looks at the next `rows` contributions, in no order that means anything, for what is not released
 * and was accepted, and sealed again if it was, before `before_s`: at most `max`. At the end the
 * position is zeroed.
 */
struct contribution_look {
    size_t rows, max;
};
enum fault contributions_unreleased(struct database *database, int64_t before_s,
                                    const struct contribution_look *look,
                                    struct contribution_position *position,
                                    struct contribution_row *ret, size_t *ret_count);

/* Stores state, sealed_at_s, payment and whether it is counted. */
enum fault contribution_update(struct database *database, const struct contribution_row *row);

/*
 * Deletes a contribution, and with the last one of its pattern everything of that pattern.
 * *ret_last says whether it was the last.
 */
enum fault contribution_delete(struct database *database, const struct contribution_row *row,
                               bool *ret_last);

/* A row of a member's own list. */
struct contribution_listed {
    int64_t sequence;
    struct tag tag;
    uint32_t epoch;
    char domain[DOMAIN_LENGTH_MAX + 1];
    uint8_t confidence;
    int64_t accepted_at_s;
    enum contribution_state state;
    enum payment payment;
};

/* A page of those of `instance`, in the order of their sequences, into `ret`, which has room for
 * page->limit; their number in *ret_count. */
enum fault contributions_list(struct database *database, int64_t instance, struct page *page,
                              struct contribution_listed *ret, size_t *ret_count);

/* A contributor of a group, as a release tick needs it. */
struct contributor {
    struct contribution_row contribution;
    struct public_key public_key;
};

/* All contributors of a pattern, in the order of their instances; `each` returns false to stop. */
enum fault contributors_each(struct database *database, uint32_t pattern,
                             bool (*each)(void *context, const struct contributor *contributor),
                             void *context);

/*
 * Whether all of `count` contributors that were read stand as they were read, in that order; others
 * may have come. One scan of an index: a group may be large, and the writer waits.
 */
enum fault contributors_stand(struct database *database, uint32_t pattern,
                              const struct contributor *contributors, size_t count, bool *ret);

/* The record of a pattern and whether it is spoiled. FAULT_NOT_FOUND. */
enum fault pattern_get(struct database *database, uint32_t pattern, struct record *ret,
                       bool *ret_spoiled);

/* Its index will never open: it is not looked at again. */
enum fault pattern_spoil(struct database *database, uint32_t pattern);

/* Its contributors get the reward of a high quality. *ret_first false: they had it before. */
enum fault pattern_reward(struct database *database, uint32_t pattern, bool *ret_first);

/* What a release makes public. */
struct release_row {
    uint32_t pattern;
    char domain[DOMAIN_LENGTH_MAX + 1];
    struct scalar secret;
    uint32_t tokens[TOKENS_MAX];
    size_t token_count;
    uint32_t counted, contributor_count;
    uint8_t confidence; /* hundredths */
    uint32_t period;    /* of those two (numbers.h) */
    uint8_t token_bits; /* of its epoch: how tokens are cut */
    int64_t released_at_s;
    struct judgements judgements; /* as the last tick counted them */
};

/* Without judgements: those are release_settle's. It comes last in the set of its domain. */
enum fault release_insert(struct database *database, const struct release_row *row);

/* If the pattern is released, the next tick has to look at its group, also after a restart. */
enum fault release_unsettle(struct database *database, uint32_t pattern);

/*
 * A tick has settled the group of a released pattern, of which it has seen `seen` contributors, who
 * are all still there. Whoever came meanwhile is for the next tick. What members say of the pattern
 * is counted now, into *ret_judgements and the row.
 */
enum fault release_settle(struct database *database, uint32_t pattern, size_t seen,
                          struct judgements *ret_judgements);

/* FAULT_NOT_FOUND: the pattern is not released. */
enum fault release_get(struct database *database, uint32_t pattern, struct release_row *ret);

/* A released pattern as it is shown, in one look. FAULT_NOT_FOUND: it is not released;
 * FAULT_CORRUPT: what was found is not to be used. */
enum fault published_get(struct database *database, uint32_t pattern, struct record *ret_record,
                         struct release_row *ret_release);

/* A released pattern in the set of its domain. */
struct set_entry {
    int64_t sequence; /* the order of releases; above 0, never given twice */
    struct record record;
    struct release_row release;
};

/*
 * The released patterns of a domain with a sequence above `after`, in that order, until `each`
 * returns false. *ret_ended: it never did. FAULT_CORRUPT as published_get.
 */
enum fault set_each(struct database *database, const char *domain, int64_t after,
                    bool (*each)(void *context, const struct set_entry *entry), void *context,
                    bool *ret_ended);

enum fault release_delete(struct database *database, uint32_t pattern);

/* What the loop keeps in memory of each pattern, read at start, in the order of their ids. */
struct pattern_loaded {
    uint32_t pattern, contributions;
    struct tag tag;
    uint8_t k;
};

enum fault patterns_each(struct database *database,
                         enum fault (*each)(void *context, const struct pattern_loaded *pattern),
                         void *context);

/* The largest id of a pattern, 0 when there is none. */
enum fault pattern_last(struct database *database, uint32_t *ret);

/* All releases, in the order of their patterns' ids. */
enum fault releases_each(struct database *database,
                         enum fault (*each)(void *context, const struct release_row *release),
                         void *context);

/*
 * The released patterns whose groups have changed since a tick settled them: somebody came or
 * left. Stops at the first fault that `each` returns.
 */
enum fault releases_unsettled_each(struct database *database,
                                   enum fault (*each)(void *context, uint32_t pattern),
                                   void *context);

#endif
