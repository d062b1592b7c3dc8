/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_SINK_H
#define CONTINUUM_BENCH_SINK_H

#include <stdint.h>

/*
 * What libmicrohttpd can do by itself: a server with one thread and epoll that throws away what it
 * gets, and answers every request with the same few bytes.
 */
struct sink;

struct sink *sink_open(uint16_t *ret_port);
void sink_close(struct sink *sink);

#endif
