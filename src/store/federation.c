/* SPDX-License-Identifier: Apache-2.0 */
#include "store/federation.h"

#include <string.h>

#include "crypto/hash.h"
#include "store/database.h"
#include "store/keyring.h"

enum fault federation_get(struct database *database, struct federation_id *ret)
{
    struct statement *row = sql(database, "SELECT federation_id FROM federation");
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    memcpy(ret->bytes, sql_column_blob(row, 0, sizeof ret->bytes), sizeof ret->bytes);
    return sql_end(row);
}

enum fault federation_insert(struct database *database, const struct federation_id *id)
{
    struct statement *insert =
        sql(database, "INSERT INTO federation (one, federation_id) VALUES (1, ?)");
    sql_blob(insert, id->bytes, sizeof id->bytes);
    return sql_run(insert);
}

enum { KEYS_CHECK_LENGTH = 16 };

static void keys_check(const struct keyring *keyring, uint8_t ret[KEYS_CHECK_LENGTH])
{
    hash_once(keyring->ledger, sizeof keyring->ledger, "cfed/v1/keys-check", "", 0, ret,
              KEYS_CHECK_LENGTH);
}

enum fault federation_claim(struct database *database, const struct keyring *keyring)
{
    uint8_t check[KEYS_CHECK_LENGTH];
    struct statement *update =
        sql(database, "UPDATE federation SET keys_check = ? WHERE keys_check IS NULL");
    keys_check(keyring, check);
    sql_blob(update, check, sizeof check);
    return sql_run(update);
}

enum fault federation_check_keys(struct database *database, const struct keyring *keyring,
                                 struct why *why)
{
    uint8_t check[KEYS_CHECK_LENGTH];
    struct statement *row =
        sql(database, "SELECT 1 FROM federation WHERE ifnull(keys_check, ?1) <> ?1");
    keys_check(keyring, check);
    sql_blob(row, check, sizeof check);
    bool others = sql_step(row);
    enum fault fault = sql_end(row);
    if (fault || !others)
        return fault;
    return why_set(
        why, FAULT_CORRUPT,
        "the file of keys is not that of this database: database and keys must come from "
        "the same backup");
}

void epoch_read(struct statement *row, struct epoch_row *ret)
{
    ret->number = (uint32_t)sql_column_integer(row, 0);
    ret->k = (uint8_t)sql_column_integer(row, 1);
    ret->token_bits = (uint8_t)sql_column_integer(row, 2);
    memcpy(ret->oprf_public_key.bytes, sql_column_blob(row, 3, 32), 32);
    ret->started_at_s = sql_column_integer(row, 4);
}

enum fault epoch_current(struct database *database, struct epoch_row *ret)
{
    struct statement *row =
        sql(database, "SELECT number, k, token_bits, oprf_public_key, started_at FROM epoch"
                      " ORDER BY number DESC LIMIT 1");
    enum fault fault = sql_first(row);
    if (fault)
        return fault;
    epoch_read(row, ret);
    return sql_end(row);
}

enum fault epoch_check_key(const struct epoch_row *epoch, const struct keyring *keyring,
                           struct why *why)
{
    const struct oprf_key *key = keyring_oprf(keyring, epoch->number);
    if (key && bytes_equal(&key->public, &epoch->oprf_public_key, sizeof key->public))
        return FAULT_NONE;
    return why_set(why, FAULT_CORRUPT,
                   "the file of keys has not the OPRF key of epoch %u of this database: "
                   "database and keys must come from the same backup, and if an OPRF helper has "
                   "the key, oprf_url and oprf_public_key must say so",
                   epoch->number);
}

enum fault epoch_insert(struct database *database, const struct epoch_row *epoch)
{
    struct statement *insert =
        sql(database, "INSERT INTO epoch (number, k, token_bits, oprf_public_key, started_at)"
                      " VALUES (?, ?, ?, ?, ?)");
    sql_integer(insert, epoch->number);
    sql_integer(insert, epoch->k);
    sql_integer(insert, epoch->token_bits);
    sql_blob(insert, epoch->oprf_public_key.bytes, sizeof epoch->oprf_public_key.bytes);
    sql_integer(insert, epoch->started_at_s);
    return sql_run(insert);
}

enum fault gate_day_get(struct database *database, int64_t *ret)
{
    struct statement *row = sql(database, "SELECT gate_day FROM federation");
    int64_t day = sql_step(row) ? sql_column_integer(row, 0) : 0;
    enum fault fault = sql_end(row);
    if (!fault)
        *ret = day;
    return fault;
}

enum fault gate_day_set(struct database *database, int64_t day)
{
    return sql_run_with(sql(database, "UPDATE federation SET gate_day = ?"), day);
}

enum fault nonce_use(struct database *database, const uint8_t nonce[16], int64_t expires_at_s)
{
    struct statement *insert =
        sql(database, "INSERT OR IGNORE INTO nonce (nonce, expires_at) VALUES (?, ?)");
    sql_blob(insert, nonce, 16);
    sql_integer(insert, expires_at_s);
    enum fault fault = sql_run(insert);
    if (fault)
        return fault;
    return sql_changes(database) == 1 ? FAULT_NONE : FAULT_NONCE_REUSED;
}

enum fault nonces_purge(struct database *database, int64_t before_s, size_t max, size_t *ret_count)
{
    return sql_run_some(sql(database, "DELETE FROM nonce WHERE nonce IN (SELECT nonce FROM nonce"
                                      " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"),
                        before_s, max, ret_count);
}
