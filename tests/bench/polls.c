/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"

/*
 * Long polls: WAITERS members wait for questions, GROUP of them for each pattern. Questions come at
 * a fixed pace, each for FANOUT members; beside them, others make ordinary calls. How long from the
 * moment at which a question is sent until a member that is asked has it?
 */
enum {
    WAITERS = 5000,
    GROUP = 10,
    GROUPS = WAITERS / GROUP,
    FANOUT = 8,
    ASKERS = 16,
    CALLERS = 4,
    QUESTIONS_PER_S = 125, /* 1000 wake-ups */
    SECONDS = 10,
    QUESTIONS = QUESTIONS_PER_S * SECONDS,
    CALL_PAUSE_MS = 20,
    CALLS_MAX = CALLERS * SECONDS * 1000 / CALL_PAUSE_MS,
    JOINING = 64,
    TAIL_S = 3,
    ROOM = 4096,
    SEALED = 312,
    EVENTS = 256,
};

struct end { /* one connection with one request under way, or none */
    int fd;
    unsigned number; /* of its kind */
    enum kind { KIND_WAITER, KIND_ASKER, KIND_CALLER } kind;
    bool busy;
    double started_s; /* or, when not busy, when it last ended */
    size_t received;
    char answer[ROOM];
};

struct polls {
    struct bench *bench;
    struct member members[WAITERS + ASKERS];
    struct request_bytes polls[WAITERS], calls[CALLERS];
    struct end *ends;
    int epoll_fd;
    double sent_s[QUESTIONS], wakes_ms[QUESTIONS * FANOUT], calls_ms[CALLS_MAX];
    size_t asked, woken, called;
    size_t wrong; /* woken by a question for others */
};

/* ---- The federation ---- */

static void waiter_join(void *context, size_t index)
{
    struct polls *polls = context;
    corpus_join(&polls->bench->corpus, &polls->members[index], polls->bench->process.port);
}

static void federation_make(struct polls *polls)
{
    const struct bench *bench = polls->bench;
    struct load_result result;
    struct request_bytes *requests = allocate(WAITERS, sizeof *requests);
    json_t *federation = exchange_json(
        bench->process.port, &(struct request_parts){.method = "GET", .path = "/v1/federation"});
    corpus_move(&polls->bench->corpus, federation);
    json_decref(federation);
    progress("%d members join", WAITERS + ASKERS);
    parallel_wide(JOINING, WAITERS + ASKERS, waiter_join, polls);
    for (size_t i = 0; i < WAITERS; i++)
        requests[i] = corpus_contribution(&bench->corpus, i / GROUP, &polls->members[i]);
    load_run(&(struct load_plan){.port = bench->process.port,
                                 .connections = CONNECTIONS,
                                 .requests = requests,
                                 .request_count = WAITERS,
                                 .total = WAITERS,
                                 .seconds_max = 600,
                                 .expect = "\"accepted\""},
             &result);
    requests_free(requests, WAITERS);
}

/* Until a tick has released the last pattern. */
static void release_wait(const struct polls *polls)
{
    char path[64];
    json_int_t released = 0;
    snprintf(path, sizeof path, "/v1/instances/%s", polls->members[WAITERS - 1].id);
    for (int i = 0; i < 600 && !released; i++) {
        json_t *answer = exchange_json(
            polls->bench->process.port,
            &(struct request_parts){
                .method = "GET", .path = path, .token = polls->members[WAITERS - 1].token});
        released = json_integer_value(json_object_get(answer, "released"));
        json_decref(answer);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    if (!released)
        fail("the patterns of the waiting members are not released");
}

/* ---- Connections ---- */

static void end_send(struct end *end, const struct request_bytes *request, double now_s)
{
    end->busy = true;
    end->received = 0;
    end->started_s = now_s;
    if (send(end->fd, request->bytes, request->length, MSG_NOSIGNAL) != (ssize_t)request->length)
        fail("cannot send a request at once");
}

static void ends_open(struct polls *polls)
{
    polls->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    polls->ends = allocate(WAITERS + ASKERS + CALLERS, sizeof *polls->ends);
    for (unsigned i = 0; i < WAITERS + ASKERS + CALLERS; i++) {
        struct end *end = &polls->ends[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
        end->kind = i < WAITERS ? KIND_WAITER : i < WAITERS + ASKERS ? KIND_ASKER : KIND_CALLER;
        end->number = i < WAITERS ? i : i < WAITERS + ASKERS ? i - WAITERS : i - WAITERS - ASKERS;
        end->fd = connection_open(polls->bench->process.port);
        if (epoll_ctl(polls->epoll_fd, EPOLL_CTL_ADD, end->fd, &event) != 0)
            fail("cannot wait for a connection: %s", strerror(errno));
        if (end->kind == KIND_WAITER)
            end_send(end, &polls->polls[i], wall_s());
    }
}

static void question_ask(struct polls *polls, struct end *end, double now_s)
{
    uint8_t sealed[SEALED] = {(uint8_t)(polls->asked >> 8), (uint8_t)polls->asked};
    uint32_t tokens[TERMS_EACH];
    char text[B64_LENGTH(SEALED) + 1], key[B64_LENGTH(32) + 1], body[1024];
    bytes_random(sealed + 2, sizeof sealed - 2);
    b64_encode(sealed, sizeof sealed, text);
    b64_encode(sealed + 40, 32, key);
    corpus_tokens(&polls->bench->corpus, polls->asked % GROUPS, tokens);
    int length = snprintf(body, sizeof body, "{\"terms\":[");
    for (size_t i = 0; i < TERMS_EACH; i++)
        length +=
            snprintf(body + length, sizeof body - (size_t)length, "%s%u", i ? "," : "", tokens[i]);
    length += snprintf(body + length, sizeof body - (size_t)length,
                       "],\"max_results\":1,\"route\":{\"sealed_query\":\"%s\",\"reply_key\":"
                       "\"%s\",\"ttl_s\":600,\"fanout\":%d}}",
                       text, key, FANOUT);
    struct request_bytes request =
        request_make(&(struct request_parts){.method = "POST",
                                             .path = "/v1/queries",
                                             .token = polls->members[WAITERS + end->number].token,
                                             .body = body,
                                             .body_length = (size_t)length});
    polls->sent_s[polls->asked++] = now_s;
    end_send(end, &request, now_s);
    free(request.bytes);
}

/* ---- What comes back ---- */

static void waiter_take(struct polls *polls, struct end *end, double now_s)
{
    static const char name[] = "\"sealed_query\":\"";
    uint8_t sequence[3];
    const char *sealed = memmem(end->answer, end->received, name, sizeof name - 1);
    if (sealed && b64_decode(sealed + sizeof name - 1, 4, sequence, 3)) {
        size_t question = (size_t)sequence[0] << 8 | sequence[1];
        polls->wrong += question % GROUPS != end->number / GROUP;
        if (polls->woken < QUESTIONS * FANOUT)
            polls->wakes_ms[polls->woken++] = (now_s - polls->sent_s[question]) * 1000;
    }
    end_send(end, &polls->polls[end->number], now_s);
}

static void end_receive(struct polls *polls, struct end *end)
{
    unsigned status = 0;
    size_t body = 0;
    ssize_t n = recv(end->fd, end->answer + end->received, ROOM - end->received, MSG_DONTWAIT);
    if (n <= 0)
        fail("a connection broke: %s", n < 0 ? strerror(errno) : "closed");
    end->received += (size_t)n;
    if (!answer_is_whole(end->answer, end->received, &status, &body))
        return;
    if (status != 200)
        fail("status %u: %.*s", status, (int)(end->received - body), end->answer + body);
    double now_s = wall_s();
    end->busy = false;
    if (end->kind == KIND_WAITER)
        waiter_take(polls, end, now_s);
    if (end->kind == KIND_CALLER && polls->called < CALLS_MAX)
        polls->calls_ms[polls->called++] = (now_s - end->started_s) * 1000;
    if (end->kind != KIND_WAITER)
        end->started_s = now_s;
}

static void questions_due(struct polls *polls, double now_s, double began_s)
{
    struct end *askers = &polls->ends[WAITERS], *callers = askers + ASKERS;
    size_t due = (size_t)((now_s - began_s) * QUESTIONS_PER_S);
    for (size_t i = 0; i < ASKERS && polls->asked < due && polls->asked < QUESTIONS; i++)
        if (!askers[i].busy)
            question_ask(polls, &askers[i], now_s);
    for (size_t i = 0; i < CALLERS && now_s < began_s + SECONDS; i++)
        if (!callers[i].busy && now_s > callers[i].started_s + CALL_PAUSE_MS / 1000.0)
            end_send(&callers[i], &polls->calls[i], now_s);
}

static void events_take(struct polls *polls)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(polls->epoll_fd, events, EVENTS, 1);
    for (int i = 0; i < count; i++)
        end_receive(polls, events[i].data.ptr);
}

static void polls_drive(struct polls *polls)
{
    double began_s = wall_s(), now_s = began_s;
    while (now_s < began_s + SECONDS + TAIL_S) {
        questions_due(polls, now_s, began_s);
        events_take(polls);
        now_s = wall_s();
    }
    if (polls->asked < QUESTIONS || polls->woken < QUESTIONS * FANOUT)
        progress("only %zu of %d questions, %zu of %d wake-ups", polls->asked, QUESTIONS,
                 polls->woken, QUESTIONS * FANOUT);
    if (polls->wrong)
        fail("%zu members were woken by questions for others", polls->wrong);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double percentile(double *values, size_t count, double fraction)
{
    qsort(values, count, sizeof *values, compare);
    return count ? values[(size_t)((double)(count - 1) * fraction)] : 0;
}

static void requests_prepare(struct polls *polls)
{
    for (size_t i = 0; i < WAITERS; i++)
        polls->polls[i] = request_make(&(struct request_parts){
            .method = "GET", .path = "/v1/inbox?wait=60&max=1", .token = polls->members[i].token});
    for (size_t i = 0; i < CALLERS; i++)
        polls->calls[i] = request_make(&(struct request_parts){
            .method = "GET", .path = "/v1/credits", .token = polls->members[WAITERS + i].token});
}

static void polls_report(struct polls *polls, double memory_mib)
{
    const struct line lines[] = {
        {.name = "memory of 5000 waiting members",
         .value = memory_mib,
         .unit = "MiB",
         .wanted = "< 60"},
        {.name = "wake-ups", .value = (double)polls->woken / SECONDS, .unit = "wake-ups/s"},
        {.name = "question to wake-up, p50",
         .value = percentile(polls->wakes_ms, polls->woken, 0.5),
         .unit = "ms"},
        {.name = "question to wake-up, p99",
         .value = percentile(polls->wakes_ms, polls->woken, 0.99),
         .unit = "ms",
         .wanted = "< 100"},
        {.name = "GET /v1/credits beside, p50",
         .value = percentile(polls->calls_ms, polls->called, 0.5),
         .unit = "ms"},
        {.name = "GET /v1/credits beside, p99",
         .value = percentile(polls->calls_ms, polls->called, 0.99),
         .unit = "ms",
         .wanted = "< 20"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line = lines[i];
        line.section = "Long polls";
        report_add(&polls->bench->report, &line);
    }
}

void polls_measure(struct bench *bench)
{
    static const char *const more[] = {
        "--require-contribution=false",
        "--max-inbox=100000",
        "--max-inbox-per-asker=100000",
        "--max-inbox-per-hour=100000",
        "--max-routed-open=100000",
        "--max-routed-per-hour=100000",
        "--joins-per-address-per-hour=100000",
        "--anonymous-burst=100000",
        NULL,
    };
    struct polls *polls = allocate(1, sizeof *polls);
    polls->bench = bench;
    snprintf(bench->storage, sizeof bench->storage, "%s/polls", bench->folder);
    bench->process = process_start(&(struct process_plan){.program = bench->program,
                                                          .storage_path = bench->storage,
                                                          .release_interval_s = 1,
                                                          .more = more});
    federation_make(polls);
    release_wait(polls);
    requests_prepare(polls);
    double before_mib = process_memory_mib(&bench->process), until_s = wall_s() + TAIL_S;
    ends_open(polls);
    while (wall_s() < until_s)
        events_take(polls);
    double memory_mib = process_memory_mib(&bench->process) - before_mib;
    progress("%d members wait", WAITERS);
    polls_drive(polls);
    polls_report(polls, memory_mib);
    process_stop(&bench->process);
    for (size_t i = 0; i < WAITERS + ASKERS + CALLERS; i++)
        close(polls->ends[i].fd);
    for (size_t i = 0; i < WAITERS; i++)
        free(polls->polls[i].bytes);
    for (size_t i = 0; i < CALLERS; i++)
        free(polls->calls[i].bytes);
    close(polls->epoll_fd);
    free(polls->ends);
    free(polls);
}
