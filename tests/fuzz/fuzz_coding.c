/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz.h"
#include "http/coding.h"
#include "util/cleanup.h"

/* `text`, then `more`. */
static char *joined(const char *text, const char *more)
{
    size_t length = strlen(text), size = length + strlen(more) + 1;
    char *both = malloc(size);
    memcpy(both, text, length);
    memcpy(both + length, more, size - length);
    return both;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    _cleanup_(free_pointer) char *text = input_text(&input);
    _cleanup_(free_pointer) char *wanted = joined(text, ",gzip;q=1");
    _cleanup_(free_pointer) char *refused = joined(text, ", GZIP ; q=0.000");
    _cleanup_(free_pointer) char *preferred = joined(text, ",gzip;q=0.5,identity;q=0.501");
    enum coding coding = coding_choose(text);
    PROPERTY(coding == CODING_IDENTITY || strchr(text, '*') || strcasestr(text, "gzip"));
    PROPERTY(coding_choose(wanted) == CODING_GZIP);
    PROPERTY(coding_choose(refused) == CODING_IDENTITY);
    PROPERTY(coding_choose(preferred) == CODING_IDENTITY);
    return 0;
}
