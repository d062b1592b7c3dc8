/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"

static const struct command {
    const char *name, *usage, *summary;
    unsigned takes;
    unsigned least, most; /* operands */
    enum cli_exit (*run)(const struct cli_options *options);
} commands[] = {
    {"answer", "answer QUESTION \"TEXT\"|-", "answer a question of your inbox", TAKES_DECLINE, 1, 2,
     cli_answer},
    {"answers", "answers [QUERY]", "what members answered to routed queries of yours", TAKES_WAIT,
     0, 1, cli_answers},
    {"contribute", "contribute FILE|-", "share patterns, one a line: text[TAB confidence]",
     TAKES_DOMAIN | TAKES_MIN_CONFIDENCE, 1, 1, cli_contribute},
    {"credits", "credits", "what you have to spend", 0, 0, 0, cli_credits},
    {"download", "download DOMAIN", "read all released patterns of a domain",
     TAKES_OUTPUT | TAKES_SINCE, 1, 1, cli_download},
    {"export", "export", "all that the coordinator holds of you, one JSON object a line", 0, 0, 0,
     cli_export},
    {"inbox", "inbox", "what others ask you", TAKES_WAIT, 0, 0, cli_inbox},
    {"init", "init URL", "be the first member: make the key, print the invite link",
     TAKES_INVITE | TAKES_LEVEL | TAKES_PRIVACY, 1, 1, cli_init},
    {"invite", "invite", "print the invite link again: a secret", 0, 0, 0, cli_invite},
    {"join", "join LINK|-", "become a member by an invite link",
     TAKES_INVITE | TAKES_LEVEL | TAKES_PRIVACY, 1, 1, cli_join},
    {"leave", "leave FILE", "be erased; the coordinator's receipt goes to the new file", 0, 1, 1,
     cli_leave},
    {"ledger", "ledger", "what you earned and spent, transfer by transfer", 0, 0, 0, cli_ledger},
    {"privacy", "privacy [URL|LINK]", "what each privacy mode means, before you choose one", 0, 0,
     1, cli_privacy},
    {"query", "query \"TEXT\"", "find patterns that enough members share",
     TAKES_DOMAIN | TAKES_MAX_RESULTS | TAKES_MIN_CONFIDENCE | TAKES_ROUTE | TAKES_WAIT, 1, 1,
     cli_query},
    {"receipt", "receipt check FILE", "check the receipt of an erasure", TAKES_KEY, 2, 2,
     cli_receipt},
    {"serve", "serve --exec PROGRAM", "let a program answer what others ask you", TAKES_EXEC, 0, 0,
     cli_serve},
    {"sets", "sets", "what there is to download", 0, 0, 0, cli_sets},
    {"status", "status", "who and where you are", 0, 0, 0, cli_status},
    {"verify", "verify TAG", "confirm or refute a pattern that you can read: it earns credits",
     TAKES_VERDICT, 1, 1, cli_verify},
    {"vote", "vote TAG", "say of what quality a pattern is", TAKES_VOTE, 1, 1, cli_vote},
    {"withdraw", "withdraw TAG|--all", "take back contributions", TAKES_ALL, 0, 1, cli_withdraw},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static enum cli_exit help_print(const struct command *command)
{
    if (command) {
        printf("continuum-fed %s: %s\n\n", command->usage, command->summary);
        if (command->takes)
            cli_options_print(stdout, command->takes);
    } else {
        puts("continuum-fed COMMAND: a member of a federation\n");
        for (size_t i = 0; i < COMMANDS; i++)
            printf("  %-24s %s\n", commands[i].usage, commands[i].summary);
        puts("\ncontinuum-fed COMMAND --help lists a command's options. All of them take:\n");
    }
    cli_options_print(stdout, 0);
    return CLI_OK;
}

static enum cli_exit command_run(const struct cli_options *options, unsigned used)
{
    char sentence[200];
    const struct command *command = options->command ? command_find(options->command) : NULL;
    if (options->version) {
        puts("continuum-fed " CONTINUUM_VERSION);
        return CLI_OK;
    }
    if (options->help)
        return help_print(command);
    if (!options->command)
        return cli_misuse(options, "A command is missing.");
    if (!command) {
        snprintf(sentence, sizeof sentence, "There is no command \"%.80s\".", options->command);
        return cli_misuse(options, sentence);
    }
    unsigned operands = (options->operand ? 1U : 0U) + (options->text ? 1U : 0U);
    if (options->text && command->most < 2) {
        snprintf(sentence, sizeof sentence,
                 "\"%.80s\" is one argument too many. Is a text not in quotes?", options->text);
        return cli_misuse(options, sentence);
    }
    if (operands < command->least || operands > command->most || used & ~command->takes) {
        snprintf(sentence, sizeof sentence, "It is: continuum-fed %s%s.", command->usage,
                 command->takes ? " [options]" : "");
        return cli_misuse(options, sentence);
    }
    return command->run(options);
}

int main(int argc, char **argv)
{
    struct cli_options options;
    unsigned used;
    char problem[200];
    signal(SIGPIPE, SIG_IGN); /* a connection that breaks is an error like others */
    if (!cli_options_parse(argc, argv, &options, &used, problem))
        return (int)cli_misuse(&options, problem);
    enum cli_exit code = command_run(&options, used);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("continuum-fed: The output could not be written.\n", stderr);
        return CLI_FAILED;
    }
    return (int)code;
}
