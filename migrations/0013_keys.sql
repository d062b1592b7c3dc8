-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- Whose keys belong to this database: a keyed hash under the ledger's. Where an OPRF helper has the key of the epoch,
-- nothing else tells. NULL: the next start writes it.
ALTER TABLE federation ADD COLUMN keys_check BLOB CHECK (length(keys_check) = 16);
