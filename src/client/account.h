/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_ACCOUNT_H
#define CONTINUUM_CLIENT_ACCOUNT_H

#include "client/session.h"

/* A member's own account (docs/PROTOCOL.md, section 6.4). Faults: the coordinator's problem, or
 * FAULT_CORRUPT. */

enum fault client_credits(struct continuum_client *client, struct continuum_credits *ret,
                          struct why *why);

/* *ret_federation is what the coordinator said of itself on the way. */
enum fault client_status(struct continuum_client *client, struct continuum_status *ret,
                         struct federation *ret_federation, struct why *why);

/* A page of the ledger; `cursor` may be "". */
enum fault client_ledger(struct continuum_client *client, const char *cursor,
                         struct continuum_ledger *ret, struct why *why);

/* One contribution, or all when `tag` is NULL. FAULT_INVALID_REQUEST: not a tag. */
enum fault client_withdraw(struct continuum_client *client, const char *tag,
                           struct continuum_withdrawal *ret, struct why *why);

/* FAULT_CORRUPT, and what to say of an answer that lacks what it should have. */
enum fault answer_not_understood(struct why *why);

/* Reads member `name`, a number of credits. False: there is none. */
bool credits_member(const struct json_t *object, const char *name, int64_t *ret_millicredits);

/* All that the coordinator holds of the member, into `sink`, as NDJSON. */
enum fault client_export(struct continuum_client *client, const struct client_sink *sink,
                         struct why *why);

#endif
