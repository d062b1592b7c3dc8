/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_PRIVACY_H
#define CONTINUUM_CLIENT_PRIVACY_H

#include "continuum/client.h"
#include "util/fault.h"

struct json_t;

/*
 * What the privacy modes of a federation mean, from what GET /v1/federation says of them.
 * `address`: the URL of a coordinator or an invite link; NULL: that of the profile. Faults: those
 * of the profile, the address and the call, or FAULT_CORRUPT.
 */
enum fault client_privacy(const struct continuum_settings *settings, const char *address,
                          struct continuum_privacy *ret, struct why *why);

/* The modes and the gate of an answer. False: it does not describe them. */
bool client_privacy_read(struct json_t *answer, struct continuum_privacy *ret);

/* P[|Z| > distance] of discrete Laplace noise, P[z] = (1-p)/(1+p) * p^|z|, p = e^-epsilon. */
double client_noise_beyond(double epsilon, unsigned distance);

#endif
