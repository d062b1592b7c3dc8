/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/common.h"

/* Latencies in steps of 20 microseconds up to 4 seconds. */
enum { BUCKETS = 200000, BUCKETS_PER_SECOND = 50000, EVENTS_MAX = 64, STALL_MS = 60000 };

struct connection {
    int fd;
    const struct request_bytes *request; /* under way, or NULL */
    size_t sent, received;
    double started_s;
    char *answer;
};

struct load {
    const struct load_plan *plan;
    int epoll_fd;
    struct connection *connections;
    uint32_t *buckets;
    size_t started, answered;
    double began_s;
};

static void connection_send(struct connection *connection)
{
    const struct request_bytes *request = connection->request;
    while (connection->sent < request->length) {
        ssize_t n = send(connection->fd, request->bytes + connection->sent,
                         request->length - connection->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            fail("cannot send: %s", strerror(errno));
        connection->sent += (size_t)n;
    }
}

static void request_start(struct load *load, struct connection *connection, double now_s)
{
    const struct load_plan *plan = load->plan;
    connection->request = NULL;
    if (load->started == plan->total || now_s - load->began_s > plan->seconds_max)
        return;
    connection->request = &plan->requests[load->started++ % plan->request_count];
    connection->sent = connection->received = 0;
    connection->started_s = now_s;
    connection_send(connection);
}

static void answer_check(const struct load *load, const struct connection *connection,
                         unsigned status, size_t body)
{
    const char *expect = load->plan->expect;
    bool good = status / 100 == 2;
    if (good && expect)
        good = memmem(connection->answer + body, connection->received - body, expect,
                      strlen(expect)) != NULL;
    if (!good)
        fail("%.40s: status %u, %.*s", connection->request->bytes, status,
             (int)(connection->received - body < 400 ? connection->received - body : 400),
             connection->answer + body);
}

static void connection_receive(struct load *load, struct connection *connection)
{
    unsigned status = 0;
    size_t body = 0;
    ssize_t n = recv(connection->fd, connection->answer + connection->received,
                     ANSWER_SIZE_MAX - connection->received, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        fail("a connection broke: %s", n < 0 ? strerror(errno) : "closed");
    connection->received += (size_t)n;
    if (!connection->request ||
        !answer_is_whole(connection->answer, connection->received, &status, &body))
        return;
    answer_check(load, connection, status, body);
    double now_s = wall_s();
    size_t bucket = (size_t)((now_s - connection->started_s) * BUCKETS_PER_SECOND);
    load->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    load->answered++;
    request_start(load, connection, now_s);
}

static void load_open(struct load *load)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->connections = allocate(load->plan->connections, sizeof *load->connections);
    load->buckets = allocate(BUCKETS, sizeof *load->buckets);
    for (size_t i = 0; i < load->plan->connections; i++) {
        struct connection *connection = &load->connections[i];
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        connection->fd = connection_open(load->plan->port);
        connection->answer = allocate(1, ANSWER_SIZE_MAX);
        if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0 ||
            epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
            fail("cannot wait for a connection: %s", strerror(errno));
    }
}

static void load_close(struct load *load)
{
    for (size_t i = 0; i < load->plan->connections; i++) {
        close(load->connections[i].fd);
        free(load->connections[i].answer);
    }
    close(load->epoll_fd);
    free(load->connections);
    free(load->buckets);
}

/* Edge-triggered: an answer that came in parts, and a request that did not fit, each make a new
 * event. */
static void load_drive(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    while (load->answered < load->started) {
        int count = epoll_wait(load->epoll_fd, events, EVENTS_MAX, STALL_MS);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            fail("no answer for %d s", STALL_MS / 1000);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection->request && connection->sent < connection->request->length)
                connection_send(connection);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                connection_receive(load, connection);
        }
    }
}

static double percentile_ms(const struct load *load, double fraction)
{
    size_t wanted = (size_t)((double)load->answered * fraction), seen = 0, bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
        seen += load->buckets[bucket];
        if (seen > wanted)
            break;
    }
    return (double)(bucket + 1) * 1000 / BUCKETS_PER_SECOND;
}

void load_run(const struct load_plan *plan, struct load_result *ret)
{
    struct load load = {.plan = plan};
    load_open(&load);
    load.began_s = wall_s();
    for (size_t i = 0; i < plan->connections; i++)
        request_start(&load, &load.connections[i], load.began_s);
    load_drive(&load);
    ret->seconds = wall_s() - load.began_s;
    ret->answered = load.answered;
    ret->per_second = (double)load.answered / ret->seconds;
    ret->p50_ms = percentile_ms(&load, 0.50);
    ret->p99_ms = percentile_ms(&load, 0.99);
    load_close(&load);
}
