/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_EVALUATE_H
#define CONTINUUM_CLIENT_EVALUATE_H

#include "client/session.h"
#include "crypto/oprf.h"

struct oprf_input {
    uint8_t bytes[OPRF_INPUT_LENGTH];
};

/*
 * Evaluates `count` (any number of) inputs with the help of the coordinator, or of the federation's
 * OPRF helper, which learns nothing about them, and checks its proofs under the epoch's key. `ret`
 * has room for `count` outputs: secrets.
 *
 * FAULT_CRYPTO with `why`: a proof does not hold. FAULT_EPOCH_NOT_CURRENT. Others: the
 * coordinator's problem.
 */
enum fault client_evaluate(struct continuum_client *client, const struct federation *federation,
                           const struct oprf_input *inputs, size_t count, struct oprf_output *ret,
                           struct why *why);

#endif
