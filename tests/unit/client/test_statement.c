/* SPDX-License-Identifier: Apache-2.0 */
#include "client/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_statement(const char *line, const char *text, double confidence)
{
    struct continuum_statement statement;
    statement_parse(line, strlen(line), &statement);
    assert_int_equal(statement.text_length, strlen(text));
    assert_memory_equal(statement.text, text, strlen(text));
    assert_float_equal(statement.confidence, confidence, 1e-9);
}

static void a_line_is_text_and_perhaps_a_confidence(void **state)
{
    (void)state;
    assert_statement("pool deadlock", "pool deadlock", 0.8);
    assert_statement("pool deadlock\r", "pool deadlock", 0.8);
    assert_statement("pool deadlock\t0.35", "pool deadlock", 0.35);
    assert_statement("pool deadlock\t1\r", "pool deadlock", 1);
    assert_statement("pool\tdeadlock\t0", "pool\tdeadlock", 0);
}

static void what_is_no_confidence_is_marked(void **state)
{
    (void)state;
    static const char *const lines[] = {"pool\t",     "pool\thigh",         "pool\t1.1",
                                        "pool\t-0.5", "pool\tnan",          "pool\t1e-1",
                                        "pool\t0.5 ", "pool\t0.12345678901"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_statement(lines[i], "pool", -1);
}

static void confidence_is_rounded_to_the_steps_of_the_mode(void **state)
{
    (void)state;
    assert_float_equal(confidence_round(0.8649, "open"), 0.86, 0);
    assert_float_equal(confidence_round(0.8649, "balanced"), 0.9, 0);
    assert_float_equal(confidence_round(0.84, "high"), 0.8, 0);
    assert_float_equal(confidence_round(1, "high"), 1, 0);
    assert_float_equal(confidence_round(0.04, "balanced"), 0, 0);
    assert_float_equal(confidence_round(0.84, "a mode of tomorrow"), 0.8, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_text_and_perhaps_a_confidence),
        cmocka_unit_test(what_is_no_confidence_is_marked),
        cmocka_unit_test(confidence_is_rounded_to_the_steps_of_the_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
