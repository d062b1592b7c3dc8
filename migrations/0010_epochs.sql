-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- Sealed patterns of past epochs expire, and an epoch without any pattern is forgotten. Ids grow within an epoch: what is
-- inserted goes to the end of this index.
CREATE INDEX pattern_epoch ON pattern (epoch);

-- How its tokens were cut: those of its epoch.
ALTER TABLE release ADD COLUMN token_bits INTEGER NOT NULL DEFAULT 32 CHECK (token_bits BETWEEN 8 AND 32);
UPDATE release SET token_bits = (SELECT e.token_bits FROM pattern p JOIN epoch e ON e.number = p.epoch
                                 WHERE p.id = release.pattern);

-- What was contributed in an epoch and paid comes again in the next one, and is not paid again: so many contributions of
-- an instance still pay nothing. Its sequences from epoch_sequence on are of the current epoch.
ALTER TABLE instance ADD COLUMN carried INTEGER NOT NULL DEFAULT 0 CHECK (carried >= 0);
ALTER TABLE instance ADD COLUMN epoch_sequence INTEGER NOT NULL DEFAULT 1 CHECK (epoch_sequence >= 1);

-- Whether it was one of them.
ALTER TABLE contribution ADD COLUMN carried INTEGER NOT NULL DEFAULT 0 CHECK (carried = 0 OR carried = 1);
