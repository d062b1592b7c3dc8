/* SPDX-License-Identifier: Apache-2.0 */
#include "client/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static enum fault fault_of(long status, const char *code, const char *detail, struct why *why)
{
    json_t *document =
        json_pack("{s:s, s:s, s:s}", "code", code, "title", "A title", "detail", detail);
    enum fault fault = problem_fault(status, document, why);
    json_decref(document);
    return fault;
}

static void every_code_of_the_table_becomes_its_fault(void **state)
{
    (void)state;
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        assert_int_equal(fault_of((long)fault_http_status(fault), fault_code(fault), "x", NULL),
                         fault);
}

static void an_unknown_code_falls_back_on_its_class(void **state)
{
    (void)state;
    assert_int_equal(fault_of(401, "of-tomorrow", "x", NULL), FAULT_TOKEN_INVALID);
    assert_int_equal(fault_of(404, "of-tomorrow", "x", NULL), FAULT_NOT_FOUND);
    assert_int_equal(fault_of(422, "of-tomorrow", "x", NULL), FAULT_INVALID_REQUEST);
    assert_int_equal(fault_of(429, "of-tomorrow", "x", NULL), FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(fault_of(500, "of-tomorrow", "x", NULL), FAULT_INTERNAL);
    assert_int_equal(fault_of(503, "of-tomorrow", "x", NULL), FAULT_OVERLOADED);
}

static void the_sentence_says_what_and_what_next(void **state)
{
    (void)state;
    struct why why = {0};
    fault_of(402, "insufficient-credits", "the balance is 0 and the cost 1", &why);
    assert_string_equal(why.text, "the balance is 0 and the cost 1. Contribute or verify patterns "
                                  "to earn more.");
    fault_of(401, "timestamp-stale", "Too old.", &why);
    assert_string_equal(why.text, "Too old. Set this computer's clock.");
    fault_of(422, "of-tomorrow", "", &why);
    assert_string_equal(why.text, "A title.");
}

static void a_hostile_detail_is_tamed(void **state)
{
    (void)state;
    char detail[2000];
    struct why why = {0};
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    memcpy(detail, "\x1b]0;", 4);
    fault_of(422, "invalid-request", detail, &why);
    assert_null(strchr(why.text, '\x1b'));
    assert_true(strlen(why.text) < 200);
}

static void answers_without_a_problem_document_still_make_a_sentence(void **state)
{
    (void)state;
    struct why why = {0};
    assert_int_equal(problem_fault(502, NULL, &why), FAULT_INTERNAL);
    assert_non_null(strstr(why.text, "502"));
    assert_int_equal(problem_fault(404, NULL, &why), FAULT_NOT_FOUND);
    assert_int_equal(problem_fault(302, NULL, &why), FAULT_INVALID_REQUEST);
    assert_non_null(strstr(why.text, "redirects"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_table_becomes_its_fault),
        cmocka_unit_test(an_unknown_code_falls_back_on_its_class),
        cmocka_unit_test(the_sentence_says_what_and_what_next),
        cmocka_unit_test(a_hostile_detail_is_tamed),
        cmocka_unit_test(answers_without_a_problem_document_still_make_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
