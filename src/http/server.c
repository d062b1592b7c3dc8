/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/bytes.h"
#include "http/bucket.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/pace.h"
#include "http/peer.h"
#include "util/cleanup.h"
#include "util/clock.h"

/*
 * libmicrohttpd (0.9.75, external epoll) reads and writes; what it leaves open is closed here.
 *
 * It answers by itself, with a short HTML body and `Connection: close`: 414 and 431 when request
 * line and headers do not fit into a connection's memory; 400 when they or a chunked body are
 * malformed, or `Host` is missing (for that, and for a Content-Length that is no number, it sends
 * the head twice: a bug). A request line that it cannot read at all closes the connection. What
 * others on the way might frame differently it lets pass; exchange.c refuses that.
 *
 * Connections may be resumed on the loop thread only, in the turn that calls MHD_run.
 *
 * Without MHD_USE_ERROR_LOG it prints nothing. On an inconsistency of its own (descriptors closed
 * behind its back) it prints one constant line and aborts. A panic function of ours could not
 * prevent that: what follows its call is compiled as unreachable.
 */
struct server {
    struct MHD_Daemon *daemon;
    int epoll_fd; /* of libmicrohttpd's descriptor, and of the sockets that linger */
    struct connections connections;
    struct exchanges exchanges;
};

enum {
    REPLY_ROOM = 1024, /* of a connection's memory, for the head of the answer */
    CLOSE_ROUNDS = 100,
    CLOSE_ROUND_MS = 10,
    DRAIN_REQUEST_MS = 2000,         /* for a request that is arriving when the server drains */
    ANONYMOUS_ADDRESSES_MAX = 65536, /* 3 MiB */
    MINUTES_PER_HOUR = 60,
};

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* A trusted proxy may have any number of connections. How many each client behind it has, is for
 * the proxy to limit. */
static enum MHD_Result on_accept(void *userdata, const struct sockaddr *socket_address,
                                 socklen_t length)
{
    struct server *server = userdata;
    uint8_t address[16];
    (void)length;
    peer_of_socket(socket_address, address);
    if (peers_has(&server->exchanges.trusted, address))
        return MHD_YES;
    size_t limit = server->exchanges.limits.max_connections_per_address;
    return connections_count(&server->connections, address) < limit ? MHD_YES : MHD_NO;
}

static void on_connection(void *userdata, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = userdata;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_free(&server->connections, TAKE(*socket_context));
        return;
    }
    uint8_t address[16];
    peer_of_socket(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                   address);
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *socket_context = connection_new(&server->connections, fd, address);
}

/* The request line is in. What a connection was accepted for has had its deadline since then. */
static void *on_request_line(void *userdata, const char *uri, struct MHD_Connection *mhd)
{
    struct server *server = userdata;
    struct connection *connection = connection_of(mhd);
    (void)uri;
    if (connection && connection->list == &server->connections.idle)
        connection_expect(connection, &server->connections.request);
    return NULL;
}

static enum MHD_Result exchange_send(struct server *server, struct exchange *exchange)
{
    if (!exchange->response)
        return MHD_NO;
    connection_expect(exchange->connection, &server->connections.request);
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

static enum MHD_Result exchange_begin(struct server *server, struct exchange *exchange)
{
    /* An answer at this point closes the connection, so it must wait for the next call if that can
     * be avoided. */
    if (exchange->phase != PHASE_ANSWERED || !exchange->closes)
        return MHD_YES;
    exchange->connection->lingers = true;
    return exchange_send(server, exchange);
}

static enum MHD_Result exchange_finish(struct server *server, struct exchange *exchange)
{
    if (exchange->phase == PHASE_RECEIVING)
        exchange_handle(exchange);
    if (exchange->phase == PHASE_ANSWERED)
        return exchange_send(server, exchange);
    connection_expect(exchange->connection, NULL);
    MHD_suspend_connection(exchange->mhd);
    return MHD_YES;
}

/* Called when the headers are in, for each piece of the body, at its end, and after each resume. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *length, void **context)
{
    struct server *server = userdata;
    struct exchange *exchange = *context;
    (void)version;
    if (!exchange) {
        struct connection *connection = connection_of(mhd);
        if (connection)
            exchange = exchange_new(&server->exchanges, mhd, connection, method, url);
        *context = exchange;
        return exchange ? exchange_begin(server, exchange) : MHD_NO;
    }
    if (!*length)
        return exchange_finish(server, exchange);
    if (!exchange_take(exchange, data, *length)) {
        connection_cut(exchange->connection);
        return MHD_NO;
    }
    *length = 0;
    return MHD_YES;
}

static void on_completed(void *userdata, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = userdata;
    struct exchange *exchange = TAKE(*context);
    (void)mhd, (void)code;
    if (!exchange)
        return;
    struct connection *connection = exchange->connection;
    exchange_free(exchange);
    connection_expect(connection, &server->connections.idle);
    if (server->exchanges.draining)
        connection_cut_idle(connection);
}

/* Paths and parameters are decoded where they are used: an encoded slash is no slash. */
static size_t leave_encoded(void *userdata, struct MHD_Connection *mhd, char *text)
{
    (void)userdata, (void)mhd;
    return strlen(text);
}

static struct MHD_Daemon *daemon_start(struct server *server, int listen_fd)
{
    const struct server_limits *limits = &server->exchanges.limits;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, server, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)limits->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)limits->max_header_bytes + REPLY_ROOM, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
}

static bool daemon_watch(struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct epoll_event event = {.events = EPOLLIN};
    return info && epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) == 0;
}

static void server_free(struct server **server_pointer)
{
    struct server *server = *server_pointer;
    if (!server)
        return;
    if (server->daemon) {
        /* So that the listening socket stays open. */
        MHD_quiesce_daemon(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    connections_done(&server->connections);
    peers_done(&server->exchanges.trusted);
    buckets_free(server->exchanges.anonymous);
    if (server->epoll_fd >= 0)
        close(server->epoll_fd);
    free(server);
}

/* Given anything else, libmicrohttpd might open a port of its own, on all addresses. */
static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t length = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening;
}

enum fault server_open(const struct server_settings *settings, int listen_fd,
                       const struct router *router, void *context, struct server **ret,
                       struct why *why)
{
    if (!is_listening(listen_fd))
        return why_set(why, FAULT_SYSTEM, "descriptor %d does not listen", listen_fd);
    _cleanup_(server_free) struct server *server = calloc(1, sizeof *server);
    if (!server)
        return why_set(why, FAULT_MEMORY, "no memory for the HTTP server");
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll_fd < 0)
        return why_set(why, FAULT_SYSTEM, "epoll_create1: %m");
    connections_init(&server->connections, server->epoll_fd, settings->limits.request_timeout_s,
                     settings->limits.idle_timeout_s);
    struct exchanges *exchanges = &server->exchanges;
    exchanges->limits = settings->limits;
    exchanges->router = router;
    exchanges->context = context;
    exchanges->connections = &server->connections;
    TAILQ_INIT(&exchanges->waiting);
    TAILQ_INIT(&exchanges->paced);
    TAILQ_INIT(&exchanges->answered);
    TAILQ_INIT(&exchanges->streams);
    bytes_random(exchanges->id_key, sizeof exchanges->id_key);
    enum fault fault = peers_parse(settings->trusted_proxies, &exchanges->trusted, why);
    if (fault == FAULT_NONE)
        fault = buckets_new(settings->limits.anonymous_burst,
                            settings->limits.anonymous_per_minute * MINUTES_PER_HOUR,
                            ANONYMOUS_ADDRESSES_MAX, &exchanges->anonymous);
    if (fault != FAULT_NONE)
        return fault;
    server->daemon = daemon_start(server, listen_fd);
    if (!server->daemon || !daemon_watch(server))
        return why_set(why, FAULT_SYSTEM, "the HTTP server does not start: %m");
    *ret = TAKE(server);
    return FAULT_NONE;
}

int server_fd(const struct server *server)
{
    return server->epoll_fd;
}

int64_t server_timeout_us(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    if (!TAILQ_EMPTY(&server->exchanges.answered))
        return 0;
    /* libmicrohttpd has no deadlines of its own here: what it says is that it has work left, or
     * nothing. */
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
        return 0;
    return clock_sooner(connections_timeout_us(&server->connections),
                        pace_timeout_us(&server->exchanges));
}

void server_turn(struct server *server)
{
    struct exchange *exchange;
    connections_turn(&server->connections);
    pace_turn(&server->exchanges);
    while ((exchange = TAILQ_FIRST(&server->exchanges.answered))) {
        TAILQ_REMOVE(&server->exchanges.answered, exchange, queue);
        MHD_resume_connection(exchange->mhd);
    }
    MHD_run(server->daemon);
}

size_t server_pending(const struct server *server)
{
    return server->exchanges.waiting_count;
}

bool server_is_quiet(const struct server *server)
{
    return server->exchanges.count == 0;
}

void server_drain(struct server *server)
{
    MHD_quiesce_daemon(server->daemon);
    server->exchanges.draining = true;
    streams_break(&server->exchanges);
    connections_cut_idle(&server->connections);
    connections_hurry(&server->connections, DRAIN_REQUEST_MS);
}

void server_close(struct server *server)
{
    struct exchange *exchange;
    if (!server)
        return;
    server_drain(server);
    server->exchanges.closing = true;
    while ((exchange = TAILQ_FIRST(&server->exchanges.waiting)))
        request_refuse(&exchange->request, FAULT_SHUTTING_DOWN, NULL, NULL);
    pace_end(&server->exchanges);
    streams_abandon(&server->exchanges);
    server_turn(server);
    for (int i = 0; i < CLOSE_ROUNDS && !server_is_quiet(server); i++) {
        struct pollfd wait = {.fd = server->epoll_fd, .events = POLLIN};
        poll(&wait, 1, server_timeout_us(server) ? CLOSE_ROUND_MS : 0);
        server_turn(server);
    }
    server_free(&server);
}
