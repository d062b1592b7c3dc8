/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/configuration.h"
#include "fuzz/fuzz.h"

/* The input is a configuration file, byte for byte. */

static int file_fd = -1;

static void file_write(const uint8_t *bytes, size_t length, const char *more)
{
    if (file_fd < 0)
        file_fd = memfd_create("configuration", MFD_CLOEXEC);
    PROPERTY(ftruncate(file_fd, 0) == 0);
    PROPERTY(pwrite(file_fd, bytes, length, 0) == (ssize_t)length);
    PROPERTY(pwrite(file_fd, more, strlen(more), (off_t)length) == (ssize_t)strlen(more));
}

static enum fault file_load(struct configuration *ret, struct why *why)
{
    char path[64], name[] = "continuum-coordinatord", option[] = "--config";
    char *arguments[] = {name, option, path, NULL}, *environment[] = {NULL};
    snprintf(path, sizeof path, "/proc/self/fd/%d", file_fd);
    return configuration_load(3, arguments, environment, ret, why);
}

/* What the file is refused for, by a sentence; then nothing was touched. */
static void refusal_check(const struct configuration *configuration, enum fault fault,
                          const struct why *why)
{
    static const struct configuration untouched;
    PROPERTY(fault == FAULT_CONFIGURATION);
    PROPERTY(strncmp(why->text, "/proc/self/fd/", 14) == 0);
    PROPERTY(memcmp(configuration, &untouched, sizeof untouched) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct configuration configuration = {0}, again = {0};
    struct why why = {0};
    file_write(bytes, length, "");
    enum fault fault = file_load(&configuration, &why);
    if (fault) {
        refusal_check(&configuration, fault, &why);
        return 0;
    }
    file_write(bytes, length, "\n# a comment\n  ; another\n\n");
    PROPERTY(file_load(&again, &why) == FAULT_NONE);
    PROPERTY(again.port == configuration.port && again.workers == configuration.workers &&
             again.settings.token_ttl_s == configuration.settings.token_ttl_s &&
             strcmp(again.settings.name, configuration.settings.name) == 0 &&
             strcmp(again.listen_address, configuration.listen_address) == 0);
    configuration_done(&configuration);
    configuration_done(&again);
    configuration = (struct configuration){0};
    file_write(bytes, length, "\nno_option_has_this_name = 1\n");
    refusal_check(&configuration, file_load(&configuration, &why), &why);
    return 0;
}
