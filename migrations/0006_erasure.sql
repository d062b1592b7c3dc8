-- SPDX-License-Identifier: Apache-2.0

-- Accounts of members that are being erased. The tombstone has their balance already and takes their place in their
-- transfers step by step: until that is through, only both together are what their transfers add up to.
CREATE TABLE burial (
    account INTEGER PRIMARY KEY REFERENCES account
) STRICT;
