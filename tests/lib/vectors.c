/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

struct json_t *vectors_load(const char *path)
{
    json_error_t error;
    json_t *vectors = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!vectors)
        fail_msg("%s, line %d: %s", path, error.line, error.text);
    return vectors;
}

void vectors_free(struct json_t *vectors)
{
    json_decref(vectors);
}

static const json_t *vector_at(const json_t *vectors, const char *path)
{
    const json_t *at = vectors;
    for (const char *step = path; at && *step;) {
        size_t length = strcspn(step, ".");
        char name[64];
        assert_in_range(length, 1, sizeof name - 1);
        memcpy(name, step, length);
        name[length] = '\0';
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        step += length + (step[length] == '.');
    }
    if (!at)
        fail_msg("no vector %s", path);
    return at;
}

size_t vector_count(const struct json_t *vectors, const char *path)
{
    return json_array_size(vector_at(vectors, path));
}

const char *vector_text(const struct json_t *vectors, const char *path)
{
    const char *text = json_string_value(vector_at(vectors, path));
    if (!text)
        fail_msg("vector %s is not a string", path);
    return text;
}

uint32_t vector_number(const struct json_t *vectors, const char *path)
{
    const json_t *number = vector_at(vectors, path);
    assert_true(json_is_integer(number));
    return (uint32_t)json_integer_value(number);
}

static unsigned hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    assert_non_null(at);
    return (unsigned)(at - digits);
}

void hex_decode(const char *hex, void *bytes, size_t length)
{
    uint8_t *at = bytes;
    assert_int_equal(strlen(hex), 2 * length);
    for (size_t i = 0; i < length; i++, hex += 2)
        at[i] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
}

size_t vector_read(const struct json_t *vectors, const char *path, void *bytes, size_t size)
{
    const char *hex = vector_text(vectors, path);
    size_t length = strlen(hex) / 2;
    assert_in_range(length, 0, size);
    hex_decode(hex, bytes, length);
    return length;
}

void vector_bytes(const struct json_t *vectors, const char *path, void *bytes, size_t length)
{
    assert_int_equal(vector_read(vectors, path, bytes, length), length);
}

void assert_vector(const struct json_t *vectors, const char *path, const void *bytes, size_t length)
{
    uint8_t expected[2048];
    size_t expected_length = vector_read(vectors, path, expected, sizeof expected);
    if (expected_length != length || memcmp(expected, bytes, length) != 0)
        fail_msg("%s differs", path);
}
