/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "bench/common.h"

enum { CONNECTIONS_MAX = 256 };

struct sink {
    struct MHD_Daemon *daemon;
    struct MHD_Response *response;
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **state)
{
    struct sink *sink = context;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!*state) {
        *state = sink;
        return MHD_YES;
    }
    if (*upload_length > 0) {
        *upload_length = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, sink->response);
}

struct sink *sink_open(uint16_t *ret_port)
{
    static char text[] = "{\"status\":\"ok\"}";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sink *sink = allocate(1, sizeof *sink);
    sink->response = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(sink->response, "Content-Type", "application/json");
    sink->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, sink,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        sink->daemon ? MHD_get_daemon_info(sink->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        fail("cannot start a server of libmicrohttpd");
    *ret_port = info->port;
    return sink;
}

void sink_close(struct sink *sink)
{
    MHD_stop_daemon(sink->daemon);
    MHD_destroy_response(sink->response);
    free(sink);
}
