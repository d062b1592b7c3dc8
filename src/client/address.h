/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_ADDRESS_H
#define CONTINUUM_CLIENT_ADDRESS_H

#include <stdbool.h>

#include "util/fault.h"

enum { ADDRESS_SIZE = 256 };

/*
 * Checks the URL of a coordinator and writes its normal form, without a slash at the end. It is
 * https://, or http:// when the host is this machine or `insecure` is set, and has neither user,
 * query nor fragment.
 *
 * FAULT_INVALID_REQUEST with `why`: it is none.
 */
enum fault address_parse(const char *text, bool insecure, char ret[ADDRESS_SIZE], struct why *why);

/* The host is literally localhost, [::1] or in 127.0.0.0/8; names that only look like it are not.
 */
bool address_is_loopback(const char *url);

#endif
