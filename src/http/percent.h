/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_PERCENT_H
#define CONTINUUM_HTTP_PERCENT_H

#include <stdbool.h>

/*
 * Decodes percent-encoding (RFC 3986, section 2.1) in place.
 * False: a '%' without two hexadecimal digits, or %00; then *text is undefined.
 */
bool percent_decode(char *text);

#endif
