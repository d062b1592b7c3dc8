/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/number.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_CHOICE, KIND_CONFIDENCE, KIND_COUNT };

enum { CONFIDENCE_UNIT = 1000000, TAG_LENGTH = 43 };

static const struct cli_option {
    const char *name, *argument; /* a choice's argument is its values, with | between them */
    enum kind kind;
    unsigned set;
    size_t offset;
    const char *summary;
    unsigned min, max; /* of a count */
} options[] = {
#define AT(member) offsetof(struct cli_options, member)
    {"all", NULL, KIND_FLAG, TAKES_ALL, AT(all), "all of your contributions", 0, 0},
    {"confirm", NULL, KIND_FLAG, TAKES_VERDICT, AT(confirm), "the pattern holds", 0, 0},
    {"decline", NULL, KIND_FLAG, TAKES_DECLINE, AT(decline),
     "do not answer, and do not be asked again", 0, 0},
    {"domain", "DOMAIN", KIND_TEXT, TAKES_DOMAIN, AT(domain), "a-z, 0-9 and -, like databases", 0,
     0},
    {"exec", "PROGRAM", KIND_TEXT, TAKES_EXEC, AT(exec),
     "reads a question on standard input, writes the answer; words after it are its arguments", 0,
     0},
    {"fanout", "N", KIND_COUNT, TAKES_ROUTE, AT(fanout), "ask at most N members, 1 to 8 (3)", 1, 8},
    {"help", NULL, KIND_FLAG, 0, AT(help), "this text, or that of a command", 0, 0},
    {"high", NULL, KIND_FLAG, TAKES_VOTE, AT(high), "the pattern is of use", 0, 0},
    {"insecure", NULL, KIND_FLAG, 0, AT(settings.insecure), "permit http:// to other machines", 0,
     0},
    {"invite", "CODE", KIND_TEXT, TAKES_INVITE, AT(invite), "a code from the operator", 0, 0},
    {"json", NULL, KIND_FLAG, 0, AT(json), "one JSON document on standard output", 0, 0},
    {"key", "KEY", KIND_TEXT, TAKES_KEY, AT(key), "the coordinator's, as status shows it", 0, 0},
    {"level", "minimal|standard|extensive", KIND_CHOICE, TAKES_LEVEL, AT(level),
     "how much you mean to contribute (standard)", 0, 0},
    {"limit", "SECONDS", KIND_COUNT, TAKES_EXEC, AT(limit), "how long it may take (60)", 1, 3600},
    {"low", NULL, KIND_FLAG, TAKES_VOTE, AT(low), "it is of none", 0, 0},
    {"max-results", "N", KIND_COUNT, TAKES_MAX_RESULTS, AT(max_results), "at most N patterns (10)",
     1, 200},
    {"min-confidence", "X", KIND_CONFIDENCE, TAKES_MIN_CONFIDENCE, AT(min_confidence),
     "leave out what is below X, 0 to 1", 0, 0},
    {"output", "FILE", KIND_TEXT, TAKES_OUTPUT, AT(output),
     "(-o) into this file; the same again resumes", 0, 0},
    {"priority", NULL, KIND_FLAG, TAKES_ROUTE, AT(priority),
     "costs more, and comes first in the inboxes", 0, 0},
    {"privacy", "high|balanced|open", KIND_CHOICE, TAKES_PRIVACY, AT(privacy),
     "how many must share a pattern of yours before it shows (balanced)", 0, 0},
    {"profile", "NAME", KIND_TEXT, 0, AT(settings.profile), "which membership (default)", 0, 0},
    {"refute", NULL, KIND_FLAG, TAKES_VERDICT, AT(refute), "it does not", 0, 0},
    {"route", NULL, KIND_FLAG, TAKES_ROUTE, AT(route),
     "ask members who know of what matches, too, and wait for their answers", 0, 0},
    {"since", "CURSOR", KIND_TEXT, TAKES_SINCE, AT(since), "only what is new since this cursor", 0,
     0},
    {"ttl", "SECONDS", KIND_COUNT, TAKES_ROUTE, AT(ttl),
     "how long answers may come, 60 to 604800 (3600)", 60, 604800},
    {"version", NULL, KIND_FLAG, 0, AT(version), "the version", 0, 0},
    {"wait", "SECONDS", KIND_COUNT, TAKES_WAIT, AT(wait), "how long to wait", 0, 604800},
#undef AT
};
enum { OPTIONS = sizeof options / sizeof *options };

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *choice = choices; choice; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        if (length && strcspn(choice, "|") == length && memcmp(choice, value, length) == 0)
            return true;
    }
    return false;
}

static bool option_store(const struct cli_option *option, const char *value,
                         struct cli_options *ret)
{
    void *at = (char *)ret + option->offset;
    uint64_t number;
    switch (option->kind) {
    case KIND_FLAG:
        *(bool *)at = true;
        return true;
    case KIND_TEXT:
        *(const char **)at = value;
        return true;
    case KIND_CHOICE:
        *(const char **)at = value;
        return is_choice(option->argument, value);
    case KIND_CONFIDENCE:
        if (!number_parse_fixed(value, 6, 0, CONFIDENCE_UNIT, &number))
            return false;
        *(double *)at = (double)number / CONFIDENCE_UNIT;
        return true;
    case KIND_COUNT:
        if (!number_parse(value, option->min, option->max, &number))
            return false;
        *(unsigned *)at = (unsigned)number;
        return true;
    }
    return false;
}

static void option_complain(const struct cli_option *option, const char *value,
                            char ret_problem[200])
{
    char range[64];
    snprintf(range, sizeof range, "a number from %u to %u", option->min, option->max);
    snprintf(ret_problem, 200, "--%s %.60s: it must be %s.", option->name, value,
             option->kind == KIND_CONFIDENCE ? "a number from 0 to 1"
             : option->kind == KIND_COUNT    ? range
                                             : option->argument);
}

static bool operands_take(int argc, char **argv, struct cli_options *ret, char ret_problem[200])
{
    if (optind < argc)
        ret->command = argv[optind++];
    if (optind < argc)
        ret->operand = argv[optind++];
    if (optind < argc)
        ret->text = argv[optind++];
    if (optind == argc)
        return true;
    snprintf(ret_problem, 200, "\"%.80s\" is one argument too many. Is a text not in quotes?",
             argv[optind]);
    return false;
}

/* One tag in 64 begins with '-', which makes it no option: none is as long without a '='. */
static bool is_tag(const char *word)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return word[0] == '-' && strlen(word) == TAG_LENGTH && strspn(word, digits) == TAG_LENGTH;
}

/* Puts such tags behind a "--" at the end, where getopt does not look into them, unless the user
 * has set one. Returns how many words there are then. */
static int tags_set_apart(int argc, char **argv, char **ret)
{
    static char stop[] = "--";
    int count = 0;
    bool stops = false;
    for (int i = 0; i < argc; i++)
        stops |= strcmp(argv[i], stop) == 0;
    for (int i = 0; i < argc; i++)
        if (stops || !is_tag(argv[i]))
            ret[count++] = argv[i];
    if (count < argc)
        ret[count++] = stop;
    for (int i = 0; i < argc && !stops; i++)
        if (is_tag(argv[i]))
            ret[count++] = argv[i];
    return count;
}

static int option_index(const char *name)
{
    int index = 0;
    while (strcmp(options[index].name, name) != 0)
        index++;
    return index;
}

static bool words_parse(int argc, char **argv, struct cli_options *ret, unsigned *ret_used,
                        char ret_problem[200])
{
    struct option known[OPTIONS + 1] = {0};
    int chosen = 0;
    for (int i = 0; i < OPTIONS; i++)
        known[i] = (struct option){
            options[i].name, options[i].argument ? required_argument : no_argument, &chosen, i};
    const int output = option_index("output");
    opterr = 0;
    optind = 0;
    for (int code; (code = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        if (code == 'o')
            chosen = output;
        if (code == '?' || code == ':') {
            snprintf(ret_problem, 200,
                     code == '?' ? "There is no option %.80s." : "%.80s wants a value.",
                     argv[optind - 1]);
            return false;
        }
        if (!option_store(&options[chosen], optarg, ret)) {
            option_complain(&options[chosen], optarg, ret_problem);
            return false;
        }
        *ret_used |= options[chosen].set;
    }
    return operands_take(argc, argv, ret, ret_problem);
}

bool cli_options_parse(int argc, char **argv, struct cli_options *ret, unsigned *ret_used,
                       char ret_problem[200])
{
    *ret = (struct cli_options){0};
    *ret_used = 0;
    _cleanup_(free_pointer) char **words = calloc((size_t)argc + 2, sizeof *words);
    if (words)
        return words_parse(tags_set_apart(argc, argv, words), words, ret, ret_used, ret_problem);
    snprintf(ret_problem, 200, "There is no memory.");
    return false;
}

void cli_options_print(FILE *stream, unsigned set)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        char left[48];
        if (set ? !(options[i].set & set) : options[i].set != 0)
            continue;
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        fprintf(stream, "  %-38s %s\n", left, options[i].summary);
    }
}
