/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "util/clock.h"

enum { LINE_SIZE = 1024 };

static const struct {
    const char *name, *priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", SD_ERR},
    [LOG_LEVEL_WARNING] = {"warning", SD_WARNING},
    [LOG_LEVEL_INFO] = {"info", SD_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", SD_DEBUG},
};

static struct {
    enum log_level level;
    bool to_journal;
} state = {.level = LOG_LEVEL_INFO};

/* $JOURNAL_STREAM is "device:inode" of the stream that the journal reads; a redirected one is
 * another. */
static bool stderr_is_journal(void)
{
    struct stat status;
    char stream[64];
    const char *expected = getenv("JOURNAL_STREAM");
    if (!expected || fstat(STDERR_FILENO, &status) < 0)
        return false;
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, expected) == 0;
}

void log_init(enum log_level level)
{
    state.level = level;
    state.to_journal = stderr_is_journal();
}

/* Bytes of the control character at `text`: ASCII's, or one of U+0080 to U+009F, which terminals
 * obey too. */
static size_t control_length(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f)
        return 1;
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

size_t log_escape(const char *text, char *ret, size_t size)
{
    size_t used = 0;
    for (const unsigned char *next = (const unsigned char *)text; *next;) {
        size_t control = control_length(next), shown = control ? control * 4 : 1;
        if (size - used <= shown)
            break;
        if (!control)
            ret[used] = (char)*next++;
        for (size_t i = 0; i < control; i++)
            snprintf(ret + used + i * 4, 5, "\\x%02x", *next++);
        used += shown;
    }
    ret[used] = '\0';
    return used;
}

static size_t prefix_write(enum log_level level, char *line, size_t size)
{
    char now[CLOCK_TEXT_LENGTH + 1];
    if (state.to_journal)
        return (size_t)snprintf(line, size, "%s", levels[level].priority);
    clock_format(clock_now_s(), now);
    return (size_t)snprintf(line, size, "%s %s: ", now, levels[level].name);
}

void log_write(enum log_level level, const char *format, ...)
{
    char message[LINE_SIZE], line[LINE_SIZE];
    if (level > state.level)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    size_t length = prefix_write(level, line, sizeof line);
    length += log_escape(message, line + length, sizeof line - length - 1);
    line[length++] = '\n';
    /* One write, so that lines of two threads do not mix. Nobody can be told when the log itself
     * fails. */
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}
