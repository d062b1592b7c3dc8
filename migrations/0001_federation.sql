-- SPDX-License-Identifier: Apache-2.0
-- A CHECK says `a = 1 OR a = 2` and not `a IN (1, 2)`: for the latter SQLite builds a table each time.
-- Units: *_at are Unix seconds, *_milli thousandths of a credit, confidence hundredths (0.91 is 91), day is days
-- since 1970-01-01 UTC.

CREATE TABLE federation (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    federation_id BLOB NOT NULL CHECK (length(federation_id) = 16)
) STRICT;

CREATE TABLE epoch (
    number          INTEGER PRIMARY KEY CHECK (number >= 1),
    k               INTEGER NOT NULL CHECK (k BETWEEN 2 AND 16),
    token_bits      INTEGER NOT NULL CHECK (token_bits BETWEEN 8 AND 32),
    oprf_public_key BLOB NOT NULL CHECK (length(oprf_public_key) = 32),
    started_at      INTEGER NOT NULL
) STRICT;

-- Members. Numbers are never used again; 1 to 15 are left to the system's accounts.
CREATE TABLE instance (
    number        INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number >= 16),
    handle        INTEGER NOT NULL UNIQUE CHECK (handle BETWEEN 0 AND 281474976710655), -- the public id, 48 bits
    public_key    BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
    level         INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2), -- minimal, standard, extensive
    mode          INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 2),  -- high, balanced, open
    domains       TEXT NOT NULL,                                  -- separated by spaces
    joined_at     INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL DEFAULT 1,  -- of its next contribution
    contributions INTEGER NOT NULL DEFAULT 0 CHECK (contributions >= 0), -- live ones
    released      INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0),      -- of them, in state 1
    unproven      INTEGER NOT NULL DEFAULT 0 CHECK (unproven >= 0)       -- paid, never released, and not taken back whole
) STRICT;
INSERT INTO sqlite_sequence (name, seq) VALUES ('instance', 15);

-- One row a tag: what all honest contributors of a pattern send alike. No index over the random tag: it would be the
-- most expensive write there is; the daemon keeps the tags in memory.
CREATE TABLE pattern (
    id           INTEGER PRIMARY KEY,
    tag          BLOB NOT NULL CHECK (length(tag) = 32),
    epoch        INTEGER NOT NULL REFERENCES epoch,
    spoiled      INTEGER NOT NULL DEFAULT 0 CHECK (spoiled IN (0, 1)), -- its index never opens: invalid for good
    domain       TEXT NOT NULL CHECK (length(domain) BETWEEN 1 AND 64),
    verify_key   BLOB NOT NULL CHECK (length(verify_key) = 32),
    commitments  BLOB NOT NULL CHECK (length(commitments) % 32 = 0),
    search_index BLOB NOT NULL CHECK (length(search_index) = 80),
    ciphertext   BLOB NOT NULL CHECK (length(ciphertext) = 144 OR length(ciphertext) = 272
                                      OR length(ciphertext) = 528 OR length(ciphertext) = 1040)
) STRICT;

-- One row a share. Clustered by instance, so that a member's inserts are local and its erasure is one range.
CREATE TABLE contribution (
    instance      INTEGER NOT NULL REFERENCES instance,
    sequence      INTEGER NOT NULL, -- of this instance; says nothing about others
    pattern       INTEGER NOT NULL REFERENCES pattern,
    share         BLOB NOT NULL CHECK (length(share) = 32),
    confidence    INTEGER NOT NULL CHECK (confidence BETWEEN 0 AND 100),
    min_group     INTEGER NOT NULL CHECK (min_group BETWEEN 2 AND 16), -- r of the privacy mode when it was accepted
    epsilon_milli INTEGER NOT NULL CHECK (epsilon_milli > 0),          -- of that mode, in thousandths
    accepted_at   INTEGER NOT NULL,
    state         INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),  -- sealed, released, invalid
    payment       INTEGER NOT NULL DEFAULT 0 CHECK (payment BETWEEN 0 AND 3), -- none, paid, paid and proven, due
    PRIMARY KEY (instance, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contribution_once ON contribution (pattern, instance);

-- What became public when a pattern was released; gone when it is un-released.
CREATE TABLE release (
    pattern           INTEGER PRIMARY KEY REFERENCES pattern,
    domain            TEXT NOT NULL CHECK (length(domain) BETWEEN 1 AND 64), -- the pattern's
    secret            BLOB NOT NULL CHECK (length(secret) = 32),
    tokens            BLOB NOT NULL CHECK (length(tokens) BETWEEN 4 AND 64 AND length(tokens) % 4 = 0),
    counted           INTEGER NOT NULL CHECK (counted >= 2),           -- exact; never leaves the coordinator
    contributor_count INTEGER NOT NULL CHECK (contributor_count >= 2), -- with noise
    confidence        INTEGER NOT NULL CHECK (confidence BETWEEN 0 AND 100),
    released_at       INTEGER NOT NULL,
    unsettled         INTEGER NOT NULL DEFAULT 0 CHECK (unsettled IN (0, 1)) -- somebody came or left since the last tick
) STRICT;
CREATE INDEX release_unsettled ON release (pattern) WHERE unsettled = 1;

-- Accounts and transfers: double entry. A transfer moves amount_milli from `debit` to `credit`; a balance is what came
-- in less what went out, kept in the same transaction. Only the issuer may be below zero: it is where credits come from.
CREATE TABLE account (
    number        INTEGER PRIMARY KEY,
    name          TEXT NOT NULL, -- issuance, revenue, tombstone, member
    balance_milli INTEGER NOT NULL DEFAULT 0,
    CHECK (name = 'issuance' OR balance_milli >= 0),
    CHECK ((name = 'member') = (number >= 16))
) STRICT;
INSERT INTO account (number, name) VALUES (1, 'issuance'), (2, 'revenue'), (3, 'tombstone');

CREATE TABLE transfer (
    sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB NOT NULL CHECK (length(id) = 16), -- keyed hash of what it pays for
    kind         TEXT NOT NULL CHECK (kind = 'query' OR kind = 'contribute' OR kind = 'verify' OR kind = 'quality'
                                      OR kind = 'reverse' OR kind = 'download' OR kind = 'priority'),
    debit        INTEGER NOT NULL REFERENCES account,
    credit       INTEGER NOT NULL REFERENCES account,
    amount_milli INTEGER NOT NULL CHECK (amount_milli > 0),
    tag          BLOB CHECK (length(tag) = 32),
    created_at   INTEGER NOT NULL,
    CHECK (debit <> credit)
) STRICT;
-- Nothing earns, and nothing is reversed, twice. Spending is named by a fresh random query id and needs no such index.
CREATE UNIQUE INDEX transfer_once ON transfer (id)
    WHERE kind <> 'query' AND kind <> 'download' AND kind <> 'priority';
CREATE INDEX transfer_debit ON transfer (debit, sequence) WHERE debit >= 16;
CREATE INDEX transfer_credit ON transfer (credit, sequence) WHERE credit >= 16;

CREATE TRIGGER transfer_stays BEFORE DELETE ON transfer BEGIN
    SELECT RAISE(ABORT, 'transfers are never deleted');
END;
-- The one change there is: erasure puts the tombstone in the place of the instance.
CREATE TRIGGER transfer_is_immutable BEFORE UPDATE ON transfer
WHEN NOT (NEW.sequence = OLD.sequence AND NEW.kind = OLD.kind AND NEW.amount_milli = OLD.amount_milli
          AND NEW.created_at = OLD.created_at AND NEW.tag IS NULL
          AND ((NEW.debit = 3 AND NEW.credit = OLD.credit) OR (NEW.credit = 3 AND NEW.debit = OLD.debit)))
BEGIN
    SELECT RAISE(ABORT, 'transfers are immutable');
END;

-- What an instance did on one day (UTC): daily limits, standing of the last 7 days, the month's totals.
CREATE TABLE activity (
    instance     INTEGER NOT NULL REFERENCES instance,
    day          INTEGER NOT NULL,
    accepted     INTEGER NOT NULL DEFAULT 0 CHECK (accepted >= 0),     -- contributions
    payable      INTEGER NOT NULL DEFAULT 0 CHECK (payable >= 0),      -- of them, within the daily limit
    earned_milli INTEGER NOT NULL DEFAULT 0 CHECK (earned_milli >= 0), -- all that came in
    spent_milli  INTEGER NOT NULL DEFAULT 0 CHECK (spent_milli >= 0),  -- all that went out, reversals included
    PRIMARY KEY (instance, day)
) STRICT, WITHOUT ROWID;

-- Nonces of signed requests, until their timestamp is stale anyway.
CREATE TABLE nonce (
    nonce      BLOB PRIMARY KEY CHECK (length(nonce) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_expiry ON nonce (expires_at);
