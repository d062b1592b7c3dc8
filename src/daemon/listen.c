/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "util/cleanup.h"

/* The server takes about ten connections a turn: the others wait here. */
enum { BACKLOG = 1024 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void free_addresses(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
}

/* Takes over `fd` in any case. */
static enum fault listen_describe(int fd, bool inherited, struct listen_socket *ret,
                                  struct why *why)
{
    _cleanup_(close_fd) int owned = fd;
    struct listen_socket socket = {.fd = fd, .inherited = inherited};
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot tell the socket's address: %s", strerror(errno));
    int error = getnameinfo((struct sockaddr *)&address, length, socket.address,
                            sizeof socket.address, NULL, 0, NI_NUMERICHOST);
    if (error)
        return why_set(why, FAULT_SYSTEM, "cannot tell the socket's address: %s",
                       gai_strerror(error));
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    socket.port = ntohs(port);
    owned = -1;
    *ret = socket;
    return FAULT_NONE;
}

static enum fault listen_inherit(struct listen_socket *ret, struct why *why)
{
    int fd = SD_LISTEN_FDS_START;
    if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0)
        return why_set(
            why, FAULT_SYSTEM,
            "the socket that systemd passed is not a listening TCP socket; its unit needs "
            "one ListenStream= with an address and port");
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot use the socket that systemd passed: %s",
                       strerror(errno));
    return listen_describe(fd, true, ret, why);
}

/* The descriptor, or -1 with errno. */
static int socket_bound(const struct addrinfo *address)
{
    int on = 1;
    _cleanup_(close_fd) int fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -1;
    int bound = fd;
    fd = -1;
    return bound;
}

static enum fault listen_new(const char *address, uint32_t port, struct listen_socket *ret,
                             struct why *why)
{
    _cleanup_(free_addresses) struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    char service[16];
    snprintf(service, sizeof service, "%u", port);
    int error = getaddrinfo(address, service, &hints, &found);
    if (error)
        return why_set(why, FAULT_SYSTEM, "cannot listen on %.60s: %s", address,
                       gai_strerror(error));
    int fd = socket_bound(found);
    if (fd < 0)
        return why_set(why, FAULT_SYSTEM, "cannot listen on %.60s port %u: %s", address, port,
                       strerror(errno));
    return listen_describe(fd, false, ret, why);
}

enum fault listen_open(const char *address, uint32_t port, struct listen_socket *ret,
                       struct why *why)
{
    int count = sd_listen_fds(1);
    if (count < 0)
        return why_set(why, FAULT_SYSTEM, "cannot tell which sockets systemd passed: %s",
                       strerror(-count));
    if (count > 1)
        return why_set(why, FAULT_SYSTEM,
                       "systemd passed %d sockets, but exactly one can be used; its unit needs one "
                       "ListenStream= alone",
                       count);
    return count == 1 ? listen_inherit(ret, why) : listen_new(address, port, ret, why);
}

void listen_close(struct listen_socket *socket)
{
    if (socket->fd > 0)
        close(socket->fd);
    socket->fd = -1;
}
