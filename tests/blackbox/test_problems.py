# SPDX-License-Identifier: Apache-2.0
"""Every problem that a call can answer, to the letter of docs/PROTOCOL.md, in its order, and without effect."""

import datetime
import hashlib
import json
import unittest

import cfed
import client
import harness

STATUS = {
    "malformed-json": 400, "token-invalid": 401, "timestamp-stale": 401, "nonce-reused": 401, "signature-invalid": 401,
    "insufficient-credits": 402, "contribution-required": 403, "invite-invalid": 403, "level-too-low": 403,
    "not-found": 404, "method-not-allowed": 405, "epoch-not-current": 409, "wrong-federation-key": 409,
    "body-too-large": 413, "unsupported-media-type": 415, "invalid-request": 422, "batch-too-large": 422,
    "public-key-invalid": 422, "too-many-requests": 429, "overloaded": 503}
MAX_BODY = 65536
TAG = cfed.b64(bytes(range(32)))
POINT = cfed.b64(cfed.BASE)


class ProblemCase(harness.DaemonCase):
    def assert_problem(self, answer, code, pointer=None):
        """All that section 6.2 says about an answer with `code`; for invalid-request, that it points at `pointer`."""
        self.assertEqual((STATUS[code], code), (answer.status, answer.json.get("code")), answer)
        problem = answer.json
        self.assertEqual("application/problem+json", answer.headers["content-type"].split(";")[0])
        self.assertEqual(f"urn:continuum:problem:{code}", problem["type"])
        self.assertEqual(answer.status, problem["status"])
        self.assertTrue(problem["title"] and isinstance(problem["title"], str))
        self.assertTrue(problem.get("detail", "may be absent") and isinstance(problem.get("detail", ""), str))
        self.assertTrue(answer.headers["x-request-id"])
        self.assertEqual(answer.status == 401, "www-authenticate" in answer.headers)
        self.assertEqual(answer.status in (429, 503), answer.headers.get("retry-after", "none").isdigit())
        self.assertTrue(code == "invalid-request" or "errors" not in problem)
        self.assertEqual(code == "insufficient-credits", "balance" in problem or "cost" in problem)
        for error in problem.get("errors", []):
            self.assertTrue(error["pointer"] == "" or error["pointer"].startswith("/"))
            self.assertTrue(error["detail"])
        if pointer is not None:
            self.assertTrue(any(pointer == error["pointer"] or self.may_be_vague(pointer, error["pointer"])
                                for error in problem["errors"]), f"{problem} does not point at {pointer}")

    @staticmethod
    def may_be_vague(pointer, given):
        """Only for the items of `blinded` and `terms` an exact pointer is promised; else it may be the parent's."""
        return not pointer.startswith(("/blinded/", "/terms/")) and given and given == pointer.rsplit("/", 1)[0]

    @staticmethod
    def books(member):
        return (member.get("/v1/credits"), member.ledger(), member.contributions(), member.instance())

    def refuses_all(self, member, cases):
        """`cases`: (name, code, pointer, call) rows; none of the calls may change anything for `member`."""
        before = self.books(member)
        for name, code, pointer, call in cases:
            with self.subTest(name):
                self.assert_problem(call(), code, pointer)
        self.assertEqual(before, self.books(member))


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
            "query": ("POST", "/v1/queries", {"terms": [1]}, True)}

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
                 ("GET", f"/v1/patterns/{TAG}"), ("GET", f"/v1/instances/{self.member.instance_id}"),
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
                     "/v2/federation", "/v1/instances/a/b", "/metrics", "/openapi.json", "/v1/sets", "/v1/inbox?wait=1",
                     "/v1/queries/q-1/answers", f"/v1/patterns/{TAG}/verifications",
                     f"/v1/instances/{self.member.instance_id}/export", "/v1/sets/general/downloads"):
            with self.subTest(path):
                self.assert_problem(self.member.call("GET", path), "not-found")
        for method, path in (("POST", "/v1/federation"), ("GET", "/v1/instances"), ("GET", "/v1/tokens"),
                             ("PUT", "/v1/contributions"), ("GET", "/v1/queries"), ("DELETE", "/v1/credits"),
                             ("POST", f"/v1/patterns/{TAG}"), ("GET", "/v1/oprf/evaluations"),
                             ("PUT", f"/v1/instances/{self.member.instance_id}"), ("POST", "/v1/credits/ledger"),
                             ("POST", f"/v1/contributions/{TAG}"), ("GET", f"/v1/contributions/{TAG}"),
                             ("BREW", "/v1/credits")):
            with self.subTest(f"{method} {path}"):
                self.assert_problem(self.member.call(method, path, b"{}"), "method-not-allowed")

    def test_anothers_resources_are_unknown(self):
        other = self.daemon.member()
        record = self.one_record(other)
        other.contribute([record])
        cases = []
        for instance in (other.instance_id, "fed-0000-0000-0000", "nonsense", "%00%ff"):
            path = f"/v1/instances/{instance}"
            cases += [(f"{method} {path}", "not-found", None, lambda m=method, p=path, b=body: self.member.call(m, p, b))
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


class Joining(ProblemCase):
    options = {"joins_per_address_per_hour": 1000}

    def stale(self, seconds):
        return cfed.time_text(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds))

    def post(self, member, body, path="/v1/instances", **changes):
        body = {**body, **changes}
        return lambda: member.connection.call("POST", path, {name: v for name, v in body.items() if v is not ...})

    def test_every_problem_of_joining(self):
        known, new = self.daemon.member(), self.daemon.member(join=False)
        body = new.join_body()
        small_order = cfed.b64(b"\1" + bytes(31))
        not_a_point = cfed.b64(next(p for p in (hashlib.sha256(bytes([i])).digest() for i in range(99))
                                    if not cfed.sodium.crypto_core_ed25519_is_valid_point(p)))
        used = known.join_body()
        known.connection.call("POST", "/v1/instances", used)
        wrong_types = {"public_key": 1, "key_check": None, "contribution_level": ["standard"], "privacy_mode": 3,
                       "domains": "databases", "invite": 7, "timestamp": 1767323045, "nonce": {}, "signature": True}
        wrong_values = {"public_key": POINT[:-1], "key_check": POINT, "contribution_level": "all",
                        "privacy_mode": "Balanced", "timestamp": "2026-01-02T03:04:05+00:00",
                        "nonce": cfed.b64(bytes(15)), "signature": cfed.b64(bytes(63))}
        cases = [(f"{name} is {value!r}", "invalid-request", f"/{name}", self.post(new, body, **{name: value}))
                 for values in (wrong_types, wrong_values) for name, value in values.items()]
        cases += [(f"without {name}", "invalid-request", None, self.post(new, body, **{name: ...})) for name in body]
        cases += [
            ("times that are none", "invalid-request", "/timestamp",
             self.post(new, body, timestamp="2026-02-30T00:00:00Z")),
            ("17 domains", "invalid-request", "/domains", self.post(new, body, domains=[f"d{i}" for i in range(17)])),
            ("not a domain", "invalid-request", "/domains/1", self.post(new, body, domains=["a", "B"])),
            ("padded B64", "invalid-request", "/nonce", self.post(new, body, nonce=body["nonce"] + "==")),
            ("not a point", "public-key-invalid", None, self.post(new, body, public_key=not_a_point)),
            ("small order", "public-key-invalid", None, self.post(new, body, public_key=small_order)),
            ("public key before time", "public-key-invalid", None,
             self.post(new, body, public_key=small_order, timestamp=self.stale(-900))),
            ("too old", "timestamp-stale", None, self.post(new, new.join_body(timestamp=self.stale(-310)))),
            ("too new", "timestamp-stale", None, self.post(new, new.join_body(timestamp=self.stale(310)))),
            ("time before signature", "timestamp-stale", None, self.post(new, body, timestamp=self.stale(-900))),
            ("signature", "signature-invalid", None, self.post(new, body, contribution_level="minimal")),
            ("signature before nonce", "signature-invalid", None, self.post(known, used, privacy_mode="high")),
            ("nonce", "nonce-reused", None, self.post(known, used)),
            ("nonce of another", "nonce-reused", None, self.post(new, new.join_body(nonce=used["nonce"]))),
            ("invite", "invite-invalid", None, self.post(new, new.join_body(invite="please"))),
            ("invite after signature", "signature-invalid", None, self.post(new, body, invite="please"))]
        self.refuses_all(known, cases)
        self.assertEqual(201, self.post(new, body)().status, "its nonce was not used up by the refusals")
        self.assertEqual(200, self.post(new, new.join_body(invite="please"))().status, "a known key needs no invite")

    def test_every_problem_of_tokens(self):
        member = self.daemon.member()
        body, used = member.token_body(), member.token_body()
        self.assertEqual(200, self.post(member, used, "/v1/tokens")().status)
        stranger = self.daemon.member(join=False)
        stranger.instance_id = "fed-0000-0000-0000"
        borrowed = self.daemon.member(join=False)
        borrowed.instance_id = member.instance_id

        def post(body, **changes):
            return self.post(member, body, "/v1/tokens", **changes)
        cases = [(f"{name} is {value!r}", "invalid-request", f"/{name}", post(body, **{name: value}))
                 for name, value in (("instance_id", 1), ("timestamp", "now"), ("nonce", "A"), ("signature", ""))]
        cases += [(f"without {name}", "invalid-request", None, post(body, **{name: ...})) for name in body]
        cases += [
            ("too old", "timestamp-stale", None, post(member.token_body(timestamp=self.stale(-310)))),
            ("too new", "timestamp-stale", None, post(member.token_body(timestamp=self.stale(310)))),
            ("time before signature", "timestamp-stale", None, post(body, timestamp=self.stale(-900))),
            ("unknown instance", "signature-invalid", None, post(stranger.token_body())),
            ("another's key", "signature-invalid", None, post(borrowed.token_body())),
            ("nonsense for an instance", "signature-invalid", None, post(body, instance_id="\u0000x")),
            ("signature before nonce", "signature-invalid", None, post(used, signature=cfed.b64(bytes(64)))),
            ("nonce", "nonce-reused", None, post(used))]
        self.refuses_all(member, cases)
        self.assertEqual(200, post(body)().status, "its nonce was not used up by the refusals")

    def test_a_time_within_five_minutes_is_good(self):
        member = self.daemon.member()
        for seconds in (-290, 290):
            body = member.token_body(timestamp=self.stale(seconds))
            self.assertEqual(200, self.post(member, body, "/v1/tokens")().status)

    def test_changes_of_an_instance(self):
        member = self.daemon.member()
        path = f"/v1/instances/{member.instance_id}"
        self.refuses_all(member, [
            (str(body), "invalid-request", pointer, lambda b=body: member.call("PATCH", path, b))
            for body, pointer in (
                ({"contribution_level": "most"}, "/contribution_level"), ({"privacy_mode": 1}, "/privacy_mode"),
                ({"domains": {}}, "/domains"), ({"domains": [1]}, "/domains/0"), ({"tier": "free"}, "/tier"),
                ({"domains": ["a"] * 17}, "/domains"),
                ({"contribution_level": "minimal", "privacy_mode": "none"}, "/privacy_mode"))])

    def test_too_many_joins_from_one_address(self):
        daemon = self.fresh(joins_per_address_per_hour=2)
        members = daemon.members(2)
        late = daemon.member(join=False)
        self.assert_problem(self.post(late, late.join_body())(), "too-many-requests")
        self.assertEqual(200, self.post(members[0], members[0].join_body())().status)

    def test_a_full_federation(self):
        daemon = self.fresh(max_instances=1)
        member, late = daemon.member(), daemon.member(join=False)
        self.assert_problem(self.post(late, late.join_body())(), "overloaded")
        self.assertEqual(200, self.post(member, member.join_body())().status)


class Evaluations(ProblemCase):
    def test_every_problem(self):
        member = self.daemon.member()

        def post(blinded, epoch=1):
            return lambda: member.call("POST", "/v1/oprf/evaluations", {"epoch": epoch, "blinded": blinded})
        high_bit = cfed.b64(cfed.BASE[:31] + bytes([cfed.BASE[31] | 0x80]))
        points = {"identity": cfed.b64(bytes(32)), "high bit": high_bit, "not a point": cfed.b64(b"\1" * 32),
                  "short": POINT[:-2], "long": POINT + "AA", "padded": POINT + "=", "empty": "",
                  "plus and slash": "+/" + POINT[2:], "unused bits": POINT[:-1] + "9", "number": 5, "null": None}
        self.refuses_all(member, [
            (name, "invalid-request", "/blinded/1", post([POINT, point])) for name, point in points.items()] + [
            ("none", "invalid-request", "/blinded", post([])),
            ("257", "invalid-request", "/blinded", post([POINT] * 257)),
            ("a string", "invalid-request", "/blinded", post(POINT)),
            ("epoch of text", "invalid-request", "/epoch", post([POINT], "1")),
            ("epoch with fraction", "invalid-request", "/epoch", post([POINT], 1.0)),
            ("next epoch", "epoch-not-current", None, post([POINT], 2)),
            ("body before epoch", "invalid-request", "/blinded/0", post(["x"], 2)),
            ("no members", "invalid-request", None, lambda: member.call("POST", "/v1/oprf/evaluations", {}))])
        self.assertEqual(256, len(member.expect(200, post([POINT] * 256)())["evaluated"]))


class Contributions(ProblemCase):
    options = {"minimal_max_records": 2}

    def setUp(self):
        self.member = self.daemon.member()
        self.record = self.one_record(self.member)
        self.json = self.record.json(self.member.key.public, 0.5)

    def post(self, *records, **changes):
        body = {"epoch": 1, "patterns": list(records), **changes}
        return lambda: self.member.call("POST", "/v1/contributions", body)

    def altered(self, **changes):
        return {name: value for name, value in {**self.json, **changes}.items() if value is not ...}

    def test_what_refuses_the_whole_request(self):
        self.member.contribute([self.one_record(self.member)])
        types = {"tag": 1, "domain": None, "commitments": [], "verify_key": {}, "ciphertext": True, "index": 0,
                 "share": 1.5, "confidence": "0.5"}
        cases = [(f"{name} is {value!r}", "invalid-request", f"/patterns/1/{name}",
                  self.post(self.json, self.altered(**{name: value}))) for name, value in types.items()]
        cases += [(f"without {name}", "invalid-request", None, self.post(self.altered(**{name: ...})))
                  for name in types]
        cases += [(f"confidence {value}", "invalid-request", "/patterns/0/confidence",
                   self.post(self.altered(confidence=value))) for value in (-0.1, 1.1, 2, 0.55, 0.123, 1e300, None)]
        cases += [
            ("unknown member", "invalid-request", "/patterns/0/more", self.post(self.altered(more=1))),
            ("no records", "invalid-request", "/patterns", self.post()),
            ("1001 records", "invalid-request", "/patterns", self.post(*[self.json] * 1001)),
            ("a record of text", "invalid-request", "/patterns/0", self.post("record")),
            ("records of text", "invalid-request", "/patterns", self.post(patterns="records")),
            ("epoch of text", "invalid-request", "/epoch", self.post(self.json, epoch="1")),
            ("next epoch", "epoch-not-current", None, self.post(self.json, epoch=2)),
            ("body before epoch", "invalid-request", "/patterns/0/share", self.post(self.altered(share=1), epoch=2))]
        self.refuses_all(self.member, cases)

    def test_the_batch_of_the_level_comes_after_the_epoch(self):
        self.member.change(contribution_level="minimal")
        self.refuses_all(self.member, [
            ("batch", "batch-too-large", None, self.post(*[self.json] * 3)),
            ("epoch before batch", "epoch-not-current", None, self.post(*[self.json] * 3, epoch=2)),
            ("body before batch", "invalid-request", None, self.post(*[self.altered(tag=1)] * 3))])

    def test_confidence_in_the_steps_of_the_mode(self):
        for mode, fine, step in (("high", 0.25, 0.3), ("balanced", 0.25, 0.3), ("open", 0.255, 0.25)):
            with self.subTest(mode):
                self.member.change(privacy_mode=mode)
                self.assert_problem(self.post(self.altered(confidence=fine))(), "invalid-request",
                                    "/patterns/0/confidence")
                record = self.one_record(self.member).json(self.member.key.public, step)
                self.assertEqual(1, self.post(record)().json["accepted"])
        for confidence in (0, 1, 0.0, 1.0):
            record = self.one_record(self.member).json(self.member.key.public, confidence)
            self.assertEqual(1, self.post(record)().json["accepted"], confidence)

    def test_what_rejects_one_record(self):
        json_record, B64 = self.json, cfed.b64
        identity_first = B64(bytes(32) + self.record.commitments[32:])
        not_last = B64(self.record.commitments[:64] + b"\1" * 32)
        high_bit = bytearray(self.record.commitments)
        high_bit[31] |= 0x80
        rows = [("invalid-domain", {"domain": value})
                for value in ("", "A", "-a", "a" * 65, "a.b", "\u00e9", "a\n")]
        rows += [("invalid-size", {name: json_record[name][:-4]}) for name in json_record
                 if name not in ("domain", "confidence")]
        rows += [("invalid-size", {name: json_record[name] + "AAAA"}) for name in json_record
                 if name not in ("domain", "confidence")]
        rows += [("invalid-size", {name: ""}) for name in json_record if name not in ("domain", "confidence")]
        rows += [("invalid-size", {"commitments": B64(self.record.commitments[:64])}),
                 ("invalid-size", {"commitments": B64(self.record.commitments + cfed.BASE)}),
                 ("invalid-size", {"tag": json_record["tag"] + "="})]
        rows += [("invalid-encoding", {name: "+" + json_record[name][1:]}) for name in json_record
                 if name not in ("domain", "confidence")]
        rows += [("invalid-encoding", {"tag": json_record["tag"][:-1] + end}) for end in ("9", "=", " ")]
        rows += [("invalid-point", {"commitments": identity_first}), ("invalid-point", {"commitments": not_last}),
                 ("invalid-point", {"commitments": B64(bytes(high_bit))}),
                 ("invalid-share", {"share": B64(bytes(32))}), ("invalid-share", {"share": B64(b"\xff" * 32)}),
                 ("invalid-share", {"share": B64(cfed.L.to_bytes(32, "little"))}),
                 ("invalid-share", {"share": B64((cfed.L + 5).to_bytes(32, "little"))}),
                 ("tag-mismatch", {"tag": TAG}), ("tag-mismatch", {"domain": "databases"}),
                 ("tag-mismatch", {"verify_key": POINT}), ("tag-mismatch", {"index": B64(bytes(80))}),
                 ("tag-mismatch", {"ciphertext": B64(bytes(272))}),
                 ("tag-mismatch", {"commitments": B64(self.record.commitments[32:] + self.record.commitments[:32])})]
        good = self.one_record(self.member).json(self.member.key.public, 0.5)
        answer = self.post(good, *[{**json_record, **changes} for _, changes in rows])()
        self.assertEqual(200, answer.status, answer)
        results = answer.json["results"]
        self.assertEqual({"status": "accepted"}, results[0])
        for (code, changes), result in zip(rows, results[1:], strict=True):
            with self.subTest(f"{code}: {changes}"):
                self.assertEqual(("rejected", code), (result["status"], result.get("code")))
                self.assertTrue(result["detail"])
        self.assertEqual((1, 1, 1), tuple(answer.json[name] for name in ("accepted", "credits_earned", "balance")))
        self.assertEqual([good["tag"]], [contribution["tag"] for contribution in self.member.contributions()])
        self.assertEqual(1, len(self.member.ledger()))

    def test_a_repeated_record_in_one_request_is_accepted_and_paid_once(self):
        answer = self.post(self.json, self.json, self.json)().json
        self.assertEqual(([{"status": "accepted"}] * 3, 3, 1, 1), (
            answer["results"], answer["accepted"], answer["credits_earned"], answer["balance"]))
        self.assertEqual(1, len(self.member.contributions()))


class Queries(ProblemCase):
    def post(self, member, **body):
        return lambda: member.call("POST", "/v1/queries", {"terms": [1], **body})

    def test_every_problem_of_the_body(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member)])
        rows = [({"terms": value}, pointer) for value, pointer in (
            ([], "/terms"), (list(range(1, 34)), "/terms"), ([0], "/terms/0"), ([1, 4294967296], "/terms/1"),
            ([1, -1], "/terms/1"), ([1.0], "/terms/0"), (["1"], "/terms/0"), ([1, None], "/terms/1"), ("1", "/terms"),
            ([7, 7], None))]
        rows += [({"domain": value}, "/domain") for value in ("", "A", 1, "a" * 65)]
        rows += [({"min_confidence": value}, "/min_confidence") for value in (-0.01, 1.01, "1", True)]
        rows += [({"max_results": value}, "/max_results") for value in (0, 201, -1, 1.5, "1")]
        rows += [({"priority": value}, "/priority") for value in (True, 1, "yes")]
        rows += [({"route": {}}, "/route"), ({"text": "secret"}, "/text")]
        self.refuses_all(member, [(str(body)[:60], "invalid-request", pointer, self.post(member, **body))
                                  for body, pointer in rows])
        missing = member.call("POST", "/v1/queries", {"domain": "general"})
        self.assert_problem(missing, "invalid-request")
        self.assertEqual(200, self.post(member, priority=False, min_confidence=1, max_results=200, domain="a")().status)

    def test_entitlement(self):
        member = self.daemon.member()
        self.refuses_all(member, [
            ("never contributed", "contribution-required", None, self.post(member)),
            ("body before entitlement", "invalid-request", None, self.post(member, terms=[0]))])
        record = self.one_record(member)
        member.contribute([record])
        self.assertEqual(200, self.post(member)().status)
        refused = self.post(member)
        self.refuses_all(member, [("no credits", "insufficient-credits", None, refused)])
        self.assertEqual((0, 1), (refused().json["balance"], refused().json["cost"]))
        member.withdraw()
        self.refuses_all(member, [("one was accepted once", "insufficient-credits", None, refused)])

    def test_a_rejected_record_is_no_contribution(self):
        member = self.daemon.member()
        body = member.contribution_body([self.one_record(member)])
        body["patterns"][0]["tag"] = TAG
        self.assertEqual(0, member.call("POST", "/v1/contributions", body).json["accepted"])
        self.assert_problem(self.post(member)(), "contribution-required")


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

    def test_the_idempotency_key_is_ignored(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(2)])
        for _ in range(2):
            answer = member.call("POST", "/v1/queries", {"terms": [1]}, headers={"Idempotency-Key": "same"})
            self.assertEqual(200, answer.status)
        self.assertEqual(0, member.credits()["available"])

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
