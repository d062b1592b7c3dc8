/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_GROUP_ORDER_H
#define CONTINUUM_TESTS_GROUP_ORDER_H

#include <stdint.h>

/* L of ristretto255, little-endian: 2^252 + 27742317777372353535851937790883648493. */
extern const uint8_t group_order[32];

/* *scalar += L: the same scalar, in bytes that are not canonical. */
void group_order_add(uint8_t scalar[32]);

#endif
