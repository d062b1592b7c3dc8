/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/bytes.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { FINDINGS_MAX = 16, POINTER_LENGTH_MAX = 160 };

/* What binary floating point makes of a number with two decimals; far below what anybody could
 * mean. */
static const double ROUNDING_OF_HUNDREDTHS = 1e-9;

void findings_add(struct findings *findings, const char *pointer, const char *format, ...)
{
    struct why detail;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail.text, sizeof detail.text, format, arguments);
    va_end(arguments);
    if (!findings->errors) {
        findings->errors = json_array();
        why_set(&findings->first, FAULT_INVALID_REQUEST, "%s%s%s", pointer, *pointer ? ": " : "",
                detail.text);
    }
    if (json_array_size(findings->errors) < FINDINGS_MAX)
        json_array_append_new(findings->errors,
                              json_pack("{s:s, s:s}", "pointer", pointer, "detail", detail.text));
}

void findings_done(struct findings *findings)
{
    json_decref(findings->errors);
    findings->errors = NULL;
}

/* Whether `value` has containers nested deeper than `depth`. */
static bool is_deeper(json_t *value, unsigned depth)
{
    if (!json_is_array(value) && !json_is_object(value))
        return false;
    if (depth == 0)
        return true;
    size_t index;
    const char *key;
    json_t *inner;
    json_array_foreach (value, index, inner)
        if (is_deeper(inner, depth - 1))
            return true;
    json_object_foreach (value, key, inner)
        if (is_deeper(inner, depth - 1))
            return true;
    return false;
}

/* Why jansson did not take a text. */
static enum fault syntax_fault(const json_error_t *error, struct findings *findings)
{
    if (json_error_code(error) == json_error_out_of_memory)
        return FAULT_MEMORY;
    if (json_error_code(error) == json_error_numeric_overflow) {
        findings_add(findings, "", "line %d, column %d: a number is out of range", error->line,
                     error->column);
        return FAULT_INVALID_REQUEST;
    }
    /* What jansson quotes of the text may be cut in the middle of a character. */
    const char *quoted = strstr(error->text, " near '");
    return why_set(&findings->first, FAULT_MALFORMED_JSON, "line %d, column %d: %.*s", error->line,
                   error->column, quoted ? (int)(quoted - error->text) : -1, error->text);
}

/* In memory an element takes a hundred times its two bytes. A thousand records have 8,000 commas.
 */
enum { COMMAS_MAX = 16384 };

static bool has_more_commas(const char *text, size_t length, size_t max)
{
    size_t count = 0;
    const char *end = text + length;
    while (count <= max && (text = memchr(text, ',', (size_t)(end - text))) != NULL) {
        count++;
        text++;
    }
    return count > max;
}

enum fault json_parse(const char *text, size_t length, unsigned max_depth, json_t **ret,
                      struct findings *findings)
{
    if (has_more_commas(text, length, COMMAS_MAX)) {
        findings_add(findings, "", "has too many elements");
        return FAULT_INVALID_REQUEST;
    }
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_error_t error;
    json_t *root = json_loadb(text, length, flags, &error);
    if (!root)
        return syntax_fault(&error, findings);
    if (is_deeper(root, max_depth)) {
        json_decref(root);
        return why_set(&findings->first, FAULT_MALFORMED_JSON, "nested deeper than %u levels",
                       max_depth);
    }
    *ret = root;
    return FAULT_NONE;
}

/* ---- One decoder a type: NULL, or what should have been there. ---- */

static const char *decode_boolean(json_t *value, const struct field *field, struct arena *arena,
                                  void *target)
{
    (void)field;
    (void)arena;
    *(bool *)target = json_is_true(value);
    return json_is_boolean(value) ? NULL : "must be true or false";
}

static const char *decode_bytes(json_t *value, const struct field *field, struct arena *arena,
                                void *target)
{
    (void)arena;
    if (!json_is_string(value))
        return "must be a string";
    return b64_decode(json_string_value(value), json_string_length(value), target,
                      (size_t)field->max)
               ? NULL
               : "must be base64url without padding, of the right length";
}

static const char *decode_fraction(json_t *value, const struct field *field, struct arena *arena,
                                   void *target)
{
    (void)field;
    (void)arena;
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= 1))
        return "must be a number from 0 to 1";
    *(uint8_t *)target = (uint8_t)ceil(number * 100 - ROUNDING_OF_HUNDREDTHS);
    return NULL;
}

static const char *decode_hundredths(json_t *value, const struct field *field, struct arena *arena,
                                     void *target)
{
    (void)field;
    (void)arena;
    if (!json_is_number(value))
        return "must be a number";
    double hundredths = json_number_value(value) * 100;
    double nearest = nearbyint(hundredths);
    if (!(hundredths >= 0 && hundredths <= 100) ||
        fabs(hundredths - nearest) > ROUNDING_OF_HUNDREDTHS)
        return "must be from 0 to 1, in steps of 0.01";
    *(uint8_t *)target = (uint8_t)nearest;
    return NULL;
}

static const char *decode_json(json_t *value, const struct field *field, struct arena *arena,
                               void *target)
{
    (void)field;
    (void)arena;
    *(json_t **)target = value;
    return NULL;
}

static const char *decode_list(json_t *value, const struct field *field, struct arena *arena,
                               void *target)
{
    (void)arena;
    *(json_t **)target = value;
    if (!json_is_array(value))
        return "must be an array";
    size_t size = json_array_size(value);
    return size >= field->min && size <= field->max ? NULL : "has too few or too many elements";
}

static const char *decode_text(json_t *value, const struct field *field, struct arena *arena,
                               void *target)
{
    if (!json_is_string(value))
        return "must be a string";
    size_t length = json_string_length(value);
    if (length < field->min || length > field->max)
        return "is too short or too long";
    if (memchr(json_string_value(value), '\0', length))
        return "must not contain U+0000";
    const char *copy = arena_copy(arena, json_string_value(value), length);
    *(const char **)target = copy;
    return copy ? NULL : "could not be kept";
}

static const char *decode_time(json_t *value, const struct field *field, struct arena *arena,
                               void *target)
{
    (void)field;
    (void)arena;
    bool good = json_is_string(value) &&
                clock_parse(json_string_value(value), json_string_length(value), target);
    return good ? NULL : "must be a time like 2026-01-02T03:04:05Z";
}

static const char *decode_unsigned(json_t *value, const struct field *field, struct arena *arena,
                                   void *target)
{
    (void)arena;
    if (!json_is_integer(value))
        return "must be an integer";
    json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number < field->min || (uint64_t)number > field->max)
        return "is out of range";
    *(uint32_t *)target = (uint32_t)number;
    return NULL;
}

static const char *decode_view(json_t *value, const struct field *field, struct arena *arena,
                               void *target)
{
    (void)field;
    (void)arena;
    if (!json_is_string(value))
        return "must be a string";
    *(struct view *)target =
        (struct view){.bytes = json_string_value(value), .length = json_string_length(value)};
    return NULL;
}

static const char *(*const decoders[])(json_t *, const struct field *, struct arena *, void *) = {
    [FIELD_BOOLEAN] = decode_boolean,   [FIELD_BYTES] = decode_bytes,
    [FIELD_FRACTION] = decode_fraction, [FIELD_HUNDREDTHS] = decode_hundredths,
    [FIELD_JSON] = decode_json,         [FIELD_LIST] = decode_list,
    [FIELD_TEXT] = decode_text,         [FIELD_TIME] = decode_time,
    [FIELD_UNSIGNED] = decode_unsigned, [FIELD_VIEW] = decode_view,
};

/* Appends "/name" to `pointer`, with ~ and / escaped (RFC 6901). Too long a name is cut: it is only
 * shown. */
static void pointer_extend(char ret[POINTER_LENGTH_MAX], const char *pointer, const char *name)
{
    int written = snprintf(ret, POINTER_LENGTH_MAX, "%s/", pointer);
    size_t length = written < POINTER_LENGTH_MAX ? (size_t)written : POINTER_LENGTH_MAX - 1;
    for (; *name && length + 3 < POINTER_LENGTH_MAX; name++) {
        bool escape = *name == '~' || *name == '/';
        ret[length++] = escape ? '~' : *name;
        if (escape)
            ret[length++] = *name == '~' ? '0' : '1';
    }
    while (length > 0 && *name && ((unsigned char)ret[length - 1] & 0x80))
        length--; /* do not end in the middle of a character */
    ret[length] = '\0';
}

static void find_unknown(json_t *object, const char *pointer, const struct field *fields,
                         size_t count, struct findings *findings)
{
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value) {
        if (json_array_size(findings->errors) >= FINDINGS_MAX)
            return;
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, name) != 0)
            i++;
        char where[POINTER_LENGTH_MAX];
        pointer_extend(where, pointer, name);
        if (i == count)
            findings_add(findings, where, "is not known here");
    }
}

bool json_decode(json_t *object, const char *pointer, const struct field *fields, size_t count,
                 struct arena *arena, void *target, struct findings *findings)
{
    if (!json_is_object(object)) {
        findings_add(findings, pointer, "must be an object");
        return false;
    }
    bool good = true;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        json_t *value = json_object_get(object, field->name);
        const char *wrong = NULL;
        if (value)
            wrong = decoders[field->type](value, field, arena, (char *)target + field->offset);
        else if (field->presence == REQUIRED)
            wrong = "is missing";
        found += value != NULL;
        if (!wrong)
            continue;
        char where[POINTER_LENGTH_MAX];
        pointer_extend(where, pointer, field->name);
        findings_add(findings, where, "%s", wrong);
        good = false;
    }
    if (found == json_object_size(object))
        return good;
    find_unknown(object, pointer, fields, count, findings);
    return false;
}

json_t *json_credits(struct credits credits)
{
    if (credits.milli % 1000 == 0)
        return json_integer(credits.milli / 1000);
    return json_real((double)credits.milli / 1000);
}

json_t *json_hundredths(unsigned hundredths)
{
    return json_real((double)hundredths / 100);
}

json_t *json_b64(const void *bytes, size_t length)
{
    _cleanup_(free_pointer) char *text = malloc(B64_LENGTH(length) + 1);
    if (!text)
        return NULL;
    b64_encode(bytes, length, text);
    return json_stringn_nocheck(text, B64_LENGTH(length));
}

json_t *json_time(int64_t time_s)
{
    char text[CLOCK_TEXT_LENGTH + 1];
    clock_format(time_s, text);
    return json_string(text);
}
