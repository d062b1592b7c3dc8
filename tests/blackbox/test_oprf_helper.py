# SPDX-License-Identifier: Apache-2.0
"""The OPRF in another operator's hands (docs/PROTOCOL.md, section 6.8): what members, strangers and the coordinator get
from the helper, and learn."""

import datetime
import json
import os
import pathlib
import struct
import time
import unittest

import cfed
import client
import harness
from oprf import EVALUATIONS, RULES, TWO, HelperCase
from problems import POINT


class Helper(HelperCase):
    def test_a_federation_lives_without_its_coordinator_having_the_key(self):
        members = self.daemon.members(3)
        text = self.own_words()
        record = self.shared(members, text)
        self.wait_released(members[0], record)
        self.assertEqual([("general", text)], members[1].query(text)[1])
        keys = pathlib.Path(self.daemon.storage, "keys").read_text(encoding="ascii")
        self.assertNotIn("oprf", keys)
        self.daemon.restart()
        self.follow(self.daemon, *members)
        self.assertEqual([("general", text)], members[2].query(text)[1])

    def test_the_helper_says_who_it_is_and_the_coordinator_who_that_is(self):
        member = self.daemon.member()
        said = member.introduction()
        self.assertEqual({"protocol": "cfed/v1", "role": "oprf", "coordinator_key": member.coordinator_key,
                          "redemption_context": said["redemption_context"],
                          "epochs": [{"number": 1, "oprf_public_key": member.epoch["oprf_public_key"]}],
                          "limits": {"max_oprf_elements": 256, "max_small_body_bytes": 32768,
                                     "oprf_elements_per_day": 10000000}}, said)
        self.assertEqual(16, len(cfed.unb64(said["redemption_context"])))
        self.assertEqual(f"http://{self.helper.address}", member.epoch["oprf_url"])
        self.assertEqual([200, 200], [member.helper.call("GET", path).status for path in ("/healthz", "/readyz")])
        self.assertIn(f"STATUS=Evaluating for epochs 1 on {self.helper.address}", self.helper.notify.lines())
        self.assertIn(f"oprf_public_key = {member.epoch['oprf_public_key']}", self.helper.stderr())

    def test_the_coordinator_evaluates_nothing_and_says_who_does(self):
        member = self.daemon.member()
        answer = member.call("POST", EVALUATIONS, self.body(POINT))
        self.assert_problem(answer, "not-found")
        self.assertIn(self.helper.address, answer.json["detail"])

    def test_a_token_tells_nothing_of_whose_it_is(self):
        """What is in it is the same for all, or random, or its time: 94 bytes and not one more."""
        ann, ben = self.daemon.members(2)
        context = ann.introduction()["redemption_context"]
        before = time.time()
        seen = [(member, member.call("POST", "/v1/oprf/tokens", {
            "epoch": 1, "elements": 3, "redemption_context": context}).json) for member in (ann, ben, ann)]
        nonces = set()
        for member, answer in seen:
            raw = cfed.unb64(answer["token"], 94)
            epoch, elements, expires, nonce, signature = struct.unpack(">IHQ16s64s", raw)
            at = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
            self.assertEqual((1, 3, cfed.time_text(at)), (epoch, elements, answer["token_expires_at"]))
            self.assertLess(abs(expires - before - 300), 10)
            signed = cfed.lines("cfed/v1/oprf-token", member.coordinator_key, context, "1", "3",
                                answer["token_expires_at"], cfed.b64(nonce))
            self.assertTrue(cfed.verifies(signature, signed, cfed.unb64(member.coordinator_key)))
            self.assertNotIn(member.instance_id.encode(), raw)
            self.assertEqual({"token", "token_expires_at"}, set(answer))
            nonces.add(nonce)
        self.assertEqual(3, len(nonces))

    def test_neither_log_nor_files_nor_answers_of_the_helper_name_anybody(self):
        daemon, helper = self.pair(log_level="debug")
        ann, ben = daemon.members(2)
        for member in (ann, ben):
            self.shared([member])
            answer = self.post(member, member.oprf_token(1))
            self.assertEqual({"epoch", "evaluated", "proof"}, set(answer.json))
            for name in ("instance_id", "token"):
                self.assertNotIn(getattr(member, name), f"{answer.body!r} {answer.headers}")
        self.assertEqual({"keys", "lock"}, {path.name for path in pathlib.Path(helper.storage).iterdir()})
        files = b"".join(path.read_bytes() for path in pathlib.Path(helper.folder).rglob("*") if path.is_file())
        for secret in (ann.instance_id, ben.instance_id, ann.token, cfed.b64(ann.key.public), POINT):
            self.assertNotIn(secret.encode(), files)

    def test_the_coordinator_with_F_confirms_no_guess(self):
        """With the helper's key, of which none of its files has a byte, it would."""
        member = self.daemon.member()
        text = self.own_words()
        record = self.shared([member], text)
        secret = next(line.split()[3] for line in pathlib.Path(self.helper.storage, "keys").read_text(
            encoding="ascii").splitlines() if line.startswith("oprf 1"))
        key = cfed.number_of(cfed.unb64(secret))
        files = b"".join(path.read_bytes() for path in pathlib.Path(self.daemon.folder).rglob("*") if path.is_file())
        self.assertIn(record.tag, files)

        def guess(number):
            M = cfed.canonical_pattern("general", text)
            message = cfed.oprf_input(member.keys, cfed.unb64(member.federation_id), 1, M, 32)
            R = cfed.finalize(message, 1, cfed.multiply(number, cfed.hash_to_group(message)))
            return cfed.Record(member.keys, cfed.unb64(member.federation_id), member.epoch, M, R).tag == record.tag
        self.assertTrue(guess(key), "the attack is one")
        for form in (secret.encode(), cfed.scalar(key)):
            self.assertNotIn(form, files)
        held = pathlib.Path(self.daemon.storage, "keys").read_text(encoding="ascii").split()
        secrets = [cfed.unb64(value) for value in held if len(value) == 43]
        self.assertEqual(4, len(secrets))
        self.assertEqual([], [value for value in secrets if guess(cfed.reduce(value.ljust(64, b"\0")) or 1)])

    def test_a_restart_of_the_helper_voids_what_was_given_and_members_go_on(self):
        daemon, helper = self.pair()
        member = daemon.member()
        token = member.oprf_token(1)
        self.assertEqual(200, self.post(member, token).status)
        fresh = member.oprf_token(1)
        context = member.introduction()["redemption_context"]
        helper.options["port"] = helper.address.split(":")[1]
        helper.restart()
        member.helper.close()
        self.assertNotEqual(context, member.introduction()["redemption_context"])
        for old in (token, fresh):
            self.assert_problem(self.post(member, old), "token-invalid")
        self.shared([member])


class Tokens(HelperCase):
    """What the coordinator gives, and what the helper takes."""

    def setUp(self):
        self.member = self.daemon.member()
        self.context = self.member.introduction()["redemption_context"]
        seed = next(line.split()[2] for line in pathlib.Path(self.daemon.storage, "keys").read_text(
            encoding="ascii").splitlines() if line.startswith("signing"))
        self.key = cfed.SigningKey(cfed.unb64(seed))

    def made(self, epoch=1, elements=4, expires_in_s=300, context=None, key=None):
        """A token as the coordinator signs it, with whatever it says."""
        nonce, expires = os.urandom(16), int(time.time()) + expires_in_s
        at = cfed.time_text(datetime.datetime.fromtimestamp(expires, datetime.timezone.utc))
        signed = cfed.lines("cfed/v1/oprf-token", cfed.b64(self.key.public), context or self.context, str(epoch),
                            str(elements), at, cfed.b64(nonce))
        return cfed.b64(struct.pack(">IHQ", epoch, elements, expires) + nonce + (key or self.key).sign(signed))

    def ask(self, **changes):
        body = {"epoch": 1, "elements": 1, "redemption_context": self.context, **changes}
        return lambda: self.member.call("POST", "/v1/oprf/tokens",
                                        {name: value for name, value in body.items() if value is not ...})

    def spend(self, token, *points, epoch=1, body=None):
        return lambda: self.post(self.member, token, body or self.body(*(points or (POINT,)), epoch=epoch))

    def test_every_problem_of_asking_for_one(self):
        rows = [({name: ...}, None) for name in ("epoch", "elements", "redemption_context")]
        rows += [({"elements": value}, "/elements") for value in (0, 257, -1, "1", 1.5, None)]
        rows += [({"epoch": value}, "/epoch") for value in (-1, "1", 2**32)]
        rows += [({"redemption_context": value}, "/redemption_context") for value in (
            "", self.context[:-1], self.context + "=", self.context + "A", 16, cfed.b64(bytes(15)))]
        rows += [({"more": 1}, "/more")]
        cases = [(str(changes), "invalid-request", pointer, self.ask(**changes)) for changes, pointer in rows]
        cases += [("next epoch", "epoch-not-current", None, self.ask(epoch=2)),
                  ("body before epoch", "invalid-request", "/elements", self.ask(epoch=2, elements=0)),
                  ("syntax", "malformed-json", None, lambda: self.member.call("POST", "/v1/oprf/tokens", b"{")),
                  ("no token", "token-invalid", None, lambda: self.member.connection.call(
                      "POST", "/v1/oprf/tokens", {"epoch": 1})),
                  ("another method", "method-not-allowed", None, lambda: self.member.call("GET", "/v1/oprf/tokens"))]
        self.refuses_all(self.member, cases)
        without = self.fresh()
        member = without.member()
        self.assert_problem(member.call("POST", "/v1/oprf/tokens", {
            "epoch": 1, "elements": 1, "redemption_context": self.context}), "not-found")
        self.assert_problem(member.call("GET", "/v1/oprf"), "not-found")

    def test_every_problem_of_the_helpers_calls(self):
        good, text = self.made(), {"Content-Type": "text/plain"}
        not_a_point = cfed.b64(b"\1" * 32)
        other = cfed.SigningKey()
        flip = good[:60] + ("A" if good[60] != "A" else "B") + good[61:]
        huge = b"x" * 40000
        tokens = {"changed": flip, "longer": good + "A", "cut": good[:-1], "nonsense": "nonsense",
                  "a member's": self.member.token, "another coordinator's": self.made(key=other),
                  "another helper's": self.made(context=cfed.b64(bytes(16))), "expired": self.made(expires_in_s=0),
                  "for too long": self.made(expires_in_s=700), "for no elements": self.made(elements=0),
                  "for too many elements": self.made(elements=257)}
        cases = [(f"token: {name}", "token-invalid", None, self.spend(token)) for name, token in tokens.items()]
        cases += [
            ("no token", "token-invalid", None, lambda: self.member.helper.call("POST", EVALUATIONS, self.body(POINT))),
            ("size before type", "body-too-large", None,
             lambda: self.post(self.member, "nonsense", huge, **text)),
            ("type before token", "unsupported-media-type", None,
             lambda: self.post(self.member, "nonsense", b"{", **text)),
            ("token before body", "token-invalid", None, self.spend("nonsense", body=b"{")),
            ("syntax", "malformed-json", None, self.spend(good, body=b"{")),
            ("no elements", "invalid-request", "/blinded", self.spend(good, body=self.body())),
            ("257 elements", "invalid-request", "/blinded", self.spend(good, *[POINT] * 257)),
            ("not B64", "invalid-request", "/blinded/1", self.spend(good, POINT, POINT + "=")),
            ("unknown member", "invalid-request", "/more",
             self.spend(good, body={**self.body(POINT), "more": 1})),
            ("body before epoch", "invalid-request", "/blinded/0", self.spend(good, "?", epoch=2)),
            ("another epoch than the token's", "epoch-not-current", None, self.spend(good, epoch=2)),
            ("an epoch that the helper has no key of", "epoch-not-current", None,
             self.spend(self.made(epoch=2), epoch=2)),
            ("epoch before the token's elements", "epoch-not-current", None, self.spend(good, *[POINT] * 5, epoch=2)),
            ("more than the token is for", "batch-too-large", None, self.spend(good, *[POINT] * 5)),
            ("not a point", "invalid-request", "/blinded/2", self.spend(good, POINT, TWO, not_a_point)),
            ("unknown path", "not-found", None, lambda: self.member.helper.call("GET", "/v1/federation")),
            ("a member's call", "not-found", None, lambda: self.member.helper.call("POST", "/v1/contributions", {})),
            ("another method", "method-not-allowed", None, lambda: self.member.helper.call("POST", "/v1/oprf", {}))]
        self.refuses_all(self.member, cases)
        self.assertEqual(200, self.spend(good)().status, "no refusal spent it")

    def test_a_token_counts_for_one_body_which_may_come_again(self):
        token = self.made()
        first = self.spend(token, POINT, TWO)()
        self.assertEqual(200, first.status)
        self.assert_problem(self.spend(token, TWO)(), "token-invalid")
        self.assert_problem(self.spend(token, TWO, POINT)(), "token-invalid")
        self.assertIn("used already", self.spend(token, TWO)().json["detail"])
        again = [self.spend(token, POINT, TWO)() for _ in range(4)]
        self.assertEqual([first.json["evaluated"]] * 4, [answer.json["evaluated"] for answer in again])
        self.assert_problem(self.spend(token, POINT, TWO)(), "token-invalid")

    def test_requests_at_once_share_no_token(self):
        token = self.made()
        connections = [client.Connection(self.helper.address) for _ in range(2)]
        for connection, point in zip(connections, (POINT, TWO)):
            self.addCleanup(connection.close)
            connection.http.request("POST", EVALUATIONS, json.dumps(self.body(*[point] * 4)),
                                    {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        self.assertEqual([200, 401], sorted(connection.http.getresponse().status for connection in connections))


class Budgets(HelperCase):
    options = {**RULES, "default_tier": "free", "free_daily_oprf_elements": 300}
    helper_options = {"oprf_elements_per_day": 260, "anonymous_burst": 20, "anonymous_per_minute": 1}

    def assert_until_midnight(self, answer):
        now = datetime.datetime.now(datetime.timezone.utc)
        left = 86400 - (now.hour * 3600 + now.minute * 60 + now.second)
        self.assertLess(abs(int(answer.headers["retry-after"]) - left), 10)

    def test_a_quota_counts_what_tokens_are_for(self):
        member = self.daemon.member()
        context = member.introduction()["redemption_context"]

        def ask(elements, **headers):
            return member.call("POST", "/v1/oprf/tokens", {"epoch": 1, "elements": elements,
                                                           "redemption_context": context}, headers=headers)
        key = {"Idempotency-Key": "once"}
        answers = [ask(150, **key), ask(100, **key), ask(50, **key)]
        for answer in answers:
            self.assertEqual('"oprf-elements";q=300;w=86400', answer.headers["ratelimit-policy"])
        self.assertEqual(3, len({answer.json["token"] for answer in answers}), "a key repeats no token")
        self.assertRegex(answer.headers["ratelimit"], r'^"oprf-elements";r=0;t=\d+$')
        refused = ask(1)
        self.assert_problem(refused, "too-many-requests")
        self.assert_until_midnight(refused)
        self.assert_problem(ask(150, **key), "too-many-requests")

    def test_the_helper_has_a_budget_whoever_signs(self):
        daemon, helper = self.pair(default_tier="unlimited")
        member = daemon.member()
        tokens = [member.oprf_token(256), *(member.oprf_token(4) for _ in range(4))]
        big = self.body(*[POINT] * 256)
        self.assertEqual([200, 200], [self.post(member, tokens[0], big).status for _ in range(2)])
        not_a_point = self.body(POINT, cfed.b64(b"\1" * 32))
        self.assert_problem(self.post(member, tokens[3], not_a_point), "invalid-request", "/blinded/1")
        self.assertEqual(200, self.post(member, tokens[1], self.body(*[POINT] * 4)).status)
        refused = self.post(member, tokens[2])
        self.assert_problem(refused, "too-many-requests")
        self.assert_until_midnight(refused)
        self.assertEqual(200, self.post(member, tokens[0], big).status, "the same again is not counted")
        harness.until(lambda: "oprf_elements_per_day do not suffice" in helper.stderr(), "it is in the log")
        self.post(member, tokens[2])
        helper.stop()
        self.assertEqual(1, helper.stderr().count("do not suffice"))

    def test_strangers_may_ask_only_so_often(self):
        daemon, helper = self.pair()
        member = daemon.member()
        token = member.oprf_token(1)
        answers = [member.helper.call("POST", EVALUATIONS, self.body(POINT)) for _ in range(22)]
        self.assertEqual({401, 429}, {answer.status for answer in answers})
        self.assertEqual(200, self.post(member, token).status, "who has a token is served")


if __name__ == "__main__":
    unittest.main()
