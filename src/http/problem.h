/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_PROBLEM_H
#define CONTINUUM_HTTP_PROBLEM_H

#include <stddef.h>

#include "util/fault.h"

struct json_t;

/*
 * A problem document (RFC 9457) of `fault`; its type is "urn:continuum:problem:" and the code.
 * `why` (may be NULL) becomes `detail`. `members` (may be NULL), an object, adds others but
 * replaces none; its reference is taken over. NULL: memory is out.
 */
struct json_t *problem_document(enum fault fault, const struct why *why, struct json_t *members);

/* `document` as compact JSON, *ret_length bytes without a NUL, to be freed with free(); takes over
 * the reference. NULL: `document` is NULL, or memory is out. */
char *document_text(struct json_t *document, size_t *ret_length);

#endif
