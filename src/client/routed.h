/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_ROUTED_H
#define CONTINUUM_CLIENT_ROUTED_H

#include "client/kept.h"
#include "client/session.h"

/* Routed questions, from both sides; see the functions of continuum/client.h with like names. */

/* The `route` of a query: a sealed question under a fresh key, which *ret_kept (without its id)
 * takes. FAULT_INVALID_REQUEST: the text cannot be sealed. */
enum fault route_make(const struct continuum_client *client,
                      const struct continuum_question *question, struct json_t **ret,
                      struct kept *ret_kept, struct why *why);

enum fault client_replies(struct continuum_client *client, const char *query_id, unsigned wait_s,
                          struct continuum_replies **ret, struct why *why);

enum fault client_questions(struct continuum_client *client, struct continuum_questions **ret,
                            struct why *why);

enum fault client_inbox(struct continuum_client *client, unsigned wait_s, unsigned max,
                        struct continuum_inbox **ret, struct why *why);

enum fault client_reply(struct continuum_client *client, const char *delivery_id, const char *text,
                        struct why *why);

enum fault client_decline(struct continuum_client *client, const char *delivery_id,
                          struct why *why);

#endif
