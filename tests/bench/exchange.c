/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/common.h"
#include "util/cleanup.h"

enum { HEAD_SIZE_MAX = 512 };

int connection_open(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot connect to port %u: %s", port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

struct request_bytes request_make(const struct request_parts *parts)
{
    struct request_bytes request = {.bytes = allocate(1, HEAD_SIZE_MAX + parts->body_length)};
    int head = snprintf(request.bytes, HEAD_SIZE_MAX, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s",
                        parts->method, parts->path, parts->token ? "Authorization: Bearer " : "",
                        parts->token ? parts->token : "", parts->token ? "\r\n" : "");
    if (parts->body)
        head += snprintf(request.bytes + head, HEAD_SIZE_MAX - (size_t)head,
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                         parts->body_length);
    head += snprintf(request.bytes + head, HEAD_SIZE_MAX - (size_t)head, "\r\n");
    if (parts->body)
        memcpy(request.bytes + head, parts->body, parts->body_length);
    request.length = (size_t)head + parts->body_length;
    return request;
}

bool answer_is_whole(const char *bytes, size_t length, unsigned *ret_status, size_t *ret_body)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end)
        return false;
    size_t body = (size_t)(end - bytes) + 4;
    const char *field = memmem(bytes, body, name, sizeof name - 1);
    if (!field)
        fail("an answer without Content-Length");
    if (length < body + strtoul(field + sizeof name - 1, NULL, 10))
        return false;
    *ret_status = (unsigned)strtoul(bytes + sizeof "HTTP/1.1", NULL, 10);
    *ret_body = body;
    return true;
}

/* Sends a request and reads its answer, a string that begins at *ret_body. */
static char *exchange(int fd, const struct request_bytes *request, size_t *ret_body)
{
    char *answer = allocate(1, ANSWER_SIZE_MAX);
    size_t received = 0;
    unsigned status = 0;
    for (size_t sent = 0; sent < request->length;) {
        ssize_t n = send(fd, request->bytes + sent, request->length - sent, MSG_NOSIGNAL);
        if (n < 0)
            fail("cannot send: %s", strerror(errno));
        sent += (size_t)n;
    }
    while (!answer_is_whole(answer, received, &status, ret_body)) {
        ssize_t n = recv(fd, answer + received, ANSWER_SIZE_MAX - 1 - received, 0);
        if (n <= 0)
            fail("an answer ends early");
        received += (size_t)n;
    }
    if (status / 100 != 2)
        fail("%.60s: %.300s", request->bytes, answer);
    return answer;
}

void exchange_on(int fd, const struct request_bytes *request)
{
    size_t body = 0;
    free(exchange(fd, request, &body));
}

json_t *exchange_json(uint16_t port, const struct request_parts *parts)
{
    size_t body = 0;
    int fd = connection_open(port);
    struct request_bytes request = request_make(parts);
    char *answer = exchange(fd, &request, &body);
    json_t *root = json_loads(answer + body, 0, NULL);
    if (!root)
        fail("an answer that is not JSON: %.300s", answer + body);
    free(answer);
    free(request.bytes);
    close(fd);
    return root;
}
