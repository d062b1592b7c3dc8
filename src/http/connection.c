/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "crypto/bytes.h"
#include "util/clock.h"

enum { US_PER_MS = 1000 };

void connections_init(struct connections *connections, int epoll_fd, uint32_t request_timeout_s,
                      uint32_t idle_timeout_s)
{
    *connections = (struct connections){
        .request.length_ms = UINT64_C(1000) * request_timeout_s,
        .idle.length_ms = UINT64_C(1000) * idle_timeout_s,
        .linger.epoll_fd = epoll_fd,
    };
    TAILQ_INIT(&connections->request.connections);
    TAILQ_INIT(&connections->idle.connections);
    bytes_random(connections->key, sizeof connections->key);
}

void connections_done(struct connections *connections)
{
    linger_done(&connections->linger);
}

static size_t chain_index(const struct connections *connections, const uint8_t network[16])
{
    return bytes_siphash(connections->key, network, 16) % CONNECTION_CHAINS;
}

size_t connections_count(const struct connections *connections, const uint8_t address[16])
{
    uint8_t network[16], other[16];
    size_t count = 0;
    struct connection *connection;
    peer_network(address, network);
    LIST_FOREACH(connection, &connections->chains[chain_index(connections, network)], by_network)
    {
        peer_network(connection->address, other);
        count += memcmp(network, other, sizeof network) == 0;
    }
    return count;
}

struct connection *connection_new(struct connections *connections, int fd,
                                  const uint8_t address[16])
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    uint8_t network[16];
    connection->fd = fd;
    memcpy(connection->address, address, sizeof connection->address);
    peer_network(address, network);
    LIST_INSERT_HEAD(&connections->chains[chain_index(connections, network)], connection,
                     by_network);
    connection_expect(connection, &connections->request);
    return connection;
}

static bool has_unread(const struct connection *connection)
{
    int unread = 0;
    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

void connection_free(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    if (!connection->cut && (connection->lingers || has_unread(connection)))
        linger_add(&connections->linger, connection->fd, clock_monotonic_ms());
    connection_expect(connection, NULL);
    LIST_REMOVE(connection, by_network);
    free(connection);
}

void connection_expect(struct connection *connection, struct deadline_list *list)
{
    if (connection->list)
        TAILQ_REMOVE(&connection->list->connections, connection, by_deadline);
    connection->list = list;
    if (!list)
        return;
    connection->due_ms = clock_monotonic_ms() + list->length_ms;
    TAILQ_INSERT_TAIL(&list->connections, connection, by_deadline);
}

void connection_cut(struct connection *connection)
{
    connection_expect(connection, NULL);
    connection->cut = true;
    shutdown(connection->fd, SHUT_RDWR);
}

void connection_cut_idle(struct connection *connection)
{
    if (!has_unread(connection))
        connection_cut(connection);
}

void connections_cut_idle(struct connections *connections)
{
    struct connection *next = TAILQ_FIRST(&connections->idle.connections);
    while (next) {
        struct connection *connection = next;
        next = TAILQ_NEXT(connection, by_deadline);
        connection_cut_idle(connection);
    }
}

void connections_hurry(struct connections *connections, uint64_t limit_ms)
{
    uint64_t due_ms = clock_monotonic_ms() + limit_ms;
    struct connection *connection;
    connections->request.length_ms = limit_ms;
    TAILQ_FOREACH(connection, &connections->request.connections, by_deadline)
    if (connection->due_ms > due_ms)
        connection->due_ms = due_ms;
}

static void deadlines_meet(struct deadline_list *list, uint64_t now)
{
    struct connection *first;
    while ((first = TAILQ_FIRST(&list->connections)) && first->due_ms <= now)
        connection_cut(first);
}

void connections_turn(struct connections *connections)
{
    uint64_t now = clock_monotonic_ms();
    deadlines_meet(&connections->request, now);
    deadlines_meet(&connections->idle, now);
    linger_turn(&connections->linger, now);
}

static uint64_t earlier(const struct deadline_list *list, uint64_t due_ms)
{
    const struct connection *first = TAILQ_FIRST(&list->connections);
    return first && first->due_ms < due_ms ? first->due_ms : due_ms;
}

int64_t connections_timeout_us(const struct connections *connections)
{
    uint64_t due_ms = linger_due_ms(&connections->linger), now = clock_monotonic_ms();
    due_ms = earlier(&connections->request, earlier(&connections->idle, due_ms));
    if (due_ms == UINT64_MAX)
        return -1;
    return due_ms > now ? (int64_t)(due_ms - now) * US_PER_MS : 0;
}
