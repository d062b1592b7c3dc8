/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_PROBLEM_H
#define CONTINUUM_CLIENT_PROBLEM_H

#include "util/fault.h"

struct json_t;

/*
 * Turns an answer of status 300 or more into a fault, and into a sentence that says what to do
 * next. `document` is the problem document (RFC 9457), or NULL when the answer was none.
 */
enum fault problem_fault(long status, const struct json_t *document, struct why *why);

#endif
