/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/log.h"
#include "daemon/options.h"

enum { WORDS_MAX = 16 };

static char file_path[] = "/tmp/continuum-test-XXXXXX";

/* What one test gives to configuration_load; lists end in NULL. */
struct input {
    const char *file;   /* contents, NULL: no file */
    size_t file_length; /* 0: up to the NUL */
    const char *environment[WORDS_MAX];
    const char *arguments[WORDS_MAX];
};

static enum fault load(const struct input *input, struct configuration *ret, struct why *why)
{
    const char *argv[WORDS_MAX + 4] = {"continuum-coordinatord"};
    int argc = 1;
    if (input->file) {
        FILE *file = fopen(file_path, "we");
        size_t length = input->file_length ? input->file_length : strlen(input->file);
        assert_int_equal(fwrite(input->file, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
        argv[argc++] = "--config";
        argv[argc++] = file_path;
    }
    for (size_t i = 0; input->arguments[i]; i++)
        argv[argc++] = input->arguments[i];
    *ret = (struct configuration){.port = 99};
    *why = (struct why){""};
    return configuration_load(argc, (char *const *)(uintptr_t)argv,
                              (char *const *)(uintptr_t)input->environment, ret, why);
}

static void assert_refused(const struct input *input, const char *message)
{
    struct configuration configuration;
    struct why why;
    char expected[sizeof why.text];
    if (load(input, &configuration, &why) != FAULT_CONFIGURATION)
        fail_msg("not refused: %s", message);
    assert_int_equal(configuration.port, 99);
    /* FILE stands for the path of the file. */
    if (strncmp(message, "FILE", 4) == 0)
        snprintf(expected, sizeof expected, "%s%s", file_path, message + 4);
    else
        snprintf(expected, sizeof expected, "%s", message);
    assert_string_equal(why.text, expected);
}

static void without_any_word_the_defaults_hold(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    assert_int_equal(load(&(struct input){0}, &c, &why), FAULT_NONE);
    assert_int_equal(c.action, ACTION_RUN);
    assert_string_equal(c.listen_address, "127.0.0.1");
    assert_string_equal(c.storage_path, "./federation_db");
    assert_string_equal(c.settings.key_check, "");
    assert_int_equal(c.port, 8080);
    assert_int_equal(c.workers, 0);
    assert_int_equal(c.log_level, LOG_LEVEL_INFO);
    assert_true(c.settings.require_contribution);
    assert_int_equal(c.settings.min_contributors, 3);
    assert_int_equal(c.settings.token_bits, 32);
    assert_int_equal(c.settings.price_verify.milli, 500);
    assert_int_equal(c.settings.price_download.milli, 10000);
    assert_int_equal(c.settings.credit_on, CREDIT_ON_ACCEPT);
    assert_int_equal(c.settings.level_max_records[LEVEL_STANDARD], 100);
    assert_int_equal(c.settings.level_max_results[LEVEL_MINIMAL], 10);
    assert_int_equal(c.settings.level_min_weekly[LEVEL_EXTENSIVE], 200);
    assert_int_equal(c.settings.high_confidence, 90);
    assert_int_equal(c.server.limits.max_body_bytes, 4194304);
    assert_string_equal(c.server.trusted_proxies, "");
    configuration_done(&c);
}

static void the_file_yields_to_the_environment_and_that_to_the_command_line(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    struct input input = {.file = "port = 1\nworkers = 1\nmin_contributors = 4\n"};
    assert_int_equal(load(&input, &c, &why), FAULT_NONE);
    assert_int_equal(c.port, 1);
    configuration_done(&c);

    input.environment[0] = "CONTINUUM_PORT=2";
    input.environment[1] = "CONTINUUM_WORKERS=2";
    input.arguments[0] = "--port=3";
    assert_int_equal(load(&input, &c, &why), FAULT_NONE);
    assert_int_equal(c.port, 3);
    assert_int_equal(c.workers, 2);
    assert_int_equal(c.settings.min_contributors, 4);
    configuration_done(&c);
}

/* Points of both groups, as tests of the protocol have them. */
#define PUBLIC_KEY "faG-E5sfiK9QtDT60PvMbJdpCHd0wcq6TxuvVj-vAPE"
#define POINT      "3G6ecdV2YDjSPxgvCN6wTjQExe-FVmSjY1SkfeGeHyg"

/* A value that is allowed and not the default. */
static const char *other_value(const struct option *option)
{
    static char number[16];
    switch (option->type) {
    case OPTION_ADDRESS:
    case OPTION_ADDRESSES:
        return "::1";
    case OPTION_B64:
        return option->max == 8 ? "AAAAAAAAAAA" : PUBLIC_KEY;
    case OPTION_BOOLEAN:
        return "false";
    case OPTION_CHOICE:
        return strcmp(option->choices[0], option->fallback) == 0 ? option->choices[1]
                                                                 : option->choices[0];
    case OPTION_CREDITS:
        return "7.125";
    case OPTION_HUNDREDTHS:
        return "0.25";
    case OPTION_TEXT:
        return "another value";
    case OPTION_NUMBER:
        snprintf(number, sizeof number, "%u",
                 strtoul(option->fallback, NULL, 10) == option->max ? option->min : option->max);
        return number;
    }
    return NULL;
}

static bool field_is(const struct option *option, const struct configuration *configuration,
                     const char *text)
{
    const void *field = (const char *)configuration + option->offset;
    switch (option->type) {
    case OPTION_ADDRESS:
    case OPTION_ADDRESSES:
    case OPTION_B64:
    case OPTION_TEXT:
        return strcmp(*(const char *const *)field, text) == 0;
    case OPTION_BOOLEAN:
        return *(const bool *)field == (strcmp(text, "true") == 0);
    case OPTION_CHOICE:
        return strcmp(option->choices[*(const uint32_t *)field], text) == 0;
    case OPTION_CREDITS:
        return ((const struct credits *)field)->milli == 7125;
    case OPTION_HUNDREDTHS:
        return *(const uint32_t *)field == 25;
    case OPTION_NUMBER:
        return *(const uint32_t *)field == strtoul(text, NULL, 10);
    }
    return false;
}

/* Loads `input`, and asserts that exactly `option` has another value than its default. */
static void assert_sets_alone(const struct input *input, const struct option *option)
{
    struct configuration c;
    struct why why;
    if (load(input, &c, &why) != FAULT_NONE)
        fail_msg("%s: %s", option->name, why.text);
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        bool is_other = field_is(&options[i], &c, other_value(&options[i]));
        if (is_other != (&options[i] == option))
            fail_msg("setting %s, looking at %s", option->name, options[i].name);
    }
    configuration_done(&c);
}

static void every_option_can_be_set_in_all_three_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        char line[160], variable[160] = "CONTINUUM_", flag[160] = "--";
        const char *name = options[i].name, *value = other_value(&options[i]);
        snprintf(line, sizeof line, "%s = %s\n", name, value);
        size_t length = strlen(name);
        for (size_t j = 0; j <= length; j++) {
            variable[10 + j] = (char)(name[j] >= 'a' && name[j] <= 'z' ? name[j] - 32 : name[j]);
            flag[2 + j] = name[j] == '_' ? '-' : name[j];
        }
        snprintf(variable + 10 + length, sizeof variable - 10 - length, "=%s", value);
        snprintf(flag + 2 + length, sizeof flag - 2 - length, "=%s", value);
        assert_sets_alone(&(struct input){.file = line}, &options[i]);
        assert_sets_alone(&(struct input){.environment = {variable}}, &options[i]);
        assert_sets_alone(&(struct input){.arguments = {flag}}, &options[i]);
        if (options[i].type == OPTION_BOOLEAN)
            continue;
        flag[2 + length] = '\0';
        assert_sets_alone(&(struct input){.arguments = {flag, other_value(&options[i])}},
                          &options[i]);
    }
}

static void a_boolean_argument_alone_means_true(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    struct input input = {.file = "require_contribution = no\n",
                          .arguments = {"--require-contribution", "--port", "5"}};
    assert_int_equal(load(&input, &c, &why), FAULT_NONE);
    assert_true(c.settings.require_contribution);
    assert_int_equal(c.port, 5);
    configuration_done(&c);
}

static void comments_blanks_indentation_and_carriage_returns_are_accepted(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    struct input input = {.file = "# a comment\n; another\n\n   port   =   7   \r\n\tworkers=2\n"
                                  "name = A = B # C ; the rest is a comment\ndescription ="};
    assert_int_equal(load(&input, &c, &why), FAULT_NONE);
    assert_int_equal(c.port, 7);
    assert_int_equal(c.workers, 2);
    assert_string_equal(c.settings.name, "A = B # C");
    assert_string_equal(c.settings.description, "");
    configuration_done(&c);
}

static void an_empty_file_is_valid(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    assert_int_equal(load(&(struct input){.file = ""}, &c, &why), FAULT_NONE);
    configuration_done(&c);
}

static void errors_in_the_file_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *file, *message;
    } cases[] = {
        {"port = 1\n\ncolour = red\n", "FILE:3: unknown key colour: no option has this name"},
        {"Port = 1\n", "FILE:1: unknown key Port: no option has this name"},
        {"port = 1\nport = 1\n", "FILE:2: port was given before in this file"},
        {"port = 1\n  port = 2\n", "FILE:2: port was given before in this file"},
        {"# x\nport = 65536\n",
         "FILE:2: port must be a whole number between 0 and 65535, not \"65536\""},
        {"port = ten\n", "FILE:1: port must be a whole number between 0 and 65535, not \"ten\""},
        {"port =\n", "FILE:1: port must be a whole number between 0 and 65535, not \"\""},
        {"workers = 1\n[http]\nport = 1\n",
         "FILE:3: port is in section [http], but sections are not used"},
        {"port = 1\nworkers\n", "FILE:2: the line is neither a comment nor \"name = value\""},
        {"[http\n", "FILE:1: the line is neither a comment nor \"name = value\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(&(struct input){.file = cases[i].file}, cases[i].message);
}

static void a_line_that_would_be_cut_is_refused(void **state)
{
    (void)state;
    char line[600];
    struct configuration c;
    struct why why;
    memset(line, 'x', sizeof line);
    memcpy(line, "storage_path = ", 15);
    line[599] = '\0';
    assert_int_equal(load(&(struct input){.file = line}, &c, &why), FAULT_CONFIGURATION);
    assert_non_null(strstr(why.text, ":1: the line is longer than "));
    assert_refused(&(struct input){.file = "name = a\0b\n", .file_length = 11},
                   "FILE:1: the line contains a NUL byte");
}

static void the_longest_texts_fit_on_a_line(void **state)
{
    (void)state;
    char line[256] = "description = ";
    struct configuration c;
    struct why why;
    memset(line + strlen(line), 'x', 160);
    memcpy(line + 14 + 160, "\r\n", 2);
    assert_int_equal(load(&(struct input){.file = line}, &c, &why), FAULT_NONE);
    assert_int_equal(strlen(c.settings.description), 160);
    configuration_done(&c);
}

static void a_file_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_refused(&(struct input){.arguments = {"--config", "/nonexistent/x.conf"}},
                   "cannot open /nonexistent/x.conf: No such file or directory");
    assert_refused(&(struct input){.arguments = {"--config=/"}}, "cannot read /: Is a directory");
}

static void errors_in_the_environment_name_the_variable(void **state)
{
    (void)state;
    static const struct {
        const char *variables[3], *message;
    } cases[] = {
        {{"CONTINUUM_COLOUR=red"},
         "unknown environment variable CONTINUUM_COLOUR: no option has this name"},
        {{"CONTINUUM_port=1"},
         "unknown environment variable CONTINUUM_port: no option has this name"},
        {{"CONTINUUM_=1"}, "unknown environment variable CONTINUUM_: no option has this name"},
        {{"CONTINUUM_CONFIG=x"},
         "unknown environment variable CONTINUUM_CONFIG: no option has this name"},
        {{"CONTINUUM_PORT=x"},
         "CONTINUUM_PORT must be a whole number between 0 and 65535, not \"x\""},
        {{"CONTINUUM_PORT="},
         "CONTINUUM_PORT must be a whole number between 0 and 65535, not \"\""},
        {{"CONTINUUM_PORT=1", "CONTINUUM_PORT=1"}, "CONTINUUM_PORT is twice in the environment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct input input = {0};
        memcpy(input.environment, cases[i].variables, sizeof cases[i].variables);
        assert_refused(&input, cases[i].message);
    }
}

static void variables_of_others_are_left_alone(void **state)
{
    (void)state;
    struct configuration c;
    struct why why;
    struct input input = {.environment = {"PATH=/bin", "CONTINUUM_FED_URL=x", "XCONTINUUM_PORT=1",
                                          "continuum_port=1", "CONTINUUM=1", "PORT=3"}};
    assert_int_equal(load(&input, &c, &why), FAULT_NONE);
    assert_int_equal(c.port, 8080);
    configuration_done(&c);
}

static void errors_on_the_command_line_name_the_argument(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[4], *message;
    } cases[] = {
        {{"--colour", "red"}, "unknown option --colour (see --help)"},
        {{"--colour=red"}, "unknown option --colour (see --help)"},
        {{"--max_body_bytes=65536"}, "unknown option --max_body_bytes (see --help)"},
        {{"--"}, "unknown option -- (see --help)"},
        {{"--por", "1"}, "unknown option --por (see --help)"},
        {{"--help=1"}, "unknown option --help (see --help)"},
        {{"-p", "1"}, "unexpected argument \"-p\" (see --help)"},
        {{"8080"}, "there is no command \"8080\" (see --help)"},
        {{"ledger"}, "there is no command \"ledger\" (see --help)"},
        {{"ledger", "chekc"}, "there is no command \"ledger chekc\" (see --help)"},
        {{"ledger", "check", "twice"}, "unexpected argument \"twice\" (see --help)"},
        {{"--port=1", "ledger", "check"}, "unexpected argument \"ledger\" (see --help)"},
        {{"--format", "csv"}, "unknown option --format (see --help)"},
        {{"ledger", "check", "--format=csv"}, "unknown option --format (see --help)"},
        {{"ledger", "export", "--format"}, "--format needs a value"},
        {{"ledger", "export", "--format=xml"}, "ledger export has no format \"xml\" (see --help)"},
        {{"--without-erased"}, "unknown option --without-erased (see --help)"},
        {{"backup", "file", "--without-erased"}, "unknown option --without-erased (see --help)"},
        {{"restore", "file", "--without-erased=1"}, "unknown option --without-erased (see --help)"},
        {{"restore", "file", "--without-erased", "--without-erased"},
         "--without-erased was given twice"},
        {{"restore", "--without-erased"}, "restore needs FILE (see --help)"},
        {{"--port"}, "--port needs a value"},
        {{"--config"}, "--config needs a value"},
        {{"--port=1", "--port", "1"}, "--port was given twice"},
        {{"--config=a", "--config=b"}, "--config was given twice"},
        {{"--max-body-bytes", "1"},
         "--max-body-bytes must be a whole number between 65536 and 67108864, not \"1\""},
        {{"--require-contribution=maybe"},
         "--require-contribution must be true or false, not \"maybe\""},
        {{"--require-contribution", "false"}, "unexpected argument \"false\" (see --help)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct input input = {0};
        memcpy(input.arguments, cases[i].arguments, sizeof cases[i].arguments);
        assert_refused(&input, cases[i].message);
    }
}

static void the_words_of_a_command_stand_before_the_options(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[4], *command, *format;
        bool waives;
    } cases[] = {
        {{"--port=7"}, NULL, NULL, false},
        {{"ledger", "check", "--port=7"}, "ledger check", NULL, false},
        {{"ledger", "export", "--port=7"}, "ledger export", "journal", false},
        {{"ledger", "export", "--format=csv", "--port=7"}, "ledger export", "csv", false},
        {{"restore", "file", "--port=7"}, "restore", NULL, false},
        {{"restore", "--without-erased", "file", "--port=7"}, "restore", NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configuration c;
        struct why why;
        struct input input = {0};
        memcpy(input.arguments, cases[i].arguments, sizeof cases[i].arguments);
        assert_int_equal(load(&input, &c, &why), FAULT_NONE);
        assert_int_equal(c.action, ACTION_RUN);
        assert_int_equal(c.port, 7);
        assert_int_equal(!c.command, !cases[i].command);
        if (c.command)
            assert_string_equal(c.command->name, cases[i].command);
        assert_int_equal(!c.format, !cases[i].format);
        if (c.format)
            assert_string_equal(c.format, cases[i].format);
        assert_int_equal(c.waives, cases[i].waives);
        configuration_done(&c);
    }
}

static void actions_are_found_and_all_but_the_check_look_no_further(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        enum action action;
    } cases[] = {
        {"--check-config", ACTION_CHECK_CONFIG},
        {"--help", ACTION_HELP},
        {"--print-config", ACTION_PRINT_CONFIG},
        {"--version", ACTION_VERSION},
    };
    struct configuration c;
    struct why why;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct input input = {.arguments = {cases[i].argument}};
        assert_int_equal(load(&input, &c, &why), FAULT_NONE);
        assert_int_equal(c.action, cases[i].action);
        configuration_done(&c);
        input.environment[0] = "CONTINUUM_PORT=x";
        enum fault expected =
            cases[i].action == ACTION_CHECK_CONFIG ? FAULT_CONFIGURATION : FAULT_NONE;
        assert_int_equal(load(&input, &c, &why), expected);
    }
}

static void each_action_has_its_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        [ACTION_RUN] = "",
        [ACTION_CHECK_CONFIG] = "configuration is valid\n",
        [ACTION_HELP] = "Usage: continuum-coordinatord [COMMAND] [OPTION]...\n",
        [ACTION_PRINT_CONFIG] = "# SPDX-License-Identifier: Apache-2.0\n",
        [ACTION_VERSION] = "continuum-coordinatord 1.2.3\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        configuration_answer((enum action)i, "1.2.3", out);
        fclose(out);
        assert_memory_equal(text, answers[i], strlen(answers[i]));
        assert_int_equal(length == 0, i == ACTION_RUN);
        free(text);
    }
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_word_the_defaults_hold),
        cmocka_unit_test(the_file_yields_to_the_environment_and_that_to_the_command_line),
        cmocka_unit_test(every_option_can_be_set_in_all_three_ways),
        cmocka_unit_test(a_boolean_argument_alone_means_true),
        cmocka_unit_test(comments_blanks_indentation_and_carriage_returns_are_accepted),
        cmocka_unit_test(an_empty_file_is_valid),
        cmocka_unit_test(errors_in_the_file_name_file_and_line),
        cmocka_unit_test(a_line_that_would_be_cut_is_refused),
        cmocka_unit_test(the_longest_texts_fit_on_a_line),
        cmocka_unit_test(a_file_that_cannot_be_read_is_refused),
        cmocka_unit_test(errors_in_the_environment_name_the_variable),
        cmocka_unit_test(variables_of_others_are_left_alone),
        cmocka_unit_test(errors_on_the_command_line_name_the_argument),
        cmocka_unit_test(the_words_of_a_command_stand_before_the_options),
        cmocka_unit_test(actions_are_found_and_all_but_the_check_look_no_further),
        cmocka_unit_test(each_action_has_its_answer),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
