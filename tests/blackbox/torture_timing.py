# SPDX-License-Identifier: Apache-2.0
"""How long an answer takes must not tell whether others hold a sealed pattern. TRIES (10,000) probes of tags that two
others hold, TRIES of tags that nobody holds, in random order, and a rank test (Mann-Whitney) over both."""

import http.client
import json
import math
import os
import random
import time
import unittest

import cfed
import harness

TRIES = int(os.environ.get("TRIES", "10000"))
Z_MAX = 4.5  # exceeded by chance in 7 of 1,000,000 runs
BATCH = 1000


def mann_whitney(left, right):
    """z of the rank sum of `left`, normal approximation with ties."""
    values = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    total, ties, first = 0.0, 0, 0
    while first < len(values):
        last = first
        while last < len(values) and values[last][0] == values[first][0]:
            last += 1
        rank = (first + 1 + last) / 2
        total += rank * sum(1 for value in values[first:last] if value[1] == 0)
        ties += (last - first) ** 3 - (last - first)
        first = last
    n, m = len(left), len(right)
    mean, size = n * (n + m + 1) / 2, n + m
    variance = n * m / 12 * (size + 1 - ties / (size * (size - 1)))
    return (total - mean) / math.sqrt(variance)


class Timing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = harness.Daemon(release_interval_s=86400, max_connections_per_address=1000,
                                    anonymous_burst=1000000, idle_timeout_s=3600)
        cls.addClassCleanup(cls.daemon.remove)
        cls.daemon.start()
        cls.subject, *cls.others = cls.daemon.members(3)
        cls.rng = random.Random(1)

    def crafted(self, count):
        """Records that pass every check, of nothing; all with the same points, which costs no time to make."""
        record = self.subject.records(("general", "quorum of clocks"))[0]
        made = []
        for _ in range(count):
            ciphertext = self.rng.randbytes(144)
            tag = cfed.tag_of(record.federation_id, 1, "general", record.commitments, record.verify_key, ciphertext,
                              record.index)
            made.append({"tag": cfed.b64(tag), "domain": "general", "commitments": cfed.b64(record.commitments),
                         "verify_key": cfed.b64(record.verify_key), "ciphertext": cfed.b64(ciphertext),
                         "index": cfed.b64(record.index), "share": cfed.b64(cfed.scalar(7)), "confidence": 0.5})
        return made

    def held(self, records):
        for other in self.others:
            for first in range(0, len(records), BATCH):
                answer = other.call("POST", "/v1/contributions", {"epoch": 1, "patterns": records[first:first + BATCH]})
                self.assertEqual(len(records[first:first + BATCH]), answer.json["accepted"], answer)

    def ask(self, connection, method, path, body):
        headers = {"Authorization": f"Bearer {self.subject.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        begun = time.perf_counter_ns()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return time.perf_counter_ns() - begun, answer.status

    def compare(self, what, known, unknown, request):
        """`request` makes (method, path, body) of a record."""
        host, port = self.daemon.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.addCleanup(connection.close)
        times, statuses = {True: [], False: []}, {True: set(), False: set()}
        probes = [(True, request(record)) for record in known] + [(False, request(record)) for record in unknown]
        self.rng.shuffle(probes)
        for is_held, probe in probes:
            took, status = self.ask(connection, *probe)
            times[is_held].append(took)
            statuses[is_held].add(status)
        self.assertEqual(statuses[True], statuses[False])
        z = mann_whitney(times[True], times[False])
        medians = [sorted(times[side])[len(times[side]) // 2] / 1000 for side in (True, False)]
        print(f"{what}: medians {medians[0]:.1f} and {medians[1]:.1f} us, z = {z:.2f}, {statuses[True]}")
        self.assertLess(abs(z), Z_MAX, f"{what} tells by its time who else holds a pattern")

    def sides(self):
        known, unknown = self.crafted(TRIES), self.crafted(TRIES)
        self.held(known)
        return known, unknown

    def test_reading_and_judging_take_as_long_for_the_sealed_as_for_the_unknown(self):
        sides = self.sides()
        self.subject.contribute([self.subject.records(("general", "something of its own"))[0]])
        verification = json.dumps({"verdict": "confirm", "verifier": cfed.b64(bytes(16)),
                                   "proof": cfed.b64(bytes(64)), "signature": cfed.b64(bytes(64))})
        probes = (
            ("GET a pattern", lambda tag: ("GET", f"/v1/patterns/{tag}", None)),
            ("GET its verifications", lambda tag: ("GET", f"/v1/patterns/{tag}/verifications", None)),
            ("POST a verification", lambda tag: ("POST", f"/v1/patterns/{tag}/verifications", verification)),
            ("PUT a vote", lambda tag: ("PUT", f"/v1/patterns/{tag}/vote", json.dumps({"quality": "high"}))),
            ("DELETE a contribution", lambda tag: ("DELETE", f"/v1/contributions/{tag}", None)),
        )
        for what, make in probes:
            with self.subTest(what):
                self.compare(what, *sides, lambda record, make=make: make(record["tag"]))

    def test_contributing_and_withdrawing_take_as_long_when_others_hold_the_pattern(self):
        sides = self.sides()
        self.compare("POST a contribution", *sides, lambda record: (
            "POST", "/v1/contributions", json.dumps({"epoch": 1, "patterns": [record]})))
        self.compare("DELETE a contribution of one's own", *sides, lambda record: (
            "DELETE", f"/v1/contributions/{record['tag']}", None))

    def test_the_rank_test_sees_two_percent(self):
        """So that the others can fail."""
        left, right = ([self.rng.gauss(100, 15) for _ in range(10000)] for _ in range(2))
        self.assertLess(abs(mann_whitney(left, right)), Z_MAX)
        self.assertGreater(abs(mann_whitney(left, [value + 2 for value in right])), Z_MAX)


if __name__ == "__main__":
    unittest.main()
