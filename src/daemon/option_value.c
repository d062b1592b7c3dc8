/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "crypto/bytes.h"
#include "daemon/configuration.h"
#include "util/number.h"

enum { B64_TEXT_MAX = 88, B64_BYTES_MAX = 64 };

/* The field of an option. Which type stands there, its option type says. */
static void *option_field(const struct option *option, struct configuration *configuration)
{
    return (char *)configuration + option->offset;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Bytes of the UTF-8 sequence (RFC 3629) at `text`, 0: it is none. */
static size_t utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max;
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (text[0] < forms[i].first_min || text[0] > forms[i].first_max)
            continue;
        if (text[1] < forms[i].second_min || text[1] > forms[i].second_max)
            return 0;
        for (size_t j = 2; j < forms[i].length; j++) {
            if ((text[j] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

static bool text_is_allowed(const struct option *option, const char *text)
{
    size_t length = strlen(text), step = 0;
    for (const char *next = text; *next; next += step) {
        step = utf8_length((const unsigned char *)next);
        if (step == 0 || is_control(*next))
            return false;
    }
    return length >= option->min && length <= option->max;
}

static bool address_is_allowed(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* Takes the blanks out of `list`, and checks what stands between the commas. */
static bool addresses_tidy(const struct option *option, char *list)
{
    char address[INET6_ADDRSTRLEN], *end = list;
    for (const char *next = list; *next; next++) {
        if (*next != ' ' && *next != '\t')
            *end++ = *next;
    }
    *end = '\0';
    if (*list == '\0')
        return true;
    for (const char *next = list;; next++) {
        size_t length = strcspn(next, ",");
        if (length >= sizeof address)
            return false;
        memcpy(address, next, length);
        address[length] = '\0';
        if (!address_is_allowed(address))
            return false;
        next += length;
        if (*next == '\0')
            return strlen(list) <= option->max;
    }
}

static bool b64_is_allowed(const struct option *option, const char *text)
{
    unsigned char bytes[B64_BYTES_MAX];
    return *text == '\0' || b64_decode(text, strlen(text), bytes, option->min);
}

static bool boolean_parse(const char *text, bool *ret)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t value = 0; value < 2; value++) {
            if (strcasecmp(text, words[i][value]) == 0) {
                *ret = value == 1;
                return true;
            }
        }
    }
    return false;
}

static bool choice_parse(const struct option *option, const char *text, uint32_t *ret)
{
    for (uint32_t i = 0; option->choices[i]; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool number_parse_scaled(const struct option *option, const char *text, uint64_t *ret)
{
    static const struct {
        unsigned places;
        uint64_t scale;
    } fixed[] = {
        [OPTION_NUMBER] = {0, 1}, [OPTION_CREDITS] = {3, 1000}, [OPTION_HUNDREDTHS] = {2, 100}};
    uint64_t scale = fixed[option->type].scale;
    return number_parse_fixed(text, fixed[option->type].places, option->min * scale,
                              option->max * scale, ret);
}

/* Checks `text`, whose bytes become the configuration's, and sets the field. */
static bool option_parse(const struct option *option, char *text, void *field)
{
    uint64_t number = 0;
    bool allowed = false;
    switch (option->type) {
    case OPTION_BOOLEAN:
        return boolean_parse(text, field);
    case OPTION_CHOICE:
        return choice_parse(option, text, field);
    case OPTION_CREDITS:
        allowed = number_parse_scaled(option, text, &number);
        if (allowed)
            *(struct credits *)field = (struct credits){(int64_t)number};
        return allowed;
    case OPTION_HUNDREDTHS:
    case OPTION_NUMBER:
        allowed = number_parse_scaled(option, text, &number);
        if (allowed)
            *(uint32_t *)field = (uint32_t)number;
        return allowed;
    case OPTION_ADDRESS:
        allowed = address_is_allowed(text);
        break;
    case OPTION_ADDRESSES:
        allowed = addresses_tidy(option, text);
        break;
    case OPTION_B64:
        allowed = b64_is_allowed(option, text);
        break;
    case OPTION_TEXT:
        allowed = text_is_allowed(option, text);
        break;
    }
    if (allowed)
        *(const char **)field = text;
    return allowed;
}

enum fault option_set(const struct option *option, struct configuration *configuration,
                      const char *text, const char *where, struct why *why)
{
    char allowed[OPTION_ALLOWED_SIZE];
    char *copy = arena_copy(&configuration->arena, text, strlen(text));
    if (!copy)
        return why_set(why, FAULT_MEMORY, "no memory for the configuration");
    if (option_parse(option, copy, option_field(option, configuration)))
        return FAULT_NONE;
    option_allowed(option, allowed);
    return why_set(why, FAULT_CONFIGURATION, "%s must be %s, not \"%.30s%s\"", where, allowed, text,
                   strlen(text) > 30 ? "..." : "");
}

static void choices_list(const struct option *option, char ret[OPTION_ALLOWED_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; option->choices[i] && used < OPTION_ALLOWED_SIZE; i++) {
        const char *between = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(ret + used, OPTION_ALLOWED_SIZE - used, "%s%s", between,
                                 option->choices[i]);
    }
}

void option_allowed(const struct option *option, char ret[OPTION_ALLOWED_SIZE])
{
    unsigned min = option->min, max = option->max;
    switch (option->type) {
    case OPTION_ADDRESS:
        snprintf(ret, OPTION_ALLOWED_SIZE, "an IPv4 or IPv6 address");
        return;
    case OPTION_ADDRESSES:
        snprintf(ret, OPTION_ALLOWED_SIZE, "IPv4 or IPv6 addresses separated by commas, or empty");
        return;
    case OPTION_B64:
        snprintf(ret, OPTION_ALLOWED_SIZE, "%u bytes in base64url without padding, or empty", min);
        return;
    case OPTION_BOOLEAN:
        snprintf(ret, OPTION_ALLOWED_SIZE, "true or false");
        return;
    case OPTION_CHOICE:
        choices_list(option, ret);
        return;
    case OPTION_CREDITS:
        snprintf(ret, OPTION_ALLOWED_SIZE, "a number between %u and %u with at most three decimals",
                 min, max);
        return;
    case OPTION_HUNDREDTHS:
        snprintf(ret, OPTION_ALLOWED_SIZE, "a number between %u and %u with at most two decimals",
                 min, max);
        return;
    case OPTION_NUMBER:
        snprintf(ret, OPTION_ALLOWED_SIZE, "a whole number between %u and %u", min, max);
        return;
    case OPTION_TEXT:
        snprintf(ret, OPTION_ALLOWED_SIZE, "%u to %u bytes of UTF-8 without control characters",
                 min, max);
        return;
    }
}
