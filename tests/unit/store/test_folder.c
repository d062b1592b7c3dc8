/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/folder.h"

static char base[] = "/tmp/continuum-test-XXXXXX", path[64], lock_path[80];

static void a_missing_folder_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    struct stat status;
    assert_int_equal(folder_open(path, &folder, NULL), FAULT_NONE);
    assert_int_equal(fstat(folder.fd, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(lock_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(fcntl(folder.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(folder.lock_fd, F_GETFD) & FD_CLOEXEC);
    folder_close(&folder);
    assert_int_equal(folder.fd, -1);
}

static void the_lock_names_its_process(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    char text[64] = "", expected[64];
    /* what an earlier, longer name left must not show */
    FILE *old = fopen(lock_path, "we");
    fputs("99999999999999\n", old);
    fclose(old);
    assert_int_equal(folder_open(path, &folder, NULL), FAULT_NONE);
    int fd = open(lock_path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    snprintf(expected, sizeof expected, "%d\n", getpid());
    assert_string_equal(text, expected);
    folder_close(&folder);
}

/* Opens the folder in a child process, and sends what came of it. */
static enum fault open_in_child(struct why *ret_why)
{
    struct {
        enum fault fault;
        struct why why;
    } result = {FAULT_NONE, {""}};
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    if (child == 0) {
        struct folder folder = {.fd = -1, .lock_fd = -1};
        result.fault = folder_open(path, &folder, &result.why);
        ssize_t written = write(channel[1], &result, sizeof result);
        _exit(written == sizeof result ? 0 : 1);
    }
    close(channel[1]);
    assert_int_equal(read(channel[0], &result, sizeof result), sizeof result);
    close(channel[0]);
    waitpid(child, NULL, 0);
    *ret_why = result.why;
    return result.fault;
}

static void a_second_process_is_refused_and_told_who_has_the_folder(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    struct why why = {""};
    char expected[sizeof why.text];
    assert_int_equal(folder_open(path, &folder, NULL), FAULT_NONE);
    assert_int_equal(open_in_child(&why), FAULT_SYSTEM);
    snprintf(expected, sizeof expected,
             "the storage folder %s is in use by another coordinator, process %d", path, getpid());
    assert_string_equal(why.text, expected);
    folder_close(&folder);
    assert_int_equal(open_in_child(&why), FAULT_NONE);
}

static void the_lock_is_gone_with_a_process_that_was_killed(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    struct why why = {""};
    assert_int_equal(open_in_child(&why), FAULT_NONE); /* it never called folder_close */
    assert_int_equal(folder_open(path, &folder, NULL), FAULT_NONE);
    folder_close(&folder);
}

static void what_is_not_a_folder_or_has_no_parent_is_refused(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    struct why why = {""};
    char bad[96];
    snprintf(bad, sizeof bad, "%s/none/below", base);
    assert_int_equal(folder_open(bad, &folder, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "cannot create the storage folder "));
    assert_int_equal(folder_open(lock_path, &folder, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "Not a directory"));
    assert_int_equal(folder.fd, -1);
}

static void a_lock_that_is_a_link_is_not_followed(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    char target[80];
    struct stat status;
    snprintf(target, sizeof target, "%s/elsewhere", base);
    unlink(lock_path);
    assert_int_equal(symlink(target, lock_path), 0);
    assert_int_equal(folder_open(path, &folder, NULL), FAULT_SYSTEM);
    assert_int_equal(stat(target, &status), -1);
    unlink(lock_path);
}

static void a_lock_that_has_another_name_or_is_no_file_is_refused(void **state)
{
    (void)state;
    struct folder folder = {.fd = -1, .lock_fd = -1};
    struct why why = {""};
    char other[80];
    struct stat status;
    snprintf(other, sizeof other, "%s/diary", base);
    FILE *diary = fopen(other, "we");
    fputs("dear diary\n", diary);
    fclose(diary);
    assert_int_equal(link(other, lock_path), 0);
    assert_int_equal(folder_open(path, &folder, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "/lock is not a regular file with one name"));
    assert_int_equal(stat(other, &status), 0);
    assert_int_equal(status.st_size, strlen("dear diary\n"));
    unlink(other);
    unlink(lock_path);
    assert_int_equal(mkfifo(lock_path, 0600), 0);
    assert_int_equal(folder_open(path, &folder, &why), FAULT_SYSTEM);
    assert_non_null(strstr(why.text, "/lock is not a regular file with one name"));
    unlink(lock_path);
}

enum { OWNER = 65534, GROUP = 65533, SOMEBODY = 65532 };

static void root_gives_away_only_what_is_its_own_and_has_one_name(void **state)
{
    (void)state;
    char file[80], other[80];
    struct stat status;
    if (geteuid() != 0)
        skip();
    snprintf(file, sizeof file, "%s/erased", path);
    snprintf(other, sizeof other, "%s/diary", base);
    assert_int_equal(chown(path, OWNER, GROUP), 0);
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(link(file, other), 0);
    assert_false(folder_adopt(folder_fd, fd));
    assert_int_equal(errno, EMLINK);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_uid, 0);
    unlink(other);
    assert_true(folder_adopt(folder_fd, fd));
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_uid, OWNER);
    assert_int_equal(status.st_gid, GROUP);
    assert_int_equal(fchown(fd, SOMEBODY, SOMEBODY), 0);
    assert_true(folder_adopt(folder_fd, fd));
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_uid, SOMEBODY);
    close(fd);
    close(folder_fd);
    unlink(file);
    assert_int_equal(chown(path, 0, 0), 0);
}

static void closing_what_was_never_opened_does_nothing(void **state)
{
    (void)state;
    struct folder zeroed = {0}, closed = {.fd = -1, .lock_fd = -1};
    folder_close(&zeroed);
    folder_close(&zeroed);
    folder_close(&closed);
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
}

static int make_base(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(path, sizeof path, "%s/db", base);
    snprintf(lock_path, sizeof lock_path, "%s/lock", path);
    return 0;
}

static int remove_base(void **state)
{
    (void)state;
    unlink(lock_path);
    rmdir(path);
    return rmdir(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_folder_is_made_for_its_owner_alone),
        cmocka_unit_test(the_lock_names_its_process),
        cmocka_unit_test(a_second_process_is_refused_and_told_who_has_the_folder),
        cmocka_unit_test(the_lock_is_gone_with_a_process_that_was_killed),
        cmocka_unit_test(what_is_not_a_folder_or_has_no_parent_is_refused),
        cmocka_unit_test(a_lock_that_is_a_link_is_not_followed),
        cmocka_unit_test(a_lock_that_has_another_name_or_is_no_file_is_refused),
        cmocka_unit_test(root_gives_away_only_what_is_its_own_and_has_one_name),
        cmocka_unit_test(closing_what_was_never_opened_does_nothing),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
