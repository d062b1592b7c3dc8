# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load, KILLS times (200). What was acknowledged is there exactly once, and the books balance: by the
database file as the kill left it, and by what the daemon says when it is back."""

import http.client
import os
import pathlib
import random
import shutil
import sqlite3
import tempfile
import threading
import unittest
from collections import Counter

import cfed
import client
import harness

KILLS = int(os.environ.get("KILLS", "200"))
WORKERS = 4
ROUNDS = 4  # tests, so that none of them runs for long


class Worker:
    """One member and what it knows: what was acknowledged, and how many of its calls ended without an answer."""

    def __init__(self, daemon, number):
        self.member = daemon.member()
        self.number, self.made = number, 0
        self.rng = random.Random(number)
        self.live = {}      # tag in B64: record, acknowledged and not withdrawn
        self.unknown = {}   # tag in B64: record; contributed or withdrawn without an answer
        self.paid = set()   # tags that the coordinator said it paid
        self.queries = self.lost_queries = 0
        self.step = None

    def records(self, count):
        """Patterns of its own, and one of those that all workers share, so that groups are released and fall back."""
        self.made += 1
        mine = f"torture {harness.spell(self.number)} {harness.spell(self.made)}"
        texts = [f"{mine} {harness.spell(i)}" for i in range(count)]
        texts.append(f"shared torture {harness.spell(self.rng.randrange(20))}")
        return self.member.records(*(("general", text) for text in texts))

    def contribute(self):
        records = {cfed.b64(record.tag): record for record in self.records(self.rng.choice((1, 1, 5, 30)))}
        self.step = lambda: self.unknown.update(records)
        answer = self.member.contribute(list(records.values()))
        self.live.update(records)
        self.paid.update(tag for tag in records if answer["credits_earned"] == len(records))

    def repeat(self):
        """Sends again what it has, or what it does not know about."""
        if held := {**self.live, **self.unknown}:
            tag = self.rng.choice(sorted(held))
            self.step = lambda: self.unknown.update({tag: held[tag]})
            self.member.contribute([held[tag]])
            self.unknown.pop(tag, None)
            self.live[tag] = held[tag]

    def withdraw(self):
        if self.live and self.rng.random() < 0.3:
            tag = self.rng.choice(sorted(self.live))
            record = self.live.pop(tag)
            self.step = lambda: self.unknown.update({tag: record})
            self.member.withdraw(record)

    def query(self):
        self.step = self.lose_query
        answer = self.member.call("POST", "/v1/queries", {"terms": [self.rng.randrange(1, 2**32)]})
        self.queries += answer.status == 200
        if answer.status not in (200, 402, 403):
            raise client.Refused(answer)

    def lose_query(self):
        self.lost_queries += 1

    def run(self, moved):
        """Until the daemon is gone. Any other answer than the expected ones is an error that the test shows."""
        try:
            while True:
                self.step = None
                self.rng.choice((self.contribute, self.contribute, self.query, self.repeat, self.withdraw))()
                moved.release()
        except (OSError, http.client.HTTPException):
            if self.step:
                self.step()
        finally:
            moved.release()


class Kill(unittest.TestCase):
    def torture(self, kills):
        self.daemon = harness.Daemon(release_interval_s=1, daily_contribution_limit=1000000,
                                     unproven_allowance=1000000, min_contributors=2)
        self.addCleanup(self.daemon.remove)
        self.daemon.start()
        workers = [Worker(self.daemon, number) for number in range(WORKERS)]
        rng = random.Random(kills)
        for _ in range(kills):
            self.one_kill(workers, rng)
        self.daemon.stop()
        self.assertGreater(sum(len(worker.paid) for worker in workers), 0)
        self.assertGreater(sum(worker.queries for worker in workers), 0)

    def one_kill(self, workers, rng):
        moved, errors = threading.Semaphore(0), []

        def work(worker):
            try:
                worker.run(moved)
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
        for thread in threads:
            thread.start()
        for _ in range(rng.randrange(1, 40)):
            self.assertTrue(moved.acquire(timeout=60), "the load stands still")
        threading.Event().wait(rng.random() * 0.01)
        self.daemon.kill()
        for thread in threads:
            thread.join()
        self.assertEqual([], errors)
        self.check_file(workers)
        self.daemon.start()
        for worker in workers:
            worker.member.move(self.daemon.address)
            self.check_answers(worker)

    def check_file(self, workers):
        """Reads a copy, so that the daemon meets what the kill left."""
        with tempfile.TemporaryDirectory(prefix="continuum-") as folder:
            for path in pathlib.Path(self.daemon.storage).glob("continuum.db*"):
                shutil.copy(path, folder)
            database = sqlite3.connect(pathlib.Path(folder, "continuum.db"))

            def rows(sql, *values):
                return database.execute(sql, values).fetchall()
            self.assertEqual([("ok",)], rows("PRAGMA integrity_check"))
            self.assertEqual([], rows("PRAGMA foreign_key_check"))
            self.assertEqual([], rows("""
                SELECT number, balance_milli FROM account WHERE balance_milli <>
                    (SELECT coalesce(sum(amount_milli), 0) FROM transfer WHERE credit = number) -
                    (SELECT coalesce(sum(amount_milli), 0) FROM transfer WHERE debit = number)"""), "balances")
            self.assertEqual([(0,)], rows("SELECT sum(balance_milli) FROM account"))
            self.assertEqual([], rows("""
                SELECT number FROM instance WHERE contributions <>
                    (SELECT count(*) FROM contribution WHERE instance = number)"""), "counts of contributions")
            for worker in workers:
                held = Counter(cfed.b64(tag) for tag, in rows("""
                    SELECT tag FROM contribution JOIN pattern ON pattern.id = contribution.pattern
                    JOIN instance ON instance.number = contribution.instance WHERE public_key = ?""",
                                                              worker.member.key.public))
                self.check_held(worker, held)
            database.close()

    def check_held(self, worker, held):
        self.assertEqual(set(), set(worker.live) - set(worker.unknown) - set(held), "acknowledged, and lost")
        self.assertEqual(set(), set(held) - set(worker.live) - set(worker.unknown), "withdrawn, and still there")
        self.assertTrue(all(count == 1 for count in held.values()), "there twice")

    def check_answers(self, worker):
        member = worker.member
        held = Counter(contribution["tag"] for contribution in member.contributions())
        self.check_held(worker, held)
        for tag, record in worker.unknown.items():
            worker.live.pop(tag, None)
            if tag in held:
                worker.live[tag] = record
        worker.unknown.clear()
        ledger = member.ledger()
        earned = Counter(transfer["tag"] for transfer in ledger if transfer["kind"] == "contribute")
        self.assertEqual(set(), worker.paid - set(earned), "said to be paid, and not in the ledger")
        self.assertTrue(all(count == 1 for count in earned.values()), "paid twice")
        spent = sum(transfer["kind"] == "query" for transfer in ledger)
        self.assertTrue(worker.queries <= spent <= worker.queries + worker.lost_queries, "queries and what was spent")
        worker.queries, worker.lost_queries = spent, 0
        self.assertEqual(sum(transfer["amount"] for transfer in ledger), member.credits()["available"])
        self.assertEqual(len(held), member.instance()["contributions"])


def rounds(kills, count):
    """`kills` in `count` tests that each start with an empty folder."""
    def one(share):
        return lambda self: self.torture(share)
    return {f"test_kill_9_round_{number + 1}": one((kills + number) // count) for number in range(count)}


KillUnderLoad = type("KillUnderLoad", (Kill,), rounds(KILLS, ROUNDS))

if __name__ == "__main__":
    unittest.main()
