/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/group_order.h"

static const struct scalar one = {.bytes = {1}};

/* The base point (RFC 9496, appendix A.1). */
static const struct point base = {{0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9,
                                   0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82,
                                   0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76}};

static struct scalar order_plus(int difference)
{
    struct scalar scalar;
    memcpy(scalar.bytes, group_order, sizeof scalar.bytes);
    scalar.bytes[0] = (uint8_t)(scalar.bytes[0] + difference);
    return scalar;
}

static void scalars_from_the_order_up_are_not_canonical(void **state)
{
    (void)state;
    static const struct scalar zero;
    struct scalar below = order_plus(-1), order = order_plus(0), above = order_plus(1), top,
                  high_bit = one;
    memset(top.bytes, 0xff, sizeof top.bytes);
    high_bit.bytes[31] = 0x80;
    assert_true(scalar_is_canonical(&zero));
    assert_true(scalar_is_canonical(&one));
    assert_true(scalar_is_canonical(&below));
    assert_false(scalar_is_canonical(&order));
    assert_false(scalar_is_canonical(&above));
    assert_false(scalar_is_canonical(&top));
    assert_false(scalar_is_canonical(&high_bit));
}

static void reduction_is_modulo_the_order(void **state)
{
    (void)state;
    uint8_t wide[64] = {0};
    struct scalar above = order_plus(1), reduced;
    memcpy(wide, above.bytes, sizeof above.bytes);
    scalar_reduce(wide, &reduced);
    assert_true(scalar_equal(&reduced, &one));
    memcpy(wide, group_order, sizeof group_order);
    scalar_reduce(wide, &reduced);
    assert_true(scalar_is_zero(&reduced));
    assert_false(scalar_is_zero(&one));
}

static void identity_is_not_a_valid_point(void **state)
{
    (void)state;
    static const struct point identity;
    struct point product = base;
    assert_false(point_is_valid(&identity));
    assert_false(point_multiply(&one, &identity, &product));
    assert_memory_equal(&product, &base, sizeof base);
}

static void set_top_bit_is_refused(void **state)
{
    (void)state;
    struct point bad = base, product = {0};
    assert_true(point_is_valid(&base));
    bad.bytes[31] |= 0x80;
    assert_false(point_is_valid(&bad));
    assert_false(point_multiply(&one, &bad, &product));
    assert_false(point_add_product(&one, &bad, &product));
}

/* RFC 9496, appendix A.3: one encoding for each of its reasons. */
static void invalid_encodings_are_refused(void **state)
{
    (void)state;
    static const struct point bad[] = {
        {{0x00, [1 ... 31] = 0xff}},              /* not canonical */
        {{0xed, [1 ... 30] = 0xff, [31] = 0x7f}}, /* p, which stands for 0 */
        {{0xf3, [1 ... 30] = 0xff, [31] = 0x7f}}, /* p + 6 */
        {{0x01}},                                 /* negative */
        {{0xec, [1 ... 30] = 0xff, [31] = 0x7f}}, /* -1: y would be 0 */
        {{0x26, 0x94, 0x8d, 0x35, 0xca, 0x62, 0xe6, 0x43, 0xe2, 0x6a, 0x83,
          0x17, 0x73, 0x32, 0xe6, 0xb6, 0xaf, 0xeb, 0x9d, 0x08, 0xe4, 0x26,
          0x8b, 0x65, 0x0f, 0x1f, 0x5b, 0xbd, 0x8d, 0x81, 0xd3, 0x71}}, /* no square */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct point product = {0};
        if (point_is_valid(&bad[i]) || point_multiply(&one, &bad[i], &product))
            fail_msg("encoding %zu", i);
    }
}

static void multiplication_is_distributive(void **state)
{
    (void)state;
    struct scalar minus_one = order_plus(-1), three = {.bytes = {3}}, four = {.bytes = {4}};
    struct point product, sum = {0};
    assert_true(point_base_multiply(&one, &product));
    assert_true(point_equal(&product, &base));
    assert_true(point_base_multiply(&four, &product));
    assert_true(point_add_product(&three, &base, &sum));
    assert_true(point_add_product(&one, &base, &sum));
    assert_true(point_equal(&product, &sum));

    static const struct point identity;
    assert_true(point_base_multiply(&one, &sum));
    assert_true(point_add_product(&minus_one, &base, &sum));
    assert_true(point_equal(&sum, &identity));
}

static void product_that_is_the_identity_is_refused(void **state)
{
    (void)state;
    static const struct scalar zero;
    struct point product = base;
    assert_false(point_base_multiply(&zero, &product));
    assert_false(point_multiply(&zero, &base, &product));
    assert_false(point_add_product(&zero, &base, &product));
    assert_true(point_equal(&product, &base));
}

static int setup(void **state)
{
    (void)state;
    return crypto_init() != FAULT_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_from_the_order_up_are_not_canonical),
        cmocka_unit_test(reduction_is_modulo_the_order),
        cmocka_unit_test(identity_is_not_a_valid_point),
        cmocka_unit_test(set_top_bit_is_refused),
        cmocka_unit_test(invalid_encodings_are_refused),
        cmocka_unit_test(multiplication_is_distributive),
        cmocka_unit_test(product_that_is_the_identity_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
