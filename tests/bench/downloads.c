/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/common.h"

/* Downloads of all sets, one after the other, on one connection each. */

enum { BUFFER = 256 << 10, MEMORY_EACH = 16 };

static const char section[] = "Downloads of N released patterns";
static const char end[] = "\r\n0\r\n\r\n";

struct transfer_sum {
    double seconds, bytes, memory_mib; /* the most that there was at any time */
};

/* Reads an answer to its last chunk; what is in the chunks is for others to look at. */
static void answer_drain(const struct bench *bench, int fd, struct transfer_sum *sum)
{
    static char buffer[BUFFER];
    char tail[sizeof end] = "";
    double start_s = wall_s();
    for (size_t reads = 0; memcmp(tail, end, sizeof end - 1) != 0; reads++) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            fail("a download broke off");
        size_t keep = sizeof end - 1, length = (size_t)got;
        if (length >= keep) {
            memcpy(tail, buffer + length - keep, keep);
        } else {
            memmove(tail, tail + length, keep - length);
            memcpy(tail + keep - length, buffer, length);
        }
        sum->bytes += (double)length;
        double memory_mib = reads % MEMORY_EACH ? 0 : process_memory_mib(&bench->process);
        sum->memory_mib = memory_mib > sum->memory_mib ? memory_mib : sum->memory_mib;
    }
    sum->seconds += wall_s() - start_s;
}

/* The id of a download of the set, bought by `member`. */
static void download_buy(const struct bench *bench, const struct member *member, const char *domain,
                         char ret_id[32])
{
    char path[128];
    snprintf(path, sizeof path, "/v1/sets/%s/downloads", domain);
    json_t *bought =
        exchange_json(bench->process.port, &(struct request_parts){.method = "POST",
                                                                   .path = path,
                                                                   .token = member->token,
                                                                   .body = "{}",
                                                                   .body_length = 2});
    const char *id = json_string_value(json_object_get(bought, "download_id"));
    if (!id)
        fail("no download of %s", domain);
    snprintf(ret_id, 32, "%s", id);
    json_decref(bought);
}

static void download_read(const struct bench *bench, const struct member *member, const char *id,
                          const char *coding, struct transfer_sum *sum)
{
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET /v1/downloads/%s HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: %s\r\n"
                          "Authorization: Bearer %s\r\n\r\n",
                          id, coding, member->token);
    int fd = connection_open(bench->process.port);
    if (send(fd, request, (size_t)length, 0) != length)
        fail("cannot ask for a download");
    answer_drain(bench, fd, sum);
    close(fd);
}

void downloads_measure(struct bench *bench)
{
    struct transfer_sum plain = {0}, packed = {0};
    struct cost cost = {0};
    double before_mib = process_memory_mib(&bench->process);
    json_t *answer = exchange_json(
        bench->process.port, &(struct request_parts){.method = "GET",
                                                     .path = "/v1/sets",
                                                     .token = bench->corpus.members[0].token});
    const json_t *sets = json_object_get(answer, "sets");
    for (size_t i = 0; i < json_array_size(sets); i++) {
        const struct member *member = &bench->corpus.members[i % MEMBERS];
        char id[32];
        const json_t *set = json_array_get(sets, i);
        download_buy(bench, member, json_string_value(json_object_get(set, "domain")), id);
        cost_begin(bench, &cost);
        download_read(bench, member, id, "identity", &plain);
        cost_end(bench, &cost);
        download_read(bench, member, id, "gzip", &packed);
    }
    json_decref(answer);
    double most_mib = plain.memory_mib > packed.memory_mib ? plain.memory_mib : packed.memory_mib;
    const struct line lines[] = {
        {.name = "one after the other", .value = plain.bytes / 1e6 / plain.seconds, .unit = "MB/s"},
        {.name = "with gzip, before it is compressed",
         .value = plain.bytes / 1e6 / packed.seconds,
         .unit = "MB/s"},
        {.name = "gzip leaves of it", .value = 100 * packed.bytes / plain.bytes, .unit = "%"},
        {.name = "daemon's processor time",
         .value = cost.daemon_s * 1e6 / (double)bench->patterns,
         .unit = "us/pattern"},
        {.name = "resident memory on top",
         .value = most_mib - before_mib,
         .unit = "MiB",
         .wanted = "< 8"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line = lines[i];
        line.section = section;
        report_add(&bench->report, &line);
    }
}
