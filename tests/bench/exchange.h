/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_EXCHANGE_H
#define CONTINUUM_BENCH_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much HTTP/1.1 as talking to our own daemon on 127.0.0.1 needs. */

enum { ANSWER_SIZE_MAX = 256 << 10 };

/* A blocking connection to 127.0.0.1. */
int connection_open(uint16_t port);

/* A whole request in memory of its own. `token` and `body` may be NULL. */
struct request_bytes {
    char *bytes;
    size_t length;
};
struct request_parts {
    const char *method, *path, *token, *body;
    size_t body_length;
};
struct request_bytes request_make(const struct request_parts *parts);

/* Whether the `length` bytes at `bytes` hold a whole answer; then its status and where the body
 * begins. */
bool answer_is_whole(const char *bytes, size_t length, unsigned *ret_status, size_t *ret_body);

/* One request on a connection that is open; fails unless the status is 2xx. */
void exchange_on(int fd, const struct request_bytes *request);

/* One request on a connection of its own; fails unless the status is 2xx. The caller's to
 * json_decref. */
json_t *exchange_json(uint16_t port, const struct request_parts *parts);

#endif
