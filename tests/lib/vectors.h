/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_VECTORS_H
#define CONTINUUM_TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

struct json_t; /* jansson's */

/*
 * Test vectors: JSON files whose values are named by dotted paths, "patterns.0.shares.2". Byte
 * strings are lower-case hex. Every function fails the running test when a file, a path or a length
 * is not as asked for.
 */
#define VECTORS_CFED    "tests/data/cfed-v1-vectors.json"
#define VECTORS_RFC9497 "tests/data/rfc9497-vectors.json"

/* A new reference; give it back with vectors_free. */
struct json_t *vectors_load(const char *path);
void vectors_free(struct json_t *vectors);

/* The number of elements of an array. */
size_t vector_count(const struct json_t *vectors, const char *path);

/* A string as it stands in the file; lives as long as the vectors. */
const char *vector_text(const struct json_t *vectors, const char *path);

uint32_t vector_number(const struct json_t *vectors, const char *path);

/* Decodes lower-case hex of exactly `length` bytes. */
void hex_decode(const char *hex, void *bytes, size_t length);

/* Decodes hex of exactly `length` bytes. */
void vector_bytes(const struct json_t *vectors, const char *path, void *bytes, size_t length);

/* Decodes hex of at most `size` bytes. Returns how many. */
size_t vector_read(const struct json_t *vectors, const char *path, void *bytes, size_t size);

/* The bytes are those of the file. */
void assert_vector(const struct json_t *vectors, const char *path, const void *bytes,
                   size_t length);

#endif
