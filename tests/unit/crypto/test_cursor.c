/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After the above, which it needs. */
#include <cmocka.h>

#include <string.h>

#include "crypto/cursor.h"

static const uint8_t key[32] = {1, 2, 3};
static const struct cursor_owner owner = {42, "ledger"};

static void a_position_comes_back(void **state)
{
    static const int64_t positions[] = {0, 1, 255, 256, 1000000, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        char text[CURSOR_TEXT_LENGTH + 1];
        int64_t position = -1;
        cursor_seal(key, &owner, positions[i], text);
        assert_int_equal(strlen(text), CURSOR_TEXT_LENGTH);
        assert_true(cursor_open(key, &owner, text, &position));
        assert_true(position == positions[i]);
    }
}

static void the_cursor_of_another_member_or_list_is_refused(void **state)
{
    char text[CURSOR_TEXT_LENGTH + 1];
    int64_t position = -1;
    (void)state;
    cursor_seal(key, &owner, 7, text);
    assert_false(cursor_open(key, &(struct cursor_owner){43, "ledger"}, text, &position));
    assert_false(cursor_open(key, &(struct cursor_owner){42, "contributions"}, text, &position));
    assert_int_equal(position, -1);
}

static void every_changed_character_is_noticed(void **state)
{
    char text[CURSOR_TEXT_LENGTH + 1];
    int64_t position = -1;
    (void)state;
    cursor_seal(key, &owner, 7, text);
    for (size_t i = 0; i < CURSOR_TEXT_LENGTH; i++) {
        char changed[CURSOR_TEXT_LENGTH + 1];
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_false(cursor_open(key, &owner, changed, &position));
    }
    assert_false(cursor_open(key, &owner, "", &position));
    assert_false(cursor_open(key, &owner, "7", &position));
}

static void neighbours_look_unrelated(void **state)
{
    char a[CURSOR_TEXT_LENGTH + 1], b[CURSOR_TEXT_LENGTH + 1];
    size_t equal = 0;
    (void)state;
    cursor_seal(key, &owner, 7, a);
    cursor_seal(key, &owner, 8, b);
    for (size_t i = 0; i < CURSOR_TEXT_LENGTH; i++)
        equal += a[i] == b[i];
    assert_in_range(equal, 0, 6); /* of 32; half a character is what chance gives */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_comes_back),
        cmocka_unit_test(the_cursor_of_another_member_or_list_is_refused),
        cmocka_unit_test(every_changed_character_is_noticed),
        cmocka_unit_test(neighbours_look_unrelated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
