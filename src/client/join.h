/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_JOIN_H
#define CONTINUUM_CLIENT_JOIN_H

#include <stdbool.h>

#include "client/session.h"

/*
 * Becomes a member, with a new federation key (`found`) or by an invite link, and keeps the
 * membership in a new profile. The keys are on disk before anything is sent: when the answer is
 * lost, the same call finishes the joining.
 *
 * FAULT_CONFIGURATION: the profile is in use. Others: the address or link is none, or the
 * coordinator's problem.
 */
enum fault client_join(const struct continuum_settings *settings,
                       const struct continuum_membership *membership, bool found,
                       struct continuum_client **ret, struct why *why);

#endif
