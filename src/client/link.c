/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"

#include <stdio.h>
#include <string.h>

bool link_key_is_valid(const char *text)
{
    uint8_t key[32];
    bool valid = b64_decode(text, strlen(text), key, sizeof key);
    bytes_wipe(key, sizeof key);
    return valid;
}

static bool invite_is_valid(const char *text)
{
    return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._~") == strlen(text);
}

/* One `name=value` of the fragment. False: unknown, there already, too long or malformed. */
static bool member_read(const char *text, size_t length, struct link *link)
{
    const struct {
        char name;
        char *value;
        size_t size;
        bool (*is_valid)(const char *);
    } members[] = {
        {'c', link->coordinator_key, sizeof link->coordinator_key, link_key_is_valid},
        {'i', link->invite, sizeof link->invite, invite_is_valid},
        {'k', link->federation_key, sizeof link->federation_key, link_key_is_valid},
    };
    if (length < 3 || text[1] != '=')
        return false;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].name != text[0])
            continue;
        if (members[i].value[0] || length - 2 >= members[i].size)
            return false;
        memcpy(members[i].value, text + 2, length - 2);
        return members[i].is_valid(members[i].value);
    }
    return false;
}

static bool fragment_read(const char *fragment, struct link *link)
{
    for (const char *next = fragment;;) {
        size_t length = strcspn(next, "&");
        if (!member_read(next, length, link))
            return false;
        if (!next[length])
            return link->coordinator_key[0] != '\0';
        next += length + 1;
    }
}

/* Takes /join off. What is left may end in a slash, and so is brought to its normal form again. */
static bool path_cut(char url[ADDRESS_SIZE], bool insecure)
{
    static const char path[] = "/join";
    char address[ADDRESS_SIZE];
    size_t length = strlen(url);
    if (length < sizeof path || strcmp(url + length - strlen(path), path) != 0)
        return false;
    snprintf(address, sizeof address, "%.*s", (int)(length - strlen(path)), url);
    return address_parse(address, insecure, url, NULL) == FAULT_NONE;
}

enum fault link_parse(const char *text, bool insecure, struct link *ret, struct why *why)
{
    struct link link = {0};
    char address[ADDRESS_SIZE] = {0};
    const char *fragment = strchr(text, '#');
    if (!fragment || (size_t)(fragment - text) >= sizeof address)
        return why_set(why, FAULT_INVALID_REQUEST,
                       "This is not an invite link. One looks like https://host/join#k=...&c=...; "
                       "put it in quotes, or the shell cuts it at the &.");
    memcpy(address, text, (size_t)(fragment - text));
    enum fault fault = address_parse(address, insecure, link.url, why);
    if (fault)
        return fault;
    if (!path_cut(link.url, insecure) || !fragment_read(fragment + 1, &link)) {
        bytes_wipe(&link, sizeof link);
        return why_set(why, FAULT_INVALID_REQUEST,
                       "The invite link is incomplete or was changed on its way. Copy all of it, "
                       "and put it in quotes.");
    }
    *ret = link;
    bytes_wipe(&link, sizeof link);
    return FAULT_NONE;
}

void link_format(const struct link *link, char ret[LINK_SIZE])
{
    snprintf(ret, LINK_SIZE, "%s/join#k=%s&c=%s%s%s", link->url, link->federation_key,
             link->coordinator_key, link->invite[0] ? "&i=" : "", link->invite);
}
