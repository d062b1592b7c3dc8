/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_BENCH_PROCESS_H
#define CONTINUUM_BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* The real daemon, on a free port of 127.0.0.1. At most one runs at a time; it ends with this
 * program. */
struct process_plan {
    const char *program, *storage_path;
    unsigned release_interval_s;
    const char *const *more; /* arguments, up to a NULL; or NULL */
};

struct process {
    int pid;
    uint16_t port;
    double ready_s; /* from exec to READY on its notify socket */
};

/* Starts it and waits until it is ready, for ten minutes at most. */
struct process process_start(const struct process_plan *plan);

/* SIGTERM, and waits for its end. */
void process_stop(struct process *process);

/* Resident memory, in MiB. */
double process_memory_mib(const struct process *process);

/* Processor time of all its threads so far, in seconds. */
double process_cpu_used_s(const struct process *process);

/* Removes a folder with the files in it and below it. */
void folder_remove(const char *path);

#endif
