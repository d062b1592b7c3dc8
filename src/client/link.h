/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_LINK_H
#define CONTINUUM_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "client/address.h"
#include "crypto/bytes.h"

/*
 * An invite link: https://host/join#k=<F>&c=<coordinator_key>&i=<invite>. What follows the # never
 * reaches a server. A link of an operator, who does not know F, has no k.
 */
enum { KEY_TEXT_SIZE = B64_LENGTH(32) + 1, INVITE_SIZE = 129, LINK_SIZE = 512 };

struct link {
    char url[ADDRESS_SIZE];
    char federation_key[KEY_TEXT_SIZE];  /* B64, or "" */
    char coordinator_key[KEY_TEXT_SIZE]; /* B64 */
    char invite[INVITE_SIZE];            /* or "" */
};

/* FAULT_INVALID_REQUEST with `why`, which never holds the key: not a whole and well-formed link. */
enum fault link_parse(const char *text, bool insecure, struct link *ret, struct why *why);

void link_format(const struct link *link, char ret[LINK_SIZE]);

/* B64 of exactly 32 bytes. */
bool link_key_is_valid(const char *text);

#endif
