/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "http/problem.h"

/* Compares with JSON text. */
static void assert_document(json_t *document, const char *text)
{
    json_t *wanted = json_loads(text, 0, NULL);
    assert_non_null(wanted);
    assert_non_null(document);
    assert_true(json_equal(document, wanted));
    json_decref(wanted);
    json_decref(document);
}

static void a_problem_says_what_its_fault_is(void **state)
{
    (void)state;
    assert_document(
        problem_document(FAULT_NOT_FOUND, NULL, NULL),
        "{\"type\": \"urn:continuum:problem:not-found\", \"title\": \"No such resource\","
        " \"status\": 404, \"code\": \"not-found\", \"detail\": \"No such resource\"}");
}

static void detail_and_members_are_added_and_replace_nothing(void **state)
{
    (void)state;
    struct why why = {.text = "the balance is 1.5"};
    json_t *members = json_pack("{s:f, s:i, s:s}", "balance", 1.5, "status", 200, "code", "fine");
    assert_document(problem_document(FAULT_INSUFFICIENT_CREDITS, &why, members),
                    "{\"type\": \"urn:continuum:problem:insufficient-credits\","
                    " \"title\": \"Not enough credits\", \"status\": 402,"
                    " \"code\": \"insufficient-credits\", \"detail\": \"the balance is 1.5\","
                    " \"balance\": 1.5}");
}

static void a_detail_that_is_not_utf8_is_left_out(void **state)
{
    (void)state;
    struct why why = {.text = "cut in a letter \xc3"};
    assert_document(problem_document(FAULT_STARTING, &why, NULL),
                    "{\"type\": \"urn:continuum:problem:starting\", \"title\":"
                    " \"This server is loading\", \"status\": 503, \"code\": \"starting\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_says_what_its_fault_is),
        cmocka_unit_test(detail_and_members_are_added_and_replace_nothing),
        cmocka_unit_test(a_detail_that_is_not_utf8_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
