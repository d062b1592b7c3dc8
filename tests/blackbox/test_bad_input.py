# SPDX-License-Identifier: Apache-2.0
"""Whatever comes over the wire, the daemon answers or hangs up, stays up, and its books do not change."""

import http.client
import json
import random
import re
import socket
import unittest

import cfed
import harness

MAX_BODY, MAX_HEADER, REQUEST_TIMEOUT_S = 65536, 8192, 1
MUTATIONS = 300


def exchange(sock, data):
    """Sends all of `data` and reads until the daemon hangs up, or says nothing for a while."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return read_all(sock)


def read_all(sock):
    """(bytes, whether the daemon hung up)"""
    received = b""
    try:
        while part := sock.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    except TimeoutError:
        return received, False
    return received, True


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


class Erased(harness.DaemonCase):
    def test_who_is_erased_while_a_body_is_on_its_way_gets_401(self):
        for method, path in (("POST", "/v1/queries"), ("POST", "/v1/contributions"), ("GET", "/v1/credits"),
                             ("GET", "/v1/credits/ledger"), ("GET", "/v1/contributions"),
                             ("DELETE", "/v1/contributions"), ("POST", "/v1/oprf/evaluations")):
            with self.subTest(f"{method} {path}"):
                member = self.daemon.member()
                with self.daemon.socket() as late:
                    late.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {member.token}\r\n"
                                 f"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{".encode())
                    # Another request on another connection: the headers above were read before it.
                    member.get("/v1/credits")
                    member.erase()
                    late.sendall(b"}")
                    self.assertIn(b" 401 ", late.recv(65536).split(b"\r\n")[0])
        self.assertTrue(self.daemon.is_alive())

    def test_only_contributions_may_be_large(self):
        member = self.daemon.member()
        large = b'{"terms": [' + b"1," * 40000 + b"1]}"
        self.assertEqual(413, member.connection.call("POST", "/v1/queries", large, member.token).status)
        self.assertEqual(422, member.connection.call("POST", "/v1/contributions", large, member.token).status)


class WireCase(harness.DaemonCase):
    options = {"max_body_bytes": MAX_BODY, "max_small_body_bytes": MAX_BODY, "max_header_bytes": MAX_HEADER}

    def setUp(self):
        self.member = self.daemon.member()
        self.record = self.one_record(self.member)
        self.member.contribute([self.record])
        self.before = self.books()

    def books(self):
        self.member.connection.close()
        return self.member.credits(), self.member.ledger(), self.member.contributions()

    def tearDown(self):
        self.assertTrue(self.daemon.is_alive(), self.daemon.stderr())
        self.assertEqual(self.before, self.books())

    def send(self, data, timeout_s=60):
        with self.daemon.socket(timeout_s) as sock:
            return exchange(sock, data)

    def head(self, method="POST", path="/v1/queries", *fields, body_type="application/json"):
        lines = [f"{method} {path} HTTP/1.1", "Host: federation", f"Authorization: Bearer {self.member.token}",
                 f"Content-Type: {body_type}", *fields]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Impatient(WireCase):
    """What only a timeout ends. Nobody else's requests are in a hurry: the books are read with patience."""

    def setUp(self):
        super().setUp()
        self.begin_anew(request_timeout_s=REQUEST_TIMEOUT_S, idle_timeout_s=3)

    def tearDown(self):
        self.begin_anew(request_timeout_s=30, idle_timeout_s=75)
        super().tearDown()

    def begin_anew(self, **options):
        self.daemon.options.update(options)
        self.daemon.restart()
        self.follow(self.daemon, self.member)

    def test_garbage_instead_of_http(self):
        rng = random.Random(1)
        for garbage in (b"\0" * 5000, b"\r\n" * 2000 + b"x", rng.randbytes(5000), b"GET\r\n\r\n",
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(300),
                        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                        b"GET /v1/federation HTTP/1.1\r\nHost : x\r\n broken\r\n\r\n", b": : :\r\n\r\n"):
            with self.subTest(garbage[:20]):
                received, hung_up = self.send(garbage)
                self.assertTrue(hung_up)
                self.assertNotIn(500, statuses(received))

    def test_truncated_requests(self):
        """Cut everywhere, then the sender says that no more will come."""
        body = json.dumps(self.member.contribution_body([self.record])).encode()
        whole = self.head("POST", "/v1/contributions", f"Content-Length: {len(body)}") + body
        for end in [*range(0, len(whole), 97), len(whole) - 1]:
            with self.daemon.socket() as sock:
                sock.sendall(whole[:end])
                sock.shutdown(socket.SHUT_WR)
                received, hung_up = read_all(sock)
                self.assertTrue(hung_up, end)
                self.assertNotIn(200, statuses(received), end)

    def test_strange_paths(self):
        for path in ("/v1/patterns/", "/v1/patterns/..%2f..%2fkeys", "/v1/../keys", "//v1/federation",
                     "/v1/patterns/%", "/v1/patterns/%zz", "/v1/instances/" + "a" * 4000, "*", "/%2e%2e/%2e%2e/keys",
                     "/v1/contributions?limit=1&limit=2&%00=%00&=&&&", "/v1/contributions?" + "a=1&" * 1000,
                     "http://elsewhere/v1/federation"):
            with self.subTest(path[:40]):
                received, _ = self.send(self.head("GET", path, "Connection: close"))
                self.assertTrue(set(statuses(received)) <= {200, 400, 404, 405, 414, 422}, received)
                self.assertNotIn(b"signing", received)

    def test_slow_senders_are_hung_up_on(self):
        """None of these sends enough for a request; one drips, so that it is never quite silent."""
        chunked = self.head("POST", "/v1/queries", "Transfer-Encoding: chunked")
        for name, data in (("nothing", b""), ("half a line", b"GET /v1/fed"), ("half a chunk", chunked + b'9\r\n{"t'),
                           ("half the headers", b"GET / HTTP/1.1\r\nHost:"),
                           ("no body", self.head("POST", "/v1/queries", "Content-Length: 10")),
                           ("half a body", self.head("POST", "/v1/queries", "Content-Length: 10") + b'{"t')):
            with self.subTest(name):
                received, hung_up = self.send(data)
                self.assertTrue(hung_up)
                self.assertTrue(set(statuses(received)) <= {400, 408}, received)
        with self.daemon.socket(0.1) as sock:
            sock.sendall(self.head("POST", "/v1/queries", "Content-Length: 1000"))
            for _ in range(100):
                try:
                    sock.sendall(b" ")
                    received, hung_up = read_all(sock)
                except (BrokenPipeError, ConnectionResetError):
                    hung_up = True
                if hung_up:
                    break
            self.assertTrue(hung_up, "drips for ten seconds against a timeout of one")


class Wire(WireCase):
    def test_headers_that_are_too_large(self):
        start = b"GET /v1/federation HTTP/1.1\r\nHost: x\r\nX: "
        received, hung_up = self.send(start + b"a" * (MAX_HEADER * 2) + b"\r\n\r\n")
        self.assertTrue(hung_up)
        self.assertTrue(set(statuses(received)) <= {400, 413, 431}, received)
        received, _ = self.send(b"GET /" + b"a" * (MAX_HEADER * 2) + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(set(statuses(received)) <= {400, 404, 413, 414, 431}, received)

    def test_a_body_over_the_limit_is_refused_by_its_length_alone(self):
        for length in (MAX_BODY + 1, 10**12, 2**63 - 1):
            with self.subTest(length):
                received, _ = self.send(self.head("POST", "/v1/queries", f"Content-Length: {length}"))
                self.assertEqual([413], statuses(received), received)
        expect = self.head("POST", "/v1/queries", f"Content-Length: {MAX_BODY + 1}", "Expect: 100-continue")
        received, _ = self.send(expect)
        self.assertEqual([413], statuses(received), received)

    def test_a_body_of_just_the_limit_is_read(self):
        body = b"{" + b" " * (MAX_BODY - 2) + b"}"
        answer = self.member.call("POST", "/v1/queries", body)
        self.assertEqual((422, "invalid-request"), (answer.status, answer.code))
        self.assertEqual("body-too-large", self.member.call("POST", "/v1/queries", body + b" ").code)

    def test_a_chunked_body_over_the_limit_is_refused_where_it_goes_over(self):
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        head = self.head("POST", "/v1/queries", "Transfer-Encoding: chunked", "Connection: close")
        received, _ = self.send(head + chunk * 40 + b"0\r\n\r\n")
        self.assertEqual([413], statuses(received)[:1], received)

    def test_a_chunked_body_within_the_limit_is_as_good_as_another(self):
        head = self.head("POST", "/v1/queries", "Transfer-Encoding: chunked", "Connection: close")
        received, _ = self.send(head + b"1\r\n{\r\n8\r\n\"terms\":\r\n5\r\n[0]}\n\r\n0\r\n\r\n")
        self.assertEqual([422], statuses(received), received)
        self.assertIn(b"/terms/0", received)

    def test_broken_chunks(self):
        head = self.head("POST", "/v1/queries", "Transfer-Encoding: chunked")
        for chunks in (b"zz\r\n{}\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n{}", b"-1\r\n{}\r\n0\r\n\r\n",
                       b"2\r\n{}{}{}\r\n0\r\n\r\n"):
            with self.subTest(chunks):
                received, hung_up = self.send(head + chunks)
                self.assertTrue(hung_up)
                self.assertTrue(set(statuses(received)) <= {400, 413}, received)

    def test_lengths_that_are_none(self):
        for fields in (("Content-Length: -1",), ("Content-Length: two",), ("Content-Length: 2", "Content-Length: 99"),
                       ("Content-Length: 99999999999999999999999",)):
            with self.subTest(fields):
                received, hung_up = self.send(self.head("POST", "/v1/queries", *fields) + b"{}")
                self.assertTrue(hung_up)
                self.assertTrue(set(statuses(received)) <= {400, 413, 422}, received)

    def test_a_sender_that_closes_at_once(self):
        body = json.dumps(self.member.contribution_body([self.record])).encode()
        whole = self.head("POST", "/v1/contributions", f"Content-Length: {len(body)}") + body
        for _ in range(30):
            self.daemon.socket().close()
            with self.daemon.socket() as sock:
                sock.sendall(whole)
            with self.daemon.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.sendall(whole[:-1])

    def test_pipelined_requests_are_answered_in_their_order(self):
        federation = b"GET /v1/federation HTTP/1.1\r\nHost: x\r\n\r\n"
        body = b'{"terms": [0]}'
        query = self.head("POST", "/v1/queries", f"Content-Length: {len(body)}") + body
        last = b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        received, hung_up = self.send(federation + query + federation + query + last)
        self.assertTrue(hung_up)
        self.assertEqual([200, 422, 200, 422, 404], statuses(received))

    def test_an_answer_that_nobody_reads(self):
        request = b"GET /v1/federation HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.daemon.socket(2) as sock:
            try:
                for _ in range(2000):
                    sock.sendall(request)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass
            self.assertEqual(200, self.member.connection.call("GET", "/healthz").status)

    def test_deep_and_wide_bodies(self):
        for body in (b"[" * 30000, b'{"a":' * 9000 + b"1" + b"}" * 9000, b'{"terms":[' + b"1," * 30000 + b"1]}",
                     b'{"terms":[' + b"9" * 60000 + b"]}", b'{"' + b"a" * 60000 + b'":1}',
                     b'{"a":"' + b"\\u0041" * 10000 + b'"}',
                     b"{" + b",".join(b'"%d":1' % i for i in range(6000)) + b"}",
                     b'{"terms":[1e999999]}', b'{"terms":[-0]}', b'{"terms":[1E400]}', b"\xef\xbb\xbf{}"):
            with self.subTest(body[:12]):
                self.assertIn(self.member.call("POST", "/v1/queries", body).status, (400, 422))

    def test_random_mutations_of_good_bodies(self):
        """Each body is one that changes nothing when it is sent again; what a mutation makes of it must not, either."""
        rng = random.Random(20261124)
        blinded = [cfed.b64(cfed.blind(bytes([i]), 5)) for i in range(3)]
        bodies = {"/v1/instances": lambda: self.member.join_body(domains=["databases"]),
                  "/v1/tokens": self.member.token_body,
                  "/v1/oprf/evaluations": lambda: {"epoch": 1, "blinded": blinded},
                  "/v1/contributions": lambda: self.member.contribution_body([self.record] * 2),
                  "/v1/queries": lambda: {"terms": [1, 5000, 4000000000], "domain": "general", "min_confidence": 0.5,
                                          "max_results": 5}}
        spent = 0
        for number in range(MUTATIONS):
            path = rng.choice(sorted(bodies))
            body = mutated(rng, json.dumps(bodies[path]()).encode())
            try:
                answer = self.member.call("POST", path, body)
            except (http.client.HTTPException, OSError) as error:
                self.fail(f"no answer to mutation {number} of {path}, {body!r}: {error!r}")
            self.assertIn(answer.status, (200, 400, 401, 402, 403, 409, 422), f"{path}: {body!r}")
            if path == "/v1/queries" and answer.status == 200:
                spent += answer.json["cost"]
        after = self.books()
        self.assertEqual(self.before[0]["available"] - spent, after[0]["available"])
        self.assertEqual(len(self.before[1]) + spent, len(after[1]))
        self.assertEqual(self.before[2], after[2])
        self.before = after


def mutated(rng, body):
    """A few bytes are changed, left out, doubled, or put in; or a piece goes somewhere else."""
    body = bytearray(body)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at, length = rng.randrange(len(body)), rng.choice((1, 1, 2, 8, 40))
        kind = rng.randrange(6)
        if kind == 0:
            body[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            body[at] = rng.choice(b'{}[]",:0123456789.-+eE\\utfn \n\0\xff')
        elif kind == 2 and len(body) > length + 2:
            del body[at:at + length]
        elif kind == 3:
            body[at:at] = body[at:at + length]
        elif kind == 4:
            body[at:at] = rng.randbytes(length)
        else:
            piece = body[at:at + length]
            other = rng.randrange(len(body))
            body[other:other] = piece
    return bytes(body)


class ConnectionCase(harness.DaemonCase):
    options = {"max_connections_per_address": 3}

    def answers(self, sock):
        try:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            return statuses(sock.recv(65536)) == [200]
        except OSError:
            return False

    def hold(self, held):
        """One more connection in `held`, if the daemon serves it."""
        sock = self.daemon.socket(1)
        if served := self.answers(sock):
            held.append(sock)
        else:
            sock.close()
        return served


class Connections(ConnectionCase):
    def test_one_address_has_so_many_connections_and_no_more(self):
        held = []
        self.addCleanup(lambda: [sock.close() for sock in held])
        while len(held) < 3:
            harness.until(lambda: self.hold(held), "a place is free")
        self.assertFalse(self.hold(held))
        held.pop().close()
        harness.until(lambda: self.hold(held), "a place is free again")
        self.assertFalse(self.hold(held))


class IdleConnections(ConnectionCase):
    options = {"idle_timeout_s": 1}

    def test_idle_connections_are_closed(self):
        with self.daemon.socket() as sock:
            self.assertTrue(self.answers(sock))
            self.assertEqual(b"", sock.recv(1))


if __name__ == "__main__":
    unittest.main()
