/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_DOMAIN_COORDINATOR_H
#define CONTINUUM_DOMAIN_COORDINATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"
#include "crypto/selection.h"
#include "domain/epochs.h"
#include "domain/settings.h"
#include "store/federation.h"
#include "store/numbers.h"
#include "store/patterns.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/fault.h"
#include "util/ids.h"

struct catalog;
struct database;
struct directory;
struct domains;
struct erasure_log;
struct keyring;
struct memo;
struct readers;
struct replay;
struct search;
struct waiting;
struct workers;

/*
 * One federation's coordinator: its rules, its keys, and what the loop thread keeps in memory.
 * Everything here belongs to the loop thread, but for the store's side of a command and what a job
 * was given.
 */
struct coordinator {
    const struct settings *settings;
    struct keyring *keyring;      /* a key that is destroyed is wiped on the loop */
    int folder_fd;                /* of the folder that has the file of keys */
    struct erasure_log *erasures; /* the writer's, once memory is loaded */
    struct store *store;
    struct workers *workers;
    struct federation_id federation_id;
    struct epoch_row epoch; /* the current one */
    struct epochs epochs;   /* with it and all older ones that are not forgotten */
    struct directory *directory;
    struct catalog *catalog;
    struct search *search;
    struct domains *domains;
    struct waiting *waiting; /* long polls */
    struct database *reader; /* the release tick's */
    struct readers *readers; /* the downloads' */
    bool ready;              /* memory is loaded */
    bool failed;             /* it could not be */
    struct why failure;
    size_t loaded;       /* patterns so far; written by the loading thread, read by the loop */
    size_t tick_left;    /* groups that the running release tick has still to look at */
    size_t tick_redraws; /* released ones whose numbers it may still draw anew */
    struct calendar_place redrawn; /* the last of them */
    bool tick_runs, sweep_runs;
    struct contribution_position swept; /* how far sweeps have come */
    size_t tick_failures;               /* batches of it that failed */
    bool tick_alone;                    /* the last tick failed: groups are settled one by one */
    size_t release_failures;            /* batches, since the start */
    struct selection selection;         /* release_gate = dp */
    int64_t gate_day;                   /* on which it was opened last */
    bool gate_is_open;                  /* in the running tick */
    struct ids gate_waits;              /* groups to look at when it opens */
};

/*
 * Opens the database at `path`, makes the federation and its first epoch if there is none yet (with
 * `now_s` as their time), and starts the writer. The settings, keys, folder, log and workers stay
 * the caller's and must outlive it. FAULT_CORRUPT: database and keys do not belong together.
 * Otherwise as store_open.
 */
struct coordinator_parts {
    const struct settings *settings;
    struct keyring *keyring;
    int folder_fd; /* of the storage folder */
    struct erasure_log *erasures;
    struct workers *workers;
    const char *path;
    int64_t now_s;
};
enum fault coordinator_open(const struct coordinator_parts *parts, struct coordinator **ret,
                            struct why *why);

/* Takes NULL. No job or command of it may be under way. */
void coordinator_close(struct coordinator *coordinator);

/*
 * Reads instances, tags and released patterns into memory, on workers (loading.c), and then erases
 * who is in the log of erasures: an older database may have come back. `ready` (or `failed`) is set
 * on the loop when it is through; members are answered with FAULT_STARTING until then.
 */
enum fault coordinator_load(struct coordinator *coordinator, int64_t now_s, struct why *why);

/* Patterns that coordinator_load has read so far; from any thread. */
size_t coordinator_loaded(const struct coordinator *coordinator);

/* Signs the line of the current epoch (GET /v1/federation). */
void coordinator_sign_epoch(const struct coordinator *coordinator, struct signature *ret);

/*
 * A command of the domain: what a handler starts and what comes back to it. Made by a function of
 * its own file (query_new, ...), filled in by the caller, handed over by operation_submit, and
 * freed after `answer`. Long ones go in steps, each a transaction of its own, so that they keep
 * nobody waiting: `apply` sets `again` when there is more to do.
 */
struct operation {
    struct command command;
    struct coordinator *coordinator;
    struct arena arena; /* inputs and outputs; lives until `answer` has returned */
    bool again;         /* by apply: settle, then apply once more before anybody is answered */
    void (*settle)(struct operation *operation, enum fault fault); /* updates memory; may be NULL */
    void (*answer)(struct operation *operation, enum fault fault); /* the caller's */
    void *context;                                                 /* the caller's */
    /*
     * The loop sets `asks` before it submits what is only a question to the writer: without a fault
     * nothing is settled, answered or remembered yet, and `go_on` submits it again. A fault of
     * go_on's is the answer.
     */
    bool asks;
    enum fault (*go_on)(struct operation *operation);
    const struct replay *replay; /* how its answer is made again (memo.h); NULL: it never is */
    struct memo *memo;           /* the caller's: what remembers it; NULL: nothing */
};

/* A zeroed struct of `size` bytes that begins with an operation, or NULL when memory is out. */
void *operation_new(struct coordinator *coordinator, size_t size,
                    enum fault (*apply)(struct command *command, struct database *database),
                    void (*settle)(struct operation *operation, enum fault fault));

void operation_submit(struct operation *operation);

/* Settles, answers and frees, or goes on: what is left to do on the loop. */
void operation_end(struct operation *operation, enum fault fault);

/* Frees an operation that was never submitted. Takes NULL. */
void operation_free(struct operation *operation);

#endif
