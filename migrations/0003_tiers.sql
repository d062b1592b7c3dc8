-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- What an operator lets a member use up in a day.
ALTER TABLE instance ADD COLUMN tier INTEGER NOT NULL DEFAULT 0 CHECK (tier = 0 OR tier = 1); -- unlimited, free

-- What members whose tier has quotas used up. Rows of past days stay: a clock that goes back finds them again.
CREATE TABLE quota (
    instance INTEGER NOT NULL REFERENCES instance,
    day      INTEGER NOT NULL,
    kind     INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2), -- contributions, queries, OPRF elements
    used     INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (instance, day, kind)
) STRICT, WITHOUT ROWID;
