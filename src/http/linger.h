/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_LINGER_H
#define CONTINUUM_HTTP_LINGER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sockets that were answered before all that the client sends was read. Closed at once they would
 * answer further bytes with a reset, which may overtake the answer (RFC 9112, section 9.6). So they
 * stay, shut down for writing, and what comes in is thrown away until the client closes, or for
 * LINGER_MS.
 */
enum { LINGER_MS = 2000, LINGER_MAX = 64 };

struct linger_set {
    int epoll_fd; /* where its sockets are waited for; stays the caller's */
    size_t count;
    struct {
        int fd;
        uint64_t due_ms;
    } sockets[LINGER_MAX];
};

/* Takes over a duplicate of `fd`. When there are LINGER_MAX already the oldest is closed. */
void linger_add(struct linger_set *set, int fd, uint64_t now_ms);

/* Throws away what came in; closes what ended or is due. */
void linger_turn(struct linger_set *set, uint64_t now_ms);

/* When the next one is due; UINT64_MAX: there is none. */
uint64_t linger_due_ms(const struct linger_set *set);

/* Closes all. */
void linger_done(struct linger_set *set);

#endif
