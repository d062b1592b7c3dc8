/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_PROTOCOL_VECTORS_H
#define CONTINUUM_TESTS_PROTOCOL_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/record.h"
#include "crypto/sign.h"

struct json_t; /* jansson's */

/*
 * The project's own test vectors of docs/PROTOCOL.md, with every value on the way: a whole
 * federation that never was, the same each time. Everything secret in it is D(-, "vectors", its
 * name, its length). NULL: memory is out.
 */
struct json_t *protocol_vectors(void);

/* The text of it, as it stands in tests/data/vectors.json; the caller's, to be freed. */
char *protocol_vectors_text(void);

enum { VECTORS_INSTANCES = 5 };

/* The federation that the vectors are of. */
struct vectors_world {
    uint8_t federation_key[32];
    struct federation_id id;
    struct federation_keys keys;
    struct signing_key coordinator, instances[VECTORS_INSTANCES];
    struct scalar x[VECTORS_INSTANCES];
};

/* D(-, "vectors", name, length), 16 <= length <= 64. */
void vectors_secret(const char *name, void *ret, size_t length);

struct json_t *vectors_hex(const void *bytes, size_t length);
struct json_t *vectors_b64(const void *bytes, size_t length);

/*
 * {name, public_key, lines, message_utf8, signature} of lines signed by `key`. `lines` has `count`
 * strings.
 */
struct json_t *vectors_signed(const char *name, const struct signing_key *key,
                              const char *const *lines, size_t count);

/* A question and an answer to it, sealed. */
struct json_t *vectors_sealed(const struct vectors_world *world);

/* What vectors_pattern makes a pattern of. */
struct vectors_source {
    const char *domain, *text;
    uint32_t epoch;
    uint8_t k, token_bits;
};

/* One pattern from what a person wrote to its release, and the verification of it. *ret_tag is its
 * tag. */
struct json_t *vectors_pattern(const struct vectors_world *world,
                               const struct vectors_source *source, struct tag *ret_tag);

#endif
