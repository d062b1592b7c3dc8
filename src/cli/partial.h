/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLI_PARTIAL_H
#define CONTINUUM_CLI_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "continuum/client.h"

/*
 * A file that is written in pieces, over several runs if need be: FILE.part, and FILE.state beside
 * it, which says how much of it counts and where the download goes on. When all is there FILE takes
 * the place of both.
 */
enum { PARTIAL_PATH_SIZE = 1024 };

struct partial {
    char path[PARTIAL_PATH_SIZE], part[PARTIAL_PATH_SIZE], state[PARTIAL_PATH_SIZE];
    FILE *file;
    /* what FILE.state keeps */
    char download_id[CONTINUUM_DOWNLOAD_ID_SIZE], cursor[CONTINUUM_CURSOR_SIZE];
    char domain[65];
    bool json;
    uint64_t taken, total;
};

/* False: `ret_problem` is the sentence for the user; FILE is there already, or its name too long.
 */
bool partial_init(struct partial *partial, const char *path, char ret_problem[200]);

/* Takes NULL in `file`. Leaves the files as they are. */
void partial_done(struct partial *partial);

/* Whether there is one from an earlier run, which is then read. False with a sentence: it cannot be
 * used. False without one: there is none. */
bool partial_resume(struct partial *partial, char ret_problem[200]);

/* A new one, empty. */
bool partial_begin(struct partial *partial, char ret_problem[200]);

/* What was written so far counts from now on. */
bool partial_save(struct partial *partial, char ret_problem[200]);

/* All is there. */
bool partial_finish(struct partial *partial, char ret_problem[200]);

#endif
