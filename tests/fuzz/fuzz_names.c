/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/record.h"
#include "domain/directory.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

static void domain_check(const char *text, size_t length)
{
    bool expected = length >= 1 && length <= 64 && text[0] != '-' &&
                    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
    PROPERTY(domain_is_valid(text, length) == expected);
}

static void instance_id_check(const char *text)
{
    uint64_t handle = 0;
    char again[INSTANCE_ID_LENGTH + 1];
    if (!instance_id_parse(text, &handle))
        return;
    PROPERTY(handle >> 48 == 0);
    instance_id_format(handle, again);
    PROPERTY(strcmp(again, text) == 0);
}

static void handle_check(uint64_t handle)
{
    char text[INSTANCE_ID_LENGTH + 1];
    uint64_t again = 0;
    instance_id_format(handle, text);
    PROPERTY(strlen(text) == INSTANCE_ID_LENGTH);
    PROPERTY(instance_id_parse(text, &again) && again == (handle & 0xffffffffffff));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length}, number = input;
    _cleanup_(free_pointer) char *text = input_text(&input);
    uint64_t handle;
    input_take(&number, &handle, sizeof handle);
    domain_check(text, strlen(text));
    instance_id_check(text);
    handle_check(handle);
    /* A domain with a NUL in it is none. */
    PROPERTY(!memchr(bytes, '\0', length) || !domain_is_valid((const char *)bytes, length));
    return 0;
}
