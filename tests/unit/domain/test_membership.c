/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/membership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/rows.h"
#include "lib/world.h"

enum { ALICE, BOB, CAROL };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rows_assert_sound(world.database);
    world_done(&world);
    return 0;
}

static void who_joins_is_known_now_and_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(world_join(&world, ALICE, LEVEL_STANDARD, MODE_HIGH), FAULT_NONE);
    for (int i = 0; i < 2; i++) {
        const struct instance *alice = world_instance(&world, ALICE);
        assert_non_null(alice);
        assert_int_equal(alice->level, LEVEL_STANDARD);
        assert_int_equal(alice->mode, MODE_HIGH);
        assert_int_equal(alice->joined_at_s, world.now_s);
        assert_false(alice->has_contributed);
        assert_null(world_instance(&world, BOB));
        world_restart(&world);
    }
}

static void joining_again_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(world_join(&world, ALICE, LEVEL_STANDARD, MODE_HIGH), FAULT_NONE);
    assert_int_equal(world_join(&world, ALICE, LEVEL_EXTENSIVE, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_instance(&world, ALICE)->level, LEVEL_STANDARD);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM instance"), 1);
}

static void a_full_federation_takes_nobody_new_but_knows_its_members(void **state)
{
    (void)state;
    world.settings.max_instances = 1;
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_join(&world, BOB, LEVEL_MINIMAL, MODE_OPEN), FAULT_OVERLOADED);
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM instance"), 1);
}

static void another_federation_key_is_refused(void **state)
{
    (void)state;
    world.settings.key_check = "AAAAAAAAAAA";
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN),
                     FAULT_WRONG_FEDERATION_KEY);
    assert_null(world_instance(&world, ALICE));
}

static void an_erased_member_comes_back_as_somebody_new(void **state)
{
    (void)state;
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    int64_t number = world_instance(&world, ALICE)->number;
    assert_int_equal(world_erase(&world, ALICE, NULL), FAULT_NONE);
    assert_null(world_instance(&world, ALICE));
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    assert_true(world_instance(&world, ALICE)->number > number);
}

static void a_token_is_its_members_until_it_expires_or_is_erased(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_LENGTH + 1];
    int64_t expires_at_s = 0;
    struct instance *found = NULL;
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    struct instance *alice = world_instance(&world, ALICE);
    member_token(world.coordinator, alice->handle, world.now_s, token, &expires_at_s);
    assert_int_equal(expires_at_s, world.now_s + world.settings.token_ttl_s);
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, expires_at_s - 1, &found),
        FAULT_NONE);
    assert_ptr_equal(found, alice);
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, expires_at_s, &found),
        FAULT_TOKEN_INVALID);
    world.coordinator->ready = false;
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, world.now_s, &found),
        FAULT_STARTING);
    world.coordinator->ready = true;
    assert_int_equal(world_erase(&world, ALICE, NULL), FAULT_NONE);
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, world.now_s, &found),
        FAULT_TOKEN_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(who_joins_is_known_now_and_after_a_restart),
        TEST(joining_again_changes_nothing),
        TEST(a_full_federation_takes_nobody_new_but_knows_its_members),
        TEST(another_federation_key_is_refused),
        TEST(an_erased_member_comes_back_as_somebody_new),
        TEST(a_token_is_its_members_until_it_expires_or_is_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
