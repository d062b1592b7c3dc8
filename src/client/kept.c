/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kept.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/home.h"
#include "util/cleanup.h"

enum { FILE_NAME_SIZE = PROFILE_NAME_SIZE + KEPT_ID_SIZE + 16, LATER_S = 3600 };

static const char *const kind_names[] = {"question", "delivery"};

/* Ids come from the coordinator: none may lead out of the folder. */
static bool id_is_sound(const char *id)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(id);
    return length >= 1 && length < KEPT_ID_SIZE && strspn(id, letters) == length;
}

static void file_name(const struct profile *profile, enum kept_kind kind, const char *id,
                      char ret[FILE_NAME_SIZE])
{
    snprintf(ret, FILE_NAME_SIZE, "%s.%s.%s", profile->name, kind_names[kind], id);
}

void kept_wipe(struct kept *kept)
{
    bytes_wipe(kept, sizeof *kept);
}

enum fault kept_save(const struct profile *profile, const struct kept *kept, struct why *why)
{
    char file[FILE_NAME_SIZE], qid[B64_LENGTH(QID_LENGTH) + 1];
    char reply_key[B64_LENGTH(REPLY_KEY_LENGTH) + 1], secret[B64_LENGTH(REPLY_KEY_LENGTH) + 1];
    _cleanup_(home_close) int folder = -1;
    _cleanup_(home_text_wipe) struct home_text text = {0};
    if (!id_is_sound(kept->id))
        return why_set(why, FAULT_CORRUPT, "The coordinator gave an id that is none.");
    file_name(profile, kept->kind, kept->id, file);
    b64_encode(kept->question.qid, QID_LENGTH, qid);
    b64_encode(kept->question.reply_key, REPLY_KEY_LENGTH, reply_key);
    b64_encode(kept->secret, REPLY_KEY_LENGTH, secret);
    int length = snprintf(text.text, sizeof text.text, "%s\n%s\n%s\n%s\n", qid, reply_key, secret,
                          kept->expires_at);
    bytes_wipe(secret, sizeof secret);
    enum fault fault = home_open(true, &folder, why);
    if (fault)
        return fault;
    if (!home_replace(folder, file, text.text, (size_t)length))
        return why_set(why, FAULT_SYSTEM, "The keys of a question cannot be kept in %.100s: %s.",
                       file, strerror(errno));
    return FAULT_NONE;
}

static bool line_decode(char **rest, void *ret, size_t length)
{
    const char *line = strsep(rest, "\n");
    return line && b64_decode(line, strlen(line), ret, length);
}

static bool text_decode(char *text, struct kept *ret)
{
    int64_t expires_at_s;
    char *rest = text;
    if (!line_decode(&rest, ret->question.qid, QID_LENGTH) ||
        !line_decode(&rest, ret->question.reply_key, REPLY_KEY_LENGTH) ||
        !line_decode(&rest, ret->secret, REPLY_KEY_LENGTH))
        return false;
    const char *line = strsep(&rest, "\n");
    if (!line || !clock_parse(line, strlen(line), &expires_at_s) || !rest || *rest)
        return false;
    snprintf(ret->expires_at, sizeof ret->expires_at, "%s", line);
    return true;
}

static enum fault file_load(int folder, const char *file, struct kept *ret, struct why *why)
{
    _cleanup_(home_text_wipe) struct home_text text = {0};
    enum fault fault = home_read(folder, file, &text, why);
    if (!fault && !text_decode(text.text, ret))
        fault = why_set(why, FAULT_CONFIGURATION, "%.100s is damaged.", file);
    return fault;
}

enum fault kept_load(const struct profile *profile, enum kept_kind kind, const char *id,
                     struct kept *ret, struct why *why)
{
    char file[FILE_NAME_SIZE];
    _cleanup_(home_close) int folder = -1;
    _cleanup_(kept_wipe) struct kept kept = {.kind = kind};
    enum fault fault = id_is_sound(id) ? home_open(false, &folder, why) : FAULT_NOT_FOUND;
    if (!fault) {
        file_name(profile, kind, id, file);
        fault = file_load(folder, file, &kept, why);
    }
    if (fault == FAULT_NOT_FOUND)
        return why_set(why, fault, "There is no question \"%.40s\" %s. Its time may be over.", id,
                       kind == KEPT_QUESTION ? "of yours" : "in your inbox");
    if (fault)
        return fault;
    snprintf(kept.id, sizeof kept.id, "%s", id);
    *ret = kept;
    return FAULT_NONE;
}

void kept_forget(const struct profile *profile, enum kept_kind kind, const char *id)
{
    char file[FILE_NAME_SIZE];
    _cleanup_(home_close) int folder = -1;
    if (!id_is_sound(id) || home_open(false, &folder, NULL))
        return;
    file_name(profile, kind, id, file);
    unlinkat(folder, file, 0);
}

static void directory_close(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* Whether the coordinator has forgotten it, too. */
static bool is_over(int folder, const char *file)
{
    _cleanup_(kept_wipe) struct kept kept = {0};
    int64_t expires_at_s = 0;
    return file_load(folder, file, &kept, NULL) == FAULT_NONE &&
           clock_parse(kept.expires_at, strlen(kept.expires_at), &expires_at_s) &&
           expires_at_s + LATER_S < clock_now_s();
}

enum fault kept_list(const struct profile *profile, enum kept_kind kind, size_t max,
                     char (*ret_ids)[KEPT_ID_SIZE], size_t *ret_count, struct why *why)
{
    char prefix[FILE_NAME_SIZE];
    _cleanup_(home_close) int folder = -1;
    _cleanup_(directory_close) DIR *directory = NULL;
    size_t count = 0;
    file_name(profile, kind, "", prefix);
    enum fault fault = home_open(false, &folder, why);
    if (fault)
        return fault;
    int copy = dup(folder);
    directory = copy >= 0 ? fdopendir(copy) : NULL;
    if (!directory)
        return why_set(why, FAULT_SYSTEM, "The folder cannot be read: %s.", strerror(errno));
    for (struct dirent *entry = readdir(directory); entry && count < max;
         entry = readdir(directory)) {
        const char *id = entry->d_name + strlen(prefix);
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || !id_is_sound(id))
            continue;
        if (is_over(folder, entry->d_name))
            unlinkat(folder, entry->d_name, 0);
        else
            snprintf(ret_ids[count++], KEPT_ID_SIZE, "%s", id);
    }
    *ret_count = count;
    return FAULT_NONE;
}
