/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "util/cleanup.h"
#include "util/clock.h"

/*
 * Hands each question to a program of the user's, without a shell: the question on its standard
 * input, what it prints is the answer. It has as long as --limit says, and may print as much as can
 * be sent. If it fails, prints nothing or too much, or takes too long, the question is declined.
 */
enum {
    ANSWER_MAX = 16382,
    WORDS_MAX = 32,
    LIMIT_DEFAULT_S = 60,
    POLL_S = 30,
    PAUSE_S = 5,
    ENDING_MS = 50,
};

static volatile sig_atomic_t stopping, idle;

/* While it waits for a question there is nothing to bring to an end. */
static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
    if (idle)
        _exit(CLI_OK);
}

/* ---- The program ---- */

struct program {
    char *words[WORDS_MAX + 1]; /* into `text` */
    char *text;
    unsigned limit_s;
};

static void program_done(struct program *program)
{
    free(program->text);
}

static bool program_parse(const char *text, struct program *ret)
{
    size_t count = 0;
    ret->text = strdup(text);
    char *rest = ret->text;
    for (char *word = strsep(&rest, " \t"); word && count < WORDS_MAX; word = strsep(&rest, " \t"))
        if (*word)
            ret->words[count++] = word;
    return count > 0 && !rest;
}

struct run {
    pid_t pid;
    int in, out; /* our ends; -1: closed */
    uint64_t deadline_ms;
    const char *question;
    size_t question_left;
    char answer[ANSWER_MAX + 2];
    size_t answer_length;
};

static void end_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void run_child(const struct program *program, int in, int out)
{
    setpgid(0, 0); /* so that what it starts ends with it */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    execvp(program->words[0], program->words);
    fprintf(stderr, "continuum-fed: %s: %s\n", program->words[0], strerror(errno));
    _exit(127);
}

/* False: the system refused. */
static bool run_start(const struct program *program, struct run *run)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 || (run->pid = fork()) < 0) {
        end_close(&to[0]);
        end_close(&to[1]);
        end_close(&from[0]);
        end_close(&from[1]);
        return false;
    }
    if (run->pid == 0)
        run_child(program, to[0], from[1]);
    setpgid(run->pid, run->pid);
    close(to[0]);
    close(from[1]);
    run->in = to[1];
    run->out = from[0];
    fcntl(run->in, F_SETFL, O_NONBLOCK);
    return true;
}

static void run_write(struct run *run)
{
    ssize_t written = write(run->in, run->question, run->question_left);
    if (written > 0) {
        run->question += written;
        run->question_left -= (size_t)written;
    }
    /* A program that does not read its question may answer all the same. */
    if (run->question_left == 0 || (written < 0 && errno != EAGAIN && errno != EINTR))
        end_close(&run->in);
}

static void run_read(struct run *run)
{
    size_t room = ANSWER_MAX + 1 - run->answer_length;
    ssize_t got = read(run->out, run->answer + run->answer_length, room);
    if (got > 0)
        run->answer_length += (size_t)got;
    else if (got == 0 || errno != EINTR)
        end_close(&run->out);
    if (run->answer_length > ANSWER_MAX)
        end_close(&run->out);
}

/* Passes question and answer; false: it took too long. */
static bool run_exchange(struct run *run)
{
    while (run->out >= 0 && !stopping) {
        uint64_t now_ms = clock_monotonic_ms();
        if (now_ms >= run->deadline_ms)
            return false;
        struct pollfd ends[] = {{.fd = run->in, .events = POLLOUT},
                                {.fd = run->out, .events = POLLIN}};
        if (poll(ends, 2, (int)(run->deadline_ms - now_ms)) < 0)
            continue;
        if (ends[0].revents)
            run_write(run);
        if (ends[1].revents)
            run_read(run);
    }
    return !stopping;
}

/* False: it did not end by itself with status 0 in time. */
static bool run_end(struct run *run, bool finished)
{
    int status = 1;
    end_close(&run->in);
    end_close(&run->out);
    while (finished && !stopping) {
        if (waitpid(run->pid, &status, WNOHANG) == run->pid) {
            kill(-run->pid, SIGKILL);
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        finished = clock_monotonic_ms() < run->deadline_ms;
        poll(NULL, 0, ENDING_MS);
    }
    kill(-run->pid, SIGKILL);
    waitpid(run->pid, &status, 0);
    return false;
}

/* What the program says to a question; NULL: nothing that could be sent. The caller's. */
static char *program_ask(const struct program *program, const char *question)
{
    _cleanup_(free_pointer) struct run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->question = question;
    run->question_left = strlen(question);
    run->deadline_ms = clock_monotonic_ms() + UINT64_C(1000) * program->limit_s;
    if (!run_start(program, run))
        return NULL;
    bool finished = run_exchange(run);
    if (!run_end(run, finished))
        return NULL;
    size_t length = run->answer_length;
    while (length > 0 && run->answer[length - 1] == '\n')
        length--;
    if (length == 0 || length > ANSWER_MAX || memchr(run->answer, '\0', length))
        return NULL;
    run->answer[length] = '\0';
    return strdup(run->answer);
}

/* ---- Serving ---- */

static void inbox_done(struct continuum_inbox **inbox)
{
    continuum_inbox_free(*inbox);
}

static void outcome_print(const struct cli_options *options, const char *delivery_id,
                          const char *outcome)
{
    if (options->json)
        (void)cli_print_json(continuum_outcome_json(delivery_id, outcome));
    else
        printf("%s  %s\n", outcome, delivery_id);
    fflush(stdout);
}

static void delivery_serve(struct continuum_client *client, const struct cli_options *options,
                           const struct program *program, const struct continuum_delivery *delivery)
{
    struct continuum_error error;
    _cleanup_(free_pointer) char *answer = program_ask(program, delivery->question);
    if (stopping)
        return; /* it comes again */
    bool answered = answer && continuum_reply(client, delivery->delivery_id, answer, &error);
    if (!answered && answer)
        (void)cli_fail(options, &error);
    /* What cannot be sent now may be sent when it comes again; what is no text never can. */
    bool hopeless = !answer || strcmp(error.code, "invalid-request") == 0;
    if (!answered && hopeless && !continuum_decline(client, delivery->delivery_id, &error))
        (void)cli_fail(options, &error);
    outcome_print(options, delivery->delivery_id,
                  answered   ? "answered"
                  : hopeless ? "declined"
                             : "failed");
}

/* Whether an error of the inbox may pass by itself. */
static bool error_may_pass(const struct continuum_error *error)
{
    return strcmp(error->code, "system") == 0 || error->status == 429 || error->status == 503;
}

static enum cli_exit serve(struct continuum_client *client, const struct cli_options *options,
                           const struct program *program)
{
    while (!stopping) {
        struct continuum_error error;
        _cleanup_(inbox_done) struct continuum_inbox *inbox = NULL;
        idle = 1;
        bool got = continuum_inbox_get(client, POLL_S, 1, &inbox, &error);
        idle = 0;
        if (!got) {
            enum cli_exit code = cli_fail(options, &error);
            if (!error_may_pass(&error))
                return code;
            poll(NULL, 0, PAUSE_S * 1000);
            continue;
        }
        for (size_t i = 0; i < inbox->count && !stopping; i++)
            delivery_serve(client, options, program, &inbox->deliveries[i]);
    }
    return CLI_OK;
}

enum cli_exit cli_serve(const struct cli_options *options)
{
    struct continuum_error error;
    _cleanup_(cli_client_done) struct continuum_client *client = NULL;
    _cleanup_(program_done) struct program program = {.limit_s = options->limit ? options->limit
                                                                                : LIMIT_DEFAULT_S};
    if (!options->exec || !program_parse(options->exec, &program))
        return cli_misuse(options, "serve wants --exec PROGRAM, with at most 31 arguments.");
    if (!continuum_open(&options->settings, &client, &error))
        return cli_fail(options, &error);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return serve(client, options, &program);
}
