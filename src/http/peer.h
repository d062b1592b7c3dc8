/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_PEER_H
#define CONTINUUM_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct sockaddr;

/* Addresses of clients and proxies: 16 bytes, IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2). */

/* Reads an IPv4 or IPv6 address without brackets, port or zone. False: it is none. */
bool peer_parse(const char *text, size_t length, uint8_t ret[16]);

/* The address of a socket's other end; all zeros when it is not an IP socket. */
void peer_of_socket(const struct sockaddr *socket_address, uint8_t ret[16]);

/* What one client is taken to own: the IPv4 address itself, or the /64 of an IPv6 address. */
void peer_network(const uint8_t address[16], uint8_t ret[16]);

/* Whether it is of this machine: 127.0.0.0/8, ::1, or no IP socket. */
bool peer_is_local(const uint8_t address[16]);

/* A set of addresses. Zeroed is empty. */
struct peers {
    uint8_t (*addresses)[16];
    size_t count;
};

/* Reads addresses separated by commas; "" is none. FAULT_CONFIGURATION, FAULT_MEMORY. */
enum fault peers_parse(const char *text, struct peers *ret, struct why *why);
void peers_done(struct peers *peers);

bool peers_has(const struct peers *peers, const uint8_t address[16]);

/*
 * Reads one X-Forwarded-For value that came from the trusted `proxy`. To be called for each such
 * header in order, with *address being `proxy` before the first; after the last it is the
 * right-most address that is not a trusted proxy. What stands left of something that is no address
 * is not believed.
 */
void peers_follow(const struct peers *trusted, const char *forwarded, const uint8_t proxy[16],
                  uint8_t address[16]);

#endif
