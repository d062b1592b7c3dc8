/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/commands.h"

#include <string.h>

static const char *const journal_formats[] = {"journal", "csv", NULL};

/* The one table, sorted by name. */
static const struct command_line commands[] = {
    {.name = "backup",
     .operands = "FILE",
     .operand_count = 1,
     .roles = OF_COORDINATOR,
     .help = "Copy the database to a new file, and exit; the coordinator may go on serving",
     .run = backup_make},
    {.name = "epoch destroy",
     .operands = "NUMBER",
     .operand_count = 1,
     .roles = OF_OPRF,
     .help =
         "With role = oprf: destroy the OPRF key of an epoch that is over, and exit; only while "
         "no helper runs",
     .run = epoch_destroy},
    {.name = "epoch rotate",
     .roles = OF_COORDINATOR | OF_OPRF,
     .help =
         "Begin a new epoch, with a new OPRF key (or, with oprf_url, the helper's) and what the "
         "configuration says of min_contributors and token_bits; with role = oprf, make the key "
         "of the next epoch; and exit. Only while it does not serve",
     .run = epoch_rotate},
    {.name = "erase",
     .operands = "INSTANCE_ID",
     .operand_count = 1,
     .roles = OF_COORDINATOR,
     .help = "Have a member erased at the next start, and exit; only while no coordinator runs",
     .run = member_erase},
    {.name = "ledger check",
     .roles = OF_COORDINATOR,
     .help = "Read the books anew, say whether they balance, and exit",
     .run = ledger_check},
    {.name = "ledger export",
     .roles = OF_COORDINATOR,
     .help = "Print all transfers, for hledger, ledger or a spreadsheet, and exit",
     .formats = journal_formats,
     .run = ledger_export},
    {.name = "restore",
     .operands = "FILE",
     .operand_count = 1,
     .roles = OF_COORDINATOR,
     .help =
         "Bring a backup back into a storage folder that has keys, erased (the log of erasures) "
         "and no database, and exit; --without-erased: the log is lost, and who was erased after "
         "the backup was made comes back",
     .waiver = "--without-erased",
     .run = backup_restore},
    {.name = "tier",
     .operands = "INSTANCE_ID free|unlimited",
     .operand_count = 2,
     .roles = OF_COORDINATOR,
     .help = "Move a member to a tier, and exit; only while no coordinator runs",
     .run = tier_set},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* How many words of `argv` the name is; 0: it is not what they begin with. */
static int name_match(const char *name, char *const *argv)
{
    int words = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        const char *word = argv[words++];
        if (!word || strlen(word) != length || memcmp(word, name, length) != 0)
            return 0;
        name += length;
        name += strspn(name, " ");
    }
    return words;
}

const struct command_line *commands_find(char *const *argv, int *ret_words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        int words = name_match(commands[i].name, argv);
        if (words) {
            *ret_words = words;
            return &commands[i];
        }
    }
    return NULL;
}

const char *command_format_find(const struct command_line *command, const char *name)
{
    for (const char *const *format = command->formats; format && *format; format++) {
        if (strcmp(*format, name) == 0)
            return *format;
    }
    return NULL;
}

void commands_print_help(FILE *out)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %s", commands[i].name);
        if (commands[i].operands)
            fprintf(out, " %s", commands[i].operands);
        for (const char *const *format = commands[i].formats; format && *format; format++)
            fprintf(out, "%s%s", format == commands[i].formats ? " [--format " : "|", *format);
        if (commands[i].formats)
            fputc(']', out);
        if (commands[i].waiver)
            fprintf(out, " [%s]", commands[i].waiver);
        fprintf(out, "\n        %s.\n", commands[i].help);
    }
    fputc('\n', out);
}
