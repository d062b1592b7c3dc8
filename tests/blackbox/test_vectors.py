# SPDX-License-Identifier: Apache-2.0
"""The second client against every value of tests/data: what two implementations agree on is the protocol."""

import hashlib
import json
import pathlib
import unittest

import cfed
import client

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
VECTORS = json.loads((DATA / "cfed-v1-vectors.json").read_text(encoding="utf-8"))
MADE = json.loads((DATA / "vectors.json").read_text(encoding="utf-8"))
RFC9497 = json.loads((DATA / "rfc9497-vectors.json").read_text(encoding="utf-8"))


def raw(name, source=None):
    return bytes.fromhex((source or VECTORS)[name])


def prove(secret_key, r, blinded, evaluated):
    """What a coordinator does; here only, to check the proof of the vectors byte by byte."""
    public_key = cfed.multiply_base(secret_key)
    M, Z = cfed.composites(public_key, blinded, evaluated)
    c = cfed.challenge(public_key, M, Z, cfed.multiply_base(r), cfed.multiply(r, M))
    return cfed.scalar(c) + cfed.scalar(r - c * secret_key)


class Rfc9497(unittest.TestCase):
    def test_every_verifiable_vector_of_the_rfc_holds(self):
        mode = next(mode for mode in RFC9497["modes"] if mode["mode"] == 1)
        secret_key, public_key = cfed.number_of(raw("skSm", mode)), raw("pkSm", mode)
        for vector in mode["vectors"]:
            split = {name: [bytes.fromhex(part) for part in vector[name].split(",")]
                     for name in ("Input", "Blind", "BlindedElement", "EvaluationElement", "Output")}
            blinds = [cfed.number_of(blind) for blind in split["Blind"]]
            self.assertEqual(split["BlindedElement"], list(map(cfed.blind, split["Input"], blinds)))
            proof = bytes.fromhex(vector["Proof"]["proof"] if isinstance(vector["Proof"], dict) else vector["Proof"])
            self.assertTrue(cfed.proof_holds(public_key, split["BlindedElement"], split["EvaluationElement"], proof))
            self.assertEqual(split["Output"],
                             list(map(cfed.finalize, split["Input"], blinds, split["EvaluationElement"])))
            self.assertEqual(public_key, cfed.multiply_base(secret_key))

    def test_a_proof_for_other_elements_or_another_key_does_not_hold(self):
        vector = VECTORS["patterns"][0]
        blinded, evaluated, proof = [raw("blinded", vector)], [raw("evaluated", vector)], raw("proof", vector)
        key = raw("oprf_public_key")
        self.assertTrue(cfed.proof_holds(key, blinded, evaluated, proof))
        self.assertFalse(cfed.proof_holds(cfed.BASE, blinded, evaluated, proof))
        self.assertFalse(cfed.proof_holds(key, evaluated, blinded, proof))
        self.assertFalse(cfed.proof_holds(key, blinded, evaluated, proof[32:] + proof[:32]))


class Texts(unittest.TestCase):
    def test_canonical_summaries(self):
        for given, canonical in VECTORS["canonical_summaries_utf8"]:
            with self.subTest(given):
                self.assertEqual(canonical, cfed.tidied_summary(given))
                self.assertEqual(canonical, cfed.tidied_summary(canonical))

    def test_stems(self):
        for word, stem in VECTORS["stems_utf8"]:
            with self.subTest(word):
                self.assertEqual(stem, cfed.stem(word))

    def test_the_stop_words_are_the_protocols(self):
        text = "".join(word + "\n" for word in cfed.STOP_WORDS)
        self.assertEqual(108, len(cfed.STOP_WORDS))
        self.assertEqual(VECTORS["stop_words_file_sha256"], hashlib.sha256(text.encode()).hexdigest())

    def test_texts_that_are_refused(self):
        for text in ("", " . ", "the of to", b"\xff", "a\x01b", "a\ue000b", "a\U000e0fffb", "pool " * 300):
            with self.subTest(text), self.assertRaises(cfed.ProtocolError):
                cfed.canonical_pattern("general", text)
        for domain in ("", "Databases", "-a", "a" * 65, "a b", "a\n", "\u0430"):
            with self.subTest(domain), self.assertRaises(cfed.ProtocolError):
                cfed.canonical_pattern(domain, "pool")

    def test_b64_has_one_form(self):
        for text in ("QQ==", "QR", "A", "Q+", "Q Q", "QQ\n"):
            with self.subTest(text), self.assertRaises(cfed.ProtocolError):
                cfed.unb64(text)
        self.assertEqual(b"A", cfed.unb64("QQ"))


class Keys(unittest.TestCase):
    def setUp(self):
        self.keys = cfed.FederationKeys(raw("F"), raw("federation_id"))

    def test_keys_from_F(self):
        for name in ("F_pat", "F_ct", "F_ix", "F_q", "key_check"):
            with self.subTest(name):
                self.assertEqual(raw(name), getattr(self.keys, name))
        self.assertEqual(VECTORS["key_check_b64"], cfed.b64(self.keys.key_check))

    def test_key_pairs(self):
        coordinator = cfed.SigningKey(raw("coordinator_seed"))
        self.assertEqual(raw("coordinator_public_key"), coordinator.public)
        self.assertEqual(VECTORS["coordinator_key_b64"], cfed.b64(coordinator.public))
        self.assertEqual(raw("oprf_public_key"), cfed.multiply_base(cfed.number_of(raw("oprf_private_key"))))
        for instance in VECTORS["instances"]:
            key = cfed.SigningKey(raw("seed", instance))
            self.assertEqual(raw("public_key", instance), key.public)
            self.assertEqual(raw("x", instance), cfed.scalar(cfed.abscissa(raw("federation_id"), key.public)))

    def test_signed_lines(self):
        signers = {"epoch": raw("coordinator_seed"), "join": raw("seed", VECTORS["instances"][0]),
                   "token": raw("seed", VECTORS["instances"][0])}
        for name, seed in signers.items():
            with self.subTest(name):
                signed = VECTORS["signed_lines"][name]
                key, message = cfed.SigningKey(seed), signed["message_utf8"].encode()
                self.assertEqual(raw("signature", signed), key.sign(message))
                self.assertTrue(cfed.verifies(raw("signature", signed), message, key.public))
                self.assertFalse(cfed.verifies(raw("signature", signed), message + b"\n", key.public))

    def test_the_lines_that_the_client_signs(self):
        member = client.Member("127.0.0.1:1", raw("F"), raw("seed", VECTORS["instances"][0]))
        member.keys, member.coordinator_key = self.keys, VECTORS["coordinator_key_b64"]
        member.instance_id = "fed-a3f2-89bc-44dd"
        at = {"timestamp": "2026-01-02T03:04:05Z", "nonce": "wD60-3Hkv4ezc88RcIro5g"}
        join, token = VECTORS["signed_lines"]["join"], VECTORS["signed_lines"]["token"]
        self.assertEqual(raw("signature", join),
                         cfed.unb64(member.join_body("standard", "balanced", domains=["databases"], **at)["signature"]))
        self.assertEqual(raw("signature", token), cfed.unb64(member.token_body(**at)["signature"]))

    def test_a_verification(self):
        verification = VECTORS["verification"]
        pattern, instance = VECTORS["patterns"][0], VECTORS["instances"][0]
        verifier = cfed.D(raw("seed", instance), "cfed/v1/verifier", raw("tag", pattern), 16)
        message = cfed.lines("cfed/v1/verify", VECTORS["coordinator_key_b64"], pattern["tag_b64"], cfed.b64(verifier),
                             verification["verdict"])
        self.assertEqual(raw("verifier", verification), verifier)
        self.assertEqual(verification["verifier_b64"], cfed.b64(verifier))
        self.assertEqual(verification["message_utf8"].encode(), message)
        self.assertEqual(raw("proof_under_W", verification), cfed.SigningKey(raw("verify_seed", pattern)).sign(message))
        self.assertEqual(raw("signature_of_instance", verification),
                         cfed.SigningKey(raw("seed", instance)).sign(message))


class Pattern(unittest.TestCase):
    def setUp(self):
        self.vector = VECTORS["patterns"][0]
        self.keys = cfed.FederationKeys(raw("F"), raw("federation_id"))
        self.M = cfed.canonical_pattern(self.vector["domain_given"], self.vector["text_utf8"])
        self.epoch = {"number": VECTORS["epoch"], "k": VECTORS["k"], "token_bits": VECTORS["token_bits"]}
        self.record = cfed.Record(self.keys, raw("federation_id"), self.epoch, self.M, raw("R", self.vector))

    def test_text_terms_and_tokens(self):
        terms = cfed.terms(self.M.split(b"\n")[1].decode())
        self.assertEqual(raw("M", self.vector), self.M)
        self.assertEqual(self.vector["terms_utf8"], terms)
        for bits, name in ((32, "tokens_in_order_of_terms"), (20, "tokens_of_20_bits")):
            self.assertEqual(self.vector[name], [f"{cfed.token(self.keys, term, bits):08x}" for term in terms])
        self.assertEqual(raw("index_plaintext", self.vector), cfed.index_plaintext(self.keys, self.M, 32))
        self.assertEqual(sorted(int(token, 16) for token in self.vector["tokens_in_order_of_terms"]),
                         cfed.query_tokens(self.keys, self.vector["text_utf8"], 32))

    def test_oprf(self):
        message = cfed.oprf_input(self.keys, raw("federation_id"), VECTORS["epoch"], self.M, VECTORS["token_bits"])
        blinding, secret_key = cfed.number_of(raw("blind", self.vector)), cfed.number_of(raw("oprf_private_key"))
        evaluated = cfed.multiply(secret_key, raw("blinded", self.vector))
        self.assertEqual(raw("pattern_hash", self.vector),
                         cfed.D(self.keys.F_pat, "cfed/v1/pattern", raw("pattern_hash_input", self.vector), 64))
        self.assertEqual(raw("oprf_input", self.vector), message)
        self.assertEqual(raw("blinded", self.vector), cfed.blind(message, blinding))
        self.assertEqual(raw("evaluated", self.vector), evaluated)
        self.assertEqual(raw("proof", self.vector), prove(secret_key, cfed.number_of(raw("proof_r", self.vector)),
                                                          [raw("blinded", self.vector)], [evaluated]))
        self.assertEqual(raw("R", self.vector), cfed.finalize(message, blinding, evaluated))

    def test_polynomial_keys_and_sealed_parts(self):
        self.assertEqual(self.vector["a"], [cfed.scalar(a).hex() for a in self.record.coefficients])
        self.assertEqual("".join(self.vector["C"]), self.record.commitments.hex())
        self.assertEqual(raw("K_rel", self.vector), cfed.release_key(self.record.s))
        self.assertEqual(raw("K_ct", self.vector), cfed.content_key(self.keys, self.record.s))
        self.assertEqual(raw("verify_seed", self.vector), cfed.verify_seed(self.keys, self.record.s))
        self.assertEqual(raw("W", self.vector), self.record.verify_key)
        self.assertEqual(raw("ciphertext_plaintext", self.vector), cfed.padded(self.M))
        self.assertEqual(raw("ciphertext", self.vector), self.record.ciphertext)
        self.assertEqual(raw("index", self.vector), self.record.index)
        self.assertEqual(raw("tag", self.vector), self.record.tag)
        self.assertEqual(self.vector["tag_b64"], cfed.b64(self.record.tag))

    def test_shares_and_interpolation(self):
        points = []
        for instance, share in zip(VECTORS["instances"], self.vector["shares"]):
            sent = self.record.json(raw("public_key", instance), 0.8)
            self.assertEqual(share, cfed.unb64(sent["share"]).hex())
            points.append((cfed.number_of(raw("x", instance)), cfed.number_of(bytes.fromhex(share))))
        self.assertEqual(raw("interpolated_s", self.vector), cfed.scalar(cfed.interpolate(points)))

    def released(self, **changes):
        sent = self.record.json(raw("public_key", VECTORS["instances"][0]), 0.8)
        return {**sent, "epoch": VECTORS["epoch"], "secret": cfed.b64(self.record.s), **changes}

    def test_a_released_pattern_is_shown_only_when_every_check_passes(self):
        federation = {"federation_id": cfed.b64(raw("federation_id")), "epoch": self.epoch, "epochs": [self.epoch]}
        self.assertEqual(("databases", self.M.split(b"\n")[1].decode()),
                         cfed.checked_pattern(self.released(), self.keys, federation))
        other = cfed.Record(self.keys, raw("federation_id"), self.epoch, b"databases\nother pool", bytes(64))
        for name, value in (("secret", other.s), ("secret", bytes(32)), ("secret", cfed.L.to_bytes(32, "little")),
                            ("tag", other.tag), ("verify_key", other.verify_key), ("ciphertext", other.ciphertext),
                            ("index", other.index), ("commitments", other.commitments)):
            with self.subTest(name), self.assertRaises(cfed.ProtocolError):
                cfed.checked_pattern(self.released(**{name: cfed.b64(value)}), self.keys, federation)
        for changes in ({"domain": "general"}, {"epoch": 8}):
            with self.subTest(changes), self.assertRaises(cfed.ProtocolError):
                cfed.checked_pattern(self.released(**changes), self.keys, federation)

    def test_a_record_of_its_makers_invention_is_not_shown(self):
        """The tag is right, so only the checks of what lies under it can tell."""
        federation = {"federation_id": cfed.b64(raw("federation_id")), "epoch": self.epoch, "epochs": [self.epoch]}
        long_padding = cfed.u16(len(self.M)) + self.M + bytes(256 - 2 - len(self.M))
        dirty_padding = cfed.padded(self.M)[:-1] + b"\1"
        lies = {"padding too long": long_padding, "padding not zero": dirty_padding,
                "not canonical": cfed.padded(b"databases\nThe Pool"), "another domain": cfed.padded(b"general\npool"),
                "the index of another text": cfed.padded(b"databases\nother pool")}
        for name, content in lies.items():
            with self.subTest(name), self.assertRaises(cfed.ProtocolError):
                ciphertext = cfed.aead(cfed.content_key(self.keys, self.record.s), b"cfed/v1/ct", content)
                tag = cfed.tag_of(raw("federation_id"), VECTORS["epoch"], "databases", self.record.commitments,
                                  self.record.verify_key, ciphertext, self.record.index)
                cfed.checked_pattern(self.released(ciphertext=cfed.b64(ciphertext), tag=cfed.b64(tag)), self.keys,
                                     federation)


class Sealed(unittest.TestCase):
    def test_a_question_and_its_answer(self):
        vector = MADE["sealed"]
        keys = cfed.FederationKeys(raw("F", MADE["federation"]), raw("federation_id", MADE["federation"]))
        reply, qid = cfed.ReplyKey(), raw("qid", vector)
        reply.public, reply.secret = raw("reply_key", vector), raw("reply_secret", vector)
        sealed = cfed.seal_query(keys, reply.public, vector["question_utf8"], qid, raw("query_nonce", vector))
        self.assertEqual(raw("sealed_query", vector), sealed)
        self.assertEqual((qid, vector["question_utf8"]), cfed.open_query(keys, reply.public, sealed))
        self.assertEqual(vector["answer_utf8"], cfed.open_answer(keys, reply, qid, raw("sealed_answer", vector)))
        for change in (0, 20, 60, 311):
            with self.subTest(change), self.assertRaises(cfed.ProtocolError):
                cfed.open_query(keys, reply.public, bytes(b ^ (i == change) for i, b in enumerate(sealed)))


if __name__ == "__main__":
    unittest.main()
