# SPDX-License-Identifier: Apache-2.0
"""Over a network that cuts connections at random, and a daemon that is killed: retries with an Idempotency-Key never
pay or charge twice. What each member must have is counted here, from what it meant to do, not from what it was told."""

import http.client
import json
import os
import random
import subprocess
import threading
import time
import unittest
from collections import Counter

import cfed
import cutter
import harness

SEED = int(os.environ.get("CUT_SEED", "1"))
MEMBERS, DEEDS, KILLS, SHARE_CUT, PATIENCE_S = 4, 30, 2, 0.6, 60


class Lost(Exception):
    pass


class Caller:
    """A member that does `DEEDS` things, each until it has an answer, and its accounts in thousandths."""

    def __init__(self, member, proxy, number, patterns):
        self.member, self.proxy, self.number = member, proxy, number
        self.rng = random.Random(SEED * 1000 + number)
        self.fresh = member.records(*(("general", f"cut {harness.spell(number)} {harness.spell(i)}")
                                      for i in range(2 * DEEDS)))
        self.to_verify = list(patterns)
        self.balance, self.kinds, self.queries, self.tries = 0, Counter(), [], 0
        member.move(proxy.address)

    def insist(self, path, body):
        """The answer to one request, which is sent until there is one."""
        key, body = f"{self.number}-{self.rng.randrange(2**64):x}", json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.tries += 1
            try:
                answer = self.member.call("POST", path, body, headers={"Idempotency-Key": key})
            except (OSError, http.client.HTTPException):
                self.member.connection.close()
                threading.Event().wait(0.005)
                continue
            if self.rng.random() < 0.3:  # a new connection, which may be cut at its first bytes
                self.member.connection.close()
            is_whole = answer.headers.get("content-length") == str(len(answer.body))
            if is_whole and answer.status != 503:  # http.client takes headers that were cut for whole ones
                return answer
        raise Lost(f"no answer in {PATIENCE_S} s")

    def contribute(self):
        count = self.rng.choice((1, 1, 2, 4))
        records, self.fresh = self.fresh[:count], self.fresh[count:]
        self.balance += 1000 * count
        self.kinds["contribute"] += count
        answer = self.insist("/v1/contributions", self.member.contribution_body(records)).json
        assert (answer["accepted"], answer["credits_earned"]) == (count, count), answer

    def query(self):
        answer = self.insist("/v1/queries", {"terms": [self.rng.randrange(1, 2**32)]})
        assert answer.status == (200 if self.balance >= 1000 else 402), answer
        if answer.status == 200:
            self.balance -= 1000
            self.kinds["query"] += 1
            self.queries.append(answer.json["query_id"])

    def verify(self):
        if not self.to_verify:
            return self.query()
        pattern = self.to_verify.pop()
        self.balance += 500
        self.kinds["verify"] += 1
        answer = self.insist(f"/v1/patterns/{pattern['tag']}/verifications", self.member.verification_body(pattern))
        assert (answer.status, answer.json.get("credits_earned")) == (201, 0.5), answer
        return None

    def evaluate(self):
        assert self.insist("/v1/oprf/evaluations", {"epoch": 1, "blinded": [cfed.b64(cfed.BASE)]}).status == 200

    def run(self, done, errors):
        try:
            self.contribute()
            for _ in range(DEEDS):
                self.rng.choice((self.contribute, self.query, self.query, self.verify, self.evaluate))()
                done.release()
        except BaseException as error:
            errors.append(error)
            done.release(DEEDS)


class LostConnections(unittest.TestCase):
    def setUp(self):
        self.daemon = harness.Daemon(min_contributors=2, release_interval_s=1)
        self.addCleanup(self.daemon.remove)
        self.daemon.start()
        self.proxy = cutter.Cutter(self.daemon.address, SEED, SHARE_CUT)
        self.addCleanup(self.proxy.close)

    def released(self, count):
        holders = self.daemon.members(2)
        records = holders[0].records(*(("general", f"shown {harness.spell(i)}") for i in range(count)))
        for holder in holders:
            holder.contribute(records)
        return [harness.until(lambda r=record: (a := holders[0].pattern(r)).status == 200 and a.json, "released")
                for record in records]

    def assert_books(self):
        checked = harness.run("ledger", "check", "--storage-path", self.daemon.storage)
        self.assertEqual((0, ""), (checked.returncode, checked.stderr), checked)

    def test_retries_over_a_bad_network_and_through_kills_pay_and_charge_once(self):
        patterns = self.released(6)
        callers = [Caller(self.daemon.member(), self.proxy, number, patterns) for number in range(MEMBERS)]
        done, errors = threading.Semaphore(0), []
        threads = [threading.Thread(target=caller.run, args=[done, errors]) for caller in callers]
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            for _ in range(MEMBERS * DEEDS // (KILLS + 1)):
                self.assertTrue(done.acquire(timeout=60), "the load stands still")
            self.daemon.kill()
            self.daemon.start()
            self.proxy.target = self.daemon.address
        for thread in threads:
            thread.join()
        self.assertEqual([], errors)
        for caller in callers:
            self.check(caller)
        self.assert_books()
        requests = sum(sum(caller.kinds.values()) for caller in callers)
        self.assertGreater(min(self.proxy.cuts.values()), 10, "cut in both directions")
        self.assertGreater(sum(caller.tries for caller in callers), requests + 20, "and tried again")

    def check(self, caller):
        member = caller.member
        member.move(self.daemon.address)
        self.assertEqual(caller.balance / 1000, member.credits()["available"])
        ledger = member.ledger()
        self.assertEqual(caller.kinds, Counter(transfer["kind"] for transfer in ledger))
        self.assertEqual(len(caller.queries), len(set(caller.queries)))
        self.assertEqual(caller.kinds["contribute"], len(member.contributions()))

    def fed(self, *arguments, text=""):
        ran = subprocess.run([harness.BUILD / "continuum-fed", "--json", *arguments], capture_output=True, text=True,
                             input=text, env=harness.environment(CONTINUUM_FED_DIR=os.path.join(
                                 self.daemon.folder, "fed")), timeout=60, check=False)
        return ran.returncode, json.loads(ran.stdout if ran.returncode == 0 else ran.stderr)

    def test_the_command_line_is_charged_once(self):
        key = self.daemon.member().coordinator_key
        self.proxy.share = 0
        self.fed("join", f"http://{self.proxy.address}/join#k={cfed.b64(harness.F)}&c={key}")
        self.proxy.share, self.proxy.row_max = 1, 3  # the tool has six tries
        for number in range(5):
            self.proxy.after = (b"", b"POST /v1/queries", b"POST /v1/contributions")[number % 3]
            contributed = self.fed("contribute", "-", text=f"lost {harness.spell(number)} one\nlost two\n")
            asked = self.fed("query", "lost connections")
            self.assertEqual((0, 0), (contributed[0], asked[0]), (contributed, asked))
        self.proxy.share = 0
        self.assertGreater(sum(self.proxy.cuts.values()), 5)
        self.assertEqual(6 - 5, self.fed("credits")[1]["available"])
        self.assert_books()


if __name__ == "__main__":
    unittest.main()
