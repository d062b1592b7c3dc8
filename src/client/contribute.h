/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_CONTRIBUTE_H
#define CONTINUUM_CLIENT_CONTRIBUTE_H

#include "client/session.h"

/*
 * See continuum_contribute. On a fault after some requests have succeeded, `why` begins with how
 * many patterns were accepted. FAULT_CRYPTO: the coordinator cannot prove that it used the epoch's
 * key.
 */
enum fault client_contribute(struct continuum_client *client, const struct continuum_batch *batch,
                             struct continuum_report **ret, struct why *why);

#endif
