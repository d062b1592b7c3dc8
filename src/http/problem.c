/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What there is to say beyond the title; never nothing. */
static const char *problem_detail(enum fault fault, const struct why *why)
{
    return why && why->text[0] ? why->text : fault_title(fault);
}

json_t *problem_document(enum fault fault, const struct why *why, json_t *members)
{
    json_t *document = json_pack("{s:o, s:s, s:i, s:s}", "type",
                                 json_sprintf("urn:continuum:problem:%s", fault_code(fault)),
                                 "title", fault_title(fault), "status",
                                 (int)fault_http_status(fault), "code", fault_code(fault));
    /* A detail that is not UTF-8, or members that find no memory, are better left out than the
     * answer. */
    if (document)
        json_object_set_new(document, "detail", json_string(problem_detail(fault, why)));
    if (document && members)
        json_object_update_missing(document, members);
    json_decref(members);
    return document;
}

struct text {
    char *bytes;
    size_t length, capacity;
};

static int text_append(const char *bytes, size_t length, void *userdata)
{
    struct text *text = userdata;
    if (length > text->capacity - text->length) {
        size_t capacity = 2 * text->capacity + length + 256;
        char *grown = realloc(text->bytes, capacity);
        if (!grown)
            return -1;
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    return 0;
}

char *document_text(json_t *document, size_t *ret_length)
{
    struct text text = {0};
    /* 15 digits show every amount as it was meant: 0.1, not 0.10000000000000001. */
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
    bool done = document && json_dump_callback(document, text_append, &text, flags) == 0;
    json_decref(document);
    if (!done) {
        free(text.bytes);
        return NULL;
    }
    *ret_length = text.length;
    return text.bytes;
}
