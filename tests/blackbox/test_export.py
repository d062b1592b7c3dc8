# SPDX-License-Identifier: Apache-2.0
"""What a member gets to see of itself is all that there is: compared with every table that names members."""

import collections
import sqlite3

import cfed
import harness

# Columns that name a member and are no row of that member's, and why.
ELSEWHERE = {("delivery", "asker"): "the asker's side is its question",
             ("burial", "account"): "an account whose member is erased already"}
# Columns that an export does not show under their name, and what stands for them.
SHOWN_AS = {("instance", "number"): "instance_id", ("instance", "handle"): "instance_id",
            ("instance", "level"): "contribution_level", ("instance", "mode"): "privacy_mode",
            ("account", "balance_milli"): "balance", ("contribution", "state"): "status",
            ("contribution", "pattern"): "tag", ("contribution", "epsilon_milli"): "epsilon",
            ("verification", "pattern"): "tag", ("vote", "pattern"): "tag", ("transfer", "id"): "transfer_id",
            ("transfer", "amount_milli"): "amount", ("transfer", "debit"): "amount", ("transfer", "credit"): "amount",
            ("activity", "earned_milli"): "earned", ("activity", "spent_milli"): "spent",
            ("activity", "contributed_milli"): "contributed", ("quota", "kind"): "of", ("question", "id"): "query_id",
            ("question", "sealed"): "sealed_query", ("download", "id"): "download_id", ("delivery", "id"): "delivery_id",
            ("delivery", "question"): "sealed_query", ("delivery", "leased_until"): "leased_until_at"}
# Columns that are left out: numbers that only order rows, and what is another's; docs/PROTOCOL.md says which.
LEFT_OUT = {("instance", "next_sequence"), ("instance", "last_asked"), ("instance", "epoch_sequence"), ("account", "number"), ("account", "name"),
            ("contribution", "sequence"),
            ("contribution", "counted"),  # of a group's counts only noisy ones leave
            ("transfer", "sequence"), ("memo", "number"),
            ("question", "number"), ("delivery", "number"),
            ("download", "start"),  # it counts all releases
            ("delivery", "asked_at")}  # the second at which somebody else asked
NAMES_A_MEMBER = {"instance", "asker", "account", "debit", "credit"}


class Export(harness.DaemonCase):
    options = {"min_contributors": 2, "release_interval_s": 1, "default_tier": "free", "price_query": 0,
               "price_priority": 0, "price_download": 0}

    def database(self):
        database = sqlite3.connect(f"file:{self.daemon.storage}/continuum.db?mode=ro", uri=True)
        self.addCleanup(database.close)
        return database

    @staticmethod
    def columns(database, table):
        return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]

    def tables_of_members(self, database):
        """(table, column) of every column that holds the number of a member, found by walking the schema."""
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            references = {row[3] for row in database.execute(f"PRAGMA foreign_key_list({table})")
                          if row[2] in ("instance", "account")}
            for column in self.columns(database, table):
                if column in references | NAMES_A_MEMBER or (table, column) in (("instance", "number"),
                                                                               ("account", "number")):
                    yield table, column

    def eventful(self):
        """A member with a row in every table."""
        me, other, third = self.daemon.members(3)
        mine, theirs = self.shared([me, other]), self.shared([other, third])
        self.wait_released(me, mine)
        pattern = self.wait_released(me, theirs)
        me.verify(pattern)
        me.vote(pattern, "high")
        me.ask("quorum", question="who knows")
        other.ask("quorum", question="and who knows this")
        self.assertTrue(me.inbox())
        me.expect(201, me.call("POST", "/v1/sets/general/downloads", {}))
        me.call("POST", "/v1/queries", {"terms": [7]}, headers={"Idempotency-Key": "once"})
        return me, other

    def test_every_row_that_names_a_member_is_in_its_export(self):
        me, other = self.eventful()
        database = self.database()
        handle = int(me.instance_id.removeprefix("fed-").replace("-", ""), 16)
        (number,) = database.execute("SELECT number FROM instance WHERE handle = ?", (handle,)).fetchone()
        held = collections.Counter()
        for table, column in self.tables_of_members(database):
            if (table, column) not in ELSEWHERE:
                (count,) = database.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (number,)).fetchone()
                held[table] += count
        self.assertEqual([], [table for table, count in held.items() if count == 0], "the member has done too little")
        lines = me.export()
        self.assertEqual(held, collections.Counter(line["record"] for line in lines))
        self.assertNotIn(other.instance_id, str(lines))

    def test_every_column_is_shown_or_left_out_for_a_reason(self):
        me, _ = self.eventful()
        database = self.database()
        shown = collections.defaultdict(set)
        for line in me.export():
            shown[line["record"]] |= set(line)
        for table, names in shown.items():
            for column in self.columns(database, table):
                if (table, column) not in LEFT_OUT and column not in ("instance", "asker"):
                    self.assertIn(SHOWN_AS.get((table, column), column), names, (table, column))

    def test_a_delivery_is_leased_from_when_it_was_fetched(self):
        me, other = self.eventful()
        other.ask("quorum", question="and who else")
        leased, waiting = [line["leased_until_at"] for line in me.export() if line["record"] == "delivery"]
        self.assertRegex(leased, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIsNone(waiting)

    def test_what_is_shown_is_what_was_sent(self):
        me = self.daemon.member()
        record = self.one_record(me)
        me.contribute([record], 0.7)
        lines = {line["record"]: line for line in me.export()}
        sent = record.json(me.key.public, 0.7)
        shown = lines["contribution"]
        for name in ("tag", "domain", "commitments", "verify_key", "ciphertext", "index", "share"):
            self.assertEqual(sent[name], shown[name], name)
        self.assertEqual((70, "sealed", "paid"), (shown["confidence"], shown["status"], shown["payment"]))
        self.assertEqual(cfed.b64(me.key.public), lines["instance"]["public_key"])
        self.assertEqual(1, lines["account"]["balance"])
        self.assertEqual(1, lines["transfer"]["amount"])
        self.assertRegex(lines["instance"]["joined_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_an_export_of_many_pieces_is_whole(self):
        daemon = self.fresh(default_tier="unlimited")
        me = daemon.member()
        records = []
        for part in range(3):
            records += me.records(*[("general", f"part {harness.spell(part)} number {harness.spell(i)}")
                                    for i in range(100)])
            me.contribute(records[-100:])
        shown = [line["tag"] for line in me.export() if line["record"] == "contribution"]
        self.assertEqual([cfed.b64(record.tag) for record in records], shown)

    def test_nobody_exports_another(self):
        me, other = self.daemon.members(2)
        self.assertEqual("not-found", me.call("GET", f"/v1/instances/{other.instance_id}/export").code)
        other.erase()
        self.assertEqual("token-invalid", other.call("GET", f"/v1/instances/{other.instance_id}/export").code)
