/* SPDX-License-Identifier: Apache-2.0 */
#include "store/erasure_log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <signal.h>

#include <cmocka.h>

#include "store/keyring.h"

enum { LINE = 44 };

static char folder[64];
static int folder_fd = -1;
static struct keyring keyring;
static const struct public_key alice = {{1}}, bob = {{2}};

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/continuum-erased-XXXXXX");
    memset(keyring.ledger, 7, sizeof keyring.ledger);
    if (!mkdtemp(folder))
        return -1;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? -1 : 0;
}

static int folder_remove(void **state)
{
    (void)state;
    unlinkat(folder_fd, "erased", 0);
    close(folder_fd);
    return rmdir(folder);
}

static struct erasure_log *reopen(struct erasure_log *log)
{
    struct erasure_log *again = NULL;
    erasure_log_close(log);
    assert_int_equal(erasure_log_open(folder_fd, &keyring, &again, NULL), FAULT_NONE);
    return again;
}

/* The file's bytes; the caller frees them. */
static char *content(size_t *ret_length)
{
    struct stat status;
    int fd = openat(folder_fd, "erased", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = calloc(1, (size_t)status.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    *ret_length = (size_t)status.st_size;
    return bytes;
}

static void append(const char *text, size_t length)
{
    int fd = openat(folder_fd, "erased", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

static void who_was_erased_is_known_at_the_next_start(void **state)
{
    (void)state;
    struct erasure_log *log = reopen(NULL);
    assert_false(erasure_log_has(log, 5, &alice));
    assert_int_equal(erasure_log_add(log, 5, &alice), FAULT_NONE);
    assert_int_equal(erasure_log_add(log, 5, &alice), FAULT_NONE);
    assert_int_equal(erasure_log_add(log, 1, &bob), FAULT_NONE);
    log = reopen(log);
    assert_true(erasure_log_has(log, 5, &alice));
    assert_true(erasure_log_has(log, 1, &bob));
    assert_false(erasure_log_has(log, 6, &alice)); /* who joined again */
    assert_false(erasure_log_has(log, 1, &alice));
    erasure_log_close(log);
}

static void without_the_keys_the_log_says_nothing(void **state)
{
    (void)state;
    size_t length = 0;
    struct erasure_log *log = reopen(NULL);
    assert_int_equal(erasure_log_add(log, 0x0123456789ab, &alice), FAULT_NONE);
    char *bytes = content(&length);
    assert_int_equal(length, LINE);
    assert_null(memmem(bytes, length, "0123456789ab", 12));
    free(bytes);
    memset(keyring.ledger, 8, sizeof keyring.ledger);
    log = reopen(log);
    assert_false(erasure_log_has(log, 0x0123456789ab, &alice));
    erasure_log_close(log);
}

static void a_line_that_was_cut_off_is_forgotten_and_the_next_one_is_whole(void **state)
{
    (void)state;
    size_t length = 0;
    struct erasure_log *log = reopen(NULL);
    assert_int_equal(erasure_log_add(log, 1, &alice), FAULT_NONE);
    append("AAAAAAA", 7);
    log = reopen(log);
    assert_int_equal(erasure_log_add(log, 2, &bob), FAULT_NONE);
    log = reopen(log);
    assert_true(erasure_log_has(log, 1, &alice));
    assert_true(erasure_log_has(log, 2, &bob));
    free(content(&length));
    assert_int_equal(length, 2 * LINE);
    erasure_log_close(log);
}

static void a_damaged_log_is_refused(void **state)
{
    (void)state;
    struct why why = {""};
    struct erasure_log *log = reopen(NULL);
    append("this is not a line of a log of erasures at\n\n", LINE);
    erasure_log_close(log);
    log = NULL;
    assert_int_equal(erasure_log_open(folder_fd, &keyring, &log, &why), FAULT_CORRUPT);
    assert_null(log);
    assert_non_null(strstr(why.text, "erased"));
}

static void a_log_of_another_name_too_is_not_touched_by_root(void **state)
{
    (void)state;
    struct why why = {""};
    struct erasure_log *log = NULL;
    if (geteuid() != 0)
        skip();
    erasure_log_close(reopen(NULL));
    assert_int_equal(linkat(folder_fd, "erased", folder_fd, "diary", 0), 0);
    assert_int_equal(erasure_log_open(folder_fd, &keyring, &log, &why), FAULT_SYSTEM);
    assert_null(log);
    assert_non_null(strstr(why.text, "erased in the storage folder: it is not a regular file with "
                                     "one name"));
    unlinkat(folder_fd, "diary", 0);
    erasure_log_close(reopen(NULL));
}

static void a_full_disk_is_a_fault_and_leaves_no_half_line(void **state)
{
    (void)state;
    struct rlimit before, small = {.rlim_cur = LINE + 10};
    size_t length = 0;
    struct erasure_log *log = reopen(NULL);
    assert_int_equal(erasure_log_add(log, 1, &alice), FAULT_NONE);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum fault fault = erasure_log_add(log, 2, &bob);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(fault, FAULT_STORAGE);
    free(content(&length));
    assert_int_equal(length, LINE);
    log = reopen(log);
    assert_false(erasure_log_has(log, 2, &bob));
    erasure_log_close(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(who_was_erased_is_known_at_the_next_start),
        TEST(without_the_keys_the_log_says_nothing),
        TEST(a_line_that_was_cut_off_is_forgotten_and_the_next_one_is_whole),
        TEST(a_damaged_log_is_refused),
        TEST(a_log_of_another_name_too_is_not_touched_by_root),
        TEST(a_full_disk_is_a_fault_and_leaves_no_half_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
