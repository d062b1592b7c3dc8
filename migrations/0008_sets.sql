-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.
-- Sets: all released patterns of a domain, downloaded in the order of their releases.

-- The number that the last release got. None is given twice: a pattern that is released again comes behind everything
-- that was there, and who knows all up to a number learns of it.
CREATE TABLE release_counter (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL CHECK (last >= 0)
) STRICT;
INSERT INTO release_counter (one, last) SELECT 1, coalesce(max(pattern), 0) FROM release;

-- Nobody has seen the order of earlier releases: that of their patterns serves.
ALTER TABLE release ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0 CHECK (sequence >= 0);
UPDATE release SET sequence = pattern;
CREATE UNIQUE INDEX release_of_set ON release (domain, sequence);

-- What is in each set, kept by the triggers below; a set without patterns has no row.
CREATE TABLE release_set (
    number     INTEGER PRIMARY KEY,
    domain     TEXT NOT NULL UNIQUE CHECK (length(domain) BETWEEN 1 AND 64),
    patterns   INTEGER NOT NULL CHECK (patterns >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0), -- of a download, about: base64 and 570 for the rest of a line
    updated_at INTEGER NOT NULL                     -- when a pattern was last released
) STRICT;
INSERT INTO release_set (domain, patterns, bytes, updated_at)
    SELECT r.domain, count(*), sum(570 + (length(p.commitments) + length(p.ciphertext)) * 4 / 3), max(r.released_at)
    FROM release r JOIN pattern p ON p.id = r.pattern GROUP BY r.domain;

CREATE TRIGGER release_enters_set AFTER INSERT ON release BEGIN
    UPDATE release_counter SET last = NEW.sequence WHERE last < NEW.sequence;
    INSERT INTO release_set (domain, patterns, bytes, updated_at)
        SELECT NEW.domain, 1, 570 + (length(p.commitments) + length(p.ciphertext)) * 4 / 3, NEW.released_at
        FROM pattern p WHERE p.id = NEW.pattern
        ON CONFLICT (domain) DO UPDATE SET patterns = patterns + 1, bytes = bytes + excluded.bytes,
            updated_at = max(updated_at, excluded.updated_at);
END;
CREATE TRIGGER release_leaves_set AFTER DELETE ON release BEGIN
    UPDATE release_set SET patterns = patterns - 1, bytes = bytes - (
        SELECT 570 + (length(p.commitments) + length(p.ciphertext)) * 4 / 3 FROM pattern p WHERE p.id = OLD.pattern)
        WHERE domain = OLD.domain;
    DELETE FROM release_set WHERE domain = OLD.domain AND patterns = 0;
END;

-- Downloads that were paid, until they expire.
CREATE TABLE download (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16), -- random
    instance   INTEGER NOT NULL REFERENCES instance,
    domain     TEXT NOT NULL CHECK (length(domain) BETWEEN 1 AND 64),
    start      INTEGER NOT NULL CHECK (start >= 0),      -- the releases above this number
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX download_of_instance ON download (instance, expires_at);
CREATE INDEX download_expiry ON download (expires_at);
