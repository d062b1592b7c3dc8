/* SPDX-License-Identifier: Apache-2.0 */
/* `make vectors >tests/data/vectors.json` */
#include <stdio.h>

#include "lib/protocol_vectors.h"
#include "util/cleanup.h"

int main(void)
{
    _cleanup_(free_pointer) char *text = protocol_vectors_text();
    return !text || puts(text) == EOF || fflush(stdout) == EOF;
}
