# SPDX-License-Identifier: Apache-2.0
"""Thirty members who are asked, some of whom crash, decline, answer twice, answer late, or hold a lease and vanish;
with KILLS (20) times kill -9 in between. In the end every query that was acknowledged has reached as many members as it
asked for, and has exactly the answers that follow from who they are: none lost, none twice."""

import http.client
import os
import random
import threading
import time
import unittest
from collections import Counter

import cfed
import client
import harness

KILLS = int(os.environ.get("KILLS", "20"))
MEMBERS, ASKERS, FANOUT, LEASE_S = 30, 3, 6, 1
ROLES = ("honest", "honest", "crash", "decline", "twice", "late", "vanish")
BROKEN = (OSError, http.client.HTTPException)


class Person:
    """A member that survives the daemon: it repeats what was not answered, with the same bytes."""

    def __init__(self, world, member):
        self.world, self.member, self.address = world, member, world.daemon.address

    def call(self, method, path, body=None):
        """The answer, however often the daemon goes meanwhile."""
        while True:
            if self.address != self.world.address:
                self.address = self.world.address
                self.member.move(self.address)
            try:
                answer = self.member.call(method, path, body)
                if answer.status != 503:
                    return answer
            except BROKEN:
                pass
            if self.world.over.wait(0.02):
                raise SystemExit


class Contributor(Person):
    def __init__(self, world, member, number):
        super().__init__(world, member)
        self.role, self.number = ROLES[number % len(ROLES)], number
        self.bodies = {}    # delivery_id: the answer, made once
        self.seen = {}      # delivery_id: when, first
        self.received = {}  # qid: delivery_id
        self.answers = self.role not in ("decline", "vanish")

    def run(self):
        while not self.world.over.is_set():
            answer = self.call("GET", f"/v1/inbox?wait=1&max={1 + self.number % 3}")
            self.world.check(200, answer)
            for delivery in answer.json["deliveries"]:
                self.take(delivery)
            if self.role == "late":
                self.answer_late()

    def take(self, delivery):
        name = delivery["delivery_id"]
        qid, text = cfed.open_query(self.member.keys, cfed.unb64(delivery["reply_key"]),
                                    cfed.unb64(delivery["sealed_query"]))
        if self.received.setdefault(qid, name) != name:
            self.world.wrong(f"member {self.number} is asked twice")
        if name not in self.bodies:
            self.bodies[name] = self.member.answer_body(delivery, qid, f"{self.number} to {text}")
        first = name not in self.seen
        self.seen.setdefault(name, time.monotonic())
        getattr(self, self.role)(name, first)

    def post(self, name, body=None):
        return self.call("POST", f"/v1/inbox/{name}/answer", body or self.bodies[name])

    def honest(self, name, first):
        self.world.check(202, self.post(name))

    def twice(self, name, first):
        self.world.check(202, self.post(name))
        self.world.check(202, self.post(name))
        sealed = cfed.unb64(self.bodies[name]["sealed_answer"])
        other = {"sealed_answer": cfed.b64(sealed[:-1] + bytes([sealed[-1] ^ 1]))}
        self.world.check(409, self.post(name, other))
        self.world.check(409, self.call("DELETE", f"/v1/inbox/{name}"))

    def decline(self, name, first):
        for _ in range(2):
            self.world.check(204, self.call("DELETE", f"/v1/inbox/{name}"))
        self.world.check(404, self.post(name))

    def vanish(self, name, first):
        pass

    def late(self, name, first):
        pass

    def answer_late(self):
        for name, moment in list(self.seen.items()):
            if time.monotonic() > moment + 1.3 * LEASE_S:
                self.world.check(202, self.post(name))
                self.seen[name] = float("inf")

    def crash(self, name, first):
        """With the question in hand; when it comes again, behind the answer; then it reads what it had written down."""
        if first:
            self.member.connection.close()
            return
        try:
            connection = self.member.connection
            connection.http.request("POST", f"/v1/inbox/{name}/answer", client.json.dumps(self.bodies[name]).encode(),
                                    {"Authorization": f"Bearer {self.member.token}", "Content-Type": "application/json"})
        except BROKEN:
            pass
        self.member.connection.close()
        self.world.check(202, self.post(name))


class Asker(Person):
    def __init__(self, world, member, number):
        super().__init__(world, member)
        self.number, self.asked = number, []

    def run(self):
        for i in range(self.world.questions):
            body, opening = self.member.route_body("quorum", f"{self.number}.{i}", fanout=FANOUT,
                                                   priority=i % 5 == 0)
            answer = self.once("POST", "/v1/queries", body)
            if answer is None:
                continue  # asked or not: nobody knows
            self.world.check(200, answer)
            self.asked.append((f"{self.number}.{i}", client.Asked(self.member, answer.json["query_id"], opening)))
            self.world.moved.release()
            self.look(self.asked[-1][1])

    def once(self, method, path, body):
        """An unknown outcome is None."""
        starts = self.world.starts
        if self.address != self.world.address:
            self.address = self.world.address
            self.member.move(self.address)
        try:
            answer = self.member.call(method, path, body)
            return answer if answer.status != 503 else None
        except BROKEN:  # the next question is for a daemon that is there
            harness.until(lambda: self.world.starts > starts, "the daemon is back")
            return None

    def look(self, asked):
        answer = self.call("GET", f"/v1/queries/{asked.query_id}/answers")
        self.world.check(200, answer)
        return Counter(cfed.open_answer(self.member.keys, asked.reply, asked.qid, cfed.unb64(one["sealed_answer"]))
                       for one in answer.json["answers"])


class Routing(unittest.TestCase):
    options = {"release_interval_s": 1, "price_query": "0", "price_priority": "0", "lease_s": LEASE_S,
               "max_inbox": 100000, "max_inbox_per_asker": 100000, "max_inbox_per_hour": 1000000,
               "max_routed_open": 100000, "max_routed_per_hour": 100000, "max_polls_per_member": 100}

    def setUp(self):
        self.errors, self.over, self.moved = [], threading.Event(), threading.Semaphore(0)
        self.daemon = harness.Daemon(**self.options)
        self.addCleanup(self.daemon.remove)
        self.daemon.start()
        self.address, self.starts = self.daemon.address, 1
        self.contributors = [Contributor(self, self.daemon.member(), number) for number in range(MEMBERS)]
        self.askers = [Asker(self, self.daemon.member(), number) for number in range(ASKERS)]
        for person in self.contributors + self.askers:
            text = "quorum" if isinstance(person, Contributor) else f"asker {harness.spell(person.number)}"
            person.member.contribute(person.member.records(("general", text)))
        harness.until(lambda: self.askers[0].member.query("quorum")[1], "released")

    def wrong(self, what):
        self.errors.append(what)

    def check(self, status, answer):
        if answer.status != status:
            self.wrong(f"{status} expected, not {answer}")

    def thread(self, person):
        def run():
            try:
                person.run()
            except SystemExit:
                pass
            except BaseException as error:
                self.wrong(repr(error))
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def torture(self, questions, kills):
        self.questions = questions
        answering = [self.thread(contributor) for contributor in self.contributors]
        asking = [self.thread(asker) for asker in self.askers]
        try:
            for number in range(kills):
                for _ in range(max(1, questions * ASKERS // (2 * kills))):
                    self.moved.acquire(timeout=20)
                threading.Event().wait(random.Random(number).random() * 0.3)
                self.daemon.kill()
                self.daemon.start()
                self.address = self.daemon.address
                self.starts += 1
            for thread in asking:
                thread.join()
            self.assertEqual([], self.errors)
            harness.until(lambda: self.errors or not self.open_ends(), "every query as the rules predict", 60)
            threading.Event().wait(1.5 * LEASE_S)
            self.assertEqual([], self.open_ends(), "still as the rules predict")
        finally:
            self.over.set()
            for thread in answering + asking:
                thread.join()
        self.assertEqual([], self.errors)
        known = sum(len(asker.asked) for asker in self.askers)
        self.assertGreater(known, questions * ASKERS // 3)
        if known * FANOUT >= 10 * MEMBERS:
            self.assertTrue(all(contributor.received for contributor in self.contributors), "everybody was asked")

    def open_ends(self):
        """The queries that are not yet in the state that the rules predict."""
        ends = []
        for asker in self.askers:
            for text, asked in asker.asked:
                reached = [c for c in self.contributors if asked.qid in c.received]
                predicted = Counter(f"{c.number} to {text}" for c in reached if c.answers)
                answers = asker.look(asked)
                if answers - predicted and len(reached) == FANOUT:
                    self.wrong(f"{text}: {answers} from {[c.number for c in reached]}")
                if len(reached) != FANOUT or answers != predicted:
                    ends.append((text, len(reached), answers))
        return ends


class RoutingUnderKill(Routing):
    def test_every_query_ends_as_the_rules_predict(self):
        self.torture(questions=40, kills=0)

    def test_also_with_a_daemon_that_is_killed_again_and_again(self):
        self.torture(questions=40, kills=KILLS)


if __name__ == "__main__":
    unittest.main()
