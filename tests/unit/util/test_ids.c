/* SPDX-License-Identifier: Apache-2.0 */
#include "util/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_list_keeps_what_was_pushed_in_order(void **state)
{
    (void)state;
    struct ids ids = {0};
    for (uint32_t id = 0; id < 5000; id++)
        assert_int_equal(ids_push(&ids, id), FAULT_NONE);
    assert_int_equal(ids.count, 5000);
    for (uint32_t id = 0; id < 5000; id++)
        assert_int_equal(ids.items[ids.first + id], id);
    ids_done(&ids);
    assert_int_equal(ids.count, 0);
}

static void what_is_taken_from_the_front_makes_room_again(void **state)
{
    (void)state;
    struct ids ids = {0};
    uint32_t taken = 0;
    for (uint32_t id = 0; id < 100000; id++) {
        assert_int_equal(ids_push(&ids, id), FAULT_NONE);
        if (ids.count < 500)
            continue;
        assert_int_equal(ids.items[ids.first], taken);
        ids.first++;
        ids.count--;
        taken++;
    }
    assert_true(ids.capacity <= 1024);
    ids_done(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_what_was_pushed_in_order),
        cmocka_unit_test(what_is_taken_from_the_front_makes_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
