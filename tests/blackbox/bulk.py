# SPDX-License-Identifier: Apache-2.0
"""Fills the database of a daemon that is stopped with many released patterns, as fast as SQLite takes them. Nobody can
decrypt them: they are for tests of what does not look inside."""

import os
import sqlite3
import time


def fill(storage, domain, count, ciphertext=1040):
    """Makes `count` patterns of `domain`, which all members hold; returns their tags in the order of release."""
    with sqlite3.connect(os.path.join(storage, "continuum.db")) as database:
        database.execute("PRAGMA synchronous = OFF")
        holders = [row[0] for row in database.execute("SELECT number FROM instance")]
        first = database.execute("SELECT coalesce(max(id), 0) + 1 FROM pattern").fetchone()[0]
        sequences = {holder: database.execute("SELECT next_sequence FROM instance WHERE number = ?",
                                              (holder,)).fetchone()[0] for holder in holders}
        k = database.execute("SELECT k FROM epoch").fetchone()[0]
        ids, now, tags = range(first, first + count), int(time.time()) - 10, []

        def patterns():
            for number in ids:
                tags.append(os.urandom(32))
                yield (number, tags[-1], domain, os.urandom(32), os.urandom(32 * k), os.urandom(80),
                       os.urandom(ciphertext))
        database.executemany("INSERT INTO pattern (id, tag, epoch, domain, verify_key, commitments, search_index,"
                             " ciphertext) VALUES (?, ?, 1, ?, ?, ?, ?, ?)", patterns())
        for holder in holders:
            database.executemany(
                "INSERT INTO contribution (instance, sequence, pattern, share, confidence, min_group, epsilon_milli,"
                " accepted_at, state, payment, counted) VALUES (?, ?, ?, zeroblob(32), 50, 2, 1000, ?, 1, 0, 1)",
                ((holder, sequences[holder] + number - first, number, now) for number in ids))
            database.execute("UPDATE instance SET contributions = contributions + ?1, released = released + ?1,"
                             " next_sequence = next_sequence + ?1 WHERE number = ?2", (count, holder))
        database.executemany(
            "INSERT INTO release (pattern, domain, secret, tokens, counted, contributor_count, confidence, released_at,"
            " period, sequence) VALUES (?, ?, zeroblob(32), ?, ?, ?, 50, ?, ?, (SELECT last + 1 FROM release_counter))",
            ((number, domain, os.urandom(8), max(2, len(holders)), max(2, len(holders)), now, now // 2592000 + 1)
             for number in ids))  # of a period to come: no tick looks at them
    database.close()
    return tags
