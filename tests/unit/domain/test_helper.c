/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { DAY_S = 86400, NOON_S = 20000 * DAY_S + DAY_S / 2, PER_DAY = 10 };

static struct helper *helper;
static struct signing_key coordinator;
static struct point points[OPRF_BATCH_MAX]; /* any bytes: nobody looks at them here */

static struct oprf_token token_made(int64_t expires_at_s)
{
    struct oprf_token token = {.epoch = 1, .elements = 256, .expires_at_s = expires_at_s};
    bytes_random(token.nonce, sizeof token.nonce);
    return token;
}

static enum fault check(const struct oprf_token *token, int64_t now_s)
{
    char text[OPRF_TOKEN_TEXT_LENGTH + 1];
    struct oprf_token found;
    oprf_token_sign(&coordinator, &helper->context, token, text);
    return helper_check(helper, text, strlen(text), now_s, &found);
}

static enum fault spend(const struct oprf_token *token, size_t count, int64_t now_s)
{
    struct spending spending = {token, points, count};
    uint32_t resets_in_s = 0;
    enum fault fault = helper_spend(helper, &spending, now_s, &resets_in_s);
    if (fault == FAULT_TOO_MANY_REQUESTS)
        assert_int_equal(resets_in_s, DAY_S - now_s % DAY_S);
    return fault;
}

static void a_token_is_good_until_it_expires_and_not_for_longer_than_one_may_be(void **state)
{
    (void)state;
    static const struct {
        int64_t left_s;
        enum fault fault;
    } cases[] = {{-1, FAULT_TOKEN_INVALID},
                 {0, FAULT_TOKEN_INVALID},
                 {1, FAULT_NONE},
                 {300, FAULT_NONE},
                 {600, FAULT_NONE},
                 {601, FAULT_TOKEN_INVALID},
                 {INT32_MAX, FAULT_TOKEN_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct oprf_token token = token_made(NOON_S + cases[i].left_s);
        assert_int_equal(check(&token, NOON_S), cases[i].fault);
    }
}

static void a_clock_that_is_set_back_brings_no_token_back(void **state)
{
    (void)state;
    struct oprf_token token = token_made(NOON_S + 300);
    assert_int_equal(check(&token, NOON_S), FAULT_NONE);
    assert_int_equal(spend(&token, 1, NOON_S), FAULT_NONE);
    assert_int_equal(spend(&token, 2, NOON_S + 299), FAULT_TOKEN_INVALID);
    /* It is forgotten, and expired; then the clock is set back. */
    struct oprf_token later = token_made(NOON_S + 1000);
    assert_int_equal(spend(&later, 1, NOON_S + SPENT_KEPT_S), FAULT_NONE);
    assert_int_equal(check(&token, NOON_S), FAULT_TOKEN_INVALID);
    assert_int_equal(spend(&later, 2, NOON_S - DAY_S), FAULT_TOKEN_INVALID);
}

/* Else it would be forgotten as used before it is used again. */
static void a_token_that_expires_while_its_elements_arrive_is_not_spent(void **state)
{
    (void)state;
    struct oprf_token token = token_made(NOON_S + SPENT_KEPT_S);
    assert_int_equal(check(&token, NOON_S), FAULT_NONE);
    assert_int_equal(spend(&token, 1, NOON_S), FAULT_NONE);
    assert_int_equal(spend(&token, 2, NOON_S + SPENT_KEPT_S), FAULT_TOKEN_INVALID);
    assert_int_equal(helper->elements, 1);
}

static void what_is_evaluated_in_a_day_is_bounded(void **state)
{
    (void)state;
    struct oprf_token first = token_made(NOON_S + 300), second = token_made(NOON_S + 300);
    assert_int_equal(spend(&first, 6, NOON_S), FAULT_NONE);
    assert_int_equal(spend(&first, 6, NOON_S), FAULT_NONE); /* the same ones: counted once */
    assert_int_equal(helper->exhausted_day, 0);
    assert_int_equal(spend(&second, 5, NOON_S), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(helper->exhausted_day, 20000);
    assert_int_equal(spend(&second, 4, NOON_S), FAULT_NONE); /* it was not spent by that */
    struct oprf_token third = token_made(NOON_S + DAY_S);
    assert_int_equal(spend(&third, 1, NOON_S + DAY_S / 2 - 1), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(spend(&third, 10, NOON_S + DAY_S / 2), FAULT_NONE);
    third = token_made(NOON_S + 4 * DAY_S);
    assert_int_equal(spend(&third, 11, NOON_S + 3 * DAY_S), FAULT_TOO_MANY_REQUESTS);
}

static void what_was_refused_is_not_counted(void **state)
{
    (void)state;
    struct oprf_token token = token_made(NOON_S + 300);
    struct spending spending = {&token, points, 8};
    assert_int_equal(spend(&token, 8, NOON_S), FAULT_NONE);
    helper_return(helper, &spending);
    helper_return(helper, &spending);
    assert_int_equal(helper->elements, 0);
    assert_int_equal(spend(&token, 10, NOON_S), FAULT_NONE);
    assert_int_equal(helper->elements, 10);
}

static int make(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {5};
    if (crypto_init())
        return -1;
    signing_key_from_seed(seed, &coordinator);
    return helper_open(NULL, &coordinator.public, PER_DAY, &helper) ? -1 : 0;
}

static int drop(void **state)
{
    (void)state;
    helper_close(helper);
    helper_close(NULL);
    return 0;
}

#define HELPER_TEST(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HELPER_TEST(a_token_is_good_until_it_expires_and_not_for_longer_than_one_may_be),
        HELPER_TEST(a_clock_that_is_set_back_brings_no_token_back),
        HELPER_TEST(a_token_that_expires_while_its_elements_arrive_is_not_spent),
        HELPER_TEST(what_is_evaluated_in_a_day_is_bounded),
        HELPER_TEST(what_was_refused_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
