# SPDX-License-Identifier: Apache-2.0
"""What the coordinator is for, from joining to an answered query, on the real daemon."""

import hashlib
import pathlib
import sqlite3
import threading
import unittest

import cfed
import client
import harness


class Release(harness.DaemonCase):
    options = {"release_interval_s": 1}

    def test_overlapping_patterns_are_released_at_k_and_a_query_reads_their_text(self):
        alice, bob, carol, reader = self.daemon.members(4)
        common = "  The \uff30ostgre\u00adSQL connections\u3000to a POOL deadlock, when idle!;: "
        seldom = "Connections leak in retries"
        for member in (alice, bob, carol):
            mine = f"only {member.instance_id[4:8]} saw this connection"
            answer = member.contribute(member.records(("databases", common), ("general", mine)), 0.8)
            self.assertEqual([{"status": "accepted"}] * 2, answer["results"])
            self.assertEqual((2, 2, 2, 198), (answer["accepted"], answer["credits_earned"], answer["balance"],
                                              answer["daily_remaining"]))
        for member in (alice, bob):
            member.contribute(member.records(("databases", seldom)))
        reader.contribute(reader.records(("general", "something of the readers own")))
        record = self.one_record(alice, common, "databases")
        released = self.wait_released(alice, record)
        self.wait_tick()

        answer, texts = reader.query("deadlocks in a Postgresql pool", max_results=5)
        self.assertEqual([("databases", "the postgresql connections to a pool deadlock, when idle")], texts)
        self.assertEqual((1, 0, False), (answer["cost"], answer["balance"], answer["routed"]))
        result = answer["results"][0]
        self.assertTrue(0 < result.pop("score") <= 1)
        self.assertEqual(released, result)
        self.assertEqual((0.8, 0, 0, None), (result["confidence"], result["verification_count"],
                                             result["refuted_count"], result["quality"]))
        self.assertGreaterEqual(result["contributor_count"], 3)
        self.assertEqual(cfed.time_text()[:7], result["released_on"][:7])
        self.assertEqual(["released", "sealed", "sealed"], [c["status"] for c in alice.contributions()])
        self.assertEqual((3, 1), tuple(alice.instance()[name] for name in ("contributions", "released")))

    def test_a_pattern_below_k_is_unknown_and_found_by_no_query(self):
        members = self.daemon.members(3)
        text = self.own_words()
        record = self.shared(members[:2], text)
        members[2].contribute([self.one_record(members[2])])
        self.wait_tick()
        for member in members:
            unknown = member.call("GET", f"/v1/patterns/{cfed.b64(bytes(32))}")
            sealed = member.pattern(record)
            self.assertEqual((404, "not-found"), (sealed.status, sealed.code))
            self.assertEqual(unknown.body, sealed.body)
        self.assertNotIn(("general", text), members[2].query(text)[1])
        self.assertEqual("sealed", members[0].contributions()[0]["status"])

    def test_the_wishes_of_the_privacy_modes_decide(self):
        """[3, 3, 3, 5] is released with three, [3, 5, 5, 5, 5] with five."""
        text, high_first = self.own_words(), self.own_words()
        record = self.shared(self.daemon.members(2) + self.daemon.members(1, mode="high"), text)
        other = self.shared(self.daemon.members(4, mode="high"), high_first)
        self.wait_tick()
        reader = self.daemon.member()
        self.assertEqual(404, reader.pattern(record).status, "[3, 3, 5] has no three or five in accord")
        self.assertEqual(404, reader.pattern(other).status, "[5, 5, 5, 5] neither")

        self.shared(self.daemon.members(1), text)
        self.shared(self.daemon.members(1), high_first)
        self.wait_released(reader, record)
        self.wait_released(reader, other)

    def test_a_withdrawal_unreleases_and_the_same_number_is_shown_after_the_return(self):
        members = self.daemon.members(3)
        record = self.shared(members)
        first = self.wait_released(members[0], record)
        answer = members[1].withdraw(record)
        self.assertEqual({"withdrawn": 1, "credits_reversed": 1, "balance": 0}, answer)
        self.wait_sealed(members[0], record)
        self.assertEqual("sealed", members[0].contributions()[0]["status"])
        self.assertEqual([], members[1].contributions())

        back = members[1].contribute([record])
        self.assertEqual((1, 0, 0), (back["accepted"], back["credits_earned"], back["balance"]))
        second = self.wait_released(members[0], record)
        self.assertEqual({**first, "released_on": 0}, {**second, "released_on": 0})
        self.assertFalse(members[1].contributions()[0]["paid"])

    def test_an_invalid_share_is_not_counted_and_shows_only_at_the_release(self):
        liar, *honest = self.daemon.members(4)
        record = self.one_record(liar)
        body = liar.contribution_body([record])
        body["patterns"][0]["share"] = cfed.b64(cfed.scalar(12345))
        answer = liar.expect(200, liar.call("POST", "/v1/contributions", body))
        self.assertEqual(([{"status": "accepted"}], 1), (answer["results"], answer["balance"]))
        for member in honest[:2]:
            member.contribute([record])
        self.wait_tick()
        self.assertEqual(404, liar.pattern(record).status)
        self.assertEqual(("sealed", True), tuple(liar.contributions()[0][name] for name in ("status", "paid")))
        self.assertEqual(1, liar.credits()["available"])

        honest[2].contribute([record])
        self.wait_released(honest[0], record)
        self.assertEqual("invalid", liar.contributions()[0]["status"])
        self.assertEqual(0, liar.credits()["available"])
        self.assertEqual(["contribute", "reverse"], [transfer["kind"] for transfer in liar.ledger()])
        self.assertEqual(["released"] * 3, [member.contributions()[0]["status"] for member in honest])

    def test_a_group_whose_index_does_not_open_is_invalid_for_good(self):
        members = self.daemon.members(4)
        record = self.one_record(members[0])
        record.index = bytes(80)
        record.tag = cfed.tag_of(record.federation_id, members[0].epoch["number"], "general", record.commitments,
                                 record.verify_key, record.ciphertext, record.index)
        for member in members[:3]:
            member.contribute([record])
        harness.until(lambda: members[0].contributions()[0]["status"] == "invalid", "the group is invalid")
        members[3].contribute([record])
        self.wait_tick()
        self.assertEqual(404, members[0].pattern(record).status)

    def test_nothing_is_paid_for_a_tag_that_is_already_released(self):
        members = self.daemon.members(4)
        record = self.shared(members[:3])
        self.wait_released(members[3], record)
        answer = members[3].contribute([record])
        self.assertEqual((1, 0, 0), (answer["accepted"], answer["credits_earned"], answer["balance"]))
        self.assertFalse(members[3].contributions()[0]["paid"])

    def test_erasure_leaves_no_trace_and_unreleases(self):
        members = self.daemon.members(3)
        record = self.shared(members)
        self.wait_released(members[0], record)
        gone = members[2]
        gone.query("quorum")
        receipt = gone.erase()
        self.assertEqual((gone.instance_id, 1), (receipt["instance_id"], receipt["contributions"]))
        self.assert_no_trace(gone, record)
        self.assertEqual("token-invalid", gone.call("GET", "/v1/credits").code)
        self.assertEqual("signature-invalid", gone.connection.call("POST", "/v1/tokens", gone.token_body()).code)
        self.wait_sealed(members[0], record)

    def test_a_reader_of_the_database_keeps_the_receipt_back_and_nobody_waits(self):
        gone, other = self.daemon.members(2)
        record = self.shared([gone])
        twin = self.daemon.member(seed=gone.key.seed)
        twin.mint()
        self.assertEqual(200, twin.call("GET", "/v1/credits").status)
        reader = sqlite3.connect(pathlib.Path(self.daemon.storage, "continuum.db"))
        reader.execute("BEGIN")
        self.assertGreaterEqual(reader.execute("SELECT count(*) FROM instance").fetchone()[0], 2)
        receipts = []
        leaving = threading.Thread(target=lambda: receipts.append(gone.erase()))
        leaving.start()
        harness.until(lambda: twin.call("GET", "/v1/credits").status == 401, "the token is dead")
        for _ in range(20):
            other.contribute([self.one_record(other)])
        self.assertEqual([], receipts)
        reader.close()
        leaving.join()
        self.assertEqual(1, receipts[0]["contributions"])
        self.assert_no_trace(gone, record)

    def assert_no_trace(self, gone, record):
        share = cfed.unb64(record.json(gone.key.public, 0)["share"])
        handle = bytes.fromhex(gone.instance_id.removeprefix("fed-").replace("-", ""))
        traces = {"id": gone.instance_id.encode(), "handle": handle, "handle reversed": handle[::-1],
                  "public key": gone.key.public, "share": share, "key in B64": cfed.b64(gone.key.public).encode(),
                  "share in B64": cfed.b64(share).encode()}
        for path in pathlib.Path(self.daemon.storage).iterdir():
            with self.subTest(path.name):
                content = path.read_bytes()
                self.assertEqual([], [name for name, trace in traces.items() if trace in content])

    def test_the_first_of_several_results_is_the_best(self):
        members = self.daemon.members(3)
        both = self.shared(members, "ferret walrus together here")
        one = self.shared(members, "ferret alone somewhere")
        self.shared(members, "ferret walrus in another domain", "elsewhere")
        unsure = self.shared(members, "ferret walrus uncertain", confidence=0.2)
        for record in (both, one, unsure):
            self.wait_released(members[0], record)
        answer, texts = members[0].query("ferret and walrus", domain="general", min_confidence=0.3)
        self.assertEqual([("general", "ferret walrus together here"), ("general", "ferret alone somewhere")], texts)
        scores = [result["score"] for result in answer["results"]]
        self.assertEqual(sorted(scores, reverse=True), scores)
        self.assertEqual(1, len(members[0].query("ferret walrus", max_results=1)[1]))

    def test_it_searches_by_the_short_tokens_of_its_epoch(self):
        daemon = self.fresh(token_bits=12, min_contributors=2)
        members = daemon.members(2)
        self.assertEqual((12, 2), (members[0].epoch["token_bits"], members[0].epoch["k"]))
        for member in members:
            member.contribute(member.records(("general", "narwhal tusks")))
        self.wait_released(members[0], member.records(("general", "narwhal tusks"))[0])
        self.assertIn(("general", "narwhal tusks"), members[0].query("tusk")[1])


class Books(harness.DaemonCase):
    options = {"release_interval_s": 1, "unproven_allowance": 3, "daily_contribution_limit": 6}

    def balanced(self, member):
        """The credits by every way in which they are told."""
        transfers = member.ledger()
        total = round(sum(transfer["amount"] for transfer in transfers), 3)
        credits = member.credits()
        self.assertEqual(total, credits["available"])
        earned = sum(t["amount"] for t in transfers if t["amount"] > 0)
        self.assertEqual(round(earned, 3), credits["earned_monthly"])
        self.assertEqual(round(earned - total, 3), credits["spent_monthly"])
        self.assertEqual(len(transfers), len({transfer["transfer_id"] for transfer in transfers}))
        return credits

    def test_credits_and_ledger_add_up(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(3)]
        member.contribute(records)
        again = member.contribute(records[:1])
        self.assertEqual((1, 0, 3, 3), (again["accepted"], again["credits_earned"], again["balance"],
                                        again["daily_remaining"]))
        member.query("quorum")
        withdrawn = member.withdraw(records[0])
        self.assertEqual({"withdrawn": 1, "credits_reversed": 1, "balance": 1}, withdrawn)
        self.assertEqual({"available": 1, "earned_monthly": 3, "spent_monthly": 2,
                          "daily": {"earned": 3, "limit": 6}}, self.balanced(member))
        ledger = member.ledger()
        self.assertEqual([("contribute", 1)] * 3 + [("query", -1), ("reverse", -1)],
                         [(transfer["kind"], transfer["amount"]) for transfer in ledger])
        tags = [cfed.b64(record.tag) for record in records]
        self.assertEqual(tags + [None, tags[0]], [transfer["tag"] for transfer in ledger])
        self.assertEqual({"withdrawn": 2, "credits_reversed": 1, "balance": 0}, member.withdraw())
        self.assertEqual({"withdrawn": 0, "credits_reversed": 0, "balance": 0}, member.withdraw())
        self.balanced(member)

    def test_a_withdrawal_never_takes_more_than_there_is(self):
        member = self.daemon.member()
        record = self.one_record(member)
        member.contribute([record])
        member.query("quorum")
        self.assertEqual({"withdrawn": 1, "credits_reversed": 0, "balance": 0}, member.withdraw(record))
        self.balanced(member)

    def test_beyond_the_unproven_allowance_a_pattern_is_paid_at_its_release(self):
        member, *others = self.daemon.members(3)
        records = [self.one_record(member) for _ in range(4)]
        answer = member.contribute(records)
        self.assertEqual((4, 3, 3), (answer["accepted"], answer["credits_earned"], answer["balance"]))
        self.assertEqual([True, True, True, False], [c["paid"] for c in member.contributions()])
        self.assertEqual({"earned": 3, "limit": 6}, member.credits()["daily"])
        for other in others:
            other.contribute(records[3:])
        self.wait_released(member, records[3])
        harness.until(lambda: member.credits()["available"] == 4, "paid at the release")
        self.assertTrue(member.contributions()[3]["paid"])
        self.assertEqual({"earned": 4, "limit": 6}, member.credits()["daily"])
        self.balanced(member)

    def test_beyond_the_daily_limit_patterns_are_kept_unpaid(self):
        daemon = self.fresh(daily_contribution_limit=2, unproven_allowance=100, price_contribute=0.5)
        member = daemon.member()
        answer = member.contribute([self.one_record(member) for _ in range(3)])
        self.assertEqual((3, 1, 1, 0), (answer["accepted"], answer["credits_earned"], answer["balance"],
                                        answer["daily_remaining"]))
        self.assertEqual([True, True, False], [c["paid"] for c in member.contributions()])
        self.assertEqual({"earned": 1, "limit": 1}, member.credits()["daily"])

    def test_credit_on_release_pays_at_the_release(self):
        daemon = self.fresh(credit_on="release")
        members = daemon.members(3)
        record = self.one_record(members[0])
        for member in members:
            self.assertEqual(0, member.contribute([record])["balance"])
        self.wait_released(members[0], record)
        for member in members:
            harness.until(lambda: member.credits()["available"] == 1, "paid at the release")
            self.balanced(member)

    def test_prices_are_the_operators(self):
        daemon = self.fresh(price_query="0.25", price_contribute="1.125")
        member = daemon.member()
        self.assertEqual((0.25, 1.125), tuple(member.federation["prices"][name] for name in ("query", "contribute")))
        self.assertEqual(1.125, member.contribute([self.one_record(member)])["balance"])
        answer, _ = member.query("quorum")
        self.assertEqual((0.25, 0.875), (answer["cost"], answer["balance"]))
        self.balanced(member)

    def test_without_required_contributions_nothing_is_charged(self):
        daemon = self.fresh(require_contribution="false")
        member = daemon.member()
        self.assertFalse(member.federation["require_contribution"])
        answer, texts = member.query("quorum")
        self.assertEqual((0, 0, []), (answer["cost"], answer["balance"], texts))
        self.assertEqual([], [transfer for transfer in member.ledger() if transfer["kind"] == "query"])

    def test_lists_come_in_pages_oldest_first(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(5)]
        member.contribute(records)
        whole = member.contributions()
        self.assertEqual([cfed.b64(record.tag) for record in records], [c["tag"] for c in whole])
        self.assertEqual(whole, member.pages("/v1/contributions", "contributions", limit=2))
        self.assertEqual(member.ledger(), member.pages("/v1/credits/ledger", "transfers", limit=1))
        self.assertIsNone(member.get("/v1/contributions?limit=5")["next_cursor"])


class Levels(harness.DaemonCase):
    options = {"release_interval_s": 1, "minimal_max_records": 2, "standard_max_records": 3, "minimal_max_results": 1,
               "standard_max_results": 2}

    def test_each_level_has_its_own_largest_batch(self):
        for level, most in (("minimal", 2), ("standard", 3)):
            member = self.daemon.member(level)
            records = [self.one_record(member) for _ in range(most + 1)]
            refused = member.call("POST", "/v1/contributions", member.contribution_body(records))
            self.assertEqual((422, "batch-too-large"), (refused.status, refused.code))
            self.assertEqual(most, member.contribute(records[:most])["accepted"])

    def test_results_are_cut_to_the_levels_cap(self):
        members = self.daemon.members(3)
        for number in range(3):
            record = self.shared(members, f"capybara {harness.spell(number)}")
        self.wait_released(members[0], record)
        self.wait_tick()
        for level, most in (("minimal", 1), ("standard", 2), ("extensive", 3)):
            reader = self.daemon.member(level)
            reader.contribute([self.one_record(reader)])
            self.assertEqual(most, len(reader.query("capybara", max_results=200)[1]), level)

    def test_high_confidence_is_shown_by_level(self):
        members = self.daemon.members(3)
        record = self.shared(members, "okapi sighting", confidence=0.9)
        self.wait_released(members[0], record)
        for level, found in (("minimal", 0), ("standard", 0), ("extensive", 1)):
            reader = self.daemon.member(level)
            reader.contribute([self.one_record(reader)])
            self.assertEqual(found, len(reader.query("okapi")[1]), level)
            answer = reader.pattern(record)
            self.assertEqual(200 if found else 403, answer.status, level)
            self.assertEqual(None if found else "level-too-low", answer.code)

    def test_standard_sees_high_confidence_after_the_delay(self):
        daemon = self.fresh(high_confidence_delay_s=0)
        members = daemon.members(3)
        for member in members:
            record = self.one_record(member, "okapi again")
            member.contribute([record], 1)
        self.wait_released(members[0], record)
        self.wait_released(daemon.member("standard"), record)
        self.assertEqual("level-too-low", daemon.member("minimal").pattern(record).code)

    def test_a_member_changes_what_it_declared(self):
        member = self.daemon.member("minimal", "balanced")
        before = member.instance()
        self.assertEqual(("minimal", "minimal", 0, "balanced", "unlimited", [], 0, 0), tuple(before[name] for name in (
            "contribution_level", "effective_level", "level_missing", "privacy_mode", "tier", "domains",
            "contributions", "released")))
        after = member.change(contribution_level="standard", privacy_mode="open", domains=["databases", "general"])
        self.assertEqual({**before, "contribution_level": "standard", "effective_level": "standard",
                          "privacy_mode": "open", "domains": ["databases", "general"]}, after)
        self.assertEqual(after, member.instance())
        self.assertEqual({**after, "domains": []}, member.change(domains=[]))
        self.assertEqual("accepted", member.contribute([self.one_record(member)], 0.37)["results"][0]["status"])


class Restart(harness.DaemonCase):
    options = {"release_interval_s": 1}

    def test_everything_is_there_after_a_restart(self):
        members = self.daemon.members(3)
        record = self.shared(members, "axolotl regrowth")
        self.wait_released(members[0], record)
        members[0].contribute([self.one_record(members[0])])
        members[1].query("axolotl")

        def seen(member):
            paths = ("/v1/federation", f"/v1/instances/{member.instance_id}", "/v1/contributions", "/v1/credits",
                     "/v1/credits/ledger", f"/v1/patterns/{cfed.b64(record.tag)}")
            return [member.get(path) for path in paths]
        before = [seen(member) for member in members]
        join = members[0].join_body()
        self.assertEqual(200, members[0].connection.call("POST", "/v1/instances", join).status)
        self.daemon.restart()
        for member in members:
            member.move(self.daemon.address)
        self.assertEqual(before, [seen(member) for member in members], "and the tokens are still good")
        replayed = members[0].connection.call("POST", "/v1/instances", join)
        self.assertEqual("nonce-reused", replayed.code)
        members[0].learn()
        self.assertEqual([("general", "axolotl regrowth")], members[0].query("regrowth")[1])
        self.assertEqual(1, members[2].contribute([record])["accepted"])
        self.assertEqual(1, members[2].credits()["available"])

    def test_a_sealed_group_is_released_by_a_share_that_comes_after_a_restart(self):
        members = self.daemon.members(3)
        record = self.shared(members[:2])
        self.daemon.restart()
        for member in members:
            member.move(self.daemon.address)
        members[2].contribute([record])
        self.wait_released(members[0], record)


class Federation(harness.DaemonCase):
    options = {"name": "Example federation", "description": "Patterns of database operators"}

    def test_the_federation_shows_its_parameters(self):
        federation = self.daemon.member(join=False).federation
        self.assertEqual(("cfed/v1", "Example federation", "Patterns of database operators", None, "open", "k"),
                         tuple(federation[name] for name in ("protocol", "name", "description", "key_check",
                                                             "admission", "release_gate")))
        self.assertEqual((3, 60, True), tuple(federation[name] for name in ("min_contributors", "release_interval_s",
                                                                            "require_contribution")))
        self.assertEqual({"contribute": 1, "verify": 0.5, "quality": 2, "query": 1, "download": 10, "priority": 5},
                         federation["prices"])
        limits = {"max_body_bytes": 4194304, "max_small_body_bytes": 32768, "max_records": 1000, "max_terms": 32,
                  "max_results": 200}
        self.assertEqual(limits, {name: federation["limits"].get(name) for name in limits})
        self.assertEqual({"high": (5, 0.5, 0.1), "balanced": (3, 1, 0.1), "open": (3, 2, 0.01)}, {
            name: (mode["min_contributors"], mode["epsilon"], mode["confidence_step"])
            for name, mode in federation["privacy_modes"].items()})
        self.assertEqual({"minimal": (10, 20, 10), "standard": (50, 100, 50), "extensive": (200, 1000, 200)}, {
            name: (level["min_contributions"], level["max_records"], level["max_results"])
            for name, level in federation["levels"].items()})
        epoch = federation["epoch"]
        self.assertEqual([{name: epoch[name] for name in ("number", "k", "token_bits")}], federation["epochs"])
        self.assertIsNone(epoch["oprf_url"])

    def test_the_joining_link_is_enough_to_join(self):
        coordinator_key = self.daemon.member(join=False).coordinator_key
        link = f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={coordinator_key}"
        member = client.Member.from_link(link)
        self.assertEqual(201, member.join().status)
        other_key = cfed.b64(hashlib.sha256(b"another").digest())
        with self.assertRaises(cfed.ProtocolError):
            client.Member.from_link(link.replace(coordinator_key, other_key)).join()

    def test_joining_again_gives_the_same_instance_without_a_token(self):
        member = self.daemon.member("standard")
        again = member.join("minimal", "high")
        self.assertEqual((200, {"instance_id": member.instance_id}), (again.status, again.json))
        self.assertEqual("standard", member.instance()["contribution_level"])
        first = member.token
        member.mint()
        member.credits()
        member.token = first
        member.credits()

    def test_the_configured_key_check_is_asked_for(self):
        member = self.daemon.member(join=False)
        folder = self.daemon.storage
        self.daemon.stop()
        try:
            daemon = harness.Daemon(storage=folder, key_check=cfed.b64(member.keys.key_check)).start()
            self.addCleanup(daemon.remove)
            self.assertEqual(cfed.b64(member.keys.key_check), daemon.member().federation["key_check"])
            stranger = client.Member(daemon.address, bytes(32))
            with self.assertRaises(cfed.ProtocolError):
                stranger.learn()
            refused = stranger.connection.call("POST", "/v1/instances", stranger.join_body())
            self.assertEqual((409, "wrong-federation-key"), (refused.status, refused.code))
            daemon.stop()
        finally:
            self.daemon.start()


if __name__ == "__main__":
    unittest.main()
