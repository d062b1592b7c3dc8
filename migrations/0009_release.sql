-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001. A period is 30 days, counted from 1970-01-01 UTC.

-- release_gate = dp decides once a day: the last on which it did.
ALTER TABLE federation ADD COLUMN gate_day INTEGER NOT NULL DEFAULT 0 CHECK (gate_day >= 0);

-- The period whose noise is in contributor_count: when a later one has begun, the numbers are drawn anew.
ALTER TABLE release ADD COLUMN period INTEGER NOT NULL DEFAULT 0 CHECK (period >= 0);
UPDATE release SET period = released_at / 2592000;
CREATE INDEX release_period ON release (period);

-- Numbers of groups that are released no longer. Until the period is over, a group that is released again shows the same:
-- the difference of two numbers under the same noise would be exact. A group of which nothing else is left is here, too.
CREATE TABLE shown (
    tag               BLOB PRIMARY KEY CHECK (length(tag) = 32),
    period            INTEGER NOT NULL CHECK (period >= 0),
    contributor_count INTEGER NOT NULL CHECK (contributor_count >= 2),
    confidence        INTEGER NOT NULL CHECK (confidence BETWEEN 0 AND 100)
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_period ON shown (period);

CREATE TRIGGER release_leaves_its_numbers BEFORE DELETE ON release BEGIN
    INSERT OR REPLACE INTO shown (tag, period, contributor_count, confidence)
        SELECT p.tag, OLD.period, OLD.contributor_count, OLD.confidence FROM pattern p WHERE p.id = OLD.pattern;
END;
