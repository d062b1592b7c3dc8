/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_SETTINGS_H
#define CONTINUUM_DOMAIN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/quotas.h"
#include "util/credits.h"

enum level { LEVEL_MINIMAL, LEVEL_STANDARD, LEVEL_EXTENSIVE, LEVEL_COUNT };

/* What a member may use up in a day. */
enum tier { TIER_UNLIMITED, TIER_FREE, TIER_COUNT };

/* What a group needs beside k to be released: nothing, or the agreement of differentially private
 * partition selection. */
enum release_gate { RELEASE_GATE_K, RELEASE_GATE_DP };

enum credit_on { CREDIT_ON_ACCEPT, CREDIT_ON_RELEASE };

/* The rules of one federation, as its operator set them. Defaults and ranges stand in
 * daemon/options.c. */
struct settings {
    const char *name, *description; /* shown to anyone */
    const char *key_check;          /* B64 of 8 bytes, or "": not configured */
    /* Of the helper that has the current epoch's OPRF key, B64 of a point; or both "": this
     * coordinator has it. */
    const char *oprf_url, *oprf_public_key;

    bool require_contribution;
    uint32_t min_contributors; /* k of the next epoch */
    uint32_t token_bits;       /* of the next epoch */
    uint32_t release_interval_s;
    uint32_t release_gate;          /* enum release_gate */
    uint32_t release_epsilon_milli; /* of release_gate = dp */
    uint32_t release_delta_billionths;
    uint32_t epoch_grace_days; /* what is sealed when an epoch ends is kept so long */

    struct credits price_contribute, price_verify, price_quality;
    struct credits price_query, price_download, price_priority;
    uint32_t credit_on; /* enum credit_on */
    uint32_t daily_contribution_limit, daily_verification_limit;
    uint32_t quality_votes; /* votes from which a pattern may earn the reward of a high quality */
    uint32_t unproven_allowance;

    uint32_t level_max_records[LEVEL_COUNT];
    uint32_t level_max_results[LEVEL_COUNT];
    uint32_t level_min_weekly[LEVEL_COUNT]; /* accepted contributions in the last 7 days */
    uint32_t high_confidence;               /* hundredths */
    uint32_t high_confidence_delay_s;

    uint32_t default_tier;            /* enum tier, of new members */
    uint32_t free_daily[QUOTA_COUNT]; /* what tier free may use up in a day */
    uint32_t answer_cadence_s;        /* answers of one query leave together */
    uint32_t lease_s;                 /* of a delivery, until it is handed out again */
    uint32_t max_inbox, max_inbox_per_asker, max_inbox_per_hour; /* deliveries */
    uint32_t max_routed_open, max_routed_per_hour;               /* queries of one asker */
    uint32_t max_polls, max_polls_per_member;                    /* at one time */
    uint32_t max_wait_s;                                         /* of a long poll */

    uint32_t token_ttl_s;
    uint32_t idempotency_retention_s;
    uint32_t unreleased_ttl_days;
    uint32_t max_json_depth;
    uint32_t max_instances;
    uint32_t max_contributions;                       /* live ones of one member */
    uint32_t max_idempotency_keys;                    /* of one member that are remembered */
    uint32_t max_jobs_per_member;                     /* of the workers, under way at one time */
    uint32_t max_downloads, max_downloads_per_member; /* being sent at one time */
    uint32_t max_exports;                             /* likewise */
    uint32_t max_kept_downloads;                      /* paid by one member and not expired */
    uint32_t joins_per_address_per_hour;
};

#endif
