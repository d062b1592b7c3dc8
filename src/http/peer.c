/* SPDX-License-Identifier: Apache-2.0 */
#include "http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void peer_map(const void *ipv4, uint8_t ret[16])
{
    memcpy(ret, mapped, sizeof mapped);
    memcpy(ret + sizeof mapped, ipv4, 4);
}

bool peer_parse(const char *text, size_t length, uint8_t ret[16])
{
    char copy[INET6_ADDRSTRLEN] = "";
    uint8_t bytes[16];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    if (inet_pton(AF_INET, copy, bytes) == 1)
        peer_map(bytes, ret);
    else if (inet_pton(AF_INET6, copy, bytes) == 1)
        memcpy(ret, bytes, sizeof bytes);
    else
        return false;
    return true;
}

void peer_of_socket(const struct sockaddr *socket_address, uint8_t ret[16])
{
    memset(ret, 0, 16);
    if (socket_address && socket_address->sa_family == AF_INET)
        peer_map(&((const struct sockaddr_in *)(const void *)socket_address)->sin_addr, ret);
    else if (socket_address && socket_address->sa_family == AF_INET6)
        memcpy(ret, &((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_addr, 16);
}

void peer_network(const uint8_t address[16], uint8_t ret[16])
{
    bool whole = memcmp(address, mapped, sizeof mapped) == 0;
    memset(ret, 0, 16);
    memcpy(ret, address, whole ? 16 : 8);
}

bool peer_is_local(const uint8_t address[16])
{
    static const uint8_t none[16], loopback[16] = {[15] = 1};
    bool is_ipv4 = memcmp(address, mapped, sizeof mapped) == 0;
    return is_ipv4 ? address[sizeof mapped] == 127
                   : memcmp(address, none, 16) == 0 || memcmp(address, loopback, 16) == 0;
}

/* The next item of a comma-separated list, without the white space around it; NULL behind the last.
 */
static const char *item_next(const char **rest, size_t *ret_length)
{
    if (!*rest)
        return NULL;
    const char *item = *rest + strspn(*rest, " \t");
    const char *end = item + strcspn(item, ",");
    *rest = *end ? end + 1 : NULL;
    while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *ret_length = (size_t)(end - item);
    return item;
}

enum fault peers_parse(const char *text, struct peers *ret, struct why *why)
{
    size_t length = 0, room = 1;
    for (const char *c = text; *c; c++)
        room += *c == ',';
    _cleanup_(peers_done) struct peers peers = {.addresses = calloc(room, 16)};
    if (!peers.addresses)
        return FAULT_MEMORY;
    const char *rest = text;
    for (const char *item; (item = item_next(&rest, &length));) {
        if (!length && !rest)
            break;
        if (!peer_parse(item, length, peers.addresses[peers.count]))
            return why_set(why, FAULT_CONFIGURATION, "\"%.*s\" is not an IP address",
                           (int)(length < 64 ? length : 64), item);
        peers.count++;
    }
    ret->count = peers.count;
    ret->addresses = TAKE(peers.addresses);
    return FAULT_NONE;
}

void peers_done(struct peers *peers)
{
    free(peers->addresses);
    *peers = (struct peers){0};
}

bool peers_has(const struct peers *peers, const uint8_t address[16])
{
    for (size_t i = 0; i < peers->count; i++)
        if (memcmp(peers->addresses[i], address, 16) == 0)
            return true;
    return false;
}

void peers_follow(const struct peers *trusted, const char *forwarded, const uint8_t proxy[16],
                  uint8_t address[16])
{
    size_t length = 0;
    for (const char *item; (item = item_next(&forwarded, &length));) {
        uint8_t hop[16];
        if (!peer_parse(item, length, hop))
            memcpy(address, proxy, 16);
        else if (!peers_has(trusted, hop))
            memcpy(address, hop, 16);
    }
}
