-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- What was answered to a request with an Idempotency-Key, so that the same request again is not paid or charged again.
-- Neither key nor path nor body are kept, but keyed hashes of them, and no secret is in `answer`: only counts, amounts,
-- a query's id, and which patterns it found, by the ids of their rows and the first bytes of their tags.
CREATE TABLE memo (
    instance   INTEGER NOT NULL REFERENCES instance,
    number     INTEGER NOT NULL, -- of this instance, ascending: the lowest is the oldest
    scope      BLOB NOT NULL CHECK (length(scope) = 16), -- hash of method, path and key
    body       BLOB NOT NULL CHECK (length(body) = 16),  -- hash of the request's bytes
    refused    INTEGER NOT NULL CHECK (refused = 0 OR refused = 1), -- for want of credits; all else stands for success
    answer     BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (instance, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX memo_scope ON memo (instance, scope);
CREATE INDEX memo_expiry ON memo (expires_at);
