/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/epochs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/release.h"
#include "lib/world.h"
#include "store/instances.h"

enum { ALICE, BOB, CAROL, DAVE, EVE };
enum { DAY_S = 86400, K = 3 };

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, EVE + 1, MODE_BALANCED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static int64_t milli_of(unsigned member, unsigned pattern)
{
    return world_contribute(&world, member, pattern).earned.milli;
}

static bool key_is_in_file(uint32_t epoch)
{
    struct keyring *keyring = NULL;
    struct why why = {""};
    if (keyring_open(world.folder_fd, KEYRING_MISSING, &keyring, &why))
        fail_msg("%s", why.text);
    bool is_there = keyring_oprf(keyring, epoch) != NULL;
    keyring_free(keyring);
    return is_there;
}

static void what_is_released_stays_and_is_found_in_later_epochs(void **state)
{
    (void)state;
    struct published published;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    world_rotate(&world, K + 1);
    world.now_s += 60 * DAY_S;
    world_tick(&world);
    world_rotate(&world, K);
    world_tick(&world);
    assert_int_equal(world_query(&world, ALICE, 1).count, 1);
    assert_int_equal(world_lookup(&world, DAVE, 1, &published), FAULT_NONE);
    assert_int_equal(published.record.epoch, 1);
    assert_int_equal(world.coordinator->epoch.number, 3);
}

static void a_new_threshold_is_for_what_is_contributed_from_then_on(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_rotate(&world, K + 1);
    world_contribute_all(&world, 2, ALICE, CAROL);
    world_tick(&world);
    assert_true(world_is_released(&world, 1)); /* it had its three before */
    assert_false(world_is_released(&world, 2));
    world_contribute_all(&world, 2, DAVE, DAVE);
    world_tick(&world);
    assert_true(world_is_released(&world, 2));
}

static void what_is_sealed_expires_with_its_key_when_the_grace_is_over_and_not_before(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, BOB);
    world_tick(&world);
    world_rotate(&world, K);
    world.now_s += 30 * DAY_S - 1;
    world_tick(&world);
    assert_int_not_equal(world_pattern_id(&world, 2), 0);
    assert_true(key_is_in_file(1) && key_is_in_file(2));
    world.now_s++;
    world_tick(&world);
    assert_int_equal(world_pattern_id(&world, 2), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 1);
    assert_int_equal(world_number(&world, "SELECT sum(contributions) FROM instance"), 3);
    assert_int_equal(world_number(&world, "SELECT sum(accepted) FROM activity"), 3);
    assert_true(world_is_released(&world, 1));
    assert_false(key_is_in_file(1));
    assert_true(key_is_in_file(2));
    assert_null(keyring_oprf(&world.keyring, 1));
    assert_int_equal(world_instance(&world, ALICE)->has_contributed, true);
}

static void expiry_goes_in_steps_and_goes_on_after_a_restart(void **state)
{
    (void)state;
    enum { PATTERNS = EPOCH_EXPIRY_STEP + 44 };
    for (unsigned first = 0; first < PATTERNS; first += 10) {
        struct contributed done;
        struct bundle bundle = {.count = 10, .confidence = 80};
        for (unsigned i = 0; i < 10; i++)
            bundle.patterns[i] = first + i;
        world_contribute_start(&world, ALICE, &bundle, &done);
        world_run(&world);
        assert_int_equal(done.added, 10);
    }
    world.settings.epoch_grace_days = 0;
    world_rotate(&world, K);
    epochs_expire(world.coordinator, world.now_s);
    world_write(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution"), 44);
    world_restart(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution"), 44);
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM contribution"), 0);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM epoch"), 1);
    assert_false(key_is_in_file(1));
}

static void a_key_that_cannot_be_destroyed_is_tried_again_at_the_next_tick(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, BOB);
    world.settings.epoch_grace_days = 0;
    world_rotate(&world, K);
    world.coordinator->folder_fd = -1;
    world_tick(&world);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM pattern"), 0);
    assert_true(key_is_in_file(1));
    assert_non_null(keyring_oprf(&world.keyring, 1));
    assert_int_equal(world.coordinator->epochs.count, 2);
    world.coordinator->folder_fd = world.folder_fd;
    world_tick(&world);
    assert_false(key_is_in_file(1));
    assert_int_equal(world.coordinator->epochs.count, 1);
}

static void an_epoch_is_forgotten_with_its_last_pattern_and_not_before_its_grace(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    world_rotate(&world, K);
    world_tick(&world);
    for (unsigned member = ALICE; member <= BOB; member++)
        assert_int_equal(world_withdraw(&world, member, 1).fault, FAULT_NONE);
    world_tick(&world);
    assert_false(world_is_released(&world, 1));
    assert_int_equal(world.coordinator->epochs.count, 2);
    world.now_s += 30 * DAY_S;
    world_tick(&world);
    assert_int_equal(world_pattern_id(&world, 1), 0);
    assert_int_equal(world.coordinator->epochs.count, 1);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM epoch"), 1);
}

static void what_is_unreleased_when_its_epoch_is_over_expires_as_well(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, CAROL);
    world_tick(&world);
    world_rotate(&world, K);
    world.now_s += 30 * DAY_S;
    world_tick(&world);
    assert_int_equal(world_withdraw(&world, ALICE, 1).fault, FAULT_NONE);
    world_tick(&world);
    assert_int_equal(world_pattern_id(&world, 1), 0);
    assert_true(world_is_released(&world, 2));
    assert_int_equal(world.coordinator->epochs.count, 2);
}

static void what_has_enough_when_its_epoch_is_over_is_released_and_does_not_expire(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, ALICE);
    world_rotate(&world, K); /* before a tick saw it */
    world.now_s += 30 * DAY_S;
    world_restart(&world);
    world_tick(&world);
    assert_true(world_is_released(&world, 1));
    assert_int_equal(world_pattern_id(&world, 2), 0);
}

static void a_tick_that_fails_lets_nothing_expire(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_rotate(&world, K);
    world.now_s += 30 * DAY_S;
    assert_int_equal(sql_script(world.database, "CREATE TEMP TRIGGER t BEFORE INSERT ON release"
                                                " BEGIN SELECT RAISE(ABORT, 'no'); END"),
                     FAULT_NONE);
    world.coordinator->tick_failures = TICK_FAILURES_MAX; /* groups go one by one */
    for (unsigned pattern = 3; pattern < 3 + TICK_FAILURES_MAX; pattern++)
        world_contribute_all(&world, pattern, ALICE, CAROL);
    world_tick(&world);
    assert_int_not_equal(world_pattern_id(&world, 1), 0);
    assert_int_equal(sql_script(world.database, "DROP TRIGGER t"), FAULT_NONE);
    world_tick(&world);
    assert_true(world_is_released(&world, 1));
}

/* Rows that make the walk through the first epoch take two steps. */
static void patterns_fill(void)
{
    assert_int_equal(
        sql_script(
            world.database,
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
            " INSERT INTO pattern (id, tag, epoch, domain, verify_key, commitments,"
            " search_index, ciphertext) SELECT 1000 + i, randomblob(32), 1, 'general',"
            " zeroblob(32), zeroblob(96), zeroblob(80), zeroblob(144) FROM n"),
        FAULT_NONE);
}

static void what_is_unreleased_while_its_epoch_is_walked_through_expires_as_well(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_tick(&world);
    world_rotate(&world, K);
    world.now_s += 30 * DAY_S;
    patterns_fill();
    assert_int_equal(world_withdraw(&world, ALICE, 1).fault, FAULT_NONE);
    epochs_expire(world.coordinator, world.now_s);
    release_tick(world.coordinator, world.now_s);
    world_work(&world);
    world_write(&world); /* the first step walks by, and then it is un-released */
    assert_false(world_is_released(&world, 1));
    world_run(&world);
    world_tick(&world);
    assert_int_equal(world_pattern_id(&world, 1), 0);
    assert_int_equal(sql_script(world.database, "DELETE FROM pattern WHERE id > 1000"), FAULT_NONE);
}

static void as_many_contributions_as_one_had_pay_nothing_in_a_new_epoch(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, BOB);
    world_contribute_all(&world, 2, ALICE, ALICE);
    world_tick(&world);
    world_rotate(&world, K);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(milli_of(BOB, 11), 0);
    assert_int_equal(milli_of(BOB, 12), 1000);
    world_restart(&world);
    assert_int_equal(milli_of(ALICE, 12), 0);
    assert_int_equal(milli_of(ALICE, 13), 1000);
    assert_int_equal(milli_of(CAROL, 11), 1000); /* who had none */
    assert_int_equal(world_number(&world, "SELECT sum(payable) FROM activity"), 6);
}

static void the_same_contribution_again_takes_nothing_off_what_is_carried(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, ALICE);
    world_contribute_all(&world, 2, ALICE, ALICE);
    world_rotate(&world, K);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(milli_of(ALICE, 12), 0);
    assert_int_equal(milli_of(ALICE, 13), 1000);
}

static void taking_back_what_paid_nothing_pays_nothing_for_the_next(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, ALICE);
    world_rotate(&world, K);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(world_withdraw(&world, ALICE, 11).withdrawn, 1);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(milli_of(ALICE, 12), 1000);
    assert_int_equal(world_withdraw(&world, ALICE, 1).withdrawn, 1); /* of the epoch before */
    assert_int_equal(milli_of(ALICE, 13), 1000);
}

static void what_was_not_contributed_again_is_still_carried_after_a_second_rotation(void **state)
{
    (void)state;
    world_contribute_all(&world, 1, ALICE, ALICE);
    world_contribute_all(&world, 2, ALICE, ALICE);
    world_rotate(&world, K);
    assert_int_equal(milli_of(ALICE, 11), 0);
    world_rotate(&world, K);
    assert_int_equal(milli_of(ALICE, 21), 0);
    assert_int_equal(milli_of(ALICE, 22), 0);
    assert_int_equal(milli_of(ALICE, 23), 1000);
}

static void what_was_paid_for_and_taken_back_without_pay_is_carried(void **state)
{
    (void)state;
    for (unsigned pattern = 1; pattern <= 3; pattern++)
        world_contribute_all(&world, pattern, ALICE, ALICE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(world_query(&world, ALICE, 1).fault, FAULT_NONE);
    assert_int_equal(world_withdraw(&world, ALICE, 1).reversed.milli, 1000);
    assert_int_equal(world_withdraw(&world, ALICE, 2).reversed.milli, 0);
    assert_int_equal(world_withdraw(&world, ALICE, 3).reversed.milli, 0);
    world_contribute_all(&world, 3, ALICE, ALICE); /* once more, which pays nothing */
    world_contribute_all(&world, 4, BOB, BOB);
    world.now_s += DAY_S;
    world_rotate(&world, K);
    assert_int_equal(milli_of(BOB, 11), 0);
    assert_int_equal(milli_of(BOB, 12), 1000);
    assert_int_equal(milli_of(ALICE, 11), 0);
    assert_int_equal(milli_of(ALICE, 12), 0);
    assert_int_equal(milli_of(ALICE, 13), 1000);
    world.now_s += DAY_S;
    world_rotate(&world, K); /* what was carried once is not carried again */
    for (unsigned pattern = 21; pattern <= 23; pattern++)
        assert_int_equal(milli_of(ALICE, pattern), 0);
    assert_int_equal(milli_of(ALICE, 24), 1000);
}

static void a_member_learns_what_of_past_epochs_is_sealed(void **state)
{
    (void)state;
    int64_t sealed = -1;
    int64_t alice = world_instance(&world, ALICE)->number;
    world_contribute_all(&world, 1, ALICE, CAROL);
    world_contribute_all(&world, 2, ALICE, ALICE);
    world_contribute_all(&world, 3, ALICE, ALICE);
    world_tick(&world);
    assert_int_equal(contributions_sealed_before(world.database, alice, &sealed), FAULT_NONE);
    assert_int_equal(sealed, 0);
    world_rotate(&world, K);
    world_contribute_all(&world, 11, ALICE, ALICE);
    assert_int_equal(contributions_sealed_before(world.database, alice, &sealed), FAULT_NONE);
    assert_int_equal(sealed, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_released_stays_and_is_found_in_later_epochs),
        TEST(a_new_threshold_is_for_what_is_contributed_from_then_on),
        TEST(what_is_sealed_expires_with_its_key_when_the_grace_is_over_and_not_before),
        TEST(expiry_goes_in_steps_and_goes_on_after_a_restart),
        TEST(a_key_that_cannot_be_destroyed_is_tried_again_at_the_next_tick),
        TEST(an_epoch_is_forgotten_with_its_last_pattern_and_not_before_its_grace),
        TEST(what_is_unreleased_when_its_epoch_is_over_expires_as_well),
        TEST(what_has_enough_when_its_epoch_is_over_is_released_and_does_not_expire),
        TEST(a_tick_that_fails_lets_nothing_expire),
        TEST(what_is_unreleased_while_its_epoch_is_walked_through_expires_as_well),
        TEST(as_many_contributions_as_one_had_pay_nothing_in_a_new_epoch),
        TEST(the_same_contribution_again_takes_nothing_off_what_is_carried),
        TEST(taking_back_what_paid_nothing_pays_nothing_for_the_next),
        TEST(what_was_not_contributed_again_is_still_carried_after_a_second_rotation),
        TEST(what_was_paid_for_and_taken_back_without_pay_is_carried),
        TEST(a_member_learns_what_of_past_epochs_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
