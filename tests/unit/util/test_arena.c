/* SPDX-License-Identifier: Apache-2.0 */
#include "util/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    static unsigned char *pieces[500];
    struct arena arena = {0};
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = arena_alloc(&arena, i * 7);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t byte = 0; byte < i * 7; byte++)
            assert_int_equal(pieces[i][byte], 0);
        memset(pieces[i], (int)(i & 0xff), i * 7);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t byte = 0; byte < i * 7; byte++)
            assert_int_equal(pieces[i][byte], i & 0xff);
    arena_done(&arena);
}

static void a_copy_ends_in_a_nul(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    arena_done(&arena);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_array(&arena, SIZE_MAX / 4, 8));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_copy(&arena, "x", SIZE_MAX));
    assert_non_null(arena_array(&arena, 0, 8));
    assert_non_null(arena_array(&arena, 8, 0));
    arena_done(&arena);
}

static void an_emptied_arena_can_be_used_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_done(&arena);
    assert_non_null(arena_alloc(&arena, 100000));
    arena_done(&arena);
    assert_null(arena.chunks);
    assert_non_null(arena_alloc(&arena, 1));
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_copy_ends_in_a_nul),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(an_emptied_arena_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
