# SPDX-License-Identifier: Apache-2.0
"""Attacks on what docs/PRIVACY.md promises. Each comes with its control: the same attack with the one thing that the
attacker must not have succeeds, so that it is known to be one."""

import itertools
import pathlib
import re
import sqlite3

import cfed
import harness
from problems import ProblemCase

P = 2**255 - 19
IDENTITY = bytes(32)
FOREIGN_POINTS = {  # RFC 9496, appendix A.3, and plain nonsense
    "the identity": IDENTITY,
    "p, another zero": P.to_bytes(32, "little"),
    "2p - 1, not canonical": (2 * P - 1).to_bytes(32, "little"),
    "a negative one": bytes([1]) + bytes(31),
    "a set top bit": bytes(31) + b"\x80",
    "all bits": b"\xff" * 32,
    "not on the curve": bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
}
FOREIGN_SCALARS = {"zero": 0, "the order": cfed.L, "the order and one": cfed.L + 1, "2^255 - 1": 2**255 - 1,
                   "2^256 - 1": 2**256 - 1}
SMALL_ORDER = {  # Ed25519
    "the identity": bytes([1]) + bytes(31),
    "of order 2": (P - 1).to_bytes(32, "little"),
    "of order 4": bytes(32),
    "not canonical": (P + 1).to_bytes(32, "little"),
    "not on the curve": bytes([2]) + bytes(31),
}


class Seized(harness.DaemonCase):
    """Somebody has the whole machine of the coordinator: its folder, keys included."""

    options = {"release_interval_s": 1}

    def seized(self):
        """(every 32 bytes that are a secret of the coordinator, the database)."""
        folder = pathlib.Path(self.daemon.storage)
        values = re.findall(r"= (\S+)", (folder / "keys").read_text(encoding="ascii"))
        database = sqlite3.connect(folder / "continuum.db")
        self.addCleanup(database.close)
        secrets = [cfed.unb64(value) for value in values]
        self.assertGreaterEqual(len([secret for secret in secrets if len(secret) == 32]), 5)
        return secrets, database

    @staticmethod
    def opens(ciphertext, key):
        try:
            return cfed.unpadded(cfed.aead_open(key, b"cfed/v1/ct", ciphertext))
        except cfed.ProtocolError:
            return None

    def attempts(self, ciphertext, secrets):
        """With each of them, with a hash of each, and with each in the place of F_ct and of s."""
        for a in secrets:
            yield self.opens(ciphertext, a[:32].ljust(32, b"\0"))
            for b in secrets:
                for label in ("cfed/v1/content-key", "cfed/v1/release-key"):
                    yield self.opens(ciphertext, cfed.D(b[:64], label, a, 32))

    def test_the_coordinator_with_all_its_keys_and_its_database_opens_no_content(self):
        members = self.daemon.members(3)
        released = self.shared(members)
        sealed = self.shared(members[:2])
        self.wait_released(members[0], released)
        secrets, database = self.seized()
        rows = dict(database.execute("SELECT p.tag, r.secret FROM release r JOIN pattern p ON p.id = r.pattern"))
        self.assertEqual((released.s, False), (rows[released.tag], sealed.tag in rows))
        secrets += [b"", bytes(32), released.s, cfed.unb64(members[0].federation_id), released.tag,
                    *(share for share, in database.execute("SELECT share FROM contribution"))]
        for record in (released, sealed):
            ciphertext, = database.execute("SELECT ciphertext FROM pattern WHERE tag = ?", (record.tag,)).fetchone()
            self.assertEqual([], [text for text in self.attempts(ciphertext, secrets) if text])
        with_F = [*secrets, members[0].keys.F_ct]
        self.assertIn(released.M, list(self.attempts(released.ciphertext, with_F)), "the attack is one")
        self.assertNotIn(sealed.M, list(self.attempts(sealed.ciphertext, with_F)))

    def test_no_file_of_the_coordinator_has_a_text_a_term_or_F(self):
        members = self.daemon.members(3)
        record = self.shared(members, "zyzzogeton consensus lamport")
        self.shared(members[:2], "quixotry consensus lamport")
        self.wait_released(members[0], record)
        members[0].query("zyzzogeton quixotry")
        self.assertEqual("balanced", members[0].instance()["privacy_mode"])
        content = b"".join(path.read_bytes() for path in pathlib.Path(self.daemon.folder).rglob("*")
                           if path.is_file())
        self.assertIn(record.tag, content, "the search finds what is there")
        for secret in (b"zyzzogeton", b"quixotry", b"consensus", b"lamport", harness.F, members[0].keys.F_ct,
                       members[0].key.seed, cfed.b64(harness.F).encode()):
            self.assertNotIn(secret, content)

    def test_two_of_three_with_the_database_and_F_do_not_open_a_sealed_pattern(self):
        members = self.daemon.members(3)
        record = self.shared(members[:2])
        _, database = self.seized()
        rows = database.execute("SELECT i.public_key, c.share FROM contribution c JOIN instance i"
                                " ON i.number = c.instance JOIN pattern p ON p.id = c.pattern WHERE p.tag = ?",
                                (record.tag,)).fetchall()
        federation_id = cfed.unb64(members[0].federation_id)
        points = [(cfed.abscissa(federation_id, key), int.from_bytes(share, "little")) for key, share in rows]
        self.assertEqual(2, len(points))
        keys = members[2].keys  # a third member's: the two forgot the text, and have all else

        def tries(known):
            for size in range(1, len(known) + 1):
                for chosen in itertools.combinations(known, size):
                    yield cfed.scalar(cfed.interpolate(chosen))
                    yield from (cfed.scalar(y) for _, y in chosen)
        self.assertEqual([], [s for s in tries(points) if self.opens(record.ciphertext, cfed.content_key(keys, s))])
        x = cfed.abscissa(federation_id, members[2].key.public)
        third = (x, cfed.share_of(record.coefficients, x))
        self.assertIn(record.s, list(tries([*points, third])), "with a third share they would")

    def test_what_remains_is_a_dictionary(self):
        """F and the OPRF key together confirm a guess, without any share; they say so in the docs."""
        member = self.daemon.member()
        record = self.shared([member], "the deadlock of the connection pool")
        secrets, database = self.seized()
        tags = {tag for tag, in database.execute("SELECT tag FROM pattern")}

        def guess(text, oprf_key):
            M = cfed.canonical_pattern("general", text)
            message = cfed.oprf_input(member.keys, cfed.unb64(member.federation_id), 1, M, 32)
            R = cfed.finalize(message, 1, cfed.multiply(oprf_key, cfed.hash_to_group(message)))
            return cfed.Record(member.keys, cfed.unb64(member.federation_id), member.epoch, M, R).tag in tags
        public = cfed.unb64(member.epoch["oprf_public_key"])
        key = next(number for number in (int.from_bytes(secret, "little") for secret in secrets if len(secret) == 32)
                   if 0 < number < cfed.L and cfed.multiply_base(number) == public)
        self.assertTrue(guess("the deadlock of the connection pool", key))
        self.assertFalse(guess("the deadlock of the connection", key))
        self.assertFalse(guess("the deadlock of the connection pool", key - 1), "without the OPRF key it says nothing")
        self.assertIn(record.tag, tags)

    def test_a_mode_that_waits_longer_than_k_waits_by_the_coordinators_word(self):
        """r = 5 of mode high: the third share is enough for who has the database, though nothing is released."""
        members = [*self.daemon.members(2), self.daemon.member(mode="high")]
        record = self.shared(members)
        self.wait_tick()
        self.assertEqual(404, members[0].pattern(record).status)
        _, database = self.seized()
        rows = database.execute("SELECT i.public_key, c.share FROM contribution c JOIN instance i"
                                " ON i.number = c.instance JOIN pattern p ON p.id = c.pattern WHERE p.tag = ?",
                                (record.tag,))
        points = [(cfed.abscissa(cfed.unb64(members[0].federation_id), key), int.from_bytes(share, "little"))
                  for key, share in rows]
        self.assertEqual(record.s, cfed.scalar(cfed.interpolate(points)))


class Elements(ProblemCase):
    """The identity, points and scalars that are none, in every place that takes one."""

    options = {"release_interval_s": 1}

    def setUp(self):
        self.member = self.daemon.member()

    @staticmethod
    def tag(record):
        return cfed.tag_of(record.federation_id, 1, record.domain, record.commitments, record.verify_key,
                           record.ciphertext, record.index)

    def refused(self, record, code, body=None):
        """The record with its tag recomputed, as somebody would who means it."""
        record.tag = self.tag(record)
        sent = self.member.contribution_body([record])
        sent["patterns"][0].update(body or {})
        result, = self.member.expect(200, self.member.call("POST", "/v1/contributions", sent))["results"]
        self.assertEqual(("rejected", code), (result["status"], result.get("code")), result)

    def test_blinded_elements(self):
        for name, point in FOREIGN_POINTS.items():
            with self.subTest(name):
                answer = self.member.call("POST", "/v1/oprf/evaluations", {
                    "epoch": 1, "blinded": [cfed.b64(cfed.BASE), cfed.b64(point)]})
                self.assert_problem(answer, "invalid-request", "/blinded/1")

    def test_commitments(self):
        for place in range(3):
            for name, point in FOREIGN_POINTS.items():
                with self.subTest(f"{name} as C_{place}"):
                    record = self.one_record(self.member)
                    record.commitments = (record.commitments[:32 * place] + point
                                          + record.commitments[32 * place + 32:])
                    self.refused(record, "invalid-point")

    def test_nothing_is_verified_by_a_key_of_small_order(self):
        """Three liars give a pattern a W for which R = h * W + 0 * B has solutions that anybody finds."""
        liars, reader = self.daemon.members(3), self.daemon.member()
        reader.contribute([self.one_record(reader)])
        records = liars[0].records(*(("general", self.own_words()) for _ in SMALL_ORDER))
        for record, point in zip(records, SMALL_ORDER.values()):
            record.verify_key = point
            record.tag = self.tag(record)
        for liar in liars:
            liar.contribute(records)
        for record, name in zip(records, SMALL_ORDER):
            pattern = self.wait_released(liars[0], record)
            verifier = cfed.b64(cfed.verifier(reader.key.seed, record.tag))
            signature = reader.key.sign(cfed.lines("cfed/v1/verify", reader.coordinator_key, pattern["tag"], verifier,
                                                   "confirm"))
            for R in SMALL_ORDER.values():
                with self.subTest(f"{name}, R is {R.hex()}"):
                    answer = reader.call("POST", f"/v1/patterns/{pattern['tag']}/verifications", {
                        "verdict": "confirm", "verifier": verifier, "signature": cfed.b64(signature),
                        "proof": cfed.b64(R + bytes(32))})
                    self.assert_problem(answer, "proof-invalid")
            with self.assertRaises(cfed.ProtocolError):
                cfed.checked_pattern(pattern, reader.keys, reader.federation)

    def test_shares(self):
        for name, number in FOREIGN_SCALARS.items():
            with self.subTest(name):
                self.refused(self.one_record(self.member), "invalid-share",
                             {"share": cfed.b64(number.to_bytes(32, "little"))})

    def test_public_keys_of_members(self):
        for name, point in SMALL_ORDER.items():
            with self.subTest(name):
                stranger = self.daemon.member(join=False)
                stranger.key.public = point
                self.assert_problem(stranger.connection.call("POST", "/v1/instances", stranger.join_body()),
                                    "public-key-invalid")


class Differences(harness.DaemonCase):
    """What a member reads of a released group before and after somebody comes, leaves, or is erased."""

    options = {"release_interval_s": 1}

    def test_nobody_shows_who_comes_or_is_erased_within_a_period(self):
        def numbers():
            return [[reader.pattern(record).json[name] for name in ("contributor_count", "confidence")]
                    for record in records]
        members = self.daemon.members(6, mode="open")
        reader = members[0]
        records = [self.shared(members[:4], confidence=0.9) for _ in range(8)]
        for record in records:
            self.wait_released(reader, record)
        first = numbers()
        for _ in range(20):
            self.assertEqual(first, numbers())
        for record in records:
            members[4].contribute([record], 0.1)
            members[5].contribute([record], 0.1)
        self.wait_tick()
        self.assertEqual(first, numbers())
        members[1].erase()
        members[2].withdraw()
        self.wait_tick()
        self.assertEqual(first, numbers())
        self.daemon.restart()
        for member in members:
            member.move(self.daemon.address)
        self.assertEqual(first, numbers())
