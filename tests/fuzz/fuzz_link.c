/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

/* The input is the text of an invite link; and once more, of an address. */

static void address_check(const char *text)
{
    char address[ADDRESS_SIZE], again[ADDRESS_SIZE];
    struct why why = {0};
    if (address_parse(text, true, address, &why)) {
        PROPERTY(why.text[0] != '\0');
        PROPERTY(address_parse(text, false, address, NULL) != FAULT_NONE);
        return;
    }
    PROPERTY(strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0);
    PROPERTY(address[strlen(address) - 1] != '/' && !strpbrk(address, " \n?#"));
    PROPERTY(address_parse(address, true, again, NULL) == FAULT_NONE);
    PROPERTY(strcmp(again, address) == 0);
    bool secure = strncmp(address, "https://", 8) == 0;
    PROPERTY((address_parse(text, false, again, NULL) == FAULT_NONE) ==
             (secure || address_is_loopback(address)));
}

static void link_check(const char *text)
{
    struct link link, again;
    struct why why = {0};
    char formatted[LINK_SIZE], address[ADDRESS_SIZE];
    if (link_parse(text, true, &link, &why)) {
        PROPERTY(why.text[0] != '\0');
        return;
    }
    PROPERTY(link_key_is_valid(link.coordinator_key));
    PROPERTY(link.federation_key[0] == '\0' || link_key_is_valid(link.federation_key));
    /* What becomes the address of a profile is in its normal form. */
    PROPERTY(address_parse(link.url, true, address, NULL) == FAULT_NONE);
    PROPERTY(strcmp(address, link.url) == 0);
    if (link.federation_key[0] == '\0')
        return;
    link_format(&link, formatted);
    PROPERTY(strlen(formatted) + 1 < LINK_SIZE);
    PROPERTY(link_parse(formatted, true, &again, NULL) == FAULT_NONE);
    PROPERTY(strcmp(again.url, link.url) == 0 && strcmp(again.invite, link.invite) == 0 &&
             strcmp(again.federation_key, link.federation_key) == 0 &&
             strcmp(again.coordinator_key, link.coordinator_key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    _cleanup_(free_pointer) char *text = input_text(&input);
    address_check(text);
    link_check(text);
    return 0;
}
