/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/partial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"

/*
 * FILE.state, a line each:
 *
 *     continuum-fed download 1
 *     download id, domain, "json" or "text", cursor or "-"
 *     bytes of FILE.part, patterns in it, patterns in all: decimal
 */
#define HEADING "continuum-fed download 1"
enum { LINE_SIZE = 80 };

static bool complain(const char *path, const char *what, char ret_problem[200])
{
    snprintf(ret_problem, 200, "%.120s %s: %s.", path, what, strerror(errno));
    return false;
}

bool partial_init(struct partial *partial, const char *path, char ret_problem[200])
{
    *partial = (struct partial){0};
    if (strlen(path) > sizeof partial->path - sizeof ".state") {
        snprintf(ret_problem, 200, "The name of the file is too long.");
        return false;
    }
    snprintf(partial->path, sizeof partial->path, "%s", path);
    snprintf(partial->part, sizeof partial->part, "%s.part", path);
    snprintf(partial->state, sizeof partial->state, "%s.state", path);
    if (access(path, F_OK) != 0)
        return true;
    snprintf(ret_problem, 200, "%.140s is there already. Name another file, or remove it.", path);
    return false;
}

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

void partial_done(struct partial *partial)
{
    file_close(&partial->file);
    partial->file = NULL;
}

static bool line_read(FILE *file, char *ret, size_t size)
{
    char line[LINE_SIZE];
    if (!fgets(line, sizeof line, file))
        return false;
    size_t length = strcspn(line, "\n");
    if (line[length] != '\n' || length == 0 || length >= size)
        return false;
    line[length] = '\0';
    snprintf(ret, size, "%s", line);
    return true;
}

static bool number_read(FILE *file, uint64_t *ret)
{
    char line[LINE_SIZE];
    return line_read(file, line, sizeof line) && number_parse(line, 0, INT64_MAX, ret);
}

static bool state_read(FILE *file, struct partial *partial, uint64_t *ret_bytes)
{
    char line[LINE_SIZE], format[LINE_SIZE];
    if (!line_read(file, line, sizeof line) || strcmp(line, HEADING) != 0 ||
        !line_read(file, partial->download_id, sizeof partial->download_id) ||
        !line_read(file, partial->domain, sizeof partial->domain) ||
        !line_read(file, format, sizeof format) ||
        !line_read(file, partial->cursor, sizeof partial->cursor) ||
        !number_read(file, ret_bytes) || !number_read(file, &partial->taken) ||
        !number_read(file, &partial->total))
        return false;
    partial->json = strcmp(format, "json") == 0;
    if (strcmp(partial->cursor, "-") == 0)
        partial->cursor[0] = '\0';
    return true;
}

bool partial_resume(struct partial *partial, char ret_problem[200])
{
    uint64_t bytes = 0;
    ret_problem[0] = '\0';
    _cleanup_(file_close) FILE *state = fopen(partial->state, "re");
    if (!state)
        return errno != ENOENT && complain(partial->state, "cannot be read", ret_problem);
    partial->file = fopen(partial->part, "r+e");
    if (!partial->file)
        return complain(partial->part, "cannot be written", ret_problem);
    if (!state_read(state, partial, &bytes) || fseek(partial->file, 0, SEEK_END) != 0 ||
        (uint64_t)ftell(partial->file) < bytes) {
        snprintf(ret_problem, 200, "%.120s is damaged. Remove it to buy the download anew.",
                 partial->state);
        return false;
    }
    if (ftruncate(fileno(partial->file), (off_t)bytes) != 0 ||
        fseek(partial->file, 0, SEEK_END) != 0)
        return complain(partial->part, "cannot be written", ret_problem);
    return true;
}

bool partial_begin(struct partial *partial, char ret_problem[200])
{
    partial->file = fopen(partial->part, "we");
    return partial->file ? partial_save(partial, ret_problem)
                         : complain(partial->part, "cannot be written", ret_problem);
}

bool partial_save(struct partial *partial, char ret_problem[200])
{
    char fresh[PARTIAL_PATH_SIZE + 4];
    snprintf(fresh, sizeof fresh, "%s.new", partial->state);
    if (fflush(partial->file) != 0 || ferror(partial->file))
        return complain(partial->part, "cannot be written", ret_problem);
    FILE *state = fopen(fresh, "we");
    if (!state)
        return complain(fresh, "cannot be written", ret_problem);
    fprintf(state, HEADING "\n%s\n%s\n%s\n%s\n%ld\n%llu\n%llu\n", partial->download_id,
            partial->domain, partial->json ? "json" : "text",
            partial->cursor[0] ? partial->cursor : "-", ftell(partial->file),
            (unsigned long long)partial->taken, (unsigned long long)partial->total);
    bool written = !ferror(state);
    written = fclose(state) == 0 && written;
    if (!written || rename(fresh, partial->state) != 0)
        return complain(partial->state, "cannot be written", ret_problem);
    return true;
}

bool partial_finish(struct partial *partial, char ret_problem[200])
{
    FILE *file = TAKE(partial->file);
    bool written = fflush(file) == 0 && !ferror(file);
    written = fclose(file) == 0 && written;
    if (!written || rename(partial->part, partial->path) != 0)
        return complain(partial->path, "cannot be written", ret_problem);
    unlink(partial->state);
    return true;
}
