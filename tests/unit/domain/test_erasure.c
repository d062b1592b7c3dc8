/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/membership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/world.h"
#include "store/audit.h"
#include "util/cleanup.h"

enum { ALICE, BOB, CAROL, DAVE };

static struct world world;

static int open_world(void **state)
{
    (void)state;
    world_init(&world);
    world.settings.max_contributions = 100000;
    world.settings.level_max_records[LEVEL_EXTENSIVE] = 1000;
    world_people(&world, DAVE + 1, MODE_BALANCED);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

static void answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

/* Alice asks to be erased. */
static void erasure_start(enum fault *ret)
{
    struct erasure *erasure = erasure_new(world.coordinator, world_instance(&world, ALICE));
    assert_non_null(erasure);
    *ret = WORLD_UNANSWERED;
    erasure->operation.answer = answered;
    erasure->operation.context = ret;
    erasure_submit(erasure);
}

/* Alice holds more than a step takes; Bob and Carol hold the first ones too. */
static void fill(void)
{
    for (unsigned pattern = 0; pattern < ERASURE_STEP + 20; pattern++)
        assert_int_equal(world_contribute(&world, ALICE, pattern).fault, FAULT_NONE);
    for (unsigned pattern = 0; pattern < 10; pattern++) {
        assert_int_equal(world_contribute(&world, BOB, pattern).fault, FAULT_NONE);
        assert_int_equal(world_contribute(&world, CAROL, pattern).fault, FAULT_NONE);
    }
    world_tick(&world);
    assert_true(world_is_released(&world, 0));
}

static void assert_books(void)
{
    struct books books;
    struct why why = {""};
    if (books_audit(world.database, &books, &why))
        fail_msg("%s", why.text);
}

static void assert_gone(void)
{
    assert_null(world_instance(&world, ALICE));
    assert_int_equal(world_number(&world, "SELECT count(*) FROM instance"), 3);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution"), 20);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 10);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM burial"), 0);
    assert_books();
    world_tick(&world);
    assert_false(world_is_released(&world, 0));
}

static void a_large_erasure_goes_in_steps_and_the_books_balance_at_each(void **state)
{
    (void)state;
    enum fault fault;
    unsigned steps = 0;
    fill();
    erasure_start(&fault);
    for (; fault == WORLD_UNANSWERED; steps++) {
        int64_t before = world_number(&world, "SELECT count(*) FROM contribution");
        world_write(&world);
        assert_true(before - world_number(&world, "SELECT count(*) FROM contribution") <=
                    ERASURE_STEP);
        assert_books();
    }
    assert_int_equal(fault, FAULT_NONE);
    assert_true(steps >= 2);
    assert_gone();
}

static void what_was_routed_goes_in_steps_too(void **state)
{
    (void)state;
    enum fault fault;
    unsigned steps = 0;
    assert_int_equal(world_instance(&world, ALICE)->number, 16);
    assert_int_equal(
        sql_script(
            world.database,
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 640)"
            " INSERT INTO question (id, asker, sealed, reply_key, asked_at, expires_at)"
            " SELECT randomblob(16), 16 + (i <= 600), zeroblob(312), zeroblob(32), 1, 60"
            " FROM n;"
            "INSERT INTO delivery (id, question, instance, asker, priority, asked_at,"
            " expires_at, state) SELECT randomblob(16), number, 33 - asker, asker, 0, 1, 60, 1"
            " FROM question;"
            "INSERT INTO answer (delivery, sealed, due_at, place)"
            " SELECT number, zeroblob(344), 60, number FROM delivery;"),
        FAULT_NONE);
    erasure_start(&fault);
    for (; fault == WORLD_UNANSWERED; steps++) {
        int64_t before = world_number(&world, "SELECT count(*) FROM delivery");
        world_write(&world);
        assert_true(before - world_number(&world, "SELECT count(*) FROM delivery") <= ERASURE_STEP);
    }
    assert_int_equal(fault, FAULT_NONE);
    assert_true(steps > 600 / ERASURE_STEP);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM question"), 600); /* of Bob */
    assert_int_equal(world_number(&world, "SELECT count(*) FROM delivery"), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM answer"), 0);
    assert_null(world_instance(&world, ALICE));
}

static void others_are_served_between_the_steps(void **state)
{
    (void)state;
    enum fault fault;
    struct asked asked = {.fault = WORLD_UNANSWERED};
    fill();
    erasure_start(&fault);
    world_write(&world);
    assert_int_equal(fault, WORLD_UNANSWERED);
    world_query_start(&world, BOB, 0, false, &asked);
    world_write(&world);
    assert_int_equal(asked.fault, FAULT_NONE);
    world_run(&world);
    assert_int_equal(fault, FAULT_NONE);
    assert_gone();
}

static void what_was_under_way_when_it_began_is_erased_too(void **state)
{
    (void)state;
    enum fault fault;
    struct contributed late = {.fault = WORLD_UNANSWERED};
    fill();
    struct bundle bundle = {.patterns = {400}, .count = 1, .confidence = 90};
    erasure_start(&fault);
    world_write(&world);
    world_contribute_start(&world, ALICE, &bundle, &late); /* its token was read before */
    world_run(&world);
    assert_int_equal(fault, FAULT_NONE);
    assert_gone();
}

static void a_token_is_dead_as_soon_as_the_erasure_is_asked_for(void **state)
{
    (void)state;
    enum fault fault;
    char token[TOKEN_TEXT_LENGTH + 1];
    int64_t expires_at_s = 0;
    struct instance *instance = world_instance(&world, ALICE);
    member_token(world.coordinator, instance->handle, world.now_s, token, &expires_at_s);
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, world.now_s, &instance),
        FAULT_NONE);
    erasure_start(&fault);
    assert_int_equal(
        member_authenticate(world.coordinator, token, TOKEN_TEXT_LENGTH, world.now_s, &instance),
        FAULT_TOKEN_INVALID);
    world_run(&world);
}

static void an_erasure_that_was_cut_off_goes_on_at_the_next_start(void **state)
{
    (void)state;
    enum fault fault;
    fill();
    erasure_start(&fault);
    world_write(&world);
    assert_int_equal(fault, WORLD_UNANSWERED);
    assert_non_null(world_instance(&world, ALICE));
    world_restart(&world);
    assert_gone();
}

static void an_older_database_does_not_bring_back_who_was_erased(void **state)
{
    (void)state;
    char copy[128];
    fill();
    snprintf(copy, sizeof copy, "%s.old", world.path);
    assert_int_equal(database_copy(world.database, copy, NULL), FAULT_NONE);
    assert_int_equal(world_erase(&world, ALICE, NULL), FAULT_NONE);
    world_shut(&world);
    assert_int_equal(rename(copy, world.path), 0);
    assert_int_equal(world_try_open(&world), FAULT_NONE);
    assert_gone();
}

static void who_joined_again_is_not_erased_again(void **state)
{
    (void)state;
    assert_int_equal(world_erase(&world, ALICE, NULL), FAULT_NONE);
    assert_int_equal(world_join(&world, ALICE, LEVEL_MINIMAL, MODE_OPEN), FAULT_NONE);
    world_restart(&world);
    assert_non_null(world_instance(&world, ALICE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_large_erasure_goes_in_steps_and_the_books_balance_at_each),
        TEST(what_was_routed_goes_in_steps_too),
        TEST(others_are_served_between_the_steps),
        TEST(what_was_under_way_when_it_began_is_erased_too),
        TEST(a_token_is_dead_as_soon_as_the_erasure_is_asked_for),
        TEST(an_erasure_that_was_cut_off_goes_on_at_the_next_start),
        TEST(an_older_database_does_not_bring_back_who_was_erased),
        TEST(who_joined_again_is_not_erased_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
