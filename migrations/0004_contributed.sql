-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- Of earned_milli, what contributions were paid.
ALTER TABLE activity ADD COLUMN contributed_milli INTEGER NOT NULL DEFAULT 0 CHECK (contributed_milli >= 0);
UPDATE activity SET contributed_milli = paid.milli FROM (
    SELECT credit, created_at / 86400 AS day, sum(amount_milli) AS milli FROM transfer
        WHERE kind = 'contribute' GROUP BY credit, created_at / 86400) AS paid
    WHERE paid.credit = activity.instance AND paid.day = activity.day;
