/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_CANONICAL_H
#define CONTINUUM_CLIENT_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/record.h"
#include "util/fault.h"

/* A canonical pattern M = domain || "\n" || summary (docs/PROTOCOL.md, section 3), NUL-terminated.
 */
struct canonical {
    size_t m_length;
    char m[SUMMARY_LENGTH_MAX + 1];
};

/*
 * Makes M of what a person wrote. Nothing is cut or repaired; faults, each with `why`:
 *
 * FAULT_RECORD_DOMAIN:   `domain` is not well-formed.
 * FAULT_RECORD_ENCODING: not UTF-8, or a control, private or unassigned character.
 * FAULT_RECORD_SIZE:     empty, or M is over SUMMARY_LENGTH_MAX bytes.
 * FAULT_INVALID_REQUEST: no word to search by is left.
 */
enum fault canonical_make(const char *domain, const char *text, size_t text_length,
                          struct canonical *ret, struct why *why);

/*
 * The summary of a text, without a limit of its length: what a query's terms are taken from. *ret
 * is the caller's, to be freed. FAULT_RECORD_ENCODING, FAULT_RECORD_SIZE (empty): as above.
 */
enum fault canonical_fold(const char *text, size_t text_length, char **ret, size_t *ret_length,
                          struct why *why);

/* Whether these bytes are what canonical_make makes of themselves. */
bool canonical_is(const char *m, size_t m_length);

/* The summary within a canonical M, and its length. */
const char *canonical_summary(const char *m, size_t m_length, size_t *ret_length);

/* index_plaintext of a canonical M, at `token_bits`. */
void canonical_index(const char *m, size_t m_length, const struct federation_keys *keys,
                     uint8_t token_bits, uint8_t ret[INDEX_PLAINTEXT_LENGTH]);

#endif
