/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "faG-E5sfiK9QtDT60PvMbJdpCHd0wcq6TxuvVj-vAPE"

static char folder[] = "/tmp/continuum-profile-XXXXXX";
static char inside[64];

static const struct profile sample = {
    .name = "work",
    .url = "https://fed.example.org",
    .coordinator_key = KEY,
    .federation_id = "wY4jRiitypCey0UFxNdtAg",
    .federation_key = KEY,
    .seed = KEY,
    .instance_id = "fed-a3f2-89bc-44dd",
    .token = "AUaRYhTgXzMwAAAAAGlYhyUl7koFwzlCRgS_wmj4VNr6",
    .token_expires_at = "2026-01-03T03:04:05Z",
};

static void path_of(const char *file, char ret[128])
{
    snprintf(ret, 128, "%s/%s", inside, file);
}

static void assert_mode(const char *path, mode_t mode)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

static void file_write(const char *file, const char *text)
{
    char path[128];
    path_of(file, path);
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void a_profile_round_trips(void **state)
{
    (void)state;
    struct profile loaded;
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    assert_int_equal(profile_load("work", &loaded, NULL), FAULT_NONE);
    assert_memory_equal(&loaded, &sample, sizeof loaded);
}

static void what_is_absent_stays_absent(void **state)
{
    (void)state;
    struct profile pending = sample, loaded;
    memset(pending.instance_id, 0, sizeof pending.instance_id);
    memset(pending.token, 0, sizeof pending.token);
    memset(pending.token_expires_at, 0, sizeof pending.token_expires_at);
    assert_int_equal(profile_save(&pending, NULL), FAULT_NONE);
    assert_int_equal(profile_load("work", &loaded, NULL), FAULT_NONE);
    assert_memory_equal(&loaded, &pending, sizeof loaded);
}

static void the_file_is_the_users_alone_whatever_the_umask(void **state)
{
    (void)state;
    char path[128];
    path_of("work.conf", path);
    mode_t before = umask(0);
    enum fault fault = profile_save(&sample, NULL);
    umask(before);
    assert_int_equal(fault, FAULT_NONE);
    assert_mode(path, 0600);
    assert_mode(inside, 0700);
}

static void saving_leaves_nothing_but_the_file(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    DIR *directory = opendir(inside);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    assert_int_equal(count, 3); /* ., .. and work.conf */
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char path[128];
    struct profile loaded;
    struct why why = {0};
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    path_of("work.conf", path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(profile_load("work", &loaded, &why), FAULT_CONFIGURATION);
    assert_non_null(strstr(why.text, "chmod 600"));
}

static void profiles_do_not_mix(void **state)
{
    (void)state;
    struct profile other = sample, loaded;
    snprintf(other.name, sizeof other.name, "home");
    snprintf(other.url, sizeof other.url, "https://other.example");
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    assert_int_equal(profile_save(&other, NULL), FAULT_NONE);
    assert_int_equal(profile_load("work", &loaded, NULL), FAULT_NONE);
    assert_string_equal(loaded.url, sample.url);
    assert_int_equal(profile_load("home", &loaded, NULL), FAULT_NONE);
    assert_string_equal(loaded.url, other.url);
}

static void no_profile_is_told_from_a_bad_one(void **state)
{
    (void)state;
    struct profile loaded = {.url = "untouched"};
    struct why why = {0};
    assert_int_equal(profile_load(NULL, &loaded, &why), FAULT_NOT_FOUND);
    assert_non_null(strstr(why.text, "join"));
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    assert_int_equal(profile_load(NULL, &loaded, &why), FAULT_NOT_FOUND);
    assert_int_equal(profile_load("../work", &loaded, &why), FAULT_CONFIGURATION);
    assert_string_equal(loaded.url, "untouched");
}

static void a_damaged_file_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "garbage\n",
        "url = https://fed.example.org\n",
        "url = https://fed.example.org\ncoordinator_key = " KEY "\nfederation_id = "
        "wY4jRiitypCey0UFxNdtAg\nfederation_key = " KEY "\nseed = short\n",
        "url = javascript:x\ncoordinator_key = " KEY "\nfederation_id = "
        "wY4jRiitypCey0UFxNdtAg\nfederation_key = " KEY "\nseed = " KEY "\n",
        "url = https://fed.example.org\ncoordinator_key = " KEY "\nfederation_id = "
        "wY4jRiitypCey0UFxNdtAg\nfederation_key = " KEY "\nseed = " KEY "\nunknown = 1\n",
    };
    struct profile loaded;
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        file_write("work.conf", texts[i]);
        assert_int_equal(profile_load("work", &loaded, NULL), FAULT_CONFIGURATION);
    }
}

static void a_folder_that_cannot_be_made_is_reported(void **state)
{
    (void)state;
    struct why why = {0};
    assert_int_equal(setenv("CONTINUUM_FED_DIR", "/proc/continuum", 1), 0);
    assert_int_equal(profile_save(&sample, &why), FAULT_SYSTEM);
    assert_true(strlen(why.text) > 20);
}

static void the_folder_follows_the_environment(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(unsetenv("CONTINUUM_FED_DIR"), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", inside, 1), 0);
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    path_of("continuum-fed/work.conf", path);
    assert_mode(path, 0600);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(setenv("HOME", inside, 1), 0);
    assert_int_equal(profile_save(&sample, NULL), FAULT_NONE);
    path_of(".config/continuum-fed/work.conf", path);
    assert_mode(path, 0600);
}

static void tree_remove(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char below[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (unlink(below) != 0)
            tree_remove(below);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

static int each_setup(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(inside, sizeof inside, "%s/fed", folder);
    return setenv("CONTINUUM_FED_DIR", inside, 1);
}

static int each_teardown(void **state)
{
    (void)state;
    tree_remove(folder);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, each_setup, each_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_profile_round_trips),
        TEST(what_is_absent_stays_absent),
        TEST(the_file_is_the_users_alone_whatever_the_umask),
        TEST(saving_leaves_nothing_but_the_file),
        TEST(a_file_that_others_may_read_is_refused),
        TEST(profiles_do_not_mix),
        TEST(no_profile_is_told_from_a_bad_one),
        TEST(a_damaged_file_is_refused),
        TEST(a_folder_that_cannot_be_made_is_reported),
        TEST(the_folder_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
