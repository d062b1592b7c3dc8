# SPDX-License-Identifier: Apache-2.0
"""Members who want more than they earned. What one call refuses stands in its own test: blind verifications and judging
one's own in test_verifications.py, keys of others in test_idempotency.py; clocks that go back and forth in tests/unit/domain
(test_economy.c, test_tier.c, test_credits.c, test_levels.c). Here is what takes more than one call."""

import os
import threading
import unittest

import cfed
import client
import harness
from problems import ProblemCase


class Cheating(ProblemCase):
    options = {"release_interval_s": 1, "unproven_allowance": 3, "quality_votes": 2}

    def blobs(self, member, count):
        """Records that nobody else will ever send: no pattern is behind them, and the OPRF was not asked."""
        id_ = cfed.unb64(member.federation_id, 16)
        return [cfed.Record(member.keys, id_, member.epoch, b"general\n" + os.urandom(20).hex().encode(), os.urandom(64))
                for _ in range(count)]

    def spend_all(self, member):
        paid = 0
        while (answer := member.call("POST", "/v1/queries", {"terms": [1]})).status == 200:
            paid += 1
        self.assert_problem(answer, "insufficient-credits")
        return paid

    def test_of_two_queries_that_race_for_the_last_credit_one_wins(self):
        self.daemon = self.fresh(unproven_allowance=1000)
        member = self.daemon.member()
        other = self.daemon.member(seed=member.key.seed, join=False)
        other.token = member.token
        start, rounds = threading.Barrier(2), 40
        answers = [[], []]

        def race(racer, mine):
            for _ in range(rounds):
                start.wait(60)
                mine.append(racer.call("POST", "/v1/queries", {"terms": [1]}))
                start.wait(60)
                if racer is member:
                    member.contribute(self.blobs(member, 1))
        member.contribute(self.blobs(member, 1))
        threads = [threading.Thread(target=race, args=row) for row in zip((member, other), answers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for pair in zip(*answers):
            winner, loser = sorted(pair, key=lambda answer: answer.status)
            self.assertEqual((200, 1, 0), (winner.status, winner.json["cost"], winner.json["balance"]))
            self.assert_problem(loser, "insufficient-credits")
            self.assertEqual((0, 1), (loser.json["balance"], loser.json["cost"]))
        self.assertEqual(rounds, sum(transfer["kind"] == "query" for transfer in member.ledger()))
        self.assertEqual(1, member.credits()["available"])

    def test_blobs_buy_no_more_than_the_allowance_however_often_they_are_exchanged(self):
        member = self.daemon.member()
        bought = 0
        for _ in range(4):
            member.contribute(self.blobs(member, 5))
            bought += self.spend_all(member)
            member.withdraw()
        self.assertEqual(3, bought)

    def test_blobs_that_were_not_spent_are_exchanged_for_as_many_and_no_more(self):
        member = self.daemon.member()
        for _ in range(3):
            self.assertEqual(3, member.contribute(self.blobs(member, 5))["balance"])
            self.assertEqual({"withdrawn": 5, "credits_reversed": 3, "balance": 0}, member.withdraw())

    def test_coming_back_with_the_same_pattern_pays_nothing_sealed_or_released(self):
        members = self.daemon.members(3)
        record = self.one_record(members[0])
        self.assertEqual(1, members[0].contribute([record])["credits_earned"])
        self.assertEqual(1, self.spend_all(members[0]))
        for _ in range(3):
            self.assertEqual(0, members[0].withdraw(record)["credits_reversed"])
            self.assertEqual(0, members[0].contribute([record])["credits_earned"])
        for member in members[1:]:
            member.contribute([record])
        self.wait_released(members[0], record)
        for _ in range(3):
            members[0].withdraw(record)
            self.assertEqual(0, members[0].contribute([record])["credits_earned"])
        self.assertEqual(["contribute", "query"], [transfer["kind"] for transfer in members[0].ledger()])

    def test_who_joins_again_is_who_it_was(self):
        member = self.daemon.member()
        record = self.one_record(member)
        member.contribute([record])
        twin = self.daemon.member(seed=member.key.seed)
        self.assertEqual((member.instance_id, None), (twin.instance_id, twin.token))
        twin.mint()
        self.assertEqual((1, 0), tuple(twin.contribute([record])[name] for name in ("balance", "credits_earned")))

    def test_leaving_a_pattern_to_praise_it_earns_nothing_for_who_left(self):
        holders = self.daemon.members(4)
        record = self.shared(holders)
        pattern = self.wait_released(holders[0], record)
        for holder in holders:
            self.assert_problem(holder.call("PUT", f"/v1/patterns/{pattern['tag']}/vote", {"quality": "high"}), "own-pattern")
        leaver, (reader,) = holders[3], self.daemon.members(1)
        reader.contribute([self.one_record(reader)])
        leaver.withdraw(record)
        leaver.vote(pattern, "high")
        leaver.contribute([record])
        reader.vote(pattern, "high")
        harness.until(lambda: holders[0].credits()["available"] == 3, "the reward is paid")
        self.assertEqual([3, 3, 3, 0], [holder.credits()["available"] for holder in holders])

    def test_one_voice_is_one_vote_though_it_leaves_and_comes_back(self):
        holders, (voter,) = self.daemon.members(3), self.daemon.members(1)
        pattern = self.wait_released(holders[0], self.shared(holders))
        for _ in range(3):
            voter.contribute([self.one_record(voter)])
            voter.vote(pattern, "high")
            voter.erase()
            voter = client.Member(self.daemon.address, harness.F, voter.key.seed)
            self.daemon.connections.append(voter.connection)
            voter.join()
        voter.contribute([self.one_record(voter)])
        voter.vote(pattern, "high")
        self.wait_tick()
        self.assertEqual([1, 1, 1], [holder.credits()["available"] for holder in holders], "two votes are needed")


if __name__ == "__main__":
    unittest.main()
