/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_HELPER_H
#define CONTINUUM_CLIENT_HELPER_H

#include "client/federation.h"
#include "client/http.h"
#include "crypto/oprf_token.h"

struct continuum_client;

/* A federation's OPRF helper (federation.oprf_url), as a session gets to know it. Zeroed: not yet.
 */
struct client_helper {
    struct client_http *http;
    char url[ADDRESS_SIZE]; /* that `http` leads to */
    bool is_known;          /* it said what follows */
    char context[B64_LENGTH(OPRF_CONTEXT_LENGTH) + 1];
};

void client_helper_close(struct client_helper *helper);

/*
 * POST /v1/oprf/evaluations at the helper: asks it who it is, the coordinator for a token that
 * names nobody, and then the helper for `elements` evaluations. Once it does not take the token (it
 * may have been started anew), all of that once more. *ret is the answer's, owned by the caller.
 *
 * FAULT_INVALID_REQUEST: its address may not be used (client/address.h). FAULT_CORRUPT: there is
 * another one. FAULT_EPOCH_NOT_CURRENT. All with `why`, which names the helper.
 */
enum fault client_helper_evaluate(struct continuum_client *client,
                                  const struct federation *federation, const struct json_t *body,
                                  size_t elements, struct json_t **ret, struct why *why);

#endif
