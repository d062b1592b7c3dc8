# SPDX-License-Identifier: Apache-2.0
"""Tiers and their quotas of a day, as docs/PROTOCOL.md, section 7, has them."""

import datetime
import json
import os
import subprocess
import unittest

import cfed
import harness
from problems import POINT, ProblemCase

QUOTAS = {"free_daily_contributions": 4, "free_daily_queries": 2, "free_daily_oprf_elements": 100}


def seconds_left():
    """Until midnight, UTC."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return 86400 - (now.hour * 3600 + now.minute * 60 + now.second)


class QuotaCase(ProblemCase):
    def assert_metered(self, answer, name, quota, left):
        """Both headers, to the letter of draft-ietf-httpapi-ratelimit-headers, and true."""
        self.assertEqual(f'"{name}";q={quota};w=86400', answer.headers["ratelimit-policy"])
        self.assertRegex(answer.headers["ratelimit"], rf'^"{name}";r={left};t=\d+$')
        self.assert_until_midnight(int(answer.headers["ratelimit"].rsplit("=", 1)[1]))

    def assert_until_midnight(self, seconds):
        self.assertTrue(1 <= seconds <= 86400)
        self.assertLess(min((seconds - seconds_left()) % 86400, (seconds_left() - seconds) % 86400), 10)

    def assert_exhausted(self, answer, name, quota, left=0):
        self.assert_problem(answer, "too-many-requests")
        self.assert_metered(answer, name, quota, left)
        self.assert_until_midnight(int(answer.headers["retry-after"]))

    def evaluate(self, member, count, epoch=1):
        return member.call("POST", "/v1/oprf/evaluations", {"epoch": epoch, "blinded": [POINT] * count})

    @staticmethod
    def ask(member, **more):
        return member.call("POST", "/v1/queries", {"terms": [1], **more})

    @staticmethod
    def send(member, records):
        return member.call("POST", "/v1/contributions", member.contribution_body(records))


class Free(QuotaCase):
    options = {"default_tier": "free", **QUOTAS}

    def test_contributions(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(5)]
        self.assertEqual("free", member.instance()["tier"])
        self.assert_metered(self.send(member, records[:3]), "contributions", 4, 1)
        self.refuses_all(member, [("two, and one is left", "too-many-requests", None,
                                   lambda: self.send(member, records[3:]))])
        self.assert_exhausted(self.send(member, records[3:]), "contributions", 4, 1)
        self.assert_metered(self.send(member, records[3:4]), "contributions", 4, 0)
        self.assert_exhausted(self.send(member, records[:1]), "contributions", 4)
        self.assertEqual(4, len(member.contributions()))

    def test_a_refused_request_uses_nothing_up(self):
        member = self.daemon.member()
        record = self.one_record(member)
        wrong = {**member.contribution_body([record] * 4), "epoch": 9}
        for body, code in ((wrong, "epoch-not-current"), ({**wrong, "more": 1}, "invalid-request")):
            self.assert_problem(member.call("POST", "/v1/contributions", body), code)
        self.assert_metered(self.send(member, [record]), "contributions", 4, 3)
        self.assert_problem(self.ask(member, priority=True), "insufficient-credits")
        self.assert_problem(self.ask(member, domain="?"), "invalid-request")
        self.assert_metered(self.ask(member), "queries", 2, 1)

    def test_queries(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(3)])
        self.assert_metered(self.ask(member), "queries", 2, 1)
        self.assert_metered(self.ask(member), "queries", 2, 0)
        self.refuses_all(member, [("the third", "too-many-requests", None, lambda: self.ask(member))])
        self.assert_exhausted(self.ask(member), "queries", 2)
        self.assertEqual(1, member.credits()["available"])
        member.contribute([self.one_record(member)])

    def test_credits_come_before_quotas(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(2)])
        self.assertEqual([200, 200], [self.ask(member).status for _ in range(2)])
        self.assert_problem(self.ask(member), "insufficient-credits")

    def test_evaluations_count_elements(self):
        member = self.daemon.member()
        not_a_point = cfed.b64(b"\1" * 32)
        self.assert_problem(member.call("POST", "/v1/oprf/evaluations",
                                        {"epoch": 1, "blinded": [POINT] * 60 + [not_a_point]}),
                            "invalid-request", "/blinded/60")
        self.assert_problem(self.evaluate(member, 60, epoch=2), "epoch-not-current")
        answer = self.evaluate(member, 60)
        self.assertEqual(60, len(answer.json["evaluated"]))
        self.assert_metered(answer, "oprf-elements", 100, 40)
        self.assert_exhausted(self.evaluate(member, 41), "oprf-elements", 100, 40)
        self.assert_metered(self.evaluate(member, 40), "oprf-elements", 100, 0)
        self.assert_exhausted(self.evaluate(member, 1), "oprf-elements", 100)

    def test_quotas_are_each_members_own(self):
        one, other = self.daemon.members(2)
        self.assert_metered(self.evaluate(one, 100), "oprf-elements", 100, 0)
        self.assert_metered(self.evaluate(other, 100), "oprf-elements", 100, 0)

    def test_a_kill_resets_nothing(self):
        daemon = self.fresh()
        member = daemon.member()
        self.assert_metered(self.evaluate(member, 100), "oprf-elements", 100, 0)
        daemon.kill()
        daemon.start()
        member.move(daemon.address)
        self.assert_exhausted(self.evaluate(member, 1), "oprf-elements", 100)


class Tool(QuotaCase):
    """What a member of tier free sees with continuum-fed."""

    options = {"default_tier": "free", **QUOTAS, "free_daily_queries": 1, "daily_contribution_limit": 2}

    def fed(self, *arguments, status=0, json=True):
        ran = subprocess.run([harness.BUILD / "continuum-fed", *(["--json"] if json else []), *arguments],
                             env=harness.environment(CONTINUUM_FED_DIR=os.path.join(self.daemon.folder, "fed")),
                             capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(status, ran.returncode, ran)
        return ran.stdout if status == 0 else ran.stderr

    def test_tier_and_daily_figures_are_shown_and_nobody_waits_until_midnight(self):
        coordinator_key = self.daemon.member().coordinator_key
        self.fed("join", f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={coordinator_key}")
        texts = os.path.join(self.daemon.folder, "own.txt")
        with open(texts, "w", encoding="utf-8") as file:
            file.write("".join(self.own_words() + "\n" for _ in range(3)))
        self.fed("contribute", texts)
        self.assertEqual("free", json.loads(self.fed("status"))["tier"])
        self.assertRegex(self.fed("status", json=False), r"(?m)^tier +free$")
        self.assertEqual({"earned": 2, "limit": 2}, json.loads(self.fed("credits"))["daily"])
        self.assertRegex(self.fed("credits", json=False), r"(?m)^today +2 of 2 earned by contributing$")
        self.fed("query", "quorum")
        problem = json.loads(self.fed("query", "quorum", status=1))
        self.assertEqual("too-many-requests", problem["code"])
        self.assertIn("0 are left of the 1 that your tier free has today", problem["detail"])
        self.assertEqual("too-many-requests", json.loads(self.fed("contribute", texts, status=1))["code"])


class Moving(QuotaCase):
    """How an operator moves a member between tiers."""

    options = QUOTAS

    def tier(self, daemon, *words):
        return harness.run("tier", *words, "--storage-path", daemon.storage)

    def test_a_member_is_moved_while_no_coordinator_runs(self):
        daemon = self.fresh()
        member = daemon.member()
        for _ in range(2):
            answer = self.evaluate(member, 200)
            self.assertEqual((200, None, None), (answer.status, answer.headers.get("ratelimit"),
                                                 answer.headers.get("ratelimit-policy")))
        running = self.tier(daemon, member.instance_id, "free")
        self.assertEqual((1, ""), (running.returncode, running.stdout))
        self.assertIn(f"process {daemon.process.pid}", running.stderr)
        daemon.stop()
        stopped = self.tier(daemon, member.instance_id, "free")
        self.assertEqual((0, f"{member.instance_id} has tier free now, and had unlimited\n", ""),
                         (stopped.returncode, stopped.stdout, stopped.stderr))
        self.assertEqual(1, self.tier(daemon, "fed-0000-0000-0000", "free").returncode)
        daemon.start()
        member.move(daemon.address)
        self.assertEqual("free", member.instance()["tier"])
        self.assert_exhausted(self.evaluate(member, 101), "oprf-elements", 100, 100)

    def test_what_the_command_does_not_understand(self):
        for words, status in (((), 2), (("fed-0000-0000-0000",), 2), (("fed-0000-0000-0000", "free", "more"), 2),
                              (("me", "free"), 1), (("fed-0000-0000-0000", "gold"), 1)):
            result = self.tier(self.daemon, *words)
            self.assertEqual((status, ""), (result.returncode, result.stdout), words)
            self.assertTrue(result.stderr.startswith("continuum-coordinatord: "), result.stderr)


if __name__ == "__main__":
    unittest.main()
