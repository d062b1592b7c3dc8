/* SPDX-License-Identifier: Apache-2.0 */
#include "util/cleanup.h"

#include <stdlib.h>

void free_pointer(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}
