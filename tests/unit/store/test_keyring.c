/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "store/keyring.h"

enum { FILE_MAX = 8192 };

static char base[] = "/tmp/continuum-test-XXXXXX";
static int folder_fd = -1;

/* --- what is given back to the kernel must have been wiped -------------------------------------
 */

static const void *watched;
static bool watched_was_seen, watched_was_wiped;

/* Takes the place of the C library's, so that the pages can be looked at before they are gone. */
int munmap(void *address, size_t length)
{
    if (address == watched) {
        watched_was_seen = watched_was_wiped = true;
        for (size_t i = 0; i < length; i++)
            watched_was_wiped = watched_was_wiped && ((const char *)address)[i] == 0;
    }
    return (int)syscall(SYS_munmap, address, length);
}

/* --- files --------------------------------------------------------------------------------------
 */

static size_t file_read(char text[FILE_MAX])
{
    int fd = openat(folder_fd, "keys", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, FILE_MAX - 1);
    close(fd);
    assert_true(length > 0);
    text[length] = '\0';
    return (size_t)length;
}

static void file_write(const char *text, size_t length)
{
    int fd = openat(folder_fd, "keys", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

/* Writes the lines with the right check behind them. */
static void file_write_checked(const char *lines)
{
    char text[FILE_MAX];
    uint8_t check[16];
    size_t length = strlen(lines);
    hash_once(NULL, 0, "cfed/v1/keyring", lines, length, check, sizeof check);
    snprintf(text, sizeof text, "%scheck = ", lines);
    b64_encode(check, sizeof check, text + strlen(text));
    memcpy(text + strlen(text), "\n", 2);
    file_write(text, strlen(text));
}

static bool file_exists(const char *name)
{
    return faccessat(folder_fd, name, F_OK, 0) == 0;
}

static void new_keys_come_back_as_they_were(void **state)
{
    (void)state;
    struct keyring *made = NULL, *read = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &made, NULL), FAULT_NONE);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, NULL), FAULT_NONE);
    assert_memory_equal(made->signing.seed, read->signing.seed, 32);
    assert_memory_equal(&made->signing.public, &read->signing.public, 32);
    assert_memory_equal(made->token, read->token, 32);
    assert_memory_equal(made->noise, read->noise, 32);
    assert_memory_equal(made->ledger, read->ledger, 32);
    assert_int_equal(read->oprf_count, 1);
    assert_int_equal(read->oprf[0].epoch, 1);
    assert_memory_equal(&made->oprf[0].key, &read->oprf[0].key, sizeof(struct oprf_key));
    keyring_free(made);
    keyring_free(read);
}

static void keys_without_an_oprf_key_come_back_so_and_can_get_one(void **state)
{
    (void)state;
    struct keyring *made = NULL, *read = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE_WITHOUT_OPRF, &made, NULL), FAULT_NONE);
    assert_int_equal(made->oprf_count, 0);
    assert_null(keyring_oprf(made, 1));
    assert_int_equal(keyring_erase(folder_fd, made, 1, NULL), FAULT_NONE);
    keyring_forget(made, 1);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, NULL), FAULT_NONE);
    assert_int_equal(read->oprf_count, 0);
    assert_memory_equal(made->ledger, read->ledger, 32);
    assert_int_equal(keyring_add(folder_fd, read, 2, NULL), FAULT_NONE);
    assert_int_equal(keyring_erase(folder_fd, read, 2, NULL), FAULT_NONE);
    keyring_free(read);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, NULL), FAULT_NONE);
    assert_int_equal(read->oprf_count, 0);
    keyring_free(made);
    keyring_free(read);
}

static void no_two_keys_are_the_same(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    const uint8_t *all[] = {keys->signing.seed, keys->token, keys->noise, keys->ledger,
                            keys->oprf[0].key.secret.bytes};
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(all[i], all[j], 32);
    }
    keyring_free(keys);
}

static void only_the_owner_can_read_the_file(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    struct stat status;
    mode_t before = umask(0);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    umask(before);
    keyring_free(keys);
    assert_int_equal(fstatat(folder_fd, "keys", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_false(file_exists("keys.new"));
}

static void a_file_that_others_can_open_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    struct keyring *keys = NULL;
    struct why why = {""};
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    keyring_free(keys);
    keys = NULL;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fchmodat(folder_fd, "keys", modes[i], 0), 0);
        assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, &why), FAULT_CORRUPT);
        assert_non_null(strstr(why.text, "chmod 600 keys"));
        assert_null(keys);
    }
}

static void missing_keys_are_not_made_unless_asked(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    struct why why = {""};
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, &why), FAULT_NOT_FOUND);
    assert_string_equal(why.text,
                        "keys is missing in the storage folder; restore it from a backup");
    assert_false(file_exists("keys"));
}

static void what_a_start_that_was_cut_off_left_is_replaced(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    int fd = openat(folder_fd, "keys.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    close(fd);
    only_the_owner_can_read_the_file(state);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_NONE);
    keyring_free(keys);
}

static void any_changed_byte_and_any_cut_is_noticed_and_nothing_is_overwritten(void **state)
{
    (void)state;
    char good[FILE_MAX], bad[FILE_MAX], after[FILE_MAX];
    struct keyring *keys = NULL;
    struct why why = {""};
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    keyring_free(keys);
    keys = NULL;
    size_t length = file_read(good);
    for (size_t i = 0; i < length; i++) {
        memcpy(bad, good, length);
        bad[i] = (char)(bad[i] ^ 1);
        file_write(bad, length);
        assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, &why), FAULT_CORRUPT);
        file_write(good, i);
        assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, &why), FAULT_CORRUPT);
    }
    assert_string_equal(why.text,
                        "keys in the storage folder is damaged; restore it from a backup");
    assert_null(keys);
    assert_int_equal(file_read(after), length - 1);
    assert_memory_equal(after, good, length - 1);
}

#define HEAD                                                                                       \
    "signing = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"                                      \
    "token = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\n"
#define TAIL   "ledger = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM\n"
#define LINES  HEAD "noise = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI\n" TAIL
#define SECRET "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define ZERO   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define HIGH   "__________________________________________8\n"

static void a_renewed_noise_leaves_the_gate_and_all_else_as_it_was(void **state)
{
    (void)state;
    struct keyring *keys = NULL, *read = NULL;
    uint8_t first[32], second[32];
    struct why why;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, &why), FAULT_NONE);
    memcpy(first, keys->noise, sizeof first);
    assert_memory_equal(keys->gate, first, 32);
    assert_int_equal(keyring_renew_noise(folder_fd, keys, &why), FAULT_NONE);
    memcpy(second, keys->noise, sizeof second);
    assert_memory_not_equal(second, first, 32);
    assert_int_equal(keyring_renew_noise(folder_fd, keys, &why), FAULT_NONE);
    assert_memory_not_equal(keys->noise, second, 32);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, &why), FAULT_NONE);
    assert_memory_equal(read->noise, keys->noise, 32);
    assert_memory_equal(read->gate, first, 32);
    assert_memory_equal(read->ledger, keys->ledger, 32);
    assert_memory_equal(&read->oprf[0].key, &keys->oprf[0].key, sizeof(struct oprf_key));
    keyring_free(read);
    keyring_free(keys);
}

static void several_epochs_are_found_by_their_number(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    file_write_checked(LINES "oprf 2 = " SECRET "oprf 7 = " SECRET "oprf 4294967295 = " SECRET);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_NONE);
    assert_int_equal(keys->ledger[31], 3);
    assert_ptr_equal(keyring_oprf(keys, 2), &keys->oprf[0].key);
    assert_ptr_equal(keyring_oprf(keys, 7), &keys->oprf[1].key);
    assert_ptr_equal(keyring_oprf(keys, UINT32_MAX), &keys->oprf[2].key);
    assert_null(keyring_oprf(keys, 1));
    assert_null(keyring_oprf(keys, 0));
    keyring_free(keys);
}

static void lines_that_are_not_a_keyring_are_refused_though_their_check_is_right(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "oprf 1 = " SECRET,
        LINES "oprf 1 = " SECRET "oprf 1 = " SECRET,
        LINES "oprf 2 = " SECRET "oprf 1 = " SECRET,
        LINES "oprf 0 = " SECRET,
        LINES "oprf 4294967296 = " SECRET,
        LINES "oprf = " SECRET,
        LINES "oprf x = " SECRET,
        LINES "oprf 1 = " ZERO,
        LINES "oprf 1 = " HIGH,
        LINES "oprf 1 = AQ\n",
        LINES "oprf 1 = " SECRET "colour = " SECRET,
        LINES "oprf 1 = " SECRET "\n",
        LINES LINES "oprf 1 = " SECRET,
        "token = " SECRET LINES "oprf 1 = " SECRET,
        LINES "gate = " SECRET "oprf 1 = " SECRET,
        HEAD "noise = " SECRET "gate = " SECRET TAIL "oprf 1 = " SECRET,
        HEAD "noise = " SECRET "gate = " ZERO "gate = " ZERO TAIL "oprf 1 = " SECRET,
        HEAD "noise = " SECRET "gate = AQ\n" TAIL "oprf 1 = " SECRET,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct keyring *keys = NULL;
        file_write_checked(bad[i]);
        if (keyring_open(folder_fd, KEYRING_MADE, &keys, NULL) != FAULT_CORRUPT)
            fail_msg("accepted: %s", bad[i]);
        assert_null(keys);
    }
}

static void as_many_epochs_as_allowed_fit_and_one_more_does_not(void **state)
{
    (void)state;
    char lines[FILE_MAX] = LINES;
    struct keyring *keys = NULL;
    size_t used = strlen(lines);
    for (unsigned i = 0; i < KEYRING_EPOCHS_MAX; i++)
        used += (size_t)snprintf(lines + used, sizeof lines - used, "oprf %u = " SECRET,
                                 4294967000U + i);
    file_write_checked(lines);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_NONE);
    assert_int_equal(keys->oprf_count, KEYRING_EPOCHS_MAX);
    keyring_free(keys);
    snprintf(lines + used, sizeof lines - used, "oprf 4294967295 = " SECRET);
    file_write_checked(lines);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_CORRUPT);
}

static void a_key_that_is_added_is_in_the_file_and_stays_what_it_is(void **state)
{
    (void)state;
    struct keyring *made = NULL, *read = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &made, NULL), FAULT_NONE);
    assert_int_equal(keyring_add(folder_fd, made, 2, NULL), FAULT_NONE);
    struct oprf_key second = *keyring_oprf(made, 2);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, NULL), FAULT_NONE);
    assert_memory_equal(keyring_oprf(read, 1), keyring_oprf(made, 1), sizeof second);
    assert_memory_equal(keyring_oprf(read, 2), &second, sizeof second);
    assert_int_equal(keyring_add(folder_fd, read, 2, NULL), FAULT_NONE); /* once more */
    assert_memory_equal(keyring_oprf(read, 2), &second, sizeof second);
    assert_int_equal(read->oprf_count, 2);
    assert_memory_not_equal(keyring_oprf(read, 1), &second, sizeof second);
    keyring_free(made);
    keyring_free(read);
}

static void a_key_that_cannot_be_written_is_not_added(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    struct why why;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    assert_int_equal(keyring_add(-1, keys, 2, &why), FAULT_SYSTEM);
    assert_null(keyring_oprf(keys, 2));
    for (uint32_t epoch = 2; epoch <= KEYRING_EPOCHS_MAX; epoch++)
        assert_int_equal(keyring_add(folder_fd, keys, epoch, NULL), FAULT_NONE);
    assert_int_equal(keyring_add(folder_fd, keys, KEYRING_EPOCHS_MAX + 1, &why), FAULT_OVERLOADED);
    keyring_free(keys);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_NONE);
    assert_int_equal(keys->oprf_count, KEYRING_EPOCHS_MAX);
    keyring_free(keys);
}

/* How often the bytes of a key are in the file, as text. */
static size_t file_counts(const struct oprf_key *key)
{
    char text[FILE_MAX], secret[B64_LENGTH(32) + 1];
    size_t count = 0;
    file_read(text);
    b64_encode(key->secret.bytes, sizeof key->secret.bytes, secret);
    for (const char *at = text; (at = strstr(at, secret)); at++)
        count++;
    return count;
}

static void an_erased_key_is_in_no_file_and_the_others_are(void **state)
{
    (void)state;
    struct keyring *keys = NULL, *read = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    assert_int_equal(keyring_add(folder_fd, keys, 2, NULL), FAULT_NONE);
    assert_int_equal(keyring_add(folder_fd, keys, 3, NULL), FAULT_NONE);
    struct oprf_key gone = *keyring_oprf(keys, 2);
    const struct oprf_key *third = keyring_oprf(keys, 3);
    assert_int_equal(file_counts(&gone), 1);
    assert_int_equal(keyring_erase(folder_fd, keys, 2, NULL), FAULT_NONE);
    assert_int_equal(file_counts(&gone), 0);
    assert_false(file_exists("keys.new"));
    assert_non_null(keyring_oprf(keys, 2)); /* for those who still use it */
    keyring_forget(keys, 2);
    assert_null(keyring_oprf(keys, 2));
    assert_ptr_equal(keyring_oprf(keys, 3), third);
    assert_int_equal(keyring_erase(folder_fd, keys, 2, NULL), FAULT_NONE); /* nothing to do */
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &read, NULL), FAULT_NONE);
    assert_null(keyring_oprf(read, 2));
    assert_memory_equal(keyring_oprf(read, 3), third, sizeof *third);
    assert_memory_equal(read->ledger, keys->ledger, sizeof keys->ledger);
    assert_int_equal(keyring_erase(folder_fd, keys, 3, NULL), FAULT_NONE);
    assert_int_equal(file_counts(&gone), 0); /* also where another one was wiped before */
    keyring_free(keys);
    keyring_free(read);
}

static void a_huge_file_is_refused(void **state)
{
    (void)state;
    static char text[100000];
    struct keyring *keys = NULL;
    memset(text, 'x', sizeof text);
    file_write(text, sizeof text);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_CORRUPT);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    keyring_free(keys);
    renameat(folder_fd, "keys", folder_fd, "other");
    assert_int_equal(symlinkat("other", folder_fd, "keys"), 0);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_SYSTEM);
    unlinkat(folder_fd, "other", 0);
}

static void the_keys_are_wiped_before_their_memory_is_given_back(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    assert_int_equal(keyring_open(folder_fd, KEYRING_MADE, &keys, NULL), FAULT_NONE);
    watched = keys;
    watched_was_seen = watched_was_wiped = false;
    keyring_free(keys);
    watched = NULL;
    assert_true(watched_was_seen);
    assert_true(watched_was_wiped);
    keyring_free(NULL);
}

static void the_text_of_the_file_does_not_stay_in_memory(void **state)
{
    (void)state;
    struct keyring *keys = NULL;
    file_write_checked(LINES "oprf 1 = " SECRET);
    assert_int_equal(keyring_open(folder_fd, KEYRING_MISSING, &keys, NULL), FAULT_NONE);
    /* the text stands behind the keyring, in the same pages */
    assert_null(memmem(keys, sizeof *keys + 4096, "AAAAAAAAAAAAAAAAAAAAAAAA", 24));
    keyring_free(keys);
}

static int make_folder(void **state)
{
    (void)state;
    if (crypto_init() != FAULT_NONE || !mkdtemp(base))
        return -1;
    folder_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    close(folder_fd);
    return rmdir(base);
}

static int remove_keys(void **state)
{
    (void)state;
    unlinkat(folder_fd, "keys", 0);
    return 0;
}

#define KEYRING_TEST(function) cmocka_unit_test_teardown(function, remove_keys)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(new_keys_come_back_as_they_were),
        KEYRING_TEST(keys_without_an_oprf_key_come_back_so_and_can_get_one),
        KEYRING_TEST(no_two_keys_are_the_same),
        KEYRING_TEST(only_the_owner_can_read_the_file),
        KEYRING_TEST(a_file_that_others_can_open_is_refused),
        KEYRING_TEST(missing_keys_are_not_made_unless_asked),
        KEYRING_TEST(what_a_start_that_was_cut_off_left_is_replaced),
        KEYRING_TEST(any_changed_byte_and_any_cut_is_noticed_and_nothing_is_overwritten),
        KEYRING_TEST(a_renewed_noise_leaves_the_gate_and_all_else_as_it_was),
        KEYRING_TEST(several_epochs_are_found_by_their_number),
        KEYRING_TEST(lines_that_are_not_a_keyring_are_refused_though_their_check_is_right),
        KEYRING_TEST(as_many_epochs_as_allowed_fit_and_one_more_does_not),
        KEYRING_TEST(a_key_that_is_added_is_in_the_file_and_stays_what_it_is),
        KEYRING_TEST(a_key_that_cannot_be_written_is_not_added),
        KEYRING_TEST(an_erased_key_is_in_no_file_and_the_others_are),
        KEYRING_TEST(a_huge_file_is_refused),
        KEYRING_TEST(a_link_is_not_followed),
        KEYRING_TEST(the_keys_are_wiped_before_their_memory_is_given_back),
        KEYRING_TEST(the_text_of_the_file_does_not_stay_in_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
