/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/continuum-kept-XXXXXX";
static const struct profile profile = {.name = "work"}, other = {.name = "other"};

static struct kept sample(const char *id, int64_t expires_at_s)
{
    struct kept kept = {.kind = KEPT_QUESTION};
    snprintf(kept.id, sizeof kept.id, "%s", id);
    question_key_make(&kept.question, kept.secret);
    clock_format(expires_at_s, kept.expires_at);
    return kept;
}

static int set_up_group(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), FAULT_NONE);
    assert_non_null(mkdtemp(folder));
    return setenv("CONTINUUM_FED_DIR", folder, 1);
}

static int tear_down_group(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void path_of(const char *file, char ret[160])
{
    snprintf(ret, 160, "%s/%s", folder, file);
}

static void what_is_kept_comes_back_and_is_for_nobody_else(void **state)
{
    (void)state;
    struct kept kept = sample("aL0-hU_0", clock_now_s() + 60), loaded;
    char path[160];
    struct stat status;
    assert_int_equal(kept_save(&profile, &kept, NULL), FAULT_NONE);
    assert_int_equal(kept_load(&profile, KEPT_QUESTION, "aL0-hU_0", &loaded, NULL), FAULT_NONE);
    assert_memory_equal(&loaded, &kept, sizeof kept);
    path_of("work.question.aL0-hU_0", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(kept_load(&profile, KEPT_DELIVERY, kept.id, &loaded, NULL), FAULT_NOT_FOUND);
    assert_int_equal(kept_load(&other, KEPT_QUESTION, kept.id, &loaded, NULL), FAULT_NOT_FOUND);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(kept_load(&profile, KEPT_QUESTION, kept.id, &loaded, NULL),
                     FAULT_CONFIGURATION);
    kept_forget(&profile, KEPT_QUESTION, kept.id);
    assert_int_equal(kept_load(&profile, KEPT_QUESTION, kept.id, &loaded, NULL), FAULT_NOT_FOUND);
}

static void no_id_leads_out_of_the_folder(void **state)
{
    (void)state;
    static const char *const ids[] = {"", "..", "../x", "a/b", ".", "a.conf", "a b", "\xc3\xa9"};
    struct kept loaded;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct kept kept = sample(ids[i], clock_now_s());
        assert_int_equal(kept_save(&profile, &kept, NULL), FAULT_CORRUPT);
        assert_int_equal(kept_load(&profile, KEPT_QUESTION, ids[i], &loaded, NULL),
                         FAULT_NOT_FOUND);
        kept_forget(&profile, KEPT_QUESTION, ids[i]);
    }
}

static void a_damaged_file_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x\n", "\n\n\n\n"};
    struct kept loaded;
    char path[160];
    path_of("work.delivery.a", path);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(texts[i], file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(kept_load(&profile, KEPT_DELIVERY, "a", &loaded, NULL),
                         FAULT_CONFIGURATION);
    }
    kept_forget(&profile, KEPT_DELIVERY, "a");
}

static void a_list_shows_what_is_open_and_deletes_what_is_over(void **state)
{
    (void)state;
    struct kept open = sample("open", clock_now_s() + 60), late = sample("late", clock_now_s());
    struct kept over = sample("over", clock_now_s() - 3700), loaded;
    char ids[4][KEPT_ID_SIZE];
    size_t count = 9;
    assert_int_equal(kept_save(&profile, &open, NULL), FAULT_NONE);
    assert_int_equal(kept_save(&profile, &late, NULL), FAULT_NONE);
    assert_int_equal(kept_save(&profile, &over, NULL), FAULT_NONE);
    assert_int_equal(kept_save(&other, &open, NULL), FAULT_NONE);
    assert_int_equal(kept_list(&profile, KEPT_QUESTION, 4, ids, &count, NULL), FAULT_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(strcmp(ids[0], "open") + strcmp(ids[1], "late") == 0 ||
                         (strcmp(ids[0], "late") == 0 && strcmp(ids[1], "open") == 0),
                     true);
    assert_int_equal(kept_load(&profile, KEPT_QUESTION, "over", &loaded, NULL), FAULT_NOT_FOUND);
    kept_forget(&profile, KEPT_QUESTION, "open");
    kept_forget(&profile, KEPT_QUESTION, "late");
    kept_forget(&other, KEPT_QUESTION, "open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back_and_is_for_nobody_else),
        cmocka_unit_test(no_id_leads_out_of_the_folder),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(a_list_shows_what_is_open_and_deletes_what_is_over),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
