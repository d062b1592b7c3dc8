# SPDX-License-Identifier: Apache-2.0
"""Sets and their downloads: what they cost, what is in them, and how they are resumed."""

import gzip
import json
import os
import re
import select
import socket
import subprocess
import threading
import unittest

import bulk
import cfed
import harness
from problems import ProblemCase


def lines_of(answer):
    return [json.loads(line) for line in answer.body.splitlines()]


class Shop(ProblemCase):
    @staticmethod
    def set_of(member, domain):
        return next((found for found in member.pages("/v1/sets", "sets") if found["domain"] == domain), None)

    @classmethod
    def wait_patterns(cls, member, domain, count):
        harness.until(lambda: (found := cls.set_of(member, domain)) and found["patterns"] == count,
                      f"{count} patterns in {domain}")

    @staticmethod
    def buy(member, domain, **body):
        return member.expect(201, member.call("POST", f"/v1/sets/{domain}/downloads", body))

    @staticmethod
    def read(member, bought, after=None, **headers):
        answer = member.call("GET", path_of(bought, after), headers=headers)
        if answer.status != 200:
            raise AssertionError(answer)
        return lines_of(answer)


class Downloads(Shop):
    options = {"release_interval_s": 1, "min_contributors": 2, "price_download": 2}
    stock = {"databases": 12, "growing": 3, "again": 3, "levels": 2, "elsewhere": 1, "partly": 1}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alice, cls.bob = cls.daemon.members(2)
        cls.release([(domain, number) for domain, count in cls.stock.items() for number in range(count)])
        cls.alice.contribute(cls.alice.records(*(("own", f"what pays for it {harness.spell(number)}")
                                                 for number in range(40))))

    @classmethod
    def release(cls, named, confidence=0.5):
        """Both members share these patterns, which are released then."""
        for member in (cls.alice, cls.bob):
            member.contribute(member.records(*((domain, f"pattern {harness.spell(number)} of {domain}")
                                               for domain, number in named)), confidence)
        for domain in {domain for domain, _ in named}:
            cls.wait_patterns(cls.alice, domain, max(number for other, number in named if other == domain) + 1)

    def test_a_set_is_bought_once_and_holds_what_queries_show(self):
        alice = self.alice
        listed = self.set_of(alice, "databases")
        self.assertEqual({"domain", "patterns", "bytes", "updated_at", "price"}, set(listed))
        self.assertEqual((12, 2), (listed["patterns"], listed["price"]))
        self.assertRegex(listed["updated_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        before = alice.credits()["available"]
        bought = self.buy(alice, "databases")
        self.assertEqual({"download_id", "patterns", "expires_at", "balance"}, set(bought))
        self.assertEqual((12, before - 2), (bought["patterns"], bought["balance"]))
        answer = alice.call("GET", f"/v1/downloads/{bought['download_id']}")
        self.assertEqual("application/x-ndjson", answer.headers["content-type"])
        self.assertEqual("chunked", answer.headers["transfer-encoding"])
        self.assertAlmostEqual(len(answer.body), listed["bytes"], delta=len(answer.body) // 10)
        lines = lines_of(answer)
        self.assertEqual(lines, self.read(alice, bought), "as often as one likes")
        self.assertEqual(12, len(lines))
        for line in lines:
            shown = {name: value for name, value in line.items() if name != "cursor"}
            self.assertEqual(alice.get(f"/v1/patterns/{line['tag']}"), shown)
            self.assertEqual("databases", cfed.checked_pattern(shown, alice.keys, alice.federation)[0])
        self.assertEqual(before - 2, alice.credits()["available"], "reading costs nothing")
        entry = alice.ledger()[-1]
        self.assertEqual(("download", -2, None), (entry["kind"], entry["amount"], entry["tag"]))
        books = harness.run("ledger", "check", "--storage-path", self.daemon.storage)
        self.assertEqual(0, books.returncode, books.stdout + books.stderr)

    def test_a_download_is_resumed_behind_every_cursor(self):
        bought = self.buy(self.alice, "databases")
        lines = self.read(self.alice, bought)
        for at, line in enumerate(lines):
            self.assertEqual(lines[at + 1:], self.read(self.alice, bought, after=line["cursor"]))

    def test_a_later_download_brings_what_is_new(self):
        alice = self.alice
        old = self.read(alice, self.buy(alice, "growing"))
        self.release([("growing", 3), ("growing", 4)])
        bought = self.buy(alice, "growing", since=old[-1]["cursor"])
        self.assertEqual(2, bought["patterns"])
        new = self.read(alice, bought)
        self.assertEqual(2, len(new))
        self.assertFalse({line["tag"] for line in new} & {line["tag"] for line in old})
        self.assertEqual(new, self.read(alice, bought, after=old[0]["cursor"]), "it has no more than was bought")
        self.assertEqual([], self.read(alice, self.buy(alice, "growing", since=new[-1]["cursor"])))

    def test_what_is_released_again_is_new_again(self):
        alice, bob, carol = self.alice, self.bob, self.daemon.member()
        bought = self.buy(alice, "again")
        lines = self.read(alice, bought)
        first = {name: value for name, value in lines[0].items() if name != "cursor"}
        bob.expect(200, bob.call("DELETE", f"/v1/contributions/{first['tag']}"))
        self.wait_patterns(alice, "again", 2)
        self.assertEqual(lines[1:], self.read(alice, bought), "left out at once")
        carol.contribute(carol.records(cfed.checked_pattern(first, alice.keys, alice.federation)))
        self.wait_patterns(alice, "again", 3)
        news = self.read(alice, self.buy(alice, "again", since=lines[-1]["cursor"]))
        self.assertEqual([first["tag"]], [line["tag"] for line in news])

    def test_gzip_for_those_who_take_it(self):
        alice = self.alice
        bought = self.buy(alice, "databases")
        path = f"/v1/downloads/{bought['download_id']}"
        plain = alice.call("GET", path, headers={"Accept-Encoding": "identity"})
        self.assertNotIn("content-encoding", plain.headers)
        for accepted in ("gzip", "br;q=1, gzip;q=0.1", "*"):
            packed = alice.call("GET", path, headers={"Accept-Encoding": accepted})
            self.assertEqual("gzip", packed.headers["content-encoding"])
            self.assertEqual(plain.body, gzip.decompress(packed.body))
            self.assertLess(len(packed.body), 0.85 * len(plain.body))
            self.assertEqual("Accept-Encoding", packed.headers["vary"])
        for accepted in ("gzip;q=0", "br", ""):
            answer = alice.call("GET", path, headers={"Accept-Encoding": accepted})
            self.assertNotIn("content-encoding", answer.headers)
            self.assertEqual("Accept-Encoding", answer.headers["vary"])
            self.assertEqual(plain.body, answer.body)

    def test_every_problem(self):
        alice, bob, poor, stranger = self.alice, self.bob, *self.daemon.members(2)
        poor.contribute([self.one_record(poor)])
        bought = self.buy(alice, "databases")
        cursor = self.read(alice, bought)[0]["cursor"]
        path = f"/v1/downloads/{bought['download_id']}"

        def post(member, domain="databases", **body):
            return lambda: member.call("POST", f"/v1/sets/{domain}/downloads", body)
        unknown = cfed.b64(os.urandom(16))
        for member in (alice, poor, stranger):
            cases = [(f"domain {domain[:9]}", "not-found", None, post(member, domain))
                     for domain in ("unknown", "Databases", "%20", "x" * 65, "x" * 300, "databases%2Fa")]
            cases += [(f"since {since!r}"[:30], "invalid-request", "/since", post(member, "databases", since=since))
                      for since in (1, None, "", "x", "A" * 32, [cursor], cursor[:-1] + "_x"[cursor[-1] == "_"])]
            cases += [("since before the domain", "invalid-request", "/since", post(member, "unknown", since="x")),
                      ("a member too many", "invalid-request", "/until", post(member, until=cursor)),
                      ("no body", "malformed-json", None,
                       lambda m=member: m.call("POST", "/v1/sets/databases/downloads", b""))]
            cases += [(f"id {name}", "not-found", None, lambda m=member, n=name: m.call("GET", f"/v1/downloads/{n}"))
                      for name in (unknown, unknown[:-1], unknown + "=", "x")]
            self.refuses_all(member, cases)
        self.refuses_all(bob, [
            ("another's cursor", "invalid-request", "/since", post(bob, since=cursor)),
            ("another's download", "not-found", None, lambda: bob.call("GET", path))])
        self.refuses_all(alice, [
            ("another domain's cursor", "invalid-request", "/since", post(alice, "elsewhere", since=cursor)),
            ("after", "invalid-request", None, lambda: alice.call("GET", path + "?after=x")),
            ("no after", "invalid-request", None, lambda: alice.call("GET", path + "?after="))])
        self.refuses_all(stranger, [("never contributed", "contribution-required", None, post(stranger))])
        self.refuses_all(poor, [("too poor", "insufficient-credits", None, post(poor))])
        self.assertEqual(2, post(poor)().json["cost"])
        self.refuses_all(alice, [("limit", "invalid-request", None, lambda: alice.call("GET", "/v1/sets?limit=0"))])

    def test_a_purchase_under_a_key_is_made_once(self):
        bob, key = self.bob, {"Idempotency-Key": "bob-buys-once"}
        before = bob.credits()["available"]
        answers = [bob.call("POST", "/v1/sets/databases/downloads", {}, headers=key) for _ in range(2)]
        self.assertEqual([201, 201], [answer.status for answer in answers])
        self.assertEqual(answers[0].json, answers[1].json)
        self.assertEqual(before - 2, bob.credits()["available"])
        self.assertEqual(12, len(self.read(bob, answers[1].json)))
        self.assert_problem(bob.call("POST", "/v1/sets/growing/downloads", {"since": "x"}, headers=key),
                            "invalid-request", "/since")

    def test_sets_come_in_pages(self):
        names = [found["domain"] for found in self.bob.pages("/v1/sets", "sets", limit=1)]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(set(self.stock), set(names))

    def test_sealed_patterns_do_not_show(self):
        alice, bob = self.alice, self.bob
        alice.contribute([self.one_record(alice, domain="partly"), self.one_record(alice, domain="sealed")])
        self.wait_tick()
        self.assertEqual(1, self.set_of(bob, "partly")["patterns"])
        self.assertIsNone(self.set_of(bob, "sealed"))
        self.assert_problem(bob.call("POST", "/v1/sets/sealed/downloads", {}), "not-found")

    def test_a_level_sees_what_it_sees_in_queries(self):
        self.release([("levels", 2)], confidence=0.9)
        alice, seen = self.alice, {}
        for level in ("minimal", "standard", "extensive"):
            alice.change(contribution_level=level)
            seen[level] = len(self.read(alice, self.buy(alice, "levels")))
        self.assertEqual({"minimal": 2, "standard": 2, "extensive": 3}, seen)


    # continuum-fed, as a member among those of another make

    def fed(self, *arguments, status=0, as_json=True):
        ran = subprocess.run([harness.BUILD / "continuum-fed", *(["--json"] if as_json else []), *arguments],
                             capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                             env=harness.environment(CONTINUUM_FED_DIR=os.path.join(self.daemon.folder, "fed")))
        self.assertEqual(status, ran.returncode, ran)
        return ran if not as_json else ran.stdout if status == 0 else json.loads(ran.stderr)

    def test_the_tool_lists_downloads_and_accounts(self):
        self.fed("join", f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={self.alice.coordinator_key}")
        own = os.path.join(self.daemon.folder, "own.txt")
        with open(own, "w", encoding="utf-8") as file:
            file.writelines(f"{self.own_words()}\n" for _ in range(9))
        self.fed("contribute", own)
        sets = {found["domain"]: found for found in json.loads(self.fed("sets"))["sets"]}
        self.assertEqual((12, 2), (sets["databases"]["patterns"], sets["databases"]["price"]))

        lines = [json.loads(line) for line in self.fed("download", "databases").splitlines()]
        theirs = self.read(self.alice, self.buy(self.alice, "databases"))
        self.assertEqual([line["tag"] for line in theirs], [line["tag"] for line in lines])
        self.assertEqual({f"pattern {harness.spell(number)} of databases" for number in range(12)},
                         {line["text"] for line in lines})
        self.assertEqual({"text", "domain", "confidence", "contributor_count", "tag", "released_on", "epoch",
                          "verification_count", "refuted_count", "quality", "cursor"}, set(lines[0]))
        self.assertEqual("", self.fed("download", "databases", f"--since={lines[-1]['cursor']}"))

        path = os.path.join(self.daemon.folder, "databases.txt")
        said = self.fed("download", "databases", "-o", path, as_json=False)
        self.assertEqual("", said.stdout)
        self.assertIn("12 patterns.", said.stderr)
        with open(path, encoding="utf-8") as file:
            written = file.read().splitlines()
        self.assertEqual([f"0.50\t{line['contributor_count']}\t{line['text']}" for line in lines], written)
        self.assertFalse(os.path.exists(path + ".part") or os.path.exists(path + ".state"))
        self.assertEqual("system", self.fed("download", "databases", "-o", path, status=1)["code"])

        transfers = json.loads(self.fed("ledger"))["transfers"]
        self.assertEqual(["contribute"] * 9 + ["download"] * 3, [transfer["kind"] for transfer in transfers])
        self.assertEqual(3, sum(transfer["amount"] for transfer in transfers))
        self.assertEqual(12, len(self.fed("ledger", as_json=False).stdout.splitlines()))
        self.assertIn("for 2\n", self.fed("sets", as_json=False).stdout)
        self.fed("download", "growing")
        for arguments, code in ((("download", "unknown"), "not-found"), (("download", "No Domain"), "invalid-request"),
                                (("download", "databases", "--since", "x"), "invalid-request"),
                                (("download", "databases"), "insufficient-credits")):
            self.assertEqual(code, self.fed(*arguments, status=1)["code"])
        for misuse in (("download",), ("sets", "databases"), ("ledger", "--since=x"), ("query", "x", "-o", "y")):
            self.assertEqual("usage", self.fed(*misuse, status=2)["code"])

    def test_the_tool_connects_again_when_the_connection_breaks(self):
        proxy = CuttingProxy(self.daemon.address, cuts=2)
        self.addCleanup(proxy.close)
        self.fed("--profile", "cut", "join",
                 f"http://{proxy.address}/join#k={cfed.b64(harness.F)}&c={self.alice.coordinator_key}")
        own = os.path.join(self.daemon.folder, "two.txt")
        with open(own, "w", encoding="utf-8") as file:
            file.writelines(f"{self.own_words()}\n" for _ in range(2))
        self.fed("--profile", "cut", "contribute", own)
        lines = [json.loads(line) for line in self.fed("--profile", "cut", "download", "databases").splitlines()]
        self.assertEqual([line["tag"] for line in self.read(self.alice, self.buy(self.alice, "databases"))],
                         [line["tag"] for line in lines])
        self.assertEqual(3, proxy.downloads)

    def test_the_tool_goes_on_where_an_earlier_run_was_cut_off(self):
        self.fed("--profile", "other", "join",
                 f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={self.alice.coordinator_key}")
        own, path = (os.path.join(self.daemon.folder, name) for name in ("few.txt", "part.ndjson"))
        with open(own, "w", encoding="utf-8") as file:
            file.writelines(f"{self.own_words()}\n" for _ in range(4))
        self.fed("--profile", "other", "contribute", own)
        lines = self.fed("--profile", "other", "download", "databases").splitlines(keepends=True)
        bought = self.fed("--profile", "other", "download", "databases", "-o", path)
        kept = "".join(lines[:5])
        os.unlink(path)
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(kept + lines[5][:40]) # killed in the middle of a line
        state = ["continuum-fed download 1", json.loads(bought)["download_id"], "databases", "json",
                 json.loads(lines[4])["cursor"], str(len(kept.encode())), "5", "12"]
        with open(path + ".state", "w", encoding="utf-8") as file:
            file.write("\n".join(state) + "\n")
        self.assertEqual("system", self.fed("--profile", "other", "download", "growing", "-o", path, status=1)["code"])
        self.assertEqual(12, json.loads(self.fed("--profile", "other", "download", "databases", "-o", path))["patterns"])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(lines, file.readlines())
        self.assertEqual(0, json.loads(self.fed("--profile", "other", "credits"))["available"], "bought twice, not more")
        for broken in (state[:-1], ["nonsense"] + state[1:], state[:5] + ["99999999"] + state[6:]):
            os.rename(path, path + ".part") if os.path.exists(path) else None
            with open(path + ".state", "w", encoding="utf-8") as file:
                file.write("\n".join(broken) + "\n")
            refused = self.fed("--profile", "other", "download", "databases", "-o", path, status=1)
            self.assertIn("damaged", refused["detail"])


class CuttingProxy:
    """Passes connections on, and cuts the first downloads off in their middle."""

    def __init__(self, address, cuts):
        self.target, self.cuts, self.downloads = address, cuts, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(ours,), daemon=True).start()

    def pass_on(self, ours):
        host, port = self.target.split(":")
        with ours, socket.create_connection((host, int(port))) as theirs:
            self.pump(ours, theirs)

    def pump(self, ours, theirs):
        left = None
        while True:
            for ready in select.select([ours, theirs], [], [])[0]:
                piece = ready.recv(4096)
                if piece.startswith(b"GET /v1/downloads/"):
                    self.downloads += 1
                    left = 2500 if self.downloads <= self.cuts else None
                if not piece:
                    return
                (theirs if ready is ours else ours).sendall(piece[:left])
                if ready is theirs and left is not None:
                    left -= len(piece)
                    if left <= 0:
                        return

    def close(self):
        self.listener.close()


def path_of(bought, after=None):
    return f"/v1/downloads/{bought['download_id']}" + (f"?after={after}" if after else "")


class Reader:
    """A long answer through a socket of one's own, that reads as much as it is told to."""

    def __init__(self, daemon, member, path, receive_buffer=8192):
        host, port = daemon.address.split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect((host, int(port)))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {member.token}\r\n\r\n".encode())
        self.raw = bytearray()

    def read(self, length):
        """At least so many bytes more, or up to the end; false at the end."""
        goal = len(self.raw) + length
        while len(self.raw) < goal:
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                return False
            self.raw += more
        return True

    def finish(self):
        """To the end of the connection or of the answer."""
        while not self.raw.endswith(b"\r\n0\r\n\r\n") and self.read(1):
            pass
        return self

    @property
    def status(self):
        return int(self.raw.split(b" ", 2)[1])

    @property
    def is_whole(self):
        return self.raw.endswith(b"\r\n0\r\n\r\n")

    def lines(self):
        """Those that came whole."""
        at = self.raw.index(b"\r\n\r\n") + 4
        size, body = re.compile(rb"([0-9a-f]+)\r\n", re.I), bytearray()
        while match := size.match(self.raw, at):
            length = int(match[1], 16)
            body += self.raw[match.end():match.end() + length]
            at = match.end() + length + 2
        return [json.loads(line) for line in body.split(b"\n")[:-1]]

    def close(self):
        self.socket.close()


class StreamCase(Shop):
    """Of a set that is larger than what the system keeps in its sockets."""

    COUNT = 6000
    options = {"release_interval_s": 1, "min_contributors": 2, "require_contribution": "false"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.holders = cls.daemon.members(2)
        cls.daemon.stop()
        cls.tags = [cfed.b64(tag) for tag in bulk.fill(cls.daemon.storage, "large", cls.COUNT)]
        cls.daemon.start()
        for holder in cls.holders:
            holder.move(cls.daemon.address)

    def setUp(self):
        self.member = self.daemon.member()
        self.bought = self.buy(self.member, "large")

    def reader(self, member=None, bought=None, path=None):
        reader = Reader(self.daemon, member or self.member, path or path_of(bought or self.bought))
        self.addCleanup(reader.close)
        return reader

    def wait_free(self):
        """Until no download is being sent to the member."""
        path = path_of(self.bought)
        harness.until(lambda: self.member.call("HEAD", path).status == 200, "no download is being sent")

    def rest(self, lines):
        """The tags that the download brings behind `lines`."""
        return [line["tag"] for line in self.read(self.member, self.bought, after=lines[-1]["cursor"])]


class SlowReaders(StreamCase):
    options = {**StreamCase.options, "max_downloads_per_member": 1, "request_timeout_s": 5}

    def test_who_stops_reading_is_cut_off_and_resumes(self):
        reader = self.reader()
        reader.read(300000)
        self.wait_free()
        reader.finish()
        self.assertFalse(reader.is_whole)
        lines = reader.lines()
        self.assertLess(len(lines), self.COUNT)
        self.assertEqual(self.tags, [line["tag"] for line in lines] + self.rest(lines))

    def test_who_reads_slowly_but_reads_is_not_cut_off(self):
        reader = self.reader()
        for _ in range(6):
            self.assertTrue(reader.read(250000))
            select.select([], [], [], 1)
        reader.finish()
        self.assertTrue(reader.is_whole)
        self.assertEqual(self.tags, [line["tag"] for line in reader.lines()])


class Streams(StreamCase):
    options = {**StreamCase.options, "max_downloads_per_member": 2, "max_downloads": 3, "max_kept_downloads": 3,
               "max_exports": 1}

    def test_nothing_is_charged_where_nothing_is_required(self):
        self.assertEqual(0, self.set_of(self.member, "large")["price"])
        self.assertEqual(0, self.bought["balance"])
        self.assertEqual([], self.member.ledger())

    def test_a_member_keeps_only_so_many(self):
        for _ in range(2):
            self.buy(self.member, "large")
        answer = self.member.call("POST", "/v1/sets/large/downloads", {})
        self.assert_problem(answer, "too-many-requests")
        self.assertGreater(int(answer.headers["retry-after"]), 86000)
        self.buy(self.daemon.member(), "large")

    def test_all_of_it_comes_in_order(self):
        self.assertEqual(self.COUNT, self.bought["patterns"])
        self.assertEqual(self.tags, [line["tag"] for line in self.read(self.member, self.bought)])
        packed = self.member.call("GET", path_of(self.bought),
                                  headers={"Accept-Encoding": "gzip"})
        self.assertEqual(self.tags, [json.loads(line)["tag"] for line in gzip.decompress(packed.body).splitlines()])

    def test_only_so_many_are_sent_at_one_time(self):
        other = self.daemon.member()
        readers = [self.reader() for _ in range(2)]
        for reader in readers:
            reader.read(1000)
        path = path_of(self.bought)
        self.assert_problem(self.member.call("GET", path), "too-many-requests")
        others = self.buy(other, "large")
        third = self.reader(other, others)
        third.read(1000)
        self.assert_problem(other.call("GET", path_of(others)), "overloaded")
        self.assertEqual(200, other.call("GET", "/v1/credits").status, "others are served meanwhile")
        for reader in (*readers, third):
            reader.close()
        self.wait_free()

    def test_exports_do_not_wait_for_downloads_and_have_a_limit_of_their_own(self):
        holder = self.holders[0]
        bought = self.buy(holder, "large")
        downloads = [self.reader(), self.reader(), self.reader(holder, bought)]
        for reader in downloads:
            reader.read(1000)
        self.assert_problem(holder.call("GET", path_of(bought)), "overloaded")
        self.assertEqual("instance", self.member.export()[0]["record"])
        export = self.reader(holder, path=f"/v1/instances/{holder.instance_id}/export")
        export.read(1000)
        self.assert_problem(holder.call("GET", f"/v1/instances/{holder.instance_id}/export"), "too-many-requests")
        self.assert_problem(self.member.call("GET", f"/v1/instances/{self.member.instance_id}/export"), "overloaded")
        for reader in (*downloads, export):
            reader.close()
        self.wait_free()

    def test_who_vanishes_frees_the_place(self):
        for _ in range(5):
            reader = self.reader()
            reader.read(1000)
            reader.close()
            self.wait_free()
        self.assertEqual(self.COUNT, len(self.read(self.member, self.bought)))

    def test_who_is_erased_meanwhile_gets_no_more(self):
        reader = self.reader()
        reader.read(1000)
        self.member.erase()
        reader.finish()
        self.assertFalse(reader.is_whole)
        self.assertLess(len(reader.lines()), self.COUNT)
        self.assertEqual(401, self.member.call("GET", path_of(self.bought)).status)

    def test_what_is_un_released_meanwhile_is_left_out(self):
        last = self.tags[-1]
        reader = self.reader()
        reader.read(1000)
        holder = self.holders[0]
        holder.expect(200, holder.call("DELETE", f"/v1/contributions/{last}"))
        harness.until(lambda: reader.read(20000) and holder.call("GET", f"/v1/patterns/{last}").status == 404,
                      "un-released")
        reader.finish()
        self.assertTrue(reader.is_whole)
        self.assertEqual(self.tags[:-1], [line["tag"] for line in reader.lines()])
        type(self).tags, type(self).COUNT = self.tags[:-1], self.COUNT - 1

    def test_sigterm_cuts_downloads_off_and_they_are_resumed(self):
        daemon = self.daemon
        reader = self.reader()
        reader.read(300000)
        daemon.stop()
        reader.finish()
        self.assertFalse(reader.is_whole)
        daemon.start()
        for member in (self.member, *self.holders):
            member.move(daemon.address)
        lines = reader.lines()
        self.assertLess(len(lines), self.COUNT)
        self.assertEqual(self.tags, [line["tag"] for line in lines] + self.rest(lines))


if __name__ == "__main__":
    unittest.main()
