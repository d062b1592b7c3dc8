/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/protocol_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/cleanup.h"

static const char path[] = "tests/data/vectors.json";

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

static size_t line_of(const char *text, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

static void the_committed_vectors_are_what_this_code_makes(void **state)
{
    (void)state;
    _cleanup_(free_pointer) char *made = protocol_vectors_text();
    _cleanup_(file_close) FILE *file = fopen(path, "re");
    assert_non_null(made);
    assert_non_null(file);
    size_t length = strlen(made);
    _cleanup_(free_pointer) char *committed = calloc(1, length + 3);
    assert_int_equal(fread(committed, 1, length + 2, file), length + 1);
    for (size_t i = 0; i < length; i++)
        if (committed[i] != made[i])
            fail_msg("%s:%zu differs from what `make vectors` prints", path, line_of(made, i));
    assert_string_equal(committed + length, "\n");
}

static void the_vectors_are_the_same_each_time(void **state)
{
    (void)state;
    _cleanup_(free_pointer) char *first = protocol_vectors_text();
    _cleanup_(free_pointer) char *second = protocol_vectors_text();
    assert_string_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_vectors_are_what_this_code_makes),
        cmocka_unit_test(the_vectors_are_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
