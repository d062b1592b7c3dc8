# SPDX-License-Identifier: Apache-2.0
"""The problems that all calls have in common, to the letter of docs/PROTOCOL.md, in its order, and without effect."""

import datetime
import json
import threading
import unittest

import cfed
import client
from problems import ID, POINT, TAG, ProblemCase

MAX_BODY = 65536


class Bodies(ProblemCase):
    options = {"max_body_bytes": MAX_BODY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = cls.daemon.member()
        cls.record = cls.member.records(("general", "problems of bodies"))[0]
        cls.member.contribute([cls.record])
        cls.calls = {
            "join": ("POST", "/v1/instances", cls.member.join_body(), False),
            "token": ("POST", "/v1/tokens", cls.member.token_body(), False),
            "change": ("PATCH", f"/v1/instances/{cls.member.instance_id}", {"contribution_level": "minimal"}, True),
            "evaluate": ("POST", "/v1/oprf/evaluations", {"epoch": 1, "blinded": [POINT]}, True),
            "contribute": ("POST", "/v1/contributions", cls.member.contribution_body([cls.record]), True),
            "query": ("POST", "/v1/queries", {"terms": [1]}, True),
            "verify": ("POST", f"/v1/patterns/{TAG}/verifications", {
                "verdict": "confirm", "verifier": cfed.b64(bytes(16)), "proof": cfed.b64(bytes(64)),
                "signature": cfed.b64(bytes(64))}, True),
            "download": ("POST", "/v1/sets/general/downloads", {"since": cfed.b64(bytes(24))}, True),
            "vote": ("PUT", f"/v1/patterns/{TAG}/vote", {"quality": "high"}, True),
            "answer": ("POST", f"/v1/inbox/{ID}/answer", {"sealed_answer": cfed.b64(bytes(344))}, True)}

    def test_the_checks_come_in_their_order(self):
        """Each request breaks a rule and all that come after it; the first one answers."""
        text, bad_token = {"Content-Type": "text/plain"}, {"Authorization": "Bearer nonsense"}
        huge, garbage = b"x" * (MAX_BODY + 1), b'{"a":'
        cases = []
        for name, (method, path, _, by_token) in self.calls.items():
            def call(body, headers, method=method, path=path):
                return lambda: self.member.call(method, path, body, headers=headers)
            cases += [(f"{name}: size before type", "body-too-large", None, call(huge, {**text, **bad_token})),
                      (f"{name}: type before token", "unsupported-media-type", None,
                       call(garbage, {**text, **bad_token}))]
            if by_token:
                cases += [(f"{name}: token before body", "token-invalid", None, call(garbage, bad_token))]
            cases += [(f"{name}: syntax before members", "malformed-json", None, call(b'{"unknown": 1, "a":', {}))]
        self.refuses_all(self.member, cases)

    def test_every_body_is_one_json_object_of_known_members(self):
        malformed = {
            "empty": b"", "truncated": b'{"a": 1', "two objects": b"{} {}", "trailing comma": b'{"a": 1,}',
            "comment": b'{/* */"a": 1}', "single quotes": b"{'a': 1}", "NaN": b'{"a": NaN}',
            "leading zero": b'{"a": 01}',
            "duplicate members": b'{"a": 1, "a": 1}', "duplicate deeper": b'{"a": {"b": 1, "b": 2}}',
            "invalid UTF-8": b'{"a": "\xff"}', "overlong UTF-8": b'{"a": "\xc0\xaf"}',
            "surrogate": b'{"a": "\\ud800"}', "surrogate as UTF-8": b'{"a": "\xed\xa0\x80"}',
            "raw control character": b'{"a": "\x01"}', "depth 9": b'{"a":' + b"[" * 8 + b"]" * 8 + b"}",
            "depth 1000": b'{"a":' + b"[" * 999 + b"]" * 999 + b"}"}
        cases = []
        for name, (method, path, body, _) in self.calls.items():
            def call(body, method=method, path=path):
                return lambda: self.member.call(method, path, body)
            cases += [(f"{name}: {what}", "malformed-json", None, call(content)) for what, content in malformed.items()]
            cases += [(f"{name}: unknown member", "invalid-request", "/unknown", call({**body, "unknown": 1})),
                      (f"{name}: an array", "invalid-request", None, call([body])),
                      (f"{name}: a string", "invalid-request", None, call("text")),
                      (f"{name}: depth 8 is syntax", "invalid-request", None,
                       call(b'{"a":' + b"[" * 7 + b"]" * 7 + b"}"))]
        self.refuses_all(self.member, cases)

    def test_media_types(self):
        method, path, body, _ = self.calls["query"]
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(3)])
        for media_type in ("text/json", "application/jsonx", "application/json-seq", "", None):
            with self.subTest(media_type):
                self.assert_problem(member.call(method, path, body, headers={"Content-Type": media_type}),
                                    "unsupported-media-type")
        self.assertEqual(3, member.credits()["available"])
        for media_type in ("application/json", "Application/JSON", "application/json; charset=utf-8"):
            with self.subTest(media_type):
                self.assertEqual(200, member.call(method, path, body, headers={"Content-Type": media_type}).status)

    def test_tokens_that_are_not_good(self):
        other = self.daemon.member()
        good = self.member.token
        flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
        headers = {"none": None, "another scheme": f"Basic {good}", "empty": "Bearer ", "without scheme": good,
                   "nonsense": "Bearer nonsense", "changed": f"Bearer {flipped}", "longer": f"Bearer {good}A",
                   "cut": f"Bearer {good[:-4]}", "half of another's": f"Bearer {good[:20]}{other.token[20:]}"}
        paths = (("GET", "/v1/credits"), ("GET", "/v1/credits/ledger"), ("GET", "/v1/contributions"),
                 ("DELETE", "/v1/contributions"), ("DELETE", f"/v1/contributions/{TAG}"),
                 ("GET", f"/v1/patterns/{TAG}"), ("GET", f"/v1/patterns/{TAG}/verifications"),
                 ("GET", "/v1/sets"), ("GET", f"/v1/downloads/{cfed.b64(bytes(16))}"),
                 ("GET", f"/v1/instances/{self.member.instance_id}"),
                 ("GET", "/v1/inbox"), ("GET", f"/v1/queries/{ID}/answers"), ("DELETE", f"/v1/inbox/{ID}"),
                 ("DELETE", f"/v1/instances/{self.member.instance_id}"))
        calls = [(method, path, None) for method, path in paths] + [call[:3] for call in self.calls.values() if call[3]]
        self.refuses_all(self.member, [
            (f"{method} {path}: {name}", "token-invalid", None,
             lambda m=method, p=path, b=body, h=header: self.member.call(m, p, b, headers={"Authorization": h}))
            for method, path, body in calls for name, header in headers.items()])

    def test_the_scheme_of_a_token_has_no_case(self):
        lower = {"Authorization": f"bEARER {self.member.token}"}
        answer = self.member.connection.call("GET", "/v1/credits", headers=lower)
        self.assertEqual(200, answer.status)

    def test_unknown_paths_and_methods(self):
        for path in ("/", "/v1", "/v1/", "/v1/nothing", "/v1/federation/", "/v1/contributions/a/b", "/V1/federation",
                     "/v2/federation", "/v1/instances/a/b", "/metrics", "/openapi.json", "/v1/sets/general", "/v1/downloads",
                     "/v1/queries/q-1/answers", f"/v1/patterns/{TAG}/votes",
                     f"/v1/instances/{self.member.instance_id}/exports"):
            with self.subTest(path):
                self.assert_problem(self.member.call("GET", path), "not-found")
        for method, path in (("POST", "/v1/federation"), ("GET", "/v1/instances"), ("GET", "/v1/tokens"),
                             ("PUT", "/v1/contributions"), ("GET", "/v1/queries"), ("DELETE", "/v1/credits"),
                             ("POST", f"/v1/patterns/{TAG}"), ("GET", "/v1/oprf/evaluations"),
                             ("PUT", f"/v1/instances/{self.member.instance_id}"), ("POST", "/v1/credits/ledger"),
                             ("GET", "/v1/sets/general/downloads"), ("POST", "/v1/sets"),
                             ("DELETE", f"/v1/downloads/{TAG}"), ("GET", f"/v1/patterns/{TAG}/vote"),
                             ("PUT", f"/v1/patterns/{TAG}/verifications"),
                             ("POST", f"/v1/contributions/{TAG}"), ("GET", f"/v1/contributions/{TAG}"),
                             ("POST", "/v1/inbox"), ("GET", "/v1/inbox/a"), ("GET", "/v1/inbox/a/answer"),
                             ("POST", "/v1/queries/a/answers"), ("BREW", "/v1/credits")):
            with self.subTest(f"{method} {path}"):
                self.assert_problem(self.member.call(method, path, b"{}"), "method-not-allowed")

    def test_anothers_resources_are_unknown(self):
        other = self.daemon.member()
        record = self.one_record(other)
        other.contribute([record])
        cases = []
        for instance in (other.instance_id, "fed-0000-0000-0000", "nonsense", "%00%ff"):
            path = f"/v1/instances/{instance}"
            cases += [(f"{method} {path}", "not-found", None,
                       lambda m=method, p=path, b=body: self.member.call(m, p, b))
                      for method, body in (("GET", None), ("PATCH", {"privacy_mode": "open"}), ("DELETE", None))]
        path = f"/v1/instances/{other.instance_id}"
        cases.append(("body before existence", "invalid-request", "/privacy_mode",
                      lambda: self.member.call("PATCH", path, {"privacy_mode": "none"})))
        for name, tag in (("another's", cfed.b64(record.tag)), ("unknown", TAG), ("not a tag", "nonsense"),
                          ("unused bits", TAG[:-1] + "9"), ("padded", TAG + "=")):
            cases += [(f"withdraw {name}", "not-found", None,
                       lambda t=tag: self.member.call("DELETE", f"/v1/contributions/{t}")),
                      (f"pattern {name}", "not-found", None,
                       lambda t=tag: self.member.call("GET", f"/v1/patterns/{t}"))]
        before = self.books(other)
        self.refuses_all(self.member, cases)
        self.assertEqual(before, self.books(other))

    def test_query_strings(self):
        paths = ("/v1/contributions", "/v1/credits/ledger")
        self.refuses_all(self.member, [
            (f"{path}?{query}", "invalid-request", None, lambda p=path, q=query: self.member.call("GET", f"{p}?{q}"))
            for path in paths for query in ("limit=0", "limit=201", "limit=-1", "limit=a", "limit=", "limit=1.0",
                                            "limit=99999999999999999999", "cursor=nonsense!", "cursor=%00")])

    def test_a_token_expires(self):
        """The shortest life is five minutes, so that the clock is asked for instead: the answer names the time."""
        answer = client.Member.expect(200, self.member.connection.call("POST", "/v1/tokens", self.member.token_body()))
        expires = datetime.datetime.strptime(answer["token_expires_at"], "%Y-%m-%dT%H:%M:%SZ")
        left = expires - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.assertTrue(datetime.timedelta(hours=23, minutes=59) < left <= datetime.timedelta(hours=24, seconds=1))


class Pressure(ProblemCase):
    options = {"max_pending_requests": 1}

    def test_what_is_refused_for_overload_is_not_charged(self):
        members = self.daemon.members(6)
        for member in members:
            member.contribute([self.one_record(member) for _ in range(20)])
        answers = [[] for _ in members]

        def work(member, mine):
            while sum(answer.status == 200 for answer in mine) < 20 and len(mine) < 200:
                mine.append(member.call("POST", "/v1/queries", {"terms": [1]}))
        threads = [threading.Thread(target=work, args=row) for row in zip(members, answers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = [answer for mine in answers for answer in mine if answer.status != 200]
        self.assertTrue(refused, "six at once, and one may wait")
        for answer in refused:
            self.assert_problem(answer, "overloaded")
        for member, mine in zip(members, answers):
            paid = sum(answer.status == 200 for answer in mine)
            self.assertEqual(20 - paid, member.credits()["available"])


class Answers(ProblemCase):
    def test_every_answer_has_its_own_request_id(self):
        member = self.daemon.member()
        seen = [member.call(method, path).headers["x-request-id"] for method, path in (
            ("GET", "/v1/federation"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/credits"),
            ("GET", "/none"), ("PUT", "/healthz"), ("GET", "/v1/credits"))]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual([200, 200], [member.connection.call("GET", path).status for path in ("/healthz", "/readyz")])

    def test_answers_are_json(self):
        member = self.daemon.member()
        answer = member.call("GET", "/v1/credits")
        self.assertEqual("application/json", answer.headers["content-type"].split(";")[0])

    def test_numbers_have_at_most_three_decimals_and_integers_none(self):
        member = self.daemon.member()
        body = member.call("GET", "/v1/federation").body
        prices = json.loads(body, parse_float=str, parse_int=str)["prices"]
        self.assertEqual({"contribute": "1", "verify": "0.5", "quality": "2", "query": "1", "download": "10",
                          "priority": "5"}, prices)

    def test_the_dead_token_of_an_erased_instance(self):
        member = self.daemon.member()
        member.erase()
        self.assert_problem(member.call("GET", "/v1/credits"), "token-invalid")
        self.assert_problem(member.call("DELETE", f"/v1/instances/{member.instance_id}"), "token-invalid")
        self.assert_problem(member.connection.call("POST", "/v1/tokens", member.token_body()), "signature-invalid")


if __name__ == "__main__":
    unittest.main()
