-- SPDX-License-Identifier: Apache-2.0
-- Units and style as in 0001.

-- Questions that were handed on to members. Sealed for members: the coordinator checks sizes.
CREATE TABLE question (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16), -- query_id
    asker      INTEGER NOT NULL REFERENCES instance,
    domain     TEXT CHECK (length(domain) BETWEEN 1 AND 64), -- as asked; NULL: any
    sealed     BLOB NOT NULL CHECK (length(sealed) = 312 OR length(sealed) = 1080 OR length(sealed) = 4152
                                    OR length(sealed) = 16440),
    reply_key  BLOB NOT NULL CHECK (length(reply_key) = 32),
    asked_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX question_of_asker ON question (asker, asked_at);
CREATE INDEX question_expiry ON question (expires_at);

-- One row for each member that is asked. Priority and expiry are the question's, here for the order of an inbox.
CREATE TABLE delivery (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    question     INTEGER NOT NULL REFERENCES question,
    instance     INTEGER NOT NULL REFERENCES instance, -- who is asked
    asker        INTEGER NOT NULL,                    -- the question's
    priority     INTEGER NOT NULL CHECK (priority = 0 OR priority = 1),
    asked_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2), -- waiting, answered, declined
    leased_until INTEGER NOT NULL DEFAULT 0,
    CHECK (instance <> asker)
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (question, instance);
CREATE INDEX delivery_inbox ON delivery (instance, priority DESC, number) WHERE state = 0;
CREATE INDEX delivery_of_instance ON delivery (instance, asked_at);

CREATE TABLE answer (
    delivery INTEGER PRIMARY KEY REFERENCES delivery,
    sealed   BLOB NOT NULL CHECK (length(sealed) = 344 OR length(sealed) = 1112 OR length(sealed) = 4184
                                  OR length(sealed) = 16472),
    due_at   INTEGER NOT NULL, -- when the asker may see it: the end of its batch
    place    INTEGER NOT NULL, -- random: the order within a batch
    handed   INTEGER NOT NULL DEFAULT 0 CHECK (handed = 0 OR handed = 1) -- the asker has seen it
) STRICT;

-- The last delivery to it: who was asked longest ago comes first.
ALTER TABLE instance ADD COLUMN last_asked INTEGER NOT NULL DEFAULT 0;
