/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"

static void modes_print(const struct continuum_privacy *privacy)
{
    puts(
        "mode       counts from  epsilon  in a year  off by more than 1     2      5   confidence");
    for (size_t i = 0; i < privacy->count; i++) {
        const struct continuum_privacy_mode *mode = &privacy->modes[i];
        printf("%-9s  %11" PRIu64 "  %7g  %9g  %17.1f%% %4.1f%% %5.1f%%   steps of %g\n",
               mode->name, mode->min_contributors, mode->epsilon, mode->epsilon_per_year,
               100 * mode->off_by_more_than_1, 100 * mode->off_by_more_than_2,
               100 * mode->off_by_more_than_5, mode->confidence_step);
    }
}

static const char explanation[] =
    "\ncounts from  a pattern of yours is not released for your sake until so many hold it: "
    "below,\n"
    "             your contribution does not count\n"
    "epsilon      how much one published number tells of whether you are counted in it: at most a\n"
    "             factor of e^epsilon. The strictest mode of those who are counted decides, and a\n"
    "             number is drawn once in 30 days\n"
    "in a year    the same for all numbers of one pattern in any 365 days, which touch up to 14\n"
    "             such periods\n"
    "off by       how often noise moves the published count so far from the exact one, which\n"
    "             nobody is shown. It is never shown below the threshold\n"
    "confidence   what you say is rounded to this, before it is sent; the mean is published\n"
    "             without noise\n"
    "\nThe coordinator itself knows who holds which pattern, and in what mode, but not what it "
    "says\n"
    "below the threshold. Which mode a member has shows in the noise of its patterns. The mode\n"
    "counts for what is contributed later.\n";

static void gate_print(const struct continuum_privacy *privacy)
{
    if (strcmp(privacy->gate, "dp") == 0)
        printf("From %" PRIu64
               " members on, chance decides once a day whether a pattern shows, rarely in "
               "small groups:\n"
               "epsilon %g, delta %g for each contribution and each day.\n\n",
               privacy->threshold, privacy->gate_epsilon, privacy->gate_delta);
    else
        printf("A pattern shows once %" PRIu64
               " members hold it, for certain: that it appears tells "
               "that so many do.\n\n",
               privacy->threshold);
}

enum cli_exit cli_privacy(const struct cli_options *options)
{
    struct continuum_error error;
    struct continuum_privacy privacy;
    if (!continuum_privacy_get(&options->settings, options->operand, &privacy, &error))
        return cli_fail(options, &error);
    if (options->json)
        return cli_print_json(continuum_privacy_json(&privacy));
    printf("Federation \"%s\".\n", privacy.federation_name);
    gate_print(&privacy);
    modes_print(&privacy);
    fputs(explanation, stdout);
    return CLI_OK;
}
