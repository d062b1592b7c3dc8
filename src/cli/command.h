/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLI_COMMAND_H
#define CONTINUUM_CLI_COMMAND_H

#include "cli/options.h"

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNPROVEN = 3 };

/* One command each; they print, and return how the program ends. */
enum cli_exit cli_answer(const struct cli_options *options);
enum cli_exit cli_answers(const struct cli_options *options);
enum cli_exit cli_contribute(const struct cli_options *options);
enum cli_exit cli_credits(const struct cli_options *options);
enum cli_exit cli_download(const struct cli_options *options);
enum cli_exit cli_export(const struct cli_options *options);
enum cli_exit cli_inbox(const struct cli_options *options);
enum cli_exit cli_init(const struct cli_options *options);
enum cli_exit cli_invite(const struct cli_options *options);
enum cli_exit cli_join(const struct cli_options *options);
enum cli_exit cli_leave(const struct cli_options *options);
enum cli_exit cli_ledger(const struct cli_options *options);
enum cli_exit cli_privacy(const struct cli_options *options);
enum cli_exit cli_query(const struct cli_options *options);
enum cli_exit cli_receipt(const struct cli_options *options);
enum cli_exit cli_serve(const struct cli_options *options);
enum cli_exit cli_sets(const struct cli_options *options);
enum cli_exit cli_status(const struct cli_options *options);
enum cli_exit cli_verify(const struct cli_options *options);
enum cli_exit cli_vote(const struct cli_options *options);
enum cli_exit cli_withdraw(const struct cli_options *options);

#endif
