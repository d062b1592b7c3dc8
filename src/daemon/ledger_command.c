/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "crypto/bytes.h"
#include "daemon/commands.h"
#include "daemon/configuration.h"
#include "daemon/storage.h"
#include "domain/directory.h"
#include "store/audit.h"
#include "store/database.h"
#include "util/cleanup.h"
#include "util/clock.h"

enum { NAME_SIZE = 64, AMOUNT_SIZE = 32, COPY_SIZE = 65536 };

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static const char *amount_format(struct credits amount, char ret[AMOUNT_SIZE])
{
    long long milli = amount.milli < 0 ? -amount.milli : amount.milli;
    snprintf(ret, AMOUNT_SIZE, "%s%lld.%03lld", amount.milli < 0 ? "-" : "", milli / 1000,
             milli % 1000);
    return ret;
}

static enum fault output_finish(FILE *out, struct why *why)
{
    if (fflush(out) != 0 || ferror(out))
        return why_set(why, FAULT_SYSTEM, "the output could not be written: %s", strerror(errno));
    return FAULT_NONE;
}

enum fault ledger_check(const struct configuration *configuration, FILE *out, struct why *why)
{
    _cleanup_(database_done) struct database *database = NULL;
    struct books books;
    char text[5][AMOUNT_SIZE];
    enum fault fault = storage_read(configuration->storage_path, &database, why);
    if (!fault)
        fault = books_audit(database, &books, why);
    if (fault)
        return fault;
    fprintf(out,
            "%lld accounts, %lld transfers: %s credits issued, %s reversed, %s spent; the members "
            "hold %s, the tombstone %s: the books balance\n",
            (long long)books.accounts, (long long)books.transfers,
            amount_format(books.issued, text[0]), amount_format(books.reversed, text[1]),
            amount_format(books.revenue, text[2]), amount_format(books.members, text[3]),
            amount_format(books.tombstone, text[4]));
    return output_finish(out, why);
}

/* ---- export: the members' common view, in which what they spend is an expense ---- */

static const char *account_format(int64_t number, uint64_t handle, char ret[NAME_SIZE])
{
    static const char *const system[] = {
        [ACCOUNT_ISSUANCE] = "equity:issuance",
        [ACCOUNT_REVENUE] = "expenses:queries",
        [ACCOUNT_TOMBSTONE] = "assets:tombstone",
    };
    char id[INSTANCE_ID_LENGTH + 1];
    instance_id_format(handle, id);
    if (number >= ACCOUNT_MEMBERS)
        snprintf(ret, NAME_SIZE, "assets:members:%s", id);
    else
        snprintf(ret, NAME_SIZE, "%s", system[number]);
    return ret;
}

/* A row in words, for any format. */
struct entry {
    char id[B64_LENGTH(16) + 1], time[CLOCK_TEXT_LENGTH + 1];
    char debit[NAME_SIZE], credit[NAME_SIZE], amount[AMOUNT_SIZE];
};

static bool is_account(int64_t number)
{
    return number >= ACCOUNT_MEMBERS || (number >= ACCOUNT_ISSUANCE && number <= ACCOUNT_TOMBSTONE);
}

static enum fault entry_of(const struct journal_row *row, struct entry *ret)
{
    if (!is_account(row->debit) || !is_account(row->credit))
        return FAULT_CORRUPT;
    b64_encode(row->id.bytes, sizeof row->id.bytes, ret->id);
    clock_format(row->created_at_s, ret->time);
    account_format(row->debit, row->debit_handle, ret->debit);
    account_format(row->credit, row->credit_handle, ret->credit);
    amount_format(row->amount, ret->amount);
    return FAULT_NONE;
}

/* hledger and ledger both read tags that stand on lines of their own. */
static enum fault journal_write(void *out, const struct journal_row *row)
{
    struct entry entry;
    enum fault fault = entry_of(row, &entry);
    if (!fault)
        fprintf(out,
                "%.10s * %s\n    ; transfer: %s\n    ; time: %s\n"
                "    %-36s  %s CR\n    %-36s  -%s CR\n\n",
                entry.time, row->kind, entry.id, entry.time, entry.credit, entry.amount,
                entry.debit, entry.amount);
    return fault;
}

static enum fault csv_write(void *out, const struct journal_row *row)
{
    struct entry entry;
    enum fault fault = entry_of(row, &entry);
    if (!fault)
        fprintf(out, "%lld,%s,%s,%s,%s,%s,%s\n", (long long)row->sequence, entry.id, entry.time,
                row->kind, entry.debit, entry.credit, entry.amount);
    return fault;
}

static enum fault spool_fill(const struct configuration *configuration, FILE *spool,
                             struct why *why)
{
    _cleanup_(database_done) struct database *database = NULL;
    bool is_csv = strcmp(configuration->format, "csv") == 0;
    enum fault fault = storage_read(configuration->storage_path, &database, why);
    if (fault)
        return fault;
    fputs(is_csv ? "sequence,transfer_id,created_at,kind,from,to,amount\n"
                 : "; Credits (CR) of a Continuum federation. Dates are UTC.\n\n",
          spool);
    fault = journal_each(database, is_csv ? csv_write : journal_write, spool);
    if (fault)
        return why_set(why, fault, "cannot read the transfers: %s (ledger check may say more)",
                       database_error(database));
    return output_finish(spool, why);
}

/*
 * By way of a temporary file: whoever reads our output may take all day, and a snapshot that is
 * open that long keeps the daemon from emptying its write-ahead log, as erasure promises.
 */
enum fault ledger_export(const struct configuration *configuration, FILE *out, struct why *why)
{
    static char bytes[COPY_SIZE];
    _cleanup_(close_file) FILE *spool = tmpfile();
    size_t length = 0;
    if (!spool)
        return why_set(why, FAULT_SYSTEM, "cannot make a temporary file: %s", strerror(errno));
    enum fault fault = spool_fill(configuration, spool, why);
    if (fault)
        return fault;
    rewind(spool);
    while ((length = fread(bytes, 1, sizeof bytes, spool)) > 0)
        fwrite(bytes, 1, length, out);
    if (ferror(spool))
        return why_set(why, FAULT_SYSTEM, "cannot read the temporary file: %s", strerror(errno));
    return output_finish(out, why);
}
