/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_JSON_H
#define CONTINUUM_API_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/credits.h"
#include "util/fault.h"

/*
 * Request bodies, parsed by a declarative table:
 *
 *     static const struct field fields[] = {
 *         {"epoch", FIELD_UNSIGNED, REQUIRED, offsetof(struct body, epoch), 1, UINT32_MAX},
 *         ...
 *     };
 */
enum field_type {
    FIELD_BOOLEAN,    /* bool */
    FIELD_BYTES,      /* B64 of exactly `max` bytes, into uint8_t[max] */
    FIELD_FRACTION,   /* number 0 to 1, into uint8_t: hundredths, rounded up */
    FIELD_HUNDREDTHS, /* number 0 to 1 in steps of 0.01, into uint8_t */
    FIELD_JSON,       /* anything, into json_t * (borrowed) */
    FIELD_LIST,       /* array of `min` to `max` elements, into json_t * (borrowed) */
    FIELD_TEXT,       /* string of `min` to `max` bytes, into const char * (the arena's) */
    FIELD_TIME,       /* "YYYY-MM-DDTHH:MM:SSZ", into int64_t */
    FIELD_UNSIGNED,   /* integer `min` to `max`, into uint32_t */
    FIELD_VIEW,       /* string of any length, into struct view (borrowed) */
};

enum presence { OPTIONAL, REQUIRED };

struct field {
    const char *name;
    enum field_type type;
    enum presence presence;
    size_t offset; /* of the member of the struct that is filled in; an absent optional leaves it
                      alone */
    uint64_t min, max;
};

/* A string of a JSON document, as long as the document lives. */
struct view {
    const char *bytes;
    size_t length;
};

/* What is wrong with a body, so far: an array of {pointer, detail}, at most a handful. */
struct findings {
    json_t *errors; /* NULL: nothing */
    struct why first;
};

/* Notes an error at JSON pointer `pointer` (RFC 6901). */
void findings_add(struct findings *findings, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void findings_done(struct findings *findings);

/*
 * Parses one JSON text; `findings` says what is wrong with it.
 * FAULT_MALFORMED_JSON: its syntax, a duplicate member, invalid UTF-8, deeper than `max_depth`.
 * FAULT_INVALID_REQUEST: a number that nothing here could hold, or too many elements. FAULT_MEMORY.
 */
enum fault json_parse(const char *text, size_t length, unsigned max_depth, json_t **ret,
                      struct findings *findings);

/*
 * Reads the members of `object` into `target`. `pointer` is the object's own ("" for the root,
 * "/patterns/3"). Everything that is wrong (a type, a range, a missing or unknown member) goes to
 * `findings`; false if there was any.
 */
bool json_decode(json_t *object, const char *pointer, const struct field *fields, size_t count,
                 struct arena *arena, void *target, struct findings *findings);

/* For handlers: 1.5 -> 1.5, 2.0 -> 2, at most three decimals. */
json_t *json_credits(struct credits credits);
/* Hundredths: 91 -> 0.91. */
json_t *json_hundredths(unsigned hundredths);
/* B64. */
json_t *json_b64(const void *bytes, size_t length);
/* YYYY-MM-DDTHH:MM:SSZ */
json_t *json_time(int64_t time_s);

#endif
