# SPDX-License-Identifier: Apache-2.0
"""The problems that each call has of its own, to the letter of docs/PROTOCOL.md, in its order, and without effect."""

import datetime
import hashlib
import unittest

import cfed
from problems import POINT, TAG, ProblemCase


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
            ("too old", "timestamp-stale", None,
             lambda: self.post(new, new.join_body(timestamp=self.stale(-310)))()),
            ("too new", "timestamp-stale", None,
             lambda: self.post(new, new.join_body(timestamp=self.stale(310)))()),
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

    def test_an_empty_invite_is_an_invite(self):
        new = self.daemon.member(join=False)
        self.assert_problem(self.post(new, new.join_body(invite=""))(), "invite-invalid")

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
            ("too old", "timestamp-stale", None, lambda: post(member.token_body(timestamp=self.stale(-310)))()),
            ("too new", "timestamp-stale", None, lambda: post(member.token_body(timestamp=self.stale(310)))()),
            ("time before signature", "timestamp-stale", None, post(body, timestamp=self.stale(-900))),
            ("unknown instance", "signature-invalid", None, post(stranger.token_body())),
            ("another's key", "signature-invalid", None, post(borrowed.token_body())),
            ("nonsense for an instance", "signature-invalid", None, post(body, instance_id="\u00ffx")),
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

    def test_too_many_calls_without_a_token_from_one_address(self):
        daemon = self.fresh(anonymous_burst=4, anonymous_per_minute=1)
        member, stranger = daemon.member(), self.daemon.member(join=False)
        stranger.move(daemon.address)
        self.assertEqual([200, 401], [stranger.connection.call("GET", path, token="nonsense").status
                                      for path in ("/v1/federation", "/v1/credits")])
        for method, path, body in (("GET", "/v1/federation", None), ("GET", "/v1/credits", None), ("GET", "/none", None),
                                   ("POST", "/v1/instances", {}), ("POST", "/v1/tokens", {})):
            with self.subTest(path):
                answer = stranger.connection.call(method, path, body, token="nonsense")
                self.assert_problem(answer, "too-many-requests")
                self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 60)
        self.assertEqual([200] * 9, [stranger.connection.call("GET", "/healthz").status for _ in range(9)])
        self.assertEqual(0, member.credits()["available"])

    def test_only_a_trusted_proxy_says_for_whom_it_speaks(self):
        for proxies, statuses in (("127.0.0.1", [201, 201, 429]), ("127.0.0.2", [201, 429, 429])):
            daemon = self.fresh(joins_per_address_per_hour=1, trusted_proxies=proxies)
            joining = [daemon.member(join=False) for _ in range(3)]
            self.assertEqual(statuses, [
                member.connection.call("POST", "/v1/instances", member.join_body(),
                                       headers={"X-Forwarded-For": address}).status
                for member, address in zip(joining, ("192.0.2.1", "192.0.2.2", "192.0.2.2"))], proxies)

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

    def test_an_integer_of_any_size_is_json(self):
        """RFC 8259 sets no limit, so that one beyond 64 bits is out of range, and no syntax error."""
        member = self.daemon.member()
        self.refuses_all(member, [
            (f"epoch {epoch}", "invalid-request", "/epoch" if epoch < 2**63 else "",
             lambda e=epoch: member.call("POST", "/v1/oprf/evaluations", {"epoch": e, "blinded": [POINT]}))
            for epoch in (2**32, 2**63, 2**64, 10**40)])


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

    def with_commitments(self, commitments):
        """Changes that leave the tag right, so that only the points are wrong."""
        record = self.record
        tag = cfed.tag_of(record.federation_id, 1, record.domain, commitments, record.verify_key, record.ciphertext,
                          record.index)
        return {"commitments": cfed.b64(commitments), "tag": cfed.b64(tag)}

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
        rows += [("invalid-point", self.with_commitments(commitments)) for commitments in (
            bytes(32) + self.record.commitments[32:], self.record.commitments[:64] + b"\1" * 32, bytes(high_bit))]
        rows += [("invalid-share", {"share": B64(bytes(32))}), ("invalid-share", {"share": B64(b"\xff" * 32)}),
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

    def test_a_nul_in_a_string_is_json(self):
        """\\u0000 is well-formed (RFC 8259), so that it is a domain that does not match, and no syntax error."""
        answer = self.post(self.altered(domain="a\u0000"))()
        self.assertEqual(200, answer.status, answer)
        self.assertEqual("invalid-domain", answer.json["results"][0]["code"])

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
        rows += [({"max_results": value}, "/max_results") for value in (0, -1, 1.5, "1")]
        rows += [({"priority": value}, "/priority") for value in (1, "yes")]
        rows += [({"route": {}}, None), ({"route": []}, "/route"), ({"text": "secret"}, "/text")]
        route = member.route_body("quorum")[0]["route"]
        sealed = cfed.unb64(route["sealed_query"])
        rows += [({"route": {**route, **changes}}, f"/route/{next(iter(changes))}") for changes in (
            {"sealed_query": ""}, {"sealed_query": 1}, {"sealed_query": cfed.b64(sealed[:-1])},
            {"sealed_query": cfed.b64(sealed + b"\0")}, {"sealed_query": cfed.b64(bytes(16456))},
            {"sealed_query": route["sealed_query"] + "="}, {"sealed_query": "+" + route["sealed_query"][1:]},
            {"reply_key": cfed.b64(bytes(31))}, {"reply_key": None}, {"ttl_s": 59}, {"ttl_s": 604801}, {"ttl_s": "60"},
            {"fanout": 0}, {"fanout": 9}, {"fanout": 1.0}, {"more": 1})]
        rows += [({"route": {name: value for name, value in route.items() if name != left_out}}, None)
                 for left_out in route]
        self.refuses_all(member, [(str(body)[:60], "invalid-request", pointer, self.post(member, **body))
                                  for body, pointer in rows])
        missing = member.call("POST", "/v1/queries", {"domain": "general"})
        self.assert_problem(missing, "invalid-request")
        self.assertEqual(200, self.post(member, priority=False, min_confidence=1, max_results=200, domain="a")().status)

    def test_any_confidence_may_be_asked_for(self):
        """The steps of the modes are for contributions."""
        member = self.daemon.member()
        member.contribute([self.one_record(member)])
        answer = self.post(member, min_confidence=0.125)()
        self.assertEqual(200, answer.status, answer)

    def test_priority_costs_its_price_on_top(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member) for _ in range(20)])
        answer = self.post(member, priority=True)()
        self.assertEqual((answer.status, answer.json["cost"], answer.json["balance"]), (200, 6, 14))

    def test_more_results_than_any_level_has(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member)])
        self.refuses_all(member, [("201", "invalid-request", "/max_results", self.post(member, max_results=201))])

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


if __name__ == "__main__":
    unittest.main()
