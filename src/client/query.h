/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_QUERY_H
#define CONTINUUM_CLIENT_QUERY_H

#include "client/session.h"

/*
 * See continuum_query. FAULT_INVALID_REQUEST and FAULT_RECORD_*: nothing in the text can be
 * searched for. Others: the coordinator's problem.
 */
enum fault client_query(struct continuum_client *client, const struct continuum_question *question,
                        struct continuum_answer **ret, struct why *why);

#endif
