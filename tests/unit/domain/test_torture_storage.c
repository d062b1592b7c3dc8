/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/ordeal.h"
#include "lib/vfs_fault.h"

/* The nth write, sync or truncation fails, for every `stride`-th n that there is. */
static void endure(bool for_good, unsigned stride)
{
    static struct world world;
    bool more = true;
    unsigned n = 1;
    for (; more; n += stride) {
        ordeal_prepare(&world, true);
        vfs_fault_arm(n, for_good);
        ordeal_run(&world);
        more = vfs_fault_struck();
        vfs_fault_arm(0, false);
        if (n % 2 == 0) /* half of them go on, the others begin anew */
            world_restart(&world);
        world_tick(&world);
        ordeal_assert_sound(&world);
        ordeal_finish(&world);
        world_done(&world);
    }
    assert_true(n > 20);
}

static void one_failed_write_or_sync_loses_and_invents_nothing(void **state)
{
    (void)state;
    endure(false, 3);
}

static void a_disk_that_fails_for_good_loses_and_invents_nothing(void **state)
{
    (void)state;
    endure(true, 7);
}

/* Closed while it fails: what is on the disk is all that there is. */
static void a_database_that_was_left_with_a_failed_disk_opens_soundly(void **state)
{
    static struct world world;
    (void)state;
    bool more = true;
    for (unsigned n = 1; more; n += 7) {
        ordeal_prepare(&world, true);
        vfs_fault_arm(n, true);
        ordeal_run(&world);
        world_shut(&world);
        more = vfs_fault_struck();
        vfs_fault_arm(0, false);
        assert_int_equal(world_try_open(&world), FAULT_NONE);
        world_tick(&world);
        ordeal_assert_sound(&world);
        ordeal_finish(&world);
        world_done(&world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failed_write_or_sync_loses_and_invents_nothing),
        cmocka_unit_test(a_disk_that_fails_for_good_loses_and_invents_nothing),
        cmocka_unit_test(a_database_that_was_left_with_a_failed_disk_opens_soundly),
    };
    vfs_fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
