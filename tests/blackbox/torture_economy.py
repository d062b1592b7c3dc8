# SPDX-License-Identifier: Apache-2.0
"""Random histories of all calls by fifty members, kill -9 in between, against the model of economy.py: every answer, and
now and then all that members are told of themselves, must be what it says; in the end the books balance, and hledger
finds what members have. OPERATIONS (100000) calls with the random numbers of SEED, in ROUNDS tests.

A release tick would come at any moment. So there are none while members are busy; then the daemon is killed, and runs for
one tick while nobody says a word. What was under way at a kill has happened as a whole or not at all: whoever did it asks."""

import contextlib
import copy
import csv
import decimal
import http.client
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest
from collections import Counter

import cfed
import client
import harness
from economy import LEVELS, QUALITY, Economy, Rules, today

OPERATIONS, ROUNDS = int(os.environ.get("OPERATIONS", "100000")), 4
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
MEMBERS, PATTERNS, TOPICS, WINDOW, STRETCH, AGE_S = 50, 80, 5, 24, 1200, 8 * 86400
NO_TICK_S, POINT = 86400, cfed.b64(cfed.BASE)
LOST = (OSError, http.client.HTTPException)


def milli(number):
    return round(number * 1000)


class Call:
    """One call of one member: how it is sent, what the model says to it, and how to read the answer alike."""

    def __init__(self, name, method, path, body, model, read=lambda json: {}, quota=None):
        self.name, self.method, self.path, self.body = name, method, path, body
        self.model, self.read, self.quota = model, read, quota
        self.key = None  # Idempotency-Key

    def __repr__(self):
        return f"{self.name}: {self.method} {self.path} {str(self.body)[:200]}"


class History:
    def __init__(self, test, seed):
        self.test, self.rng = test, random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="continuum-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        test.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.daemon = harness.Daemon(os.path.join(self.folder, "storage"), release_interval_s=NO_TICK_S,
                                     joins_per_address_per_hour=1000000, max_kept_downloads=1000, **Rules.options())
        test.addCleanup(self.daemon.remove)
        self.daemon.start()
        self.witnesses, self.witnessed = self.daemon.members(3), None
        spoiled = set(range(7, PATTERNS, 16))
        self.records = self.make_records(spoiled)
        self.keys = [cfed.SigningKey(cfed.verify_seed(self.witnesses[0].keys, record.s)) for record in self.records]
        self.numbers = {cfed.b64(record.tag): number for number, record in enumerate(self.records)}
        self.model, self.people, self.fine, self.bought = Economy(PATTERNS, spoiled), {}, {}, {}
        self.done, self.kills, self.said, self.keys_used = 0, 0, Counter(), Counter()
        for number in range(MEMBERS):
            self.join(f"member {number}")

    def make_records(self, spoiled):
        maker = self.witnesses[0]
        records = maker.records(*(("general", f"economy {harness.spell(n)} {self.topic(n)}") for n in range(PATTERNS)))
        for record in (records[number] for number in spoiled):
            record.index = bytes(80)
            record.tag = cfed.tag_of(record.federation_id, maker.epoch["number"], "general", record.commitments,
                                     record.verify_key, record.ciphertext, record.index)
        return records

    @staticmethod
    def topic(number):
        return "topic" + harness.spell(number % TOPICS)

    def join(self, name):
        level, mode = self.rng.choice(LEVELS), self.rng.choice(("high", "balanced", "open"))
        person = client.Member(self.daemon.address, harness.F, self.rng.randbytes(32))
        self.daemon.connections.append(person.connection)
        person.learn()
        person.join(level, mode)
        self.model.members[name] = Economy.newcomer(level, mode)
        self.people[name], self.fine[name] = person, {}
        self.bought.pop(name, None)

    # Calls

    def any_pattern(self):
        """Few are popular, so that groups come together; all have their time."""
        return (self.done // 200 + self.rng.randrange(self.rng.choice((6, WINDOW)))) % PATTERNS

    def any_released(self):
        released = [number for number, pattern in enumerate(self.model.patterns) if pattern.released]
        return self.rng.choice(released) if released and self.rng.random() < 0.8 else self.any_pattern()

    def record(self, name, pattern, confidence, bad):
        if pattern not in self.fine[name]:
            self.fine[name][pattern] = self.records[pattern].json(self.people[name].key.public, 0)
        record = {**self.fine[name][pattern], "confidence": confidence / 100}
        return {**record, "share": cfed.b64(cfed.scalar(12345 + pattern))} if bad else record

    def contribute(self, name, patterns=None):
        bad = name.endswith(" 7")
        if patterns is None:
            patterns = [self.any_pattern() for _ in range(self.rng.choice((1, 1, 2, 3, 7)))]
            patterns = [pattern if self.rng.random() > 0.02 else None for pattern in patterns]
        confidence = 100 if (patterns[0] or 0) % 4 == 0 else 10 * self.rng.randrange(10)
        records = [self.record(name, pattern or 0, confidence, bad) for pattern in patterns]
        records = [{**record, "tag": POINT} if pattern is None else record for pattern, record in zip(patterns, records)]

        def read(json):
            results = [result.get("code", result["status"]) for result in json["results"]]
            return {**json, "results": results, "credits_earned": milli(json["credits_earned"]),
                    "balance": milli(json["balance"])}
        return Call(name, "POST", "/v1/contributions", {"epoch": 1, "patterns": records},
                    lambda model: model.contribute(name, patterns, confidence, bad), read, "contributions")

    def withdraw(self, name, pattern=None):
        held = self.model.members[name].held()
        if pattern is None:
            pattern = self.rng.choice(held) if held and self.rng.random() < 0.9 else self.any_pattern()
            everything = self.rng.random() < 0.05
            pattern = None if everything else pattern
        path = "/v1/contributions" + (f"/{cfed.b64(self.records[pattern].tag)}" if pattern is not None else "")
        return Call(name, "DELETE", path, None, lambda model: model.withdraw(name, pattern),
                    lambda json: {"withdrawn": json["withdrawn"], "credits_reversed": milli(json["credits_reversed"]),
                                  "balance": milli(json["balance"])})

    def query(self, name):
        topic, most, priority = self.rng.randrange(TOPICS), self.rng.choice((1, 3, 50)), self.rng.random() < 0.1
        token, = cfed.query_tokens(self.people[name].keys, self.topic(topic), 32)

        def read(json):
            seen = {self.numbers[result["tag"]]: round(100 * result["score"]) for result in json["results"]}
            return {"cost": milli(json["cost"]), "balance": milli(json["balance"]), "seen": seen, "count": len(seen)}
        return Call(name, "POST", "/v1/queries", {"terms": [token], "max_results": most, "priority": priority},
                    lambda model: model.query(name, range(topic, PATTERNS, TOPICS), priority, most), read, "queries")

    def look(self, name):
        pattern = self.any_released()
        return Call(name, "GET", f"/v1/patterns/{cfed.b64(self.records[pattern].tag)}", None,
                    lambda model: model.sees(name, pattern), self.published)

    @staticmethod
    def published(json):
        quality = None if json["quality"] is None else round(100 * json["quality"])
        return {"confidence": round(100 * json["confidence"]), "quality": quality,
                **{key: json[key] for key in ("verification_count", "refuted_count", "released_on")}}

    def verifications(self, name):
        pattern = self.any_released()
        return Call(name, "GET", f"/v1/patterns/{cfed.b64(self.records[pattern].tag)}/verifications", None,
                    lambda model: model.verifications(pattern), lambda json: {**json, "sample": len(json["sample"])})

    def verify(self, name):
        pattern, verdict = self.any_released(), self.rng.choice(("confirm", "confirm", "refute"))
        blind, person, tag = self.rng.random() < 0.1, self.people[name], self.records[pattern].tag
        verifier = cfed.b64(cfed.verifier(person.key.seed, tag))
        signed = cfed.lines("cfed/v1/verify", person.coordinator_key, cfed.b64(tag), verifier, verdict)
        body = {"verdict": verdict, "verifier": verifier, "signature": cfed.b64(person.key.sign(signed)),
                "proof": cfed.b64((person.key if blind else self.keys[pattern]).sign(signed))}
        return Call(name, "POST", f"/v1/patterns/{cfed.b64(tag)}/verifications", body,
                    lambda model: model.verify(name, pattern, verdict, blind),
                    lambda json: {key: milli(value) for key, value in json.items()})

    def vote(self, name):
        pattern, quality = self.any_released(), self.rng.choice(("high", "high", "high", "low"))
        return Call(name, "PUT", f"/v1/patterns/{cfed.b64(self.records[pattern].tag)}/vote", {"quality": quality},
                    lambda model: model.vote(name, pattern, quality), lambda json: json)

    def download(self, name):
        def read(json):
            self.bought[name] = json["download_id"]
            return {"balance": milli(json["balance"])}
        return Call(name, "POST", "/v1/sets/general/downloads", {}, lambda model: model.download(name), read)

    def fetch(self, name):
        """What it bought, or else what nobody sold."""
        bought = self.bought.get(name)
        return Call(name, "GET", f"/v1/downloads/{bought or self.rng.randbytes(16).hex()}", None,
                    lambda model: (200, {"shown": model.shown(name)}) if bought else (404, {"code": "not-found"}),
                    lambda lines: {"shown": {self.numbers[line["tag"]] for line in lines}})

    def evaluate(self, name, elements=None):
        elements = elements or self.rng.randrange(1, 5)
        return Call(name, "POST", "/v1/oprf/evaluations", {"epoch": 1, "blinded": [POINT] * elements},
                    lambda model: model.evaluate(name, elements), quota="oprf-elements")

    def change(self, name):
        wanted = self.rng.choice([("contribution_level", level) for level in LEVELS] +
                                 [("privacy_mode", mode) for mode in ("high", "balanced", "open")])

        def apply(model):
            setattr(model.members[name], {"contribution_level": "level", "privacy_mode": "mode"}[wanted[0]], wanted[1])
            return 200, model.members[name].profile()
        return Call(name, "PATCH", f"/v1/instances/{self.people[name].instance_id}", dict([wanted]), apply, self.profile)

    @staticmethod
    def profile(json):
        return {key: value for key, value in json.items() if key not in ("instance_id", "domains", "joined_at")}

    def account(self, name):
        return Call(name, "GET", "/v1/credits", None, lambda model: (200, model.members[name].account()), self.credits)

    @staticmethod
    def credits(json):
        return {**{key: milli(json[key]) for key in ("available", "earned_monthly", "spent_monthly")},
                "daily": {key: milli(value) for key, value in json["daily"].items()}}

    def itself(self, name):
        return Call(name, "GET", f"/v1/instances/{self.people[name].instance_id}", None,
                    lambda model: (200, model.members[name].profile()), self.profile)

    def erase(self, name):
        return Call(name, "DELETE", f"/v1/instances/{self.people[name].instance_id}", None,
                    lambda model: model.erase(name),
                    lambda json: {key: json["receipt"][key] for key in ("contributions", "verifications", "votes")})

    WEIGHTS = {contribute: 24, withdraw: 8, query: 18, look: 6, verifications: 4, verify: 10, vote: 14, evaluate: 4,
               change: 1, account: 6, itself: 4, erase: 0.7,
               download: 2, fetch: 2}

    # Performing them

    def send(self, call):
        headers = {"Idempotency-Key": call.key} if call.key else None
        return self.people[call.name].call(call.method, call.path, call.body, headers=headers)

    def maybe_keyed(self, call):
        """Members count from one: their keys are the same, and none is another's."""
        if call.method == "POST" and self.rng.random() < 0.5:
            self.keys_used[call.name] += 1
            call.key = str(self.keys_used[call.name])
        return call

    def judge(self, call, answer, replayed=False):
        status, facts = call.model(self.model)
        self.done += 1
        self.said[answer.status if answer.status < 400 else answer.code] += 1
        self.test.assertEqual(status, answer.status, f"{call} {facts} {answer}")
        if status >= 400:
            found = {key: answer.json[key] for key in ("balance", "cost") if key in answer.json}
            self.test.assertEqual(facts, {"code": answer.code, **{key: milli(found[key]) for key in found}}, call)
        else:
            found = call.read(answer.lines if "/downloads/" in call.path else answer.json)
            if "seen" in facts:  # any of those that match equally well
                self.test.assertLessEqual(found["seen"].items(), facts.pop("seen").items(), call)
                found.pop("seen")
            self.test.assertEqual(facts, found, call)
        member = self.model.members.get(call.name)
        metered = status == 200 or status == 429
        if call.quota and member.tier == "free" and metered and not (replayed and "ratelimit" not in answer.headers):
            self.test.assertEqual(member.left(call.quota), self.left(answer), call)

    @staticmethod
    def gist(call, answer):
        return answer.status, answer.code or call.read(answer.json)

    @staticmethod
    def left(answer):
        return int(answer.headers["ratelimit"].split("r=")[1].split(";")[0])

    def perform(self, call):
        """The call, if it was lost with its connection."""
        harness.stay_away_from_midnight(10)
        try:
            answer = self.send(call)
            self.judge(call, answer)
            if call.key and self.rng.random() < 0.1:
                self.repeat(call, answer)
            if call.name not in self.model.members:
                self.join(call.name)
        except LOST:
            return call
        return None

    def repeat(self, call, answer):
        """What is lost here was judged already."""
        try:
            again = self.send(call)
        except LOST:
            return
        self.test.assertEqual(self.gist(call, answer), self.gist(call, again), call)

    # Kills

    def busy(self, operations):
        """Until the daemon is gone, or so many are done: the call that was lost."""
        until = self.done + operations
        makers, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        while self.done < until:
            maker, = self.rng.choices(makers, weights)
            lost = self.perform(self.maybe_keyed(maker(self, self.rng.choice(list(self.people)))))
            if lost:
                return lost
        return None

    def busy_until_killed(self):
        killer = threading.Timer(self.rng.random() * 0.8, self.daemon.process.kill)
        killer.start()
        lost = self.busy(1000000)
        killer.join()
        self.kills += 1
        self.restart()
        if lost:
            self.resolve(lost)

    def restart(self, interval_s=NO_TICK_S):
        self.daemon.kill()
        self.begin(interval_s)

    def begin(self, interval_s):
        self.daemon.options["release_interval_s"] = interval_s
        self.daemon.start()
        for person in [*self.people.values(), *self.witnesses]:
            person.move(self.daemon.address)

    def told(self, name):
        person = self.people[name]
        return [self.credits(person.credits()), self.profile(person.instance()), self.listed(person.contributions())]

    def listed(self, contributions):
        return [(self.numbers[each["tag"]], round(100 * each["confidence"]), each["status"], each["paid"])
                for each in contributions]

    @staticmethod
    def expected(model, name):
        member = model.members[name]
        return [member.account(), member.profile(), member.contributions()]

    def resolve(self, call):
        """Finds out whether it has happened; the model follows."""
        if call.name not in self.model.members:
            self.join(call.name)  # whoever joined when the lights went out is nobody's concern
            return
        if call.key or call.method in ("GET", "PUT", "PATCH"):
            self.judge(call, self.send(call), replayed=True)  # it is done once
            return
        happened = copy.deepcopy(self.model)
        status, _ = call.model(happened)
        if call.name not in happened.members or "verifications" in call.path:
            self.say_again(call, happened, status)
            return
        told, before = self.told(call.name), self.model
        if told != self.expected(before, call.name):
            self.test.assertEqual(self.expected(happened, call.name), told, call)
            self.model = happened
        member = self.model.members[call.name]
        if member.tier == "free" and call.quota in ("contributions", "oprf-elements"):
            self.ask_quota(call, {model.members[call.name].left(call.quota) for model in (before, happened)})

    def say_again(self, call, happened, status):
        answer = self.send(call)
        if status < 300 and answer.status in (401, 409):
            self.model = happened
            self.test.assertEqual(answer.code, "already-verified" if answer.status == 409 else "token-invalid")
        else:
            self.judge(call, answer)
        if call.name not in self.model.members:
            self.join(call.name)

    def ask_quota(self, call, possible):
        """Uses one up to see what is left."""
        probe = self.contribute(call.name, [None]) if call.quota == "contributions" else self.evaluate(call.name, 1)
        answer = self.send(probe)
        left = self.left(answer) + (answer.status == 200)
        self.test.assertIn(left, possible, call)
        self.model.members[call.name].day()[call.quota] = Rules.free[call.quota] - left
        self.judge(probe, answer)

    # Ticks, and the operator

    def tick(self):
        harness.stay_away_from_midnight()
        for name in self.people:
            while (pattern := self.model.doubts(name)) is not None:
                self.perform(self.withdraw(name, pattern))
        witness = self.witness()
        self.daemon.kill()
        self.visit()
        self.begin(1)
        if self.rng.random() < 0.3:  # in the middle of it, perhaps
            threading.Event().wait(0.9 + 0.2 * self.rng.random())
            self.restart(1)
        harness.until(lambda: self.witnesses[0].pattern(witness).status == 200, "a tick")
        self.model.tick()
        self.restart()
        self.everybody_is_told_what_is_true()

    def witness(self):
        """A pattern of others, which is released by the tick that sees to all that came before."""
        if self.witnessed:
            for member in self.witnesses:
                member.withdraw(self.witnessed)
        self.witnessed, = self.witnesses[0].records(("witness", f"witness {harness.spell(self.done)}"))
        for member in self.witnesses:
            member.contribute([self.witnessed])
        return self.witnessed

    def visit(self):
        """The operator moves some between tiers; and for some more than a week has passed since they joined."""
        old = self.rng.sample(sorted(self.people), 8)
        with contextlib.closing(sqlite3.connect(os.path.join(self.daemon.storage, "continuum.db"))) as database, database:
            for name in old:
                if self.model.members[name].newcomer:
                    database.execute("UPDATE instance SET joined_at = joined_at - ? WHERE public_key = ?",
                                     (AGE_S, self.people[name].key.public))
                    self.model.members[name].newcomer = False
        for name in self.rng.sample(sorted(self.people), 6):
            tier = self.rng.choice(("free", "free", "unlimited"))
            moved = harness.run("tier", self.people[name].instance_id, tier, "--storage-path", self.daemon.storage)
            self.test.assertEqual(0, moved.returncode, moved)
            self.model.members[name].tier = tier

    # The whole

    def everybody_is_told_what_is_true(self):
        for name, person in self.people.items():
            self.test.assertEqual(self.expected(self.model, name), self.told(name), name)
            transfers = Counter((each["kind"], milli(each["amount"]),
                                 None if each["tag"] is None else self.numbers[each["tag"]]) for each in person.ledger())
            self.test.assertEqual(self.model.members[name].ledger, transfers, name)
            self.done += 4

    def books_balance(self):
        checked = harness.run("ledger", "check", "--storage-path", self.daemon.storage)
        self.test.assertEqual((0, ""), (checked.returncode, checked.stderr), checked)
        self.test.assertIn("the books balance", checked.stdout)

    def hledger_agrees(self):
        journal = harness.run("ledger", "export", "--storage-path", self.daemon.storage).stdout
        result = subprocess.run(["hledger", "-f", "-", "balance", "--flat", "--empty", "--no-total", "-O", "csv"],
                                input=journal, capture_output=True, text=True, timeout=300, check=True,
                                env={**os.environ, "LC_ALL": "C.UTF-8"})
        found = {row["account"]: decimal.Decimal(row["balance"].removesuffix("CR").strip())
                 for row in csv.DictReader(result.stdout.splitlines())}
        self.test.assertEqual(0, sum(found.values()))
        for name, person in self.people.items():
            self.test.assertEqual(self.model.members[name].balance,
                                  milli(found.get(f"assets:members:{person.instance_id}", 0)), name)

    def run(self, operations):
        while self.done < operations:
            self.busy_until_killed()
            self.test.assertIsNone(self.busy(max(0, min(STRETCH, operations - self.done))))
            self.tick()
            self.books_balance()
        self.daemon.restart()
        for person in self.people.values():
            person.move(self.daemon.address)
        self.everybody_is_told_what_is_true()
        self.daemon.stop()
        self.books_balance()
        if shutil.which("hledger"):
            self.hledger_agrees()


class Histories(unittest.TestCase):
    def history(self, operations, number=0):
        with self.subTest(SEED=SEED + number):
            history = History(self, SEED + number)
            history.run(operations)
            print(f"SEED={SEED + number}: {history.done} operations, {history.kills} kills, {dict(history.said)}", flush=True)


def rounds(operations, count):
    def one(number):
        return lambda self: self.history(operations // count, number)
    return {f"test_history_{number + 1}": one(number) for number in range(count)}


Economies = type("Economies", (Histories,), rounds(OPERATIONS, ROUNDS))

if __name__ == "__main__":
    unittest.main()
