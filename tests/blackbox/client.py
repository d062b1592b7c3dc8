# SPDX-License-Identifier: Apache-2.0
"""The calls of section 6: Connection says anything to a coordinator, Member says the right things."""

import http.client
import json
import os
from urllib.parse import parse_qs, urlsplit

from cfed import (FederationKeys, Record, ReplyKey, SigningKey, b64, blind, canonical_pattern, checked_federation,
                  checked_pattern, finalize, is_point, lines, open_answer, open_query, oprf_input, proof_holds, query_tokens,
                  random_scalar, require, seal_answer, seal_query, time_text, unb64, verifier, verifies, verify_seed)


class Answer:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def code(self):
        return self.json["code"] if self.status >= 400 else None

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(repr(answer))
        self.answer = answer


class Connection:
    """One kept-alive connection. It never repeats a request: after an error the caller knows that it does not know."""

    def __init__(self, address, timeout_s=60):
        self.address, self.timeout_s = address, timeout_s
        self.http = http.client.HTTPConnection(address, timeout=timeout_s)
        self.helper = None  # the connection to the OPRF helper, if there is one

    def call(self, method, path, body=None, token=None, headers=None):
        """`body`: bytes go as they are, all else as JSON. `headers` win; one that is None is left out."""
        fields = {} if body is None else {"Content-Type": "application/json"}
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        fields.update(headers or {})
        fields = {name: value for name, value in fields.items() if value is not None}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8")
        try:
            self.http.request(method, path, body, fields)
            response = self.http.getresponse()
            return Answer(response, response.read())
        except BaseException:
            self.close()
            raise

    def close(self):
        """The next call opens it again."""
        self.http.close()
        if self.helper is not None:
            self.helper.close()

    def move(self, address):
        self.close()
        self.address = address
        self.http = http.client.HTTPConnection(address, timeout=self.timeout_s)


class Member:
    """An instance: F, its key pair, and what it learned from its coordinator."""

    def __init__(self, address, F, seed=None):
        self.connection = Connection(address)
        self.F, self.key = F, SigningKey(seed)
        self.coordinator_key = self.federation_id = self.federation = self.keys = None
        self.instance_id = self.token = None

    @classmethod
    def from_link(cls, link, seed=None):
        parts = urlsplit(link)
        values = parse_qs(parts.fragment, strict_parsing=True)
        member = cls(parts.netloc, unb64(values["k"][0], 32), seed)
        member.coordinator_key = values["c"][0]
        return member

    def call(self, method, path, body=None, **more):
        return self.connection.call(method, path, body, token=self.token, **more)

    def get(self, path):
        return self.expect(200, self.call("GET", path))

    @staticmethod
    def expect(status, answer):
        if answer.status != status:
            raise Refused(answer)
        return answer.json

    def move(self, address):
        """The coordinator came back somewhere else."""
        self.connection.move(address)

    def learn(self):
        self.federation = checked_federation(self.expect(200, self.connection.call("GET", "/v1/federation")),
                                             self.coordinator_key, self.federation_id)
        self.coordinator_key = self.federation["coordinator_key"]
        self.federation_id = self.federation["federation_id"]
        self.keys = FederationKeys(self.F, unb64(self.federation_id, 16))
        require(self.federation["key_check"] in (None, b64(self.keys.key_check)), "the federation has another F")
        return self.federation

    @property
    def epoch(self):
        return self.federation["epoch"]

    @property
    def helper(self):
        return self.connection.helper

    # Joining, tokens

    def join_body(self, level="extensive", mode="balanced", timestamp=None, nonce=None, **more):
        body = {"public_key": b64(self.key.public), "key_check": b64(self.keys.key_check),
                "contribution_level": level, "privacy_mode": mode, "timestamp": timestamp or time_text(),
                "nonce": nonce or b64(os.urandom(16)), **more}
        body["signature"] = b64(self.key.sign(lines(
            "cfed/v1/join", self.coordinator_key, body["public_key"], body["key_check"], body["contribution_level"],
            body["privacy_mode"], str(body.get("invite", "")), body["timestamp"], body["nonce"])))
        return body

    def join(self, level="extensive", mode="balanced", **more):
        if self.federation is None:
            self.learn()
        answer = self.connection.call("POST", "/v1/instances", self.join_body(level, mode, **more))
        if answer.status not in (200, 201):
            raise Refused(answer)
        self.instance_id = answer.json["instance_id"]
        self.token = answer.json.get("token", self.token)
        return answer

    def token_body(self, timestamp=None, nonce=None):
        body = {"instance_id": self.instance_id, "timestamp": timestamp or time_text(),
                "nonce": nonce or b64(os.urandom(16))}
        body["signature"] = b64(self.key.sign(lines("cfed/v1/token", self.coordinator_key, body["instance_id"],
                                                    body["timestamp"], body["nonce"])))
        return body

    def mint(self):
        self.token = self.expect(200, self.connection.call("POST", "/v1/tokens", self.token_body()))["token"]
        return self.token

    def instance(self):
        return self.get(f"/v1/instances/{self.instance_id}")

    def change(self, **members):
        return self.expect(200, self.call("PATCH", f"/v1/instances/{self.instance_id}", members))

    def erase(self):
        answer = self.expect(200, self.call("DELETE", f"/v1/instances/{self.instance_id}"))
        receipt = answer["receipt"]
        counts = (receipt[name] for name in ("contributions", "verifications", "votes", "queries", "deliveries"))
        signed = lines("cfed/v1/erasure-receipt", self.coordinator_key, receipt["instance_id"], receipt["erased_at"],
                       *map(str, counts))
        require(verifies(unb64(answer["signature"], 64), signed, unb64(self.coordinator_key)), "not a receipt")
        return receipt

    # Patterns

    def oprf_token(self, elements, context=None, epoch=None):
        """What the coordinator gives for the OPRF helper."""
        return self.expect(200, self.call("POST", "/v1/oprf/tokens", {
            "epoch": epoch or self.epoch["number"], "elements": elements,
            "redemption_context": context or self.introduction()["redemption_context"]}))["token"]

    def introduction(self):
        """What the helper says of itself."""
        address = urlsplit(self.epoch["oprf_url"]).netloc
        if self.helper is None or self.helper.address != address:
            self.connection.close()
            self.connection.helper = Connection(address)
        said = self.expect(200, self.helper.call("GET", "/v1/oprf"))
        require(said["protocol"] == "cfed/v1" and said["coordinator_key"] == self.coordinator_key, "not its helper")
        return said

    def evaluation(self, body):
        """The answer to POST /v1/oprf/evaluations, wherever that is."""
        if self.epoch["oprf_url"] is None:
            return self.call("POST", "/v1/oprf/evaluations", body)
        token = self.oprf_token(len(body["blinded"]))
        return self.helper.call("POST", "/v1/oprf/evaluations", body, token=token)

    def evaluate(self, inputs):
        """OPRF outputs, in batches of 256, each under its own proof."""
        outputs = []
        for first in range(0, len(inputs), 256):
            batch = [(message, random_scalar()) for message in inputs[first:first + 256]]
            blinded = [blind(message, blinding) for message, blinding in batch]
            answer = self.expect(200, self.evaluation({
                "epoch": self.epoch["number"], "blinded": [b64(point) for point in blinded]}))
            evaluated = [unb64(point, 32) for point in answer["evaluated"]]
            require(len(evaluated) == len(blinded) and all(map(is_point, evaluated)), "not the evaluations asked for")
            require(proof_holds(unb64(self.epoch["oprf_public_key"], 32), blinded, evaluated,
                                unb64(answer["proof"], 64)), "the proof does not hold")
            outputs += [finalize(message, blinding, element) for (message, blinding), element in zip(batch, evaluated)]
        return outputs

    def records(self, *patterns):
        """Records of (domain, text) pairs."""
        federation_id = unb64(self.federation_id, 16)
        texts = [canonical_pattern(domain, text) for domain, text in patterns]
        outputs = self.evaluate([oprf_input(self.keys, federation_id, self.epoch["number"], M,
                                            self.epoch["token_bits"]) for M in texts])
        return [Record(self.keys, federation_id, self.epoch, M, R) for M, R in zip(texts, outputs)]

    def contribution_body(self, records, confidence=0.5):
        return {"epoch": self.epoch["number"],
                "patterns": [record.json(self.key.public, confidence) for record in records]}

    def contribute(self, records, confidence=0.5):
        return self.expect(200, self.call("POST", "/v1/contributions", self.contribution_body(records, confidence)))

    def withdraw(self, record=None):
        path = "/v1/contributions" + (f"/{b64(record.tag)}" if record else "")
        return self.expect(200, self.call("DELETE", path))

    def pattern(self, record):
        return self.call("GET", f"/v1/patterns/{b64(record.tag)}")

    # Judging

    def verification_body(self, pattern, verdict="confirm", **changes):
        """Of a released pattern as its JSON came, after all checks."""
        checked_pattern(pattern, self.keys, self.federation)
        tag, s = unb64(pattern["tag"], 32), unb64(pattern["secret"], 32)
        body = {"verdict": verdict, "verifier": b64(verifier(self.key.seed, tag)), **changes}
        signed = lines("cfed/v1/verify", self.coordinator_key, pattern["tag"], body["verifier"], body["verdict"])
        return {"proof": b64(SigningKey(verify_seed(self.keys, s)).sign(signed)),
                "signature": b64(self.key.sign(signed)), **body}

    def verify(self, pattern, verdict="confirm"):
        return self.expect(201, self.call("POST", f"/v1/patterns/{pattern['tag']}/verifications",
                                          self.verification_body(pattern, verdict)))

    def verifications(self, pattern):
        return self.get(f"/v1/patterns/{pattern['tag']}/verifications")

    def vote(self, pattern, quality):
        return self.expect(200, self.call("PUT", f"/v1/patterns/{pattern['tag']}/vote", {"quality": quality}))

    def query(self, text, **more):
        """The answer, and the (domain, summary) of each of its results, all of them checked."""
        terms_sent = query_tokens(self.keys, text, self.epoch["token_bits"])
        answer = self.expect(200, self.call("POST", "/v1/queries", {"terms": terms_sent, **more}))
        return answer, [checked_pattern(result, self.keys, self.federation) for result in answer["results"]]

    # Routed questions

    def route_body(self, text, question=None, ttl_s=3600, fanout=8, **more):
        """(body of POST /v1/queries, what opens the answers)."""
        reply = ReplyKey()
        sealed = seal_query(self.keys, reply.public, question or text)
        return {"terms": query_tokens(self.keys, text, self.epoch["token_bits"]), **more,
                "route": {"sealed_query": b64(sealed), "reply_key": b64(reply.public), "ttl_s": ttl_s,
                          "fanout": fanout}}, (reply, sealed[:16])

    def ask(self, text, question=None, **more):
        """A routed query: (answer, Asked)."""
        body, opening = self.route_body(text, question, **more)
        answer = self.expect(200, self.call("POST", "/v1/queries", body))
        return answer, Asked(self, answer["query_id"], opening)

    def inbox(self, wait=0, limit=10):
        """Deliveries, each with its question opened: (delivery, qid, text)."""
        answer = self.get(f"/v1/inbox?wait={wait}&max={limit}")
        return [(delivery, *open_query(self.keys, unb64(delivery["reply_key"], 32), unb64(delivery["sealed_query"])))
                for delivery in answer["deliveries"]]

    def answer_body(self, delivery, qid, text):
        return {"sealed_answer": b64(seal_answer(self.keys, unb64(delivery["reply_key"], 32), qid, text))}

    def post_answer(self, delivery, body):
        return self.call("POST", f"/v1/inbox/{delivery['delivery_id']}/answer", body)

    def answer(self, delivery, qid, text):
        answer = self.post_answer(delivery, self.answer_body(delivery, qid, text))
        if answer.status != 202:
            raise Refused(answer)

    def decline(self, delivery):
        return self.call("DELETE", f"/v1/inbox/{delivery['delivery_id']}")

    # Lists

    def pages(self, path, name, limit=200):
        cursor, everything = "", []
        while cursor is not None:
            page = self.get(f"{path}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
            everything += page[name]
            cursor = page["next_cursor"]
        return everything

    def contributions(self):
        return self.pages("/v1/contributions", "contributions")

    def ledger(self):
        return self.pages("/v1/credits/ledger", "transfers")

    def credits(self):
        return self.get("/v1/credits")

    def export(self):
        """All that is held of it, a dict a row."""
        answer = self.call("GET", f"/v1/instances/{self.instance_id}/export")
        if answer.status != 200:
            raise Refused(answer)
        return [json.loads(line) for line in answer.body.splitlines()]


class Asked:
    """A routed query of a member, and what opens its answers."""

    def __init__(self, member, query_id, opening):
        self.member, self.query_id, (self.reply, self.qid) = member, query_id, opening

    def look(self, wait=0):
        return self.member.get(f"/v1/queries/{self.query_id}/answers?wait={wait}")

    def answers(self, wait=0):
        """The texts, all of them opened."""
        return [open_answer(self.member.keys, self.reply, self.qid, unb64(answer["sealed_answer"]))
                for answer in self.look(wait)["answers"]]
