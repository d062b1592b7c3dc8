/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_PUBLISHED_H
#define CONTINUUM_API_PUBLISHED_H

#include <jansson.h>

struct published;

/* The `pattern` of docs/PROTOCOL.md section 6. */
json_t *published_encode(const struct published *published);

#endif
