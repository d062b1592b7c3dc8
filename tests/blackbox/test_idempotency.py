# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key, docs/PROTOCOL.md, section 6.1: the same request again is answered again, and done once."""

import json
import pathlib
import threading
import unittest

import cfed
from problems import POINT, TAG, ProblemCase

QUERIES, CONTRIBUTIONS = "/v1/queries", "/v1/contributions"


class KeyedCase(ProblemCase):
    def earner(self, patterns=5):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(patterns)])
        return member

    @staticmethod
    def post(member, path, body, key, **headers):
        return member.call("POST", path, body, headers={"Idempotency-Key": key, **headers})

    def ask(self, member, key, term=1):
        return self.post(member, QUERIES, {"terms": [term]}, key)

    def at_once(self, member, call):
        """The answers to the same call on 12 connections of one member."""
        connected, answers = [self.daemon.member(seed=member.key.seed, join=False) for _ in range(12)], []
        for one in connected:
            one.token, one.instance_id = member.token, member.instance_id
        threads = [threading.Thread(target=lambda one=one: answers.append(call(one))) for one in connected]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([200] * len(connected), [answer.status for answer in answers])
        return answers

    def spent(self, member):
        return sum(transfer["kind"] == "query" for transfer in member.ledger())


class Replays(KeyedCase):
    options = {"release_interval_s": 1}

    def test_a_query_again_has_its_id_and_cost_and_todays_balance(self):
        member = self.earner()
        first = self.ask(member, "once").json
        member.contribute([self.one_record(member)])
        again = self.ask(member, "once").json
        self.assertEqual({**first, "balance": first["balance"] + 1}, again)
        self.assertNotEqual(first["query_id"], self.ask(member, "twice").json["query_id"])
        self.assertEqual(2, self.spent(member))

    def test_results_are_fetched_anew(self):
        holders, asker = self.daemon.members(3), self.earner()
        text = self.own_words()
        record = self.shared(holders, text)
        self.wait_released(asker, record)
        body = {"terms": cfed.query_tokens(asker.keys, text, 32)}
        first = self.post(asker, QUERIES, body, "found").json
        others = [result for result in first["results"] if result["tag"] != cfed.b64(record.tag)]
        self.assertEqual(len(others) + 1, len(first["results"]))
        self.assertEqual(first, self.post(asker, QUERIES, body, "found").json)
        holders[0].withdraw(record)
        self.wait_sealed(asker, record)
        self.assertEqual({**first, "results": others}, self.post(asker, QUERIES, body, "found").json)

    def test_contributions_again_say_what_was_said_record_by_record(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(3)]
        body = member.contribution_body(records)
        body["patterns"][1]["tag"] = cfed.b64(bytes(32))
        first = self.post(member, CONTRIBUTIONS, body, "k").json
        self.assertEqual(["accepted", "rejected", "accepted"], [result["status"] for result in first["results"]])
        self.assertEqual((2, 2), (first["accepted"], first["credits_earned"]))
        member.withdraw(records[0])
        again = self.post(member, CONTRIBUTIONS, body, "k").json
        self.assertEqual({**first, "balance": 1}, again)
        self.assertEqual([cfed.b64(records[2].tag)], [held["tag"] for held in member.contributions()])

    def test_a_large_batch_again(self):
        member = self.daemon.member()
        body = member.contribution_body([self.one_record(member) for _ in range(30)])
        body["patterns"] = (body["patterns"] * 10)[:300]
        first, again = (self.post(member, CONTRIBUTIONS, body, "bulk").json for _ in range(2))
        self.assertEqual(first, again)
        self.assertEqual((300, 30), (again["accepted"], again["credits_earned"]))

    def test_a_verification_again_is_no_second_one(self):
        holders, judge = self.daemon.members(3), self.earner(1)
        pattern = self.wait_released(judge, self.shared(holders))
        path, body = f"/v1/patterns/{pattern['tag']}/verifications", judge.verification_body(pattern)
        first, again = (self.post(judge, path, body, "v") for _ in range(2))
        self.assertEqual((201, 201, first.json), (first.status, again.status, again.json))
        self.assertEqual((0.5, 1.5), (again.json["credits_earned"], again.json["balance"]))
        self.assert_problem(judge.call("POST", path, body), "already-verified")
        self.assert_problem(self.post(judge, path, body, "another"), "already-verified")

    def test_evaluations_again_are_the_same_elements(self):
        member = self.daemon.member()
        path, body = "/v1/oprf/evaluations", {"epoch": 1, "blinded": [POINT, cfed.b64(cfed.BASE)]}
        first, again = (self.post(member, path, body, "e") for _ in range(2))
        self.assertEqual((200, 200), (first.status, again.status))
        self.assertEqual(first.json["evaluated"], again.json["evaluated"])
        self.assertEqual(first.json["evaluated"], member.call("POST", path, body).json["evaluated"])
        self.assert_problem(self.post(member, path, {**body, "blinded": [POINT]}, "e"), "idempotency-key-reused")
        bad = {"epoch": 1, "blinded": [TAG]}
        self.assert_problem(self.post(member, path, bad, "f"), "invalid-request", "/blinded/0")
        self.assertEqual(200, self.post(member, path, body, "f").status)

    def test_a_routed_query_again_asks_nobody_again_and_an_answer_again_is_one(self):
        holders, asker, text = self.daemon.members(3), self.earner(), self.own_words()
        self.wait_released(asker, self.shared(holders, text))
        body, _ = asker.route_body(text)
        first, again = (self.post(asker, QUERIES, body, "r").json for _ in range(2))
        self.assertEqual(first, again)
        self.assertIs(True, again["routed"])
        deliveries = holders[0].inbox()
        self.assertEqual(1, len(deliveries))
        delivery, qid, _ = deliveries[0]
        path, body = f"/v1/inbox/{delivery['delivery_id']}/answer", holders[0].answer_body(delivery, qid, "yes")
        self.assertEqual([202, 202], [self.post(holders[0], path, body, "a").status for _ in range(2)])
        self.assert_problem(self.post(holders[0], path, holders[0].answer_body(delivery, qid, "no"), "a"),
                            "idempotency-key-reused")
        self.assertEqual(1, self.spent(asker))

    def test_want_of_credits_is_answered_again_and_other_refusals_are_not(self):
        member = self.daemon.member()
        self.assert_problem(self.ask(member, "k"), "contribution-required")
        member.contribute([self.one_record(member)])
        self.assertEqual(200, self.ask(member, "k").status)
        self.assert_problem(self.ask(member, "poor"), "insufficient-credits")
        member.contribute([self.one_record(member)])
        refused = self.ask(member, "poor")
        self.assert_problem(refused, "insufficient-credits")
        self.assertEqual((1, 1), (refused.json["balance"], refused.json["cost"]))
        self.assertEqual(200, self.ask(member, "rich").status)

    def test_many_at_once_are_one(self):
        member = self.earner()
        answers = self.at_once(member, lambda connected: self.ask(connected, "race"))
        self.assertEqual(1, len({answer.json["query_id"] for answer in answers}))
        self.assertEqual((1, 4), (self.spent(member), member.credits()["available"]))

    def test_it_outlives_a_kill_and_nobody_reads_key_or_body_in_the_files(self):
        daemon = self.fresh()
        member = daemon.member()
        member.contribute(member.records(("general", "remembered for long")))
        first = self.ask(member, "a-key-to-be-found", term=0x7A7B7C7D).json
        daemon.kill()
        for path in pathlib.Path(daemon.storage).iterdir():
            content = path.read_bytes()
            self.assertNotIn(b"a-key-to-be-found", content, path)
            self.assertNotIn(bytes.fromhex("7a7b7c7d"), content, path)
            self.assertNotIn(str(0x7A7B7C7D).encode(), content, path)
        daemon.start()
        member.move(daemon.address)
        self.assertEqual(first, self.ask(member, "a-key-to-be-found", term=0x7A7B7C7D).json)
        self.assertEqual(1, self.spent(member))


class Scopes(KeyedCase):
    def test_another_members_key_is_another_key(self):
        """Neither is the answer of the first shown, nor is its payment the second's."""
        first, second = self.earner(3), self.earner(3)
        answers = [self.ask(member, "shared").json for member in (first, second, first, second)]
        self.assertEqual((answers[0], answers[1]), (answers[2], answers[3]))
        self.assertNotEqual(answers[0]["query_id"], answers[1]["query_id"])
        records = [self.one_record(first)]
        body = first.contribution_body(records)
        self.assertEqual(1, self.post(first, CONTRIBUTIONS, body, "pay").json["credits_earned"])
        stolen = self.post(second, CONTRIBUTIONS, body, "pay").json
        self.assertEqual((1, 3), (stolen["credits_earned"], stolen["balance"]), "earned as its own, once")
        self.assertEqual(stolen, self.post(second, CONTRIBUTIONS, body, "pay").json)

    def test_another_path_is_another_scope(self):
        member = self.earner()
        self.assertEqual(200, self.ask(member, "k").status)
        body = member.contribution_body([self.one_record(member)])
        self.assertEqual(1, self.post(member, CONTRIBUTIONS, body, "k").json["credits_earned"])

    def test_joins_and_tokens_take_no_key(self):
        member = self.daemon.member(join=False)
        bodies = [("/v1/instances", member.join_body()), ("/v1/instances", member.join_body())]
        statuses = [member.connection.call("POST", path, body, headers={"Idempotency-Key": "k"}).status
                    for path, body in bodies]
        self.assertEqual([201, 200], statuses)
        member.join()
        body = member.token_body()
        self.assertEqual(200, member.connection.call("POST", "/v1/tokens", body,
                                                     headers={"Idempotency-Key": "k"}).status)
        self.assert_problem(member.connection.call("POST", "/v1/tokens", body, headers={"Idempotency-Key": "k"}),
                            "nonce-reused")


class Quotas(KeyedCase):
    options = {"default_tier": "free", "free_daily_contributions": 4, "free_daily_queries": 2,
               "free_daily_oprf_elements": 10, "max_jobs_per_member": 12}

    def evaluate(self, member, key, count=6):
        return self.post(member, "/v1/oprf/evaluations", {"epoch": 1, "blinded": [POINT] * count}, key)

    def test_a_quota_is_charged_once(self):
        member = self.daemon.member()
        records = member.records(("general", "quota one"), ("general", "quota two"))
        for _ in range(3):
            self.assertEqual(200, self.evaluate(member, "e").status)
        self.assert_problem(self.evaluate(member, "f"), "too-many-requests")
        self.assertEqual(200, self.evaluate(member, "f", 2).status, "the refusal was not remembered")
        body = member.contribution_body(records)
        for _ in range(3):
            self.assertEqual(2, self.post(member, CONTRIBUTIONS, body, "c").json["credits_earned"])
        self.assertEqual(200, self.post(member, CONTRIBUTIONS, body, "d").status)
        self.assert_problem(self.post(member, CONTRIBUTIONS, body, "more"), "too-many-requests")
        for key in ("p", "p", "q", "p", "q"):
            self.assertEqual(200, self.ask(member, key).status)

    def test_evaluations_at_once_are_counted_once_and_free_their_places(self):
        member = self.daemon.member()
        for _ in range(3):
            self.at_once(member, lambda connected: self.evaluate(connected, "race", 10))
        self.assert_problem(self.evaluate(member, "another", 1), "too-many-requests")


class Problems(KeyedCase):
    options = {"max_idempotency_keys": 3}

    def test_other_bytes_under_a_key(self):
        member = self.earner()
        self.assertEqual(200, self.ask(member, "k").status)
        others = {"other terms": {"terms": [2]}, "one more space": b'{"terms":  [1]}', "garbage": b'{"terms":',
                  "nothing": b"", "no terms": {"terms": []}}
        self.refuses_all(member, [(name, "idempotency-key-reused", None,
                                   lambda b=body: self.post(member, QUERIES, b, "k"))
                                  for name, body in others.items()])
        self.assertEqual(200, self.ask(member, "k").status)

    def test_the_key_is_checked_after_the_token_and_before_the_body(self):
        member = self.earner()
        self.assertEqual(200, self.ask(member, "k").status)
        garbage, long = b'{"terms":', "x" * 65
        self.refuses_all(member, [
            ("type before key", "unsupported-media-type", None,
             lambda: self.post(member, QUERIES, garbage, long, **{"Content-Type": "text/plain"})),
            ("token before key", "token-invalid", None,
             lambda: self.post(member, QUERIES, garbage, "k", Authorization="Bearer nonsense")),
            ("reused before body", "idempotency-key-reused", None, lambda: self.post(member, QUERIES, garbage, "k")),
            ("body with a new key", "malformed-json", None, lambda: self.post(member, QUERIES, garbage, "new"))])
        malformed = self.post(member, QUERIES, garbage, long)
        self.assert_problem(malformed, "invalid-request")
        self.assertNotIn("errors", malformed.json)
        self.assertEqual(200, self.ask(member, "new").status, "a refusal is not remembered")

    def test_keys_that_are_none(self):
        member = self.earner()
        for key in ("x" * 65, "a b", "a\tb", "caf\u00e9", "\x7f", ""):
            with self.subTest(repr(key)):
                answer = self.ask(member, key)
                self.assert_problem(answer, "invalid-request")
                self.assertIn("Idempotency-Key", answer.json["detail"])
        for key in ("x" * 64, "!", "~", 'a"\\b'):
            self.assertEqual(200, self.ask(member, key).status, key)

    def test_two_keys_are_refused(self):
        member = self.earner()
        body = json.dumps({"terms": [1]}).encode()
        with self.daemon.socket() as raw:
            raw.sendall(f"POST {QUERIES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {member.token}\r\n"
                        "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            self.assertIn(b" 422 ", raw.recv(4096).split(b"\r\n")[0] + b" ")

    def test_the_oldest_key_is_forgotten_for_one_more(self):
        member = self.earner(8)
        ids = [self.ask(member, key).json["query_id"] for key in ("a", "b", "c", "d")]
        self.assertEqual(ids[1:], [self.ask(member, key).json["query_id"] for key in ("b", "c", "d")])
        self.assertNotEqual(ids[0], self.ask(member, "a").json["query_id"])
        self.assertEqual(5, self.spent(member))


if __name__ == "__main__":
    unittest.main()
