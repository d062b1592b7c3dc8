/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_STORE_JUDGEMENTS_H
#define CONTINUUM_STORE_JUDGEMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/bytes.h"
#include "util/fault.h"

struct database;

/* What members say of released patterns: verifications, with a proof that they can decrypt, and
 * votes. */

enum { VERIFIER_LENGTH = 16 };

enum verdict { VERDICT_REFUTE, VERDICT_CONFIRM };

struct verification_row {
    uint32_t pattern;
    int64_t instance;
    uint8_t verifier[VERIFIER_LENGTH];
    enum verdict verdict;
    struct signature proof;
    int64_t created_at_s;
};

/* *ret_added false: this instance has verified the pattern before, and nothing changed. */
enum fault verification_insert(struct database *database, const struct verification_row *row,
                               bool *ret_added);

/* At most `max` of a pattern's verifications, drawn at random. */
enum fault verifications_sample(struct database *database, uint32_t pattern, size_t max,
                                struct verification_row *ret, size_t *ret_count);

/* The vote of an instance on a pattern; a later one takes the place of an earlier. */
enum fault vote_put(struct database *database, uint32_t pattern, int64_t instance, bool high,
                    int64_t now_s);

/* All that was said of one pattern. */
struct judgements {
    uint32_t confirmed, refuted, votes_high, votes_low;
};

enum fault judgements_count(struct database *database, uint32_t pattern, struct judgements *ret);

/* All that is said of a pattern goes. */
enum fault judgements_delete_of_pattern(struct database *database, uint32_t pattern);

enum judgement { JUDGEMENT_VERIFICATION, JUDGEMENT_VOTE };

/* Takes back one judgement of this kind that an instance made. FAULT_NOT_FOUND: there is none. */
enum fault judgement_delete_next(struct database *database, enum judgement kind, int64_t instance,
                                 uint32_t *ret_pattern);

#endif
