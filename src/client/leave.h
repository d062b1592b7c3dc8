/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_LEAVE_H
#define CONTINUUM_CLIENT_LEAVE_H

#include "client/session.h"

/*
 * DELETE /v1/instances/{id}: the coordinator erases the member and signs for it. The profile stays:
 * profile_remove, once the receipt is kept. FAULT_SIGNATURE_INVALID: erased, but the receipt, which
 * *ret is all the same, is no proof of it. FAULT_RECEIPT_LOST: erased, but the connection broke
 * before the receipt came, and the coordinator does not know the member any more. FAULT_SYSTEM,
 * FAULT_TOKEN_INVALID, FAULT_STARTING: it may be erased, or about to be.
 */
enum fault client_leave(struct continuum_client *client, struct continuum_receipt *ret,
                        struct why *why);

/*
 * Reads a receipt as continuum_receipt_json writes it and checks its signature, by the key that
 * stands in it or, when `coordinator_key` is not NULL, by that one alone. FAULT_MALFORMED_JSON,
 * FAULT_INVALID_REQUEST: it is none. FAULT_SIGNATURE_INVALID.
 */
enum fault client_receipt_check(const char *text, size_t length, const char *coordinator_key,
                                struct continuum_receipt *ret, struct why *why);

#endif
