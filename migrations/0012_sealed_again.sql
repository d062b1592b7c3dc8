-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- When its pattern was un-released, for the last time: what is sealed expires so long after that. 0: it never was, and
-- the time counts from accepted_at.
ALTER TABLE contribution ADD COLUMN sealed_at INTEGER NOT NULL DEFAULT 0 CHECK (sealed_at >= 0);
