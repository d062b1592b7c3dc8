/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "client/account.h"
#include "client/http.h"
#include "client/problem.h"
#include "client/text.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/cleanup.h"

/* The input: a byte for the status; then the body that a hostile server answers with. */

/* Any string of the document, at any size, is harmless on a terminal. */
static void strings_check(json_t *document)
{
    const char *name;
    json_t *value;
    char shown[64];
    json_object_foreach (document, name, value) {
        const char *text = json_string_value(value);
        for (size_t size = 1; size <= sizeof shown; size++) {
            memset(shown, 'x', sizeof shown);
            text_copy(shown, size, text ? text : name);
            PROPERTY(strlen(shown) < size && text_is_harmless(shown, strlen(shown)));
        }
        int64_t milli = 0;
        if (credits_member(document, name, &milli))
            PROPERTY(json_is_number(value) && milli > -INT64_C(1000000000000001) &&
                     milli < INT64_C(1000000000000001));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    long status = 300 + 2 * (long)input_byte(&input);
    struct why why = {0};
    _cleanup_(json_done) json_t *document =
        json_loadb((const char *)input.bytes, input.length, JSON_REJECT_DUPLICATES, NULL);
    enum fault fault = problem_fault(status, document, &why);
    PROPERTY(fault > FAULT_NONE && fault < FAULT_COUNT);
    PROPERTY(why.text[0] != '\0' && text_is_harmless(why.text, strlen(why.text)));
    strings_check(document);
    return 0;
}
