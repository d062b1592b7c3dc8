/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_JUDGE_H
#define CONTINUUM_CLIENT_JUDGE_H

#include "client/session.h"

/*
 * What a member says of a released pattern (docs/PROTOCOL.md, section 6.4). See continuum_verify
 * and continuum_vote. FAULT_INVALID_REQUEST: not a tag. FAULT_CRYPTO, FAULT_CORRUPT: what the
 * coordinator shows under the tag does not pass the checks, so nothing is said of it. Others: the
 * coordinator's problem.
 */
enum fault client_verify(struct continuum_client *client, const char *tag, bool confirm,
                         struct continuum_verification *ret, struct why *why);

enum fault client_vote(struct continuum_client *client, const char *tag, bool high,
                       struct why *why);

#endif
