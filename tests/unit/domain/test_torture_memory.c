/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit,--wrap=workers_submit,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/alloc_fault.h"
#include "lib/ordeal.h"

/* There are thousands: an ordinary run takes every TORTURE_STRIDE-th, beginning with another one
 * for each kind. */
static unsigned stride(void)
{
    const char *text = getenv("TORTURE_STRIDE");
    return text ? (unsigned)strtoul(text, NULL, 10) : 97;
}

/* The nth allocation fails: ours and SQLite's alike. */
static void endure(unsigned first, bool for_good)
{
    static struct world world;
    bool more = true;
    for (unsigned n = first; more; n += stride()) {
        print_message("allocation %u%s\n", n, for_good ? " and on" : "");
        ordeal_prepare(&world, false);
        alloc_fault_arm(n, for_good);
        ordeal_run(&world);
        more = alloc_fault_struck();
        alloc_fault_arm(0, false);
        world_tick(&world); /* takes up what was left */
        ordeal_assert_sound(&world);
        if (n % 2 == 0)
            world_restart(&world);
        ordeal_finish(&world);
        world_done(&world);
    }
}

static void one_failed_allocation_loses_and_invents_nothing(void **state)
{
    (void)state;
    endure(1, false);
}

static void memory_that_stays_out_loses_and_invents_nothing(void **state)
{
    (void)state;
    endure(2, true);
}

static void a_start_without_memory_fails_and_leaves_nothing_behind(void **state)
{
    static struct world world;
    (void)state;
    bool more = true;
    ordeal_prepare(&world, false);
    ordeal_run(&world);
    world_shut(&world);
    for (unsigned n = 1; more; n += stride()) {
        alloc_fault_arm(n, false);
        enum fault fault = world_try_open(&world);
        more = alloc_fault_struck();
        alloc_fault_arm(0, false);
        if (!fault) {
            ordeal_assert_sound(&world);
            world_shut(&world);
        }
        assert_true(fault == FAULT_NONE || fault == FAULT_MEMORY || fault == FAULT_STORAGE);
    }
    assert_int_equal(world_try_open(&world), FAULT_NONE);
    ordeal_finish(&world);
    world_done(&world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failed_allocation_loses_and_invents_nothing),
        cmocka_unit_test(memory_that_stays_out_loses_and_invents_nothing),
        cmocka_unit_test(a_start_without_memory_fails_and_leaves_nothing_behind),
    };
    alloc_fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
