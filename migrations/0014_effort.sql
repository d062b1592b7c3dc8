-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- Like `pattern`, of zeros, one row: replaced where a pattern is there already and so is not inserted, in order that a
-- contribution takes as long whether or not others hold the same one.
CREATE TABLE effort (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    tag          BLOB NOT NULL CHECK (length(tag) = 32),
    epoch        INTEGER NOT NULL,
    spoiled      INTEGER NOT NULL DEFAULT 0 CHECK (spoiled IN (0, 1)),
    domain       TEXT NOT NULL CHECK (length(domain) BETWEEN 1 AND 64),
    verify_key   BLOB NOT NULL CHECK (length(verify_key) = 32),
    commitments  BLOB NOT NULL CHECK (length(commitments) % 32 = 0),
    search_index BLOB NOT NULL CHECK (length(search_index) = 80),
    ciphertext   BLOB NOT NULL CHECK (length(ciphertext) = 144 OR length(ciphertext) = 272
                                      OR length(ciphertext) = 528 OR length(ciphertext) = 1040)
) STRICT;
