# SPDX-License-Identifier: Apache-2.0
"""No answer tells whether another instance holds a pattern too, before it is released. Two daemons run on copies of
one storage folder, so that keys, ids and members are the same; in one of them others hold what the subject will hold,
in the other they hold something else. The subject sends both the same bytes, and must read the same bytes."""

import json
import re
import shutil
import time
import unittest

import cfed
import client
import harness

TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RANDOM = re.compile(rb'("evaluated": ?\[)[^\]]*|("query_id": ?"|"proof": ?"|"transfer_id": ?"|"next_cursor": ?")[^"]*')
OWN_HEADERS = ("date", "x-request-id")


def masked(answer):
    """The answer without what differs by its nature: times, ids that are drawn, and cursors, which are
    encrypted (that there is one, and how long it is, still counts)."""
    body = TIME.sub(b"TIME", answer.body)
    body = RANDOM.sub(lambda match: next(group for group in match.groups() if group) + b"RANDOM", body)
    headers = {name: value for name, value in answer.headers.items() if name not in OWN_HEADERS}
    return answer.status, headers, body


class TwoWorlds(unittest.TestCase):
    """`crowded`: others hold the subject's tags. `lonely`: they do not."""

    options = {"release_interval_s": 86400, "unproven_allowance": 3, "daily_contribution_limit": 8,
               "minimal_max_records": 4}

    def run(self, result=None):
        harness.stay_away_from_midnight()
        return super().run(result)

    def setUp(self):
        self.lonely = self.daemon()
        self.lonely.start()
        self.seeds = [bytes([number] * 32) for number in range(1, 6)]
        for seed in self.seeds:
            self.lonely.member(seed=seed)
        self.lonely.stop()
        self.crowded = self.daemon()
        shutil.copytree(self.lonely.storage, self.crowded.storage)
        self.start()

    def daemon(self, **options):
        daemon = harness.Daemon(**{**self.options, **options})
        self.addCleanup(daemon.remove)
        return daemon

    def start(self):
        for daemon in (self.lonely, self.crowded):
            daemon.start()
        self.subjects = [self.member(daemon, 0) for daemon in (self.lonely, self.crowded)]
        self.others = {daemon: [self.member(daemon, number) for number in range(1, 5)]
                       for daemon in (self.lonely, self.crowded)}

    def member(self, daemon, number):
        member = daemon.member(seed=self.seeds[number])
        member.mint()
        return member

    def same(self, method, path, body=None):
        """Sends the same to both; returns what both answered."""
        answers = [subject.call(method, path, body) for subject in self.subjects]
        self.assertEqual(*map(masked, answers), f"{method} {path}")
        return answers[0]

    def everything(self):
        """Every call that reads, and those that write but change nothing."""
        subject = self.subjects[0]
        self.same("GET", "/v1/federation")
        self.same("GET", f"/v1/instances/{subject.instance_id}")
        self.same("GET", "/v1/contributions")
        self.same("GET", "/v1/contributions?limit=1")
        self.same("GET", "/v1/credits")
        self.same("GET", "/v1/credits/ledger")
        self.same("GET", "/v1/credits/ledger?limit=1")
        self.same("POST", "/v1/oprf/evaluations", {"epoch": 1, "blinded": [cfed.b64(cfed.BASE)]})
        for record in self.held + [self.not_held]:
            self.same("GET", f"/v1/patterns/{cfed.b64(record.tag)}")
            self.same("DELETE", f"/v1/patterns/{cfed.b64(record.tag)}")
        self.same("DELETE", f"/v1/contributions/{cfed.b64(self.not_held.tag)}")

    def prepare(self, holders, silent=False):
        """`holders` others hold all that the subject will in the crowded world; in the lonely one they hold as much
        else, or, when they are `silent`, nothing."""
        texts = [f"secret plan {harness.spell(number)}" for number in range(5)]
        other_texts = [f"weather report {harness.spell(number)}" for number in range(5)]
        self.held = self.subjects[0].records(*(("general", text) for text in texts))
        self.not_held = self.held.pop()
        for daemon, words in ((self.crowded, texts), (self.lonely, other_texts)):
            for other in self.others[daemon][:0 if silent and daemon is self.lonely else holders]:
                self.assertEqual(5, other.contribute(other.records(*(("general", text) for text in words)))["accepted"])

    def whole_life(self):
        subject = self.subjects[0]

        def contribute(records, **changes):
            body = subject.contribution_body(records)
            for record in body["patterns"]:
                record.update(changes)
            return self.same("POST", "/v1/contributions", json.dumps(body).encode())
        self.everything()
        contribute(self.held, share=cfed.b64(bytes(32)))
        contribute(self.held, index=cfed.b64(bytes(80)))
        self.assertEqual(1, contribute(self.held[:1]).json["accepted"])
        self.assertEqual(1, contribute(self.held[1:2], share=cfed.b64(cfed.scalar(7))).json["accepted"])
        self.everything()
        self.assertEqual(1, contribute(self.held[2:3], confidence=1).json["credits_earned"])
        self.assertEqual(0, contribute(self.held[3:]).json["credits_earned"], "beyond the unproven allowance")
        self.assertEqual(4, contribute(self.held).json["accepted"])
        self.everything()
        terms = cfed.query_tokens(subject.keys, "secret plan", 32)
        for body in ({"terms": terms}, {"terms": terms, "domain": "general", "max_results": 200}, {"terms": [0]}):
            self.same("POST", "/v1/queries", body)
        self.everything()
        for name in ("/v1/contributions/" + cfed.b64(self.held[0].tag), "/v1/contributions"):
            self.same("DELETE", name)
            self.same("DELETE", name)
            self.everything()
        self.assertEqual(4, contribute(self.held).json["accepted"])
        self.everything()
        self.same("PATCH", f"/v1/instances/{subject.instance_id}", {"contribution_level": "minimal"})
        self.same("POST", "/v1/contributions", subject.contribution_body(self.held + [self.not_held]))

    def erased(self):
        """The receipt is signed over its time, so that it is compared without."""
        answers = [subject.call("DELETE", f"/v1/instances/{subject.instance_id}").json for subject in self.subjects]
        receipts = [{**answer["receipt"], "erased_at": None} for answer in answers]
        self.assertEqual(*receipts)
        self.assertEqual(*(sorted(answer) for answer in answers))

    def test_nothing_tells_that_one_other_holds_the_tags(self):
        self.prepare(1)
        self.whole_life()
        self.erased()

    def test_nothing_tells_that_two_others_do_and_the_group_is_full(self):
        """The subject is the third of k = 3: the group is complete, and no tick has come."""
        self.prepare(2)
        self.whole_life()
        self.erased()

    def test_nothing_tells_that_a_full_group_waits(self):
        self.prepare(4)
        self.whole_life()
        self.erased()

    def test_nothing_tells_that_others_contributed_at_all(self):
        self.prepare(2, silent=True)
        self.whole_life()
        self.erased()

    def test_a_restart_tells_nothing(self):
        self.prepare(1)
        subject = self.subjects[0]
        body = subject.contribution_body(self.held)
        self.same("POST", "/v1/contributions", body)
        for daemon in (self.lonely, self.crowded):
            daemon.stop()
        self.start()
        self.everything()
        self.same("POST", "/v1/contributions", body)
        self.same("DELETE", "/v1/contributions")
        self.everything()


class BelowTheThreshold(TwoWorlds):
    """The same with ticks: as long as fewer than k hold a tag, a tick changes nothing that can be read."""

    options = {**TwoWorlds.options, "release_interval_s": 1}

    def prepare(self, holders, silent=False):
        super().prepare(1, silent)

    def everything(self):
        """Once now, and once after a tick that a released pattern of two strangers and the witness shows."""
        super().everything()
        self.rounds = getattr(self, "rounds", 0) + 1
        for daemon in (self.lonely, self.crowded):
            witnesses = self.others[daemon][1:]
            record = witnesses[0].records(("witness", f"tick {harness.spell(self.rounds)}"))[0]
            for witness in witnesses:
                witness.contribute([record])
            harness.until(lambda w=witnesses[0], r=record: w.pattern(r).status == 200, "released")
        super().everything()

    test_nothing_tells_that_two_others_do_and_the_group_is_full = None
    test_nothing_tells_that_a_full_group_waits = None

    def test_the_comparison_sees_a_release(self):
        """So that all the above can fail: with k members the worlds do differ."""
        TwoWorlds.prepare(self, 2)
        self.same("POST", "/v1/contributions", self.subjects[0].contribution_body(self.held))
        harness.until(lambda: self.subjects[1].pattern(self.held[0]).status == 200, "released in the crowded world")
        for path in ("/v1/contributions", f"/v1/patterns/{cfed.b64(self.held[0].tag)}"):
            with self.assertRaises(AssertionError):
                self.same("GET", path)


class Steps(harness.DaemonCase):
    def test_contributing_and_withdrawing_are_answered_at_whole_steps(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(10)]
        for call in ([lambda r=record: member.contribute([r]) for record in records]
                     + [lambda r=record: member.call("DELETE", f"/v1/contributions/{cfed.b64(r.tag)}")
                        for record in records] + [lambda: member.call("DELETE", "/v1/contributions")]):
            begun = time.monotonic()
            call()
            self.assertGreaterEqual(time.monotonic() - begun, 0.004)


class Cursors(harness.DaemonCase):
    def test_a_cursor_of_one_list_opens_no_other(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(3)])
        for path, other in (("/v1/credits/ledger", "/v1/contributions"), ("/v1/contributions", "/v1/credits/ledger")):
            cursor = member.get(f"{path}?limit=1")["next_cursor"]
            self.assertEqual(200, member.call("GET", f"{path}?cursor={cursor}").status)
            self.assertEqual("invalid-request", member.call("GET", f"{other}?cursor={cursor}").code)


class Sensitivity(unittest.TestCase):
    def test_the_mask_leaves_what_could_tell(self):
        def answer(body):
            whole = client.Answer.__new__(client.Answer)
            whole.status, whole.headers, whole.body = 200, {"date": body.decode()}, body
            return whole
        same = (b'{"query_id": "q-1", "at": "2026-01-02T03:04:05Z"}',
                b'{"query_id": "q-2", "at": "2026-01-02T03:04:06Z"}')
        self.assertEqual(*(masked(answer(body)) for body in same))
        for body, other in ((b'{"balance": 1}', b'{"balance": 2}'), (b'{"paid": true}', b'{"paid":true}'),
                            (b'{"evaluated": ["a"], "x": 1}', b'{"evaluated": ["b"], "x": 2}')):
            self.assertNotEqual(masked(answer(body)), masked(answer(other)))


if __name__ == "__main__":
    unittest.main()
