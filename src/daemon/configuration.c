/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/configuration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "daemon/commands.h"
#include "daemon/options.h"
#include "util/cleanup.h"

enum { NAME_SIZE = 64, WHERE_SIZE = 128 };

static const char environment_prefix[] = "CONTINUUM_", client_prefix[] = "CONTINUUM_FED_";

static const char *const usage[] = {
    "Usage: continuum-coordinatord [COMMAND] [OPTION]...",
    "",
    "The coordinator of a Continuum federation. An option may stand in the file of --config, as",
    "CONTINUUM_<NAME> in the environment, or on the command line; the later one wins.",
    "Without a command it serves. The commands:",
    "",
};

static const char *const actions_usage[] = {
    "  --config FILE",
    "        Read this file. Default: none.",
    "  --check-config",
    "        Say whether the configuration is valid, and exit.",
    "  --help",
    "        Print this text, and exit.",
    "  --print-config",
    "        Print a configuration file with every option at its default, and exit.",
    "  --version",
    "        Print the version, and exit.",
    "",
};

/* What the command line says, before it is applied. */
struct arguments {
    enum action action;
    const struct command_line *command; /* NULL: serve */
    const char *operands[OPERANDS_MAX];
    unsigned operand_count;
    const char *file;
    const char *format;
    bool waives;
    const char *values[OPTIONS_COUNT]; /* NULL: not given */
};

/* One configuration file while inih reads it. */
struct file_reader {
    FILE *file;
    const char *path;
    unsigned line;
    char *text; /* of the line */
    size_t text_size;
    bool seen[OPTIONS_COUNT];
    struct configuration *configuration;
    enum fault fault;
    struct why *why;
};

static void file_reader_done(struct file_reader *reader)
{
    if (reader->file)
        fclose(reader->file);
    free(reader->text);
}

/* '?' stands in no option's name. */
static char from_capitals(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c >= 'a' && c <= 'z' ? '?' : c;
}

static char from_dashes(char c)
{
    if (c == '-')
        return '_';
    return c == '_' ? '?' : c;
}

static const struct option *find_translated(const char *name, size_t length,
                                            char (*translate)(char))
{
    char translated[NAME_SIZE] = "";
    if (length >= sizeof translated)
        return NULL;
    for (size_t i = 0; i < length; i++)
        translated[i] = translate(name[i]);
    return options_find(translated);
}

/* --- the command line ------------------------------------------------------------------------ */

static bool action_find(const char *argument, enum action *ret)
{
    static const char *const names[] = {
        [ACTION_CHECK_CONFIG] = "--check-config",
        [ACTION_HELP] = "--help",
        [ACTION_PRINT_CONFIG] = "--print-config",
        [ACTION_VERSION] = "--version",
    };
    for (size_t i = ACTION_CHECK_CONFIG; i <= ACTION_VERSION; i++) {
        if (strcmp(argument, names[i]) == 0) {
            *ret = (enum action)i;
            return true;
        }
    }
    return false;
}

static bool action_looks_no_further(enum action action)
{
    return action != ACTION_RUN && action != ACTION_CHECK_CONFIG;
}

static bool is_named(const char *argument, int length, const char *name)
{
    return (size_t)length == strlen(name) && memcmp(argument, name, strlen(name)) == 0;
}

/* Where the value goes of an option that stands on the command line alone; NULL: it is none. */
static const char **argument_slot(const char *argument, int length, struct arguments *arguments)
{
    if (is_named(argument, length, "--config"))
        return &arguments->file;
    bool takes_format = arguments->command && arguments->command->formats;
    return takes_format && is_named(argument, length, "--format") ? &arguments->format : NULL;
}

static bool is_waiver(const char *argument, const struct command_line *command)
{
    return command && command->waiver && strcmp(argument, command->waiver) == 0;
}

static enum fault waiver_read(struct arguments *arguments, struct why *why)
{
    if (arguments->waives)
        return why_set(why, FAULT_CONFIGURATION, "%s was given twice", arguments->command->waiver);
    arguments->waives = true;
    return FAULT_NONE;
}

/* Reads the option at argv[*index], and moves *index to its last word. */
static enum fault argument_read(char *const *argv, int *index, struct arguments *arguments,
                                struct why *why)
{
    const char *argument = argv[*index];
    const struct command_line *command = arguments->command;
    bool is_operand = strncmp(argument, "--", 2) != 0;
    if (is_operand && command && arguments->operand_count < command->operand_count) {
        arguments->operands[arguments->operand_count++] = argument;
        return FAULT_NONE;
    }
    if (is_operand)
        return why_set(why, FAULT_CONFIGURATION, "unexpected argument \"%.60s\" (see --help)",
                       argument);
    if (is_waiver(argument, command))
        return waiver_read(arguments, why);
    int length = (int)strcspn(argument, "=");
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    const char **slot = argument_slot(argument, length, arguments);
    const struct option *option =
        slot ? NULL : find_translated(argument + 2, (size_t)length - 2, from_dashes);
    if (!slot && !option)
        return why_set(why, FAULT_CONFIGURATION, "unknown option %.*s (see --help)",
                       length < 60 ? length : 60, argument);
    if (!value && option && option->type == OPTION_BOOLEAN)
        value = "true";
    if (!value)
        value = argv[++*index];
    if (!value)
        return why_set(why, FAULT_CONFIGURATION, "%.*s needs a value", length, argument);
    if (option)
        slot = &arguments->values[option - options];
    if (*slot)
        return why_set(why, FAULT_CONFIGURATION, "%.*s was given twice", length, argument);
    *slot = value;
    return FAULT_NONE;
}

/* Reads the command at argv[1], if one is there, and moves *index behind it. */
static enum fault command_read(char *const *argv, int *index, struct arguments *arguments,
                               struct why *why)
{
    int words = 0;
    if (!argv[1] || argv[1][0] == '-')
        return FAULT_NONE;
    arguments->command = commands_find(argv + 1, &words);
    *index += words;
    if (arguments->command)
        return FAULT_NONE;
    bool has_more = argv[2] && argv[2][0] != '-';
    return why_set(why, FAULT_CONFIGURATION, "there is no command \"%.60s%s%.60s\" (see --help)",
                   argv[1], has_more ? " " : "", has_more ? argv[2] : "");
}

static enum fault operands_read(const struct arguments *arguments,
                                struct configuration *configuration, struct why *why)
{
    const struct command_line *command = arguments->command;
    if (command && arguments->operand_count < command->operand_count)
        return why_set(why, FAULT_CONFIGURATION, "%s needs %s (see --help)", command->name,
                       command->operands);
    memcpy(configuration->operands, arguments->operands, sizeof configuration->operands);
    return FAULT_NONE;
}

static enum fault format_read(const struct arguments *arguments, const char **ret, struct why *why)
{
    const struct command_line *command = arguments->command;
    if (!command || !command->formats)
        return FAULT_NONE;
    const char *wanted = arguments->format ? arguments->format : command->formats[0];
    const char *format = command_format_find(command, wanted);
    if (!format)
        return why_set(why, FAULT_CONFIGURATION, "%s has no format \"%.60s\" (see --help)",
                       command->name, wanted);
    *ret = format;
    return FAULT_NONE;
}

static enum fault arguments_read(int argc, char *const *argv, struct arguments *arguments,
                                 struct why *why)
{
    int first = 1;
    enum fault fault = command_read(argv, &first, arguments, why);
    for (int i = first; i < argc && !fault && !action_looks_no_further(arguments->action); i++) {
        if (!action_find(argv[i], &arguments->action))
            fault = argument_read(argv, &i, arguments, why);
    }
    return fault;
}

static enum fault arguments_apply(const struct arguments *arguments,
                                  struct configuration *configuration, struct why *why)
{
    char where[WHERE_SIZE];
    enum fault fault = FAULT_NONE;
    for (size_t i = 0; i < OPTIONS_COUNT && !fault; i++) {
        if (!arguments->values[i])
            continue;
        snprintf(where, sizeof where, "--%s", options[i].name);
        for (char *c = where; *c; c++)
            *c = *c == '_' ? '-' : *c;
        fault = option_set(&options[i], configuration, arguments->values[i], where, why);
    }
    return fault;
}

/* --- the environment ------------------------------------------------------------------------- */

static enum fault variable_apply(const char *variable, bool *seen,
                                 struct configuration *configuration, struct why *why)
{
    char where[WHERE_SIZE];
    size_t prefix = strlen(environment_prefix), length = strcspn(variable, "=");
    if (strncmp(variable, environment_prefix, prefix) != 0 ||
        strncmp(variable, client_prefix, strlen(client_prefix)) == 0)
        return FAULT_NONE;
    const struct option *option =
        find_translated(variable + prefix, length - prefix, from_capitals);
    snprintf(where, sizeof where, "%.*s", (int)length, variable);
    if (!option)
        return why_set(why, FAULT_CONFIGURATION,
                       "unknown environment variable %s: no option has this name", where);
    if (seen[option - options])
        return why_set(why, FAULT_CONFIGURATION, "%s is twice in the environment", where);
    seen[option - options] = true;
    const char *value = variable[length] == '=' ? variable + length + 1 : "";
    return option_set(option, configuration, value, where, why);
}

static enum fault environment_apply(char *const *environment, struct configuration *configuration,
                                    struct why *why)
{
    bool seen[OPTIONS_COUNT] = {false};
    enum fault fault = FAULT_NONE;
    for (; *environment && !fault; environment++)
        fault = variable_apply(*environment, seen, configuration, why);
    return fault;
}

/* --- the file -------------------------------------------------------------------------------- */

static void file_refuse(struct file_reader *reader, const char *what)
{
    reader->fault = why_set(reader->why, FAULT_CONFIGURATION, "%.100s:%u: %s", reader->path,
                            reader->line, what);
}

/*
 * Gives inih the next line, without its indentation (which would make it a continuation of the line
 * before). inih would cut a long line in two, and stop at a NUL: both are refused. NULL: no more,
 * or refused.
 */
static char *on_line(char *line, int size, void *stream)
{
    struct file_reader *reader = stream;
    if (reader->fault)
        return NULL;
    ssize_t length = getline(&reader->text, &reader->text_size, reader->file);
    if (length < 0)
        return NULL;
    reader->line++;
    const char *text = reader->text + strspn(reader->text, " \t");
    if (strlen(reader->text) != (size_t)length) {
        file_refuse(reader, "the line contains a NUL byte");
        return NULL;
    }
    if (strlen(text) + 2 > (size_t)size) {
        char what[64];
        snprintf(what, sizeof what, "the line is longer than %d bytes", size - 3);
        file_refuse(reader, what);
        return NULL;
    }
    memcpy(line, text, strlen(text) + 1);
    return line;
}

/* inih's handler: 0 means refused. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = user;
    char where[WHERE_SIZE + NAME_SIZE], what[WHERE_SIZE];
    const struct option *option = options_find(name);
    if (*section)
        snprintf(what, sizeof what, "%.40s is in section [%.40s], but sections are not used", name,
                 section);
    else if (!option)
        snprintf(what, sizeof what, "unknown key %.60s: no option has this name", name);
    else if (reader->seen[option - options])
        snprintf(what, sizeof what, "%s was given before in this file", name);
    else {
        reader->seen[option - options] = true;
        snprintf(where, sizeof where, "%.100s:%u: %s", reader->path, reader->line, name);
        reader->fault = option_set(option, reader->configuration, value, where, reader->why);
        return reader->fault == FAULT_NONE;
    }
    file_refuse(reader, what);
    return 0;
}

static enum fault file_apply(const char *path, struct configuration *configuration, struct why *why)
{
    _cleanup_(file_reader_done) struct file_reader reader = {
        .path = path, .configuration = configuration, .why = why};
    reader.file = fopen(path, "re");
    if (!reader.file)
        return why_set(why, FAULT_CONFIGURATION, "cannot open %.160s: %s", path, strerror(errno));
    int result = ini_parse_stream(on_line, &reader, on_key, &reader);
    if (reader.fault)
        return reader.fault;
    if (ferror(reader.file))
        return why_set(why, FAULT_CONFIGURATION, "cannot read %.160s: %s", path, strerror(errno));
    if (result > 0)
        return why_set(why, FAULT_CONFIGURATION,
                       "%.100s:%d: the line is neither a comment nor \"name = value\"", path,
                       result);
    return result < 0 ? why_set(why, FAULT_MEMORY, "no memory to read %.160s", path) : FAULT_NONE;
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum fault defaults_apply(struct configuration *configuration, struct why *why)
{
    enum fault fault = FAULT_NONE;
    for (size_t i = 0; i < OPTIONS_COUNT && !fault; i++)
        fault = option_set(&options[i], configuration, options[i].fallback,
                           "the default of an option", why);
    return fault;
}

enum fault configuration_load(int argc, char *const *argv, char *const *environment,
                              struct configuration *ret, struct why *why)
{
    struct arguments arguments = {.action = ACTION_RUN};
    _cleanup_(configuration_done) struct configuration configuration = {0};
    enum fault fault = arguments_read(argc, argv, &arguments, why);
    if (!fault && !action_looks_no_further(arguments.action)) {
        fault = defaults_apply(&configuration, why);
        if (!fault && arguments.file)
            fault = file_apply(arguments.file, &configuration, why);
        if (!fault)
            fault = environment_apply(environment, &configuration, why);
        if (!fault)
            fault = arguments_apply(&arguments, &configuration, why);
        if (!fault)
            fault = operands_read(&arguments, &configuration, why);
        if (!fault)
            fault = format_read(&arguments, &configuration.format, why);
    }
    if (fault)
        return fault;
    configuration.action = arguments.action;
    configuration.command = arguments.command;
    configuration.waives = arguments.waives;
    *ret = configuration;
    configuration.arena = (struct arena){0};
    return FAULT_NONE;
}

static void lines_print(FILE *out, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\n", lines[i]);
}

void configuration_answer(enum action action, const char *version, FILE *out)
{
    switch (action) {
    case ACTION_RUN:
        return;
    case ACTION_CHECK_CONFIG:
        fputs("configuration is valid\n", out);
        return;
    case ACTION_HELP:
        lines_print(out, usage, sizeof usage / sizeof *usage);
        commands_print_help(out);
        lines_print(out, actions_usage, sizeof actions_usage / sizeof *actions_usage);
        options_print_help(out);
        return;
    case ACTION_PRINT_CONFIG:
        options_print_file(out);
        return;
    case ACTION_VERSION:
        fprintf(out, "continuum-coordinatord %s\n", version);
        return;
    }
}

void configuration_done(struct configuration *configuration)
{
    arena_done(&configuration->arena);
}
