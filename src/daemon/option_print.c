/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <string.h>

enum { WIDTH = 100, SENTENCE_SIZE = 512 };

/* Prints `text` in lines of at most WIDTH columns, each behind `indent`. */
static void print_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t room = WIDTH - strlen(indent);
    while (*text) {
        size_t length = strlen(text);
        if (length > room) {
            length = room;
            while (length > 1 && text[length] != ' ')
                length--;
        }
        fprintf(out, "%s%.*s\n", indent, (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

/* "Most members of the federation. Allowed: a whole number between 1 and 10000000 (members)." */
static void option_document(const struct option *option, char ret[SENTENCE_SIZE])
{
    char allowed[OPTION_ALLOWED_SIZE];
    option_allowed(option, allowed);
    snprintf(ret, SENTENCE_SIZE, "%s. Allowed: %s%s%s%s.", option->help, allowed,
             option->unit ? " (" : "", option->unit ? option->unit : "", option->unit ? ")" : "");
}

static void print_dashed(FILE *out, const char *name)
{
    for (; *name; name++)
        fputc(*name == '_' ? '-' : *name, out);
}

void options_print_help(FILE *out)
{
    char sentence[SENTENCE_SIZE];
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option *option = &options[i];
        fputs("  --", out);
        print_dashed(out, option->name);
        fputs(option->type == OPTION_BOOLEAN ? "[=VALUE]\n" : " VALUE\n", out);
        option_document(option, sentence);
        size_t used = strlen(sentence);
        snprintf(sentence + used, sizeof sentence - used, " Default: %s.",
                 *option->fallback ? option->fallback : "empty");
        print_wrapped(out, "        ", sentence);
    }
}

void options_print_file(FILE *out)
{
    char sentence[SENTENCE_SIZE];
    fputs("# SPDX-License-Identifier: Apache-2.0\n#\n", out);
    print_wrapped(
        out, "# ",
        "Configuration of continuum-coordinatord. Every option stands here at its default, "
        "commented out. The environment (CONTINUUM_<NAME>) and the command line "
        "(--name-with-dashes) go before this file. A line that begins with # or ; is a "
        "comment, and so is the rest of a line from a ; behind a blank. There are no "
        "sections and no quotes.");
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        const struct option *option = &options[i];
        option_document(option, sentence);
        fputc('\n', out);
        print_wrapped(out, "# ", sentence);
        fprintf(out, "#%s =%s%s\n", option->name, *option->fallback ? " " : "", option->fallback);
    }
}
