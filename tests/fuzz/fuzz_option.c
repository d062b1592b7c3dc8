/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/configuration.h"
#include "daemon/options.h"
#include "fuzz/fuzz.h"
#include "http/peer.h"
#include "util/cleanup.h"

/* The input: which option, then its text. */

static bool value_is_in_range(const struct option *option, const void *field)
{
    uint64_t scale = 1;
    const char *text;
    switch (option->type) {
    case OPTION_BOOLEAN:
        return *(const uint8_t *)field <= 1;
    case OPTION_CHOICE:
        return *(const uint32_t *)field < OPTION_CHOICES_MAX &&
               option->choices[*(const uint32_t *)field];
    case OPTION_CREDITS: {
        int64_t milli = ((const struct credits *)field)->milli;
        return milli >= (int64_t)option->min * 1000 && milli <= (int64_t)option->max * 1000;
    }
    case OPTION_HUNDREDTHS:
        scale = 100;
        break;
    case OPTION_NUMBER:
        break;
    case OPTION_ADDRESS:
    case OPTION_ADDRESSES:
    case OPTION_B64:
    case OPTION_TEXT:
        text = *(const char *const *)field;
        return option->type == OPTION_B64
                   ? *text == '\0' || strlen(text) == (option->min * 8 + 5) / 6
                   : strlen(text) <= option->max || option->type == OPTION_ADDRESS;
    }
    uint64_t number = *(const uint32_t *)field;
    return number >= option->min * scale && number <= option->max * scale;
}

/* What an address list lets pass, the server understands. */
static void addresses_check(const struct option *option, const void *field)
{
    _cleanup_(peers_done) struct peers peers = {0};
    if (option->type == OPTION_ADDRESSES)
        PROPERTY(peers_parse(*(const char *const *)field, &peers, NULL) == FAULT_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    const struct option *option = &options[input_byte(&input) % OPTIONS_COUNT];
    _cleanup_(free_pointer) char *text = input_text(&input);
    _cleanup_(configuration_done) struct configuration configuration = {.port = 99};
    struct configuration before = configuration;
    struct why why = {0};
    enum fault fault = option_set(option, &configuration, text, "somewhere", &why);
    before.arena = configuration.arena;
    PROPERTY(options_find(option->name) == option);
    if (fault) {
        PROPERTY(fault == FAULT_CONFIGURATION);
        PROPERTY(strncmp(why.text, "somewhere must be ", 18) == 0);
        PROPERTY(memcmp(&before, &configuration, sizeof before) == 0);
        return 0;
    }
    const void *field = (const char *)&configuration + option->offset;
    PROPERTY(value_is_in_range(option, field));
    addresses_check(option, field);
    return 0;
}
