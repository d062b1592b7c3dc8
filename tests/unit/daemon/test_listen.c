/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/listen.h"

enum { SYSTEMD_FD = 3 };

static bool can_connect(const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &to.sin_addr);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return connected;
}

static void port_0_takes_a_free_port_and_says_which(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1", 0, &socket, NULL), FAULT_NONE);
    assert_string_equal(socket.address, "127.0.0.1");
    assert_int_not_equal(socket.port, 0);
    assert_false(socket.inherited);
    assert_true(can_connect("127.0.0.1", socket.port));
    listen_close(&socket);
    assert_false(can_connect("127.0.0.1", socket.port));
}

static void the_socket_never_blocks_and_is_not_passed_on(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1", 0, &socket, NULL), FAULT_NONE);
    assert_int_equal(accept(socket.fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true(fcntl(socket.fd, F_GETFD) & FD_CLOEXEC);
    listen_close(&socket);
}

static void ipv6_is_spoken_where_the_machine_has_it(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    struct why why = {""};
    if (listen_open("::1", 0, &socket, &why) != FAULT_NONE) {
        assert_non_null(strstr(why.text, "cannot listen on ::1 port 0: "));
        skip();
    }
    assert_string_equal(socket.address, "::1");
    assert_int_not_equal(socket.port, 0);
    listen_close(&socket);
}

static void a_taken_port_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct listen_socket first = {.fd = -1}, second = {.fd = -1};
    struct why why = {""};
    char expected[120];
    assert_int_equal(listen_open("127.0.0.1", 0, &first, NULL), FAULT_NONE);
    assert_int_equal(listen_open("127.0.0.1", first.port, &second, &why), FAULT_SYSTEM);
    snprintf(expected, sizeof expected,
             "cannot listen on 127.0.0.1 port %u: Address already in use", first.port);
    assert_string_equal(why.text, expected);
    assert_int_equal(second.fd, -1);
    uint16_t port = first.port;
    listen_close(&first);
    assert_int_equal(listen_open("127.0.0.1", port, &second, NULL), FAULT_NONE);
    listen_close(&second);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    struct why why = {""};
    assert_int_equal(listen_open("localhost", 0, &socket, &why), FAULT_SYSTEM);
    assert_memory_equal(why.text, "cannot listen on localhost: ", 28);
    assert_int_equal(socket.fd, -1);
}

static void closing_what_was_never_opened_does_nothing(void **state)
{
    (void)state;
    struct listen_socket zeroed = {0};
    listen_close(&zeroed);
    listen_close(&zeroed);
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
}

/* What a child that systemd started with `count` sockets, the first of them `fd`, gets from
 * listen_open. */
struct activation {
    enum fault fault;
    struct listen_socket socket;
    struct why why;
    bool is_nonblocking;
};

static struct activation activate(int fd, int count)
{
    struct activation result = {0};
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    if (child == 0) {
        char text[16];
        int writer = dup2(channel[1], 9);
        dup2(fd, SYSTEMD_FD);
        snprintf(text, sizeof text, "%d", getpid());
        setenv("LISTEN_PID", text, 1);
        snprintf(text, sizeof text, "%d", count);
        setenv("LISTEN_FDS", text, 1);
        for (int i = 1; i < count; i++)
            dup2(SYSTEMD_FD, SYSTEMD_FD + i);
        result.fault = listen_open("127.0.0.1", 1, &result.socket, &result.why);
        result.is_nonblocking = (fcntl(SYSTEMD_FD, F_GETFL) & O_NONBLOCK) != 0;
        ssize_t written = write(writer, &result, sizeof result);
        _exit(written == sizeof result ? 0 : 1);
    }
    close(channel[1]);
    assert_int_equal(read(channel[0], &result, sizeof result), sizeof result);
    close(channel[0]);
    waitpid(child, NULL, 0);
    return result;
}

static void the_socket_that_systemd_passed_goes_before_the_configured_address(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1", 0, &socket, NULL), FAULT_NONE);
    fcntl(socket.fd, F_SETFL, 0);
    struct activation result = activate(socket.fd, 1);
    assert_int_equal(result.fault, FAULT_NONE);
    assert_int_equal(result.socket.fd, SYSTEMD_FD);
    assert_true(result.socket.inherited);
    assert_true(result.is_nonblocking);
    assert_string_equal(result.socket.address, "127.0.0.1");
    assert_int_equal(result.socket.port, socket.port);
    listen_close(&socket);
}

static void several_passed_sockets_are_refused(void **state)
{
    (void)state;
    struct listen_socket socket = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1", 0, &socket, NULL), FAULT_NONE);
    struct activation result = activate(socket.fd, 2);
    assert_int_equal(result.fault, FAULT_SYSTEM);
    assert_memory_equal(result.why.text, "systemd passed 2 sockets, ", 26);
    listen_close(&socket);
}

static void a_passed_socket_that_is_not_tcp_or_does_not_listen_is_refused(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX}; /* autobind */
    int sockets[] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_STREAM, 0),
                     socket(AF_UNIX, SOCK_STREAM, 0)};
    bind(sockets[2], (struct sockaddr *)&local, sizeof local.sun_family);
    listen(sockets[2], 1);
    for (size_t i = 0; i < 3; i++) {
        struct activation result = activate(sockets[i], 1);
        assert_int_equal(result.fault, FAULT_SYSTEM);
        assert_memory_equal(result.why.text,
                            "the socket that systemd passed is not a listening TCP socket;", 61);
        close(sockets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_takes_a_free_port_and_says_which),
        cmocka_unit_test(the_socket_never_blocks_and_is_not_passed_on),
        cmocka_unit_test(ipv6_is_spoken_where_the_machine_has_it),
        cmocka_unit_test(a_taken_port_is_refused_with_a_sentence),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(closing_what_was_never_opened_does_nothing),
        cmocka_unit_test(the_socket_that_systemd_passed_goes_before_the_configured_address),
        cmocka_unit_test(several_passed_sockets_are_refused),
        cmocka_unit_test(a_passed_socket_that_is_not_tcp_or_does_not_listen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
