/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_KEPT_H
#define CONTINUUM_CLIENT_KEPT_H

#include "client/profile.h"
#include "crypto/sealed.h"

/*
 * What a profile keeps of a question until its time is over, each in a file of its own beside the
 * profile (0600): of one's own questions what opens the answers (NAME.question.ID), of deliveries
 * what an answer is sealed with (NAME.delivery.ID).
 */
enum kept_kind { KEPT_QUESTION, KEPT_DELIVERY };
enum { KEPT_ID_SIZE = 65 };

struct kept {
    enum kept_kind kind;
    char id[KEPT_ID_SIZE]; /* query_id or delivery_id */
    struct question_key question;
    uint8_t secret[REPLY_KEY_LENGTH]; /* of the reply key; zeros of a delivery */
    char expires_at[CLOCK_TEXT_LENGTH + 1];
};

/* FAULT_CORRUPT: its id is none that a file could be named by. FAULT_SYSTEM, FAULT_CONFIGURATION.
 */
enum fault kept_save(const struct profile *profile, const struct kept *kept, struct why *why);

/* FAULT_NOT_FOUND: unknown, or its time is over. FAULT_CONFIGURATION: damaged. */
enum fault kept_load(const struct profile *profile, enum kept_kind kind, const char *id,
                     struct kept *ret, struct why *why);

/* It is not needed any more. */
void kept_forget(const struct profile *profile, enum kept_kind kind, const char *id);

/*
 * The ids that are kept, at most `max`, in no order; files whose time is over, by an hour at least,
 * are deleted on the way.
 */
enum fault kept_list(const struct profile *profile, enum kept_kind kind, size_t max,
                     char (*ret_ids)[KEPT_ID_SIZE], size_t *ret_count, struct why *why);

void kept_wipe(struct kept *kept);

#endif
