/* SPDX-License-Identifier: Apache-2.0 */
#include "http/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DISCARD_MAX = 1 << 20 }; /* bytes of one socket in one turn */

static void linger_close(struct linger_set *set, size_t i)
{
    /* The file may live on in a descriptor that libmicrohttpd has yet to close. */
    epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, set->sockets[i].fd, NULL);
    close(set->sockets[i].fd);
    set->sockets[i] = set->sockets[--set->count];
}

static size_t linger_oldest(const struct linger_set *set)
{
    size_t oldest = 0;
    for (size_t i = 1; i < set->count; i++)
        if (set->sockets[i].due_ms < set->sockets[oldest].due_ms)
            oldest = i;
    return oldest;
}

void linger_add(struct linger_set *set, int fd, uint64_t now_ms)
{
    if (set->count == LINGER_MAX)
        linger_close(set, linger_oldest(set));
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, copy, &event) < 0) {
        close(copy);
        return;
    }
    set->sockets[set->count].fd = copy;
    set->sockets[set->count++].due_ms = now_ms + LINGER_MS;
}

/* False: the client has closed, or the connection broke. */
static bool socket_discard(int fd)
{
    /* MSG_TRUNC: the kernel drops the bytes without copying them (tcp(7)). */
    ssize_t length = recv(fd, NULL, DISCARD_MAX, MSG_TRUNC | MSG_DONTWAIT);
    return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

void linger_turn(struct linger_set *set, uint64_t now_ms)
{
    for (size_t i = set->count; i-- > 0;)
        if (set->sockets[i].due_ms <= now_ms || !socket_discard(set->sockets[i].fd))
            linger_close(set, i);
}

uint64_t linger_due_ms(const struct linger_set *set)
{
    return set->count ? set->sockets[linger_oldest(set)].due_ms : UINT64_MAX;
}

void linger_done(struct linger_set *set)
{
    while (set->count)
        linger_close(set, set->count - 1);
}
