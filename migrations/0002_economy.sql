-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- What members who could decrypt a released pattern say of it. Clustered by pattern, as ticks count them.
CREATE TABLE verification (
    pattern    INTEGER NOT NULL REFERENCES pattern,
    instance   INTEGER NOT NULL REFERENCES instance,
    verifier   BLOB NOT NULL CHECK (length(verifier) = 16), -- the pseudonym under which it is shown
    verdict    INTEGER NOT NULL CHECK (verdict = 0 OR verdict = 1), -- refute, confirm
    proof      BLOB NOT NULL CHECK (length(proof) = 64),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (pattern, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX verification_of_instance ON verification (instance);

CREATE TABLE vote (
    pattern    INTEGER NOT NULL REFERENCES pattern,
    instance   INTEGER NOT NULL REFERENCES instance,
    quality    INTEGER NOT NULL CHECK (quality = 0 OR quality = 1), -- low, high
    created_at INTEGER NOT NULL,
    PRIMARY KEY (pattern, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX vote_of_instance ON vote (instance);

-- What a tick last counted, and so what is shown.
ALTER TABLE release ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0 CHECK (confirmed >= 0);
ALTER TABLE release ADD COLUMN refuted INTEGER NOT NULL DEFAULT 0 CHECK (refuted >= 0);
ALTER TABLE release ADD COLUMN votes_high INTEGER NOT NULL DEFAULT 0 CHECK (votes_high >= 0);
ALTER TABLE release ADD COLUMN votes_low INTEGER NOT NULL DEFAULT 0 CHECK (votes_low >= 0);

-- Whether its contributors had the reward of a high quality, which a pattern pays once.
ALTER TABLE pattern ADD COLUMN rewarded INTEGER NOT NULL DEFAULT 0 CHECK (rewarded = 0 OR rewarded = 1);

-- Whether it was counted when its pattern was released: those share the reward.
ALTER TABLE contribution ADD COLUMN counted INTEGER NOT NULL DEFAULT 0 CHECK (counted = 0 OR counted = 1);
UPDATE contribution SET counted = 1 WHERE state = 1 AND EXISTS (
    SELECT 1 FROM release r WHERE r.pattern = contribution.pattern
        AND contribution.min_group <= r.counted AND contribution.accepted_at <= r.released_at);

-- Verifications of a day that were paid.
ALTER TABLE activity ADD COLUMN verified INTEGER NOT NULL DEFAULT 0 CHECK (verified >= 0);
