/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/common.h"

enum {
    READY_MAX_MS = 600000,
    MESSAGE_SIZE = 4096,
    ARGUMENT_SIZE = 512,
    ARGUMENTS_MAX = 32,
    OPEN_FOLDERS_MAX = 8
};

static int running_pid; /* for the end of this program */

static void running_end(void)
{
    if (running_pid > 0)
        kill(running_pid, SIGTERM);
    while (running_pid > 0 && waitpid(running_pid, NULL, 0) < 0 && errno == EINTR) {
    }
    running_pid = 0;
}

static int notify_open(struct sockaddr_un *address)
{
    static unsigned number;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "@continuum-bench-%d-%u", (int)getpid(),
             number++);
    socklen_t length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address->sun_path));
    struct sockaddr_un bound = *address;
    bound.sun_path[0] = '\0'; /* abstract */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&bound, length) != 0)
        fail("cannot open a notify socket: %s", strerror(errno));
    return fd;
}

/* In the child. Prices and limits are those of docs/PERFORMANCE.md; everything else is at its
 * default. */
_Noreturn static void daemon_exec(const struct process_plan *plan, const char *notify_path)
{
    char storage[ARGUMENT_SIZE], interval[ARGUMENT_SIZE];
    snprintf(storage, sizeof storage, "--storage-path=%s", plan->storage_path);
    snprintf(interval, sizeof interval, "--release-interval-s=%u", plan->release_interval_s);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setenv("NOTIFY_SOCKET", notify_path, 1);
    const char *arguments[ARGUMENTS_MAX + 1] = {
        plan->program,
        storage,
        interval,
        "--port=0",
        "--log-level=warning",
        "--listen-address=127.0.0.1",
        "--min-contributors=3",
        "--price-contribute=1000",
        "--daily-verification-limit=1000000",
        "--max-connections-per-address=8192",
        "--max-jobs-per-member=8192",
    };
    size_t count = 0;
    while (arguments[count])
        count++;
    for (size_t i = 0; plan->more && plan->more[i] && count < ARGUMENTS_MAX; i++)
        arguments[count++] = plan->more[i];
    execv(plan->program, (char *const *)arguments);
    fprintf(stderr, "cannot run %s: %s\n", plan->program, strerror(errno));
    _exit(127);
}

/* Reads notifications until READY=1; the line STATUS= before it names the port. */
static uint16_t ready_wait(int notify_fd, int pid)
{
    static const char serving[] = "STATUS=Serving on 127.0.0.1:";
    uint16_t port = 0;
    double until_s = wall_s() + READY_MAX_MS / 1000;
    for (;;) {
        char message[MESSAGE_SIZE];
        struct pollfd waiting = {.fd = notify_fd, .events = POLLIN};
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            running_pid = 0;
            fail("the daemon ended before it was ready");
        }
        if (wall_s() > until_s)
            fail("the daemon is not ready after %d s", READY_MAX_MS / 1000);
        if (poll(&waiting, 1, 1000) <= 0)
            continue;
        ssize_t length = recv(notify_fd, message, sizeof message - 1, 0);
        message[length > 0 ? length : 0] = '\0';
        const char *status = strstr(message, serving);
        if (status)
            port = (uint16_t)strtoul(status + sizeof serving - 1, NULL, 10);
        if (strstr(message, "READY=1") && port)
            return port;
    }
}

struct process process_start(const struct process_plan *plan)
{
    static int registered;
    struct sockaddr_un notify;
    int notify_fd = notify_open(&notify);
    if (!registered++)
        atexit(running_end);
    double began_s = wall_s();
    struct process process = {.pid = fork()};
    if (process.pid < 0)
        fail("cannot fork: %s", strerror(errno));
    if (process.pid == 0)
        daemon_exec(plan, notify.sun_path);
    running_pid = process.pid;
    process.port = ready_wait(notify_fd, process.pid);
    process.ready_s = wall_s() - began_s;
    close(notify_fd);
    return process;
}

void process_stop(struct process *process)
{
    running_end();
    *process = (struct process){0};
}

double process_memory_mib(const struct process *process)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", process->pid);
    FILE *file = fopen(path, "re");
    if (!file)
        fail("cannot read %s", path);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtod(line + 6, NULL);
    fclose(file);
    return kib / 1024;
}

double process_cpu_used_s(const struct process *process)
{
    char path[64], line[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", process->pid);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(line, sizeof line, file))
        fail("cannot read %s", path);
    fclose(file);
    char *field = strrchr(line, ')'); /* field 2; utime and stime are 14 and 15 */
    for (int i = 2; field && i < 14; i++)
        field = strchr(field + 1, ' ');
    if (!field)
        fail("cannot understand %s", path);
    char *second = NULL;
    unsigned long user = strtoul(field, &second, 10), system_ticks = strtoul(second, NULL, 10);
    return (double)(user + system_ticks) / (double)sysconf(_SC_CLK_TCK);
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, entry_remove, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
