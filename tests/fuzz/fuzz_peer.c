/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>

#include "fuzz/fuzz.h"
#include "http/peer.h"
#include "util/cleanup.h"

/* The text is taken as an address, as a list of proxies, and as what stands in X-Forwarded-For. */

static const char proxies[] = "10.0.0.1, 10.0.0.2,fd00::1";

static void address_check(const char *text)
{
    uint8_t address[16], again[16], network[16];
    char shown[INET6_ADDRSTRLEN];
    if (!peer_parse(text, strlen(text), address))
        return;
    PROPERTY(inet_ntop(AF_INET6, address, shown, sizeof shown) != NULL);
    PROPERTY(peer_parse(shown, strlen(shown), again) && memcmp(again, address, 16) == 0);
    peer_network(address, network);
    peer_network(network, again);
    PROPERTY(memcmp(again, network, 16) == 0 && memcmp(network, address, 8) == 0);
}

static void list_check(const char *text)
{
    _cleanup_(peers_done) struct peers peers = {0};
    struct why why = {0};
    size_t commas = 0;
    for (const char *c = text; *c; c++)
        commas += *c == ',';
    if (peers_parse(text, &peers, &why)) {
        PROPERTY(peers.addresses == NULL && why.text[0] != '\0');
        return;
    }
    PROPERTY(peers.count <= commas + 1);
    for (size_t i = 0; i < peers.count; i++)
        PROPERTY(peers_has(&peers, peers.addresses[i]));
}

static void follow(const struct peers *trusted, const char *forwarded, uint8_t ret[16])
{
    uint8_t proxy[16];
    PROPERTY(peer_parse("10.0.0.1", 8, proxy));
    memcpy(ret, proxy, sizeof proxy);
    peers_follow(trusted, forwarded, proxy, ret);
}

/* A client writes what it likes to the left; the proxies write to the right. */
static void forwarded_check(const char *text)
{
    _cleanup_(peers_done) struct peers trusted = {0};
    size_t length = strlen(text);
    _cleanup_(free_pointer) char *longer = malloc(length + 32);
    uint8_t found[16], again[16], stranger[16];
    PROPERTY(peers_parse(proxies, &trusted, NULL) == FAULT_NONE);
    PROPERTY(peer_parse("203.0.113.66", 12, stranger));
    follow(&trusted, text, found);
    snprintf(longer, length + 32, "203.0.113.66, %s", text);
    follow(&trusted, longer, again);
    PROPERTY(!peers_has(&trusted, found)
                 ? memcmp(again, found, 16) == 0
                 : peers_has(&trusted, again) || memcmp(again, stranger, 16) == 0);
    snprintf(longer, length + 32, "%s, 203.0.113.66", text);
    follow(&trusted, longer, again);
    PROPERTY(memcmp(again, stranger, 16) == 0);
    snprintf(longer, length + 32, "%s, 10.0.0.2", text);
    follow(&trusted, longer, again);
    PROPERTY(memcmp(again, found, 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    _cleanup_(free_pointer) char *text = input_text(&input);
    address_check(text);
    list_check(text);
    forwarded_check(text);
    return 0;
}
