/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DAEMON_LISTEN_H
#define CONTINUUM_DAEMON_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/fault.h"

/* The longest IPv6 address, "%", the longest name of an interface, NUL. */
enum { LISTEN_ADDRESS_SIZE = 64 };

/* A TCP socket that listens: non-blocking, closed on exec. */
struct listen_socket {
    int fd;
    bool inherited; /* from systemd (socket activation), whose address and port then hold */
    char address[LISTEN_ADDRESS_SIZE]; /* as it is, without brackets */
    uint16_t port;                     /* as it is, never 0 */
};

/*
 * The socket that systemd passed (sd_listen_fds(3)), or a new one on `address`, an IPv4 or IPv6
 * literal, and `port`, 0 for any free one. FAULT_SYSTEM with `why`: the address cannot be had, or
 * systemd passed several sockets or something that is not a listening TCP socket.
 */
enum fault listen_open(const char *address, uint32_t port, struct listen_socket *ret,
                       struct why *why);

/* Takes a zeroed or {.fd = -1} socket, too. */
void listen_close(struct listen_socket *socket);

#endif
