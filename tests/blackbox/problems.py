# SPDX-License-Identifier: Apache-2.0
"""What docs/PROTOCOL.md, section 6.2, says about every answer that is a problem, as assertions."""

import cfed
import harness

STATUS = {
    "malformed-json": 400, "token-invalid": 401, "timestamp-stale": 401, "nonce-reused": 401, "signature-invalid": 401,
    "insufficient-credits": 402, "contribution-required": 403, "invite-invalid": 403, "level-too-low": 403,
    "own-pattern": 403,
    "not-found": 404, "method-not-allowed": 405, "already-answered": 409, "already-verified": 409, "epoch-not-current": 409, "wrong-federation-key": 409,
    "body-too-large": 413, "unsupported-media-type": 415, "invalid-request": 422, "batch-too-large": 422,
    "public-key-invalid": 422, "proof-invalid": 422, "idempotency-key-reused": 422, "too-many-requests": 429, "overloaded": 503}
TAG = cfed.b64(bytes(range(32)))
ID = cfed.b64(bytes(range(16)))
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
