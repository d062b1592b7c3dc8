/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { DAY_S = 86400, TODAY = 20000 };

static const struct settings settings = {.level_min_weekly = {10, 50, 200}};

static struct instance member(int64_t number)
{
    static char domains[] = "general code";
    struct instance instance = {.number = number,
                                .handle = (uint64_t)number * UINT64_C(0x123456789) & 0xffffffffffff,
                                .level = LEVEL_EXTENSIVE,
                                .mode = MODE_BALANCED,
                                .domains = domains,
                                .joined_at_s = (int64_t)(TODAY - 30) * DAY_S};
    instance.public_key.bytes[0] = (uint8_t)number;
    instance.public_key.bytes[31] = (uint8_t)(number >> 8);
    return instance;
}

static void members_are_found_by_handle_number_and_key_until_they_are_removed(void **state)
{
    (void)state;
    struct directory *directory = NULL;
    assert_int_equal(directory_new(&directory), FAULT_NONE);
    for (int64_t number = 16; number < 1016; number++) {
        struct instance instance = member(number);
        assert_int_equal(directory_add(directory, &instance), FAULT_NONE);
    }
    for (int64_t number = 16; number < 1016; number += 2)
        directory_remove(directory, directory_find_number(directory, number));
    assert_int_equal(directory_count(directory), 500);
    for (int64_t number = 16; number < 1016; number++) {
        struct instance wanted = member(number);
        struct instance *found = directory_find_number(directory, number);
        assert_ptr_equal(found, directory_find(directory, wanted.handle));
        assert_ptr_equal(found, directory_find_key(directory, &wanted.public_key));
        if (number % 2 == 0)
            assert_null(found);
        else
            assert_int_equal(found->number, number);
    }
    directory_free(directory);
    directory_free(NULL);
}

static void the_directory_keeps_its_own_copy_of_domains(void **state)
{
    (void)state;
    struct directory *directory = NULL;
    char domains[] = "general";
    struct instance instance = member(16);
    instance.domains = domains;
    assert_int_equal(directory_new(&directory), FAULT_NONE);
    assert_int_equal(directory_add(directory, &instance), FAULT_NONE);
    domains[0] = 'X';
    struct instance *kept = directory_find_number(directory, 16);
    assert_string_equal(kept->domains, "general");
    assert_int_equal(instance_set_domains(kept, "code"), FAULT_NONE);
    assert_string_equal(kept->domains, "code");
    directory_free(directory);
}

static void a_week_has_seven_days_and_forgets_the_eighth(void **state)
{
    (void)state;
    struct instance instance = member(16);
    for (int day = 0; day < 10; day++)
        instance_count_accepted(&instance, TODAY + day, 1);
    assert_int_equal(instance_weekly(&instance, TODAY + 9), 7);
    assert_int_equal(instance_weekly(&instance, TODAY + 10), 6);
    assert_int_equal(instance_weekly(&instance, TODAY + 15), 1);
    assert_int_equal(instance_weekly(&instance, TODAY + 16), 0);
    instance_count_accepted(&instance, TODAY + 9, 5);
    assert_int_equal(instance_weekly(&instance, TODAY + 9), 12);
    instance_count_accepted(&instance, TODAY + 16, 2); /* the same slot, another week */
    assert_int_equal(instance_weekly(&instance, TODAY + 16), 2);
}

static enum level level_with(int32_t weekly, enum level declared, int64_t age_s, uint32_t *missing)
{
    struct instance instance = member(16);
    int64_t now_s = (int64_t)TODAY * DAY_S;
    instance.level = declared;
    instance.joined_at_s = now_s - age_s;
    instance_count_accepted(&instance, TODAY, weekly);
    return instance_effective_level(&instance, &settings, now_s, missing);
}

static void the_effective_level_is_the_highest_that_was_earned_up_to_the_declared(void **state)
{
    static const struct {
        int32_t weekly;
        enum level declared, effective;
        uint32_t missing;
    } cases[] = {
        {0, LEVEL_MINIMAL, LEVEL_MINIMAL, 0},       {10, LEVEL_MINIMAL, LEVEL_MINIMAL, 0},
        {500, LEVEL_MINIMAL, LEVEL_MINIMAL, 0},     {49, LEVEL_STANDARD, LEVEL_MINIMAL, 1},
        {50, LEVEL_STANDARD, LEVEL_STANDARD, 0},    {0, LEVEL_EXTENSIVE, LEVEL_MINIMAL, 200},
        {50, LEVEL_EXTENSIVE, LEVEL_STANDARD, 150}, {199, LEVEL_EXTENSIVE, LEVEL_STANDARD, 1},
        {200, LEVEL_EXTENSIVE, LEVEL_EXTENSIVE, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t missing = 99;
        assert_int_equal(level_with(cases[i].weekly, cases[i].declared, 8 * DAY_S, &missing),
                         cases[i].effective);
        assert_int_equal(missing, cases[i].missing);
    }
}

static void a_newcomer_has_the_declared_level_for_seven_days(void **state)
{
    (void)state;
    assert_int_equal(level_with(0, LEVEL_EXTENSIVE, 0, NULL), LEVEL_EXTENSIVE);
    assert_int_equal(level_with(0, LEVEL_EXTENSIVE, 7 * DAY_S - 1, NULL), LEVEL_EXTENSIVE);
    assert_int_equal(level_with(0, LEVEL_EXTENSIVE, 7 * DAY_S, NULL), LEVEL_MINIMAL);
}

static void levels_have_names(void **state)
{
    (void)state;
    for (enum level level = LEVEL_MINIMAL; level < LEVEL_COUNT; level++)
        assert_int_equal(level_parse(level_name(level)), level);
    assert_int_equal(level_parse("Minimal"), LEVEL_COUNT);
    assert_int_equal(level_parse(""), LEVEL_COUNT);
}

static void instance_ids_are_forty_eight_bits_in_three_groups(void **state)
{
    static const struct {
        uint64_t handle;
        const char *text;
    } cases[] = {
        {0, "fed-0000-0000-0000"},
        {UINT64_C(0xa3f289bc44dd), "fed-a3f2-89bc-44dd"},
        {UINT64_C(0xffffffffffff), "fed-ffff-ffff-ffff"},
        {1, "fed-0000-0000-0001"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[INSTANCE_ID_LENGTH + 1];
        uint64_t handle = 99;
        instance_id_format(cases[i].handle, text);
        assert_string_equal(text, cases[i].text);
        assert_true(instance_id_parse(text, &handle));
        assert_int_equal(handle, cases[i].handle);
    }
}

static void other_texts_are_no_instance_ids(void **state)
{
    static const char *const texts[] = {
        "",
        "fed-",
        "fed-a3f2-89bc-44d",
        "fed-a3f2-89bc-44dd0",
        "fed-A3F2-89bc-44dd",
        "fed-a3f2-89bc-44dg",
        "fed-a3f289bc-44dd",
        "fed-a3f2-89bc-44dd ",
        " fed-a3f2-89bc-44dd",
        "bed-a3f2-89bc-44dd",
        "fed-a3f2-89bc--44dd",
        "fed-1-a3f2-89bc-44dd",
        "fed-ffffffffffffffffffffffffffffffffffffffffffff",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t handle = 99;
        assert_false(instance_id_parse(texts[i], &handle));
        assert_int_equal(handle, 99);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_handle_number_and_key_until_they_are_removed),
        cmocka_unit_test(the_directory_keeps_its_own_copy_of_domains),
        cmocka_unit_test(a_week_has_seven_days_and_forgets_the_eighth),
        cmocka_unit_test(the_effective_level_is_the_highest_that_was_earned_up_to_the_declared),
        cmocka_unit_test(a_newcomer_has_the_declared_level_for_seven_days),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(instance_ids_are_forty_eight_bits_in_three_groups),
        cmocka_unit_test(other_texts_are_no_instance_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
