/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "util/clock.h"

static int saved_stderr = -1, captured = -1;

static void capture(void)
{
    saved_stderr = dup(STDERR_FILENO);
    captured = memfd_create("log", MFD_CLOEXEC);
    dup2(captured, STDERR_FILENO);
}

/* What was written to standard error since capture(). */
static const char *captured_text(void)
{
    static char text[4096];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t length = pread(captured, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    close(captured);
    return text;
}

static void a_line_has_a_time_a_level_and_the_message(void **state)
{
    (void)state;
    int64_t time_s = 0;
    capture();
    log_init(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "listening on %s port %d", "::1", 8080);
    const char *text = captured_text();
    assert_true(clock_parse(text, CLOCK_TEXT_LENGTH, &time_s));
    assert_string_equal(text + CLOCK_TEXT_LENGTH, " info: listening on ::1 port 8080\n");
}

static void messages_below_the_level_are_not_written(void **state)
{
    (void)state;
    capture();
    log_init(LOG_LEVEL_WARNING);
    log_write(LOG_LEVEL_DEBUG, "d");
    log_write(LOG_LEVEL_INFO, "i");
    assert_string_equal(captured_text(), "");
    capture();
    log_write(LOG_LEVEL_WARNING, "w");
    log_write(LOG_LEVEL_ERROR, "e");
    const char *text = captured_text();
    assert_non_null(strstr(text, " warning: w\n"));
    assert_non_null(strstr(text, " error: e\n"));
}

static void the_journal_gets_priorities_instead(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    capture();
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_LEVEL_DEBUG);
    log_write(LOG_LEVEL_ERROR, "e");
    log_write(LOG_LEVEL_WARNING, "w");
    log_write(LOG_LEVEL_INFO, "i");
    log_write(LOG_LEVEL_DEBUG, "d");
    assert_string_equal(captured_text(), "<3>e\n<4>w\n<6>i\n<7>d\n");
}

static void a_redirected_standard_error_is_not_the_journal(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:1", 1);
    capture();
    log_init(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "i");
    assert_non_null(strstr(captured_text(), " info: i\n"));
    unsetenv("JOURNAL_STREAM");
}

static void data_cannot_begin_a_line_or_steer_a_terminal(void **state)
{
    (void)state;
    capture();
    log_init(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "%s", "a\n<0>b\r\x1b[2J\x7f\xc2\x9b");
    assert_non_null(strstr(captured_text(), " info: a\\x0a<0>b\\x0d\\x1b[2J\\x7f\\xc2\\x9b\n"));
}

static void a_message_that_is_too_long_is_cut_and_still_one_line(void **state)
{
    (void)state;
    char message[3000];
    memset(message, '\n', sizeof message);
    message[sizeof message - 1] = '\0';
    capture();
    log_init(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "%s", message);
    const char *text = captured_text();
    assert_in_range(strlen(text), 1000, 1024);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void text_is_escaped_and_cut_between_characters(void **state)
{
    (void)state;
    char out[9];
    assert_int_equal(log_escape("caf\xc3\xa9", out, sizeof out), 5);
    assert_string_equal(out, "caf\xc3\xa9");
    assert_int_equal(log_escape("12345678", out, sizeof out), 8);
    assert_string_equal(out, "12345678");
    assert_int_equal(log_escape("1234\n", out, sizeof out), 8);
    assert_string_equal(out, "1234\\x0a");
    assert_int_equal(log_escape("12345\n", out, sizeof out), 5);
    assert_string_equal(out, "12345");
    assert_int_equal(log_escape("x", out, 1), 0);
    assert_string_equal(out, "");
    assert_int_equal(log_escape("\xc2", out, sizeof out), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_a_time_a_level_and_the_message),
        cmocka_unit_test(messages_below_the_level_are_not_written),
        cmocka_unit_test(the_journal_gets_priorities_instead),
        cmocka_unit_test(a_redirected_standard_error_is_not_the_journal),
        cmocka_unit_test(data_cannot_begin_a_line_or_steer_a_terminal),
        cmocka_unit_test(a_message_that_is_too_long_is_cut_and_still_one_line),
        cmocka_unit_test(text_is_escaped_and_cut_between_characters),
    };
    unsetenv("JOURNAL_STREAM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
