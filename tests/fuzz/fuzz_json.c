/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"
#include "fuzz/fuzz.h"
#include "fuzz/utf8.h"
#include "util/clock.h"

/* The input: how deep it may be nested; then a JSON text, decoded by a table with every type. */

struct body {
    bool boolean;
    uint8_t bytes[16], fraction, hundredths;
    json_t *json, *list;
    const char *text;
    int64_t time_s;
    uint32_t number;
    struct view view;
};

enum { TEXT_MAX = 8, LIST_MAX = 3, NUMBER_MIN = 5, NUMBER_MAX = 500 };

#define BODY(member) offsetof(struct body, member)
static const struct field fields[] = {
    {"boolean", FIELD_BOOLEAN, OPTIONAL, BODY(boolean), 0, 0},
    {"bytes", FIELD_BYTES, OPTIONAL, BODY(bytes), 0, 16},
    {"fraction", FIELD_FRACTION, OPTIONAL, BODY(fraction), 0, 0},
    {"hundredths", FIELD_HUNDREDTHS, OPTIONAL, BODY(hundredths), 0, 0},
    {"json", FIELD_JSON, OPTIONAL, BODY(json), 0, 0},
    {"list", FIELD_LIST, OPTIONAL, BODY(list), 1, LIST_MAX},
    {"number", FIELD_UNSIGNED, REQUIRED, BODY(number), NUMBER_MIN, NUMBER_MAX},
    {"text", FIELD_TEXT, OPTIONAL, BODY(text), 2, TEXT_MAX},
    {"time", FIELD_TIME, OPTIONAL, BODY(time_s), 0, 0},
    {"view", FIELD_VIEW, OPTIONAL, BODY(view), 0, 0},
};

/* How deep the brackets outside of strings are nested. */
static unsigned text_depth(const char *text, size_t length)
{
    unsigned depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && strchr("[{", text[i]) && text[i])
            deepest = ++depth > deepest ? depth : deepest;
        else if (!in_string && strchr("]}", text[i]) && text[i])
            depth--;
    }
    return deepest;
}

static void body_check(const struct body *body, json_t *root)
{
    PROPERTY(body->number >= NUMBER_MIN && body->number <= NUMBER_MAX);
    PROPERTY(body->hundredths <= 100 && body->fraction <= 100);
    PROPERTY(!body->list ||
             (json_array_size(body->list) >= 1 && json_array_size(body->list) <= LIST_MAX));
    PROPERTY(!body->text || (strlen(body->text) >= 2 && strlen(body->text) <= TEXT_MAX));
    PROPERTY(!body->view.bytes || body->view.bytes[body->view.length] == '\0');
    json_t *number = json_object_get(root, "number"), *time = json_object_get(root, "time");
    PROPERTY(json_integer_value(number) == body->number);
    if (!time)
        return;
    json_t *again = json_time(body->time_s);
    PROPERTY(json_equal(again, time));
    json_decref(again);
}

/* What is wrong, an answer can show: pointers and sentences in UTF-8. */
static void findings_check(const struct findings *findings)
{
    size_t index;
    json_t *error;
    PROPERTY(json_array_size(findings->errors) >= 1 && json_array_size(findings->errors) <= 16);
    PROPERTY(findings->first.text[0] != '\0' &&
             text_is_utf8(findings->first.text, strlen(findings->first.text)));
    json_array_foreach (findings->errors, index, error) {
        const char *pointer = json_string_value(json_object_get(error, "pointer"));
        const char *detail = json_string_value(json_object_get(error, "detail"));
        PROPERTY(pointer && (!*pointer || *pointer == '/') && detail && *detail);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    unsigned depth = input_byte(&input) % 10;
    const char *text = (const char *)input.bytes;
    struct body body = {0};
    struct arena arena = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    enum fault fault = json_parse(text, input.length, depth, &root, &findings);
    if (fault) {
        PROPERTY((fault == FAULT_MALFORMED_JSON || fault == FAULT_INVALID_REQUEST) && !root);
        PROPERTY(findings.first.text[0] != '\0');
        PROPERTY(text_is_utf8(findings.first.text, strlen(findings.first.text)));
        PROPERTY((fault == FAULT_INVALID_REQUEST) == (findings.errors != NULL));
        findings_done(&findings);
        return 0;
    }
    PROPERTY(text_is_utf8(text, input.length) && text_depth(text, input.length) <= depth);
    if (json_decode(root, "", fields, sizeof fields / sizeof *fields, &arena, &body, &findings)) {
        PROPERTY(findings.errors == NULL);
        body_check(&body, root);
    } else {
        findings_check(&findings);
    }
    findings_done(&findings);
    json_decref(root);
    arena_done(&arena);
    return 0;
}
