-- SPDX-License-Identifier: Apache-2.0

-- When an account goes, SQLite looks for transfers that name it; an index that leaves some out is none for that.
DROP INDEX transfer_debit;
DROP INDEX transfer_credit;
CREATE INDEX transfer_debit ON transfer (debit, sequence);
CREATE INDEX transfer_credit ON transfer (credit, sequence);

-- Days that are over are found without looking at all.
CREATE INDEX quota_day ON quota (day);
