/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/spent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MAX = 3000, NOW_S = 1800000000 };

static struct spent *spent;
static const struct digest some = {{1}}, others = {{2}};

static void nonce_make(uint32_t number, uint8_t ret[OPRF_NONCE_LENGTH])
{
    memset(ret, 0, OPRF_NONCE_LENGTH);
    memcpy(ret, &number, sizeof number);
}

static enum fault use(uint32_t number, const struct digest *elements, int64_t now_s)
{
    uint8_t nonce[OPRF_NONCE_LENGTH];
    bool first = false;
    nonce_make(number, nonce);
    return spent_use(spent, nonce, elements, now_s, &first);
}

static bool use_is_first(uint32_t number, const struct digest *elements)
{
    uint8_t nonce[OPRF_NONCE_LENGTH];
    bool first = false;
    nonce_make(number, nonce);
    assert_int_equal(spent_use(spent, nonce, elements, NOW_S, &first), FAULT_NONE);
    return first;
}

static bool give_back(uint32_t number, const struct digest *elements)
{
    uint8_t nonce[OPRF_NONCE_LENGTH];
    nonce_make(number, nonce);
    return spent_return(spent, nonce, elements);
}

static void a_token_counts_for_what_it_was_first_used_for(void **state)
{
    (void)state;
    assert_true(use_is_first(1, &some));
    assert_int_equal(use(1, &others, NOW_S), FAULT_TOKEN_INVALID);
    assert_false(use_is_first(1, &some));
    assert_true(use_is_first(2, &others));
}

static void the_same_again_is_answered_a_few_times(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPENT_TRIES; i++)
        assert_int_equal(use(1, &some, NOW_S), FAULT_NONE);
    assert_int_equal(use(1, &some, NOW_S), FAULT_TOKEN_INVALID);
}

static void what_was_refused_may_be_mended_as_long_as_there_are_tries(void **state)
{
    (void)state;
    for (unsigned i = 1; i < SPENT_TRIES; i++) {
        assert_int_equal(use(1, &some, NOW_S), FAULT_NONE);
        assert_false(give_back(1, &others));
        assert_true(give_back(1, &some));
        assert_false(give_back(1, &some));
    }
    assert_true(use_is_first(1, &others));
    assert_true(give_back(1, &others));
    assert_int_equal(use(1, &some, NOW_S), FAULT_TOKEN_INVALID);
    assert_false(give_back(2, &some));
}

static void it_is_remembered_until_no_token_of_its_time_is_good(void **state)
{
    (void)state;
    assert_int_equal(use(1, &some, NOW_S), FAULT_NONE);
    assert_int_equal(use(1, &others, NOW_S + SPENT_KEPT_S - 1), FAULT_TOKEN_INVALID);
    assert_int_equal(use(1, &others, NOW_S + SPENT_KEPT_S), FAULT_NONE);
}

static void as_many_as_allowed_are_remembered_and_room_comes_with_time(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAX; i++) /* grows on the way */
        assert_int_equal(use(i, &some, NOW_S + i / 1000), FAULT_NONE);
    assert_int_equal(use(MAX, &some, NOW_S + 2), FAULT_OVERLOADED);
    for (uint32_t i = 0; i < MAX; i++)
        assert_int_equal(use(i, &others, NOW_S + 2), FAULT_TOKEN_INVALID);
    assert_int_equal(use(0, &some, NOW_S + 2), FAULT_NONE); /* known ones need no room */
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(use(MAX + i, &some, NOW_S + SPENT_KEPT_S), FAULT_NONE);
    assert_int_equal(use(5 * MAX, &some, NOW_S + SPENT_KEPT_S), FAULT_OVERLOADED);
    for (uint32_t i = 1000; i < MAX + 1000; i++)
        assert_int_equal(use(i, &others, NOW_S + SPENT_KEPT_S), FAULT_TOKEN_INVALID);
    assert_int_equal(use(5 * MAX, &some, NOW_S + 3 * SPENT_KEPT_S), FAULT_NONE);
}

static int make(void **state)
{
    (void)state;
    return crypto_init() || spent_new(MAX, &spent) ? -1 : 0;
}

static int drop(void **state)
{
    (void)state;
    spent_free(spent);
    spent_free(NULL);
    return 0;
}

#define SPENT_TEST(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPENT_TEST(a_token_counts_for_what_it_was_first_used_for),
        SPENT_TEST(the_same_again_is_answered_a_few_times),
        SPENT_TEST(what_was_refused_may_be_mended_as_long_as_there_are_tries),
        SPENT_TEST(it_is_remembered_until_no_token_of_its_time_is_good),
        SPENT_TEST(as_many_as_allowed_are_remembered_and_room_comes_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
