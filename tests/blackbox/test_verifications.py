# SPDX-License-Identifier: Apache-2.0
"""What members say of released patterns: verifications, votes, and what they earn and change."""

import json
import os
import subprocess
import unittest

import cfed
import harness
from problems import TAG, ProblemCase


class Judging(ProblemCase):
    options = {"release_interval_s": 1, "quality_votes": 3}

    def readers(self, count, **more):
        """Members who have contributed something of their own."""
        members = self.daemon.members(count, **more)
        for member in members:
            member.contribute([self.one_record(member)])
        return members

    def released(self, text=None, **more):
        """A pattern that three others hold, as its JSON comes, and those three."""
        holders = self.daemon.members(3)
        record = self.shared(holders, text, **more)
        return self.wait_released(holders[0], record), holders

    def counted(self, member, pattern, **expected):
        """Waits for the tick that makes these numbers public."""
        def seen():
            now = member.get(f"/v1/patterns/{pattern['tag']}")
            return {name: now[name] for name in expected} == expected and now
        return harness.until(seen, f"{expected} is shown")


class Verifications(Judging):
    def test_a_verification_earns_half_a_credit_and_counts_from_the_next_tick_on(self):
        pattern, _ = self.released()
        alice, bob = self.readers(2)
        self.assertEqual({"confirmed": 0, "refuted": 0, "sample": []}, alice.verifications(pattern))
        self.assertEqual({"credits_earned": 0.5, "balance": 1.5}, alice.verify(pattern))
        self.assertEqual({"credits_earned": 0.5, "balance": 1.5}, bob.verify(pattern, "refute"))
        self.counted(bob, pattern, verification_count=1, refuted_count=1, quality=0.5)
        listed = bob.verifications(pattern)
        self.assertEqual((1, 1, 2), (listed["confirmed"], listed["refuted"], len(listed["sample"])))
        entry = alice.ledger()[-1]
        self.assertEqual(("verify", 0.5, pattern["tag"]), (entry["kind"], entry["amount"], entry["tag"]))
        self.assertEqual(1, alice.credits()["daily"]["earned"], "of contributions alone")

    def test_whoever_can_read_the_pattern_can_check_every_proof_of_the_sample(self):
        pattern, _ = self.released()
        members = self.readers(3)
        for member in members:
            member.verify(pattern, "confirm" if member is members[0] else "refute")
        names = {cfed.b64(cfed.verifier(member.key.seed, cfed.unb64(pattern["tag"]))) for member in members}
        sample = members[0].verifications(pattern)["sample"]
        self.assertEqual(names, {shown["verifier"] for shown in sample})
        for shown in sample:
            self.assertEqual({"verifier", "verdict", "proof"}, set(shown))
            signed = cfed.lines("cfed/v1/verify", members[0].coordinator_key, pattern["tag"], shown["verifier"],
                                shown["verdict"])
            self.assertTrue(cfed.verifies(cfed.unb64(shown["proof"], 64), signed, cfed.unb64(pattern["verify_key"])))

    def test_every_problem_of_verifying(self):
        pattern, holders = self.released()
        (reader, other), stranger = self.readers(2), self.daemon.member()
        sealed = cfed.b64(self.shared(holders[:2]).tag)
        good = reader.verification_body(pattern)
        noise = cfed.b64(os.urandom(64))

        def post(member=reader, tag=pattern["tag"], body=None, **changes):
            body = {**(body or good), **changes}
            return lambda: member.call("POST", f"/v1/patterns/{tag}/verifications",
                                       {name: value for name, value in body.items() if value is not ...})
        blind = cfed.SigningKey()
        signed = cfed.lines("cfed/v1/verify", reader.coordinator_key, pattern["tag"], good["verifier"], "confirm")
        other_tag = reader.verification_body(pattern)
        other_pattern, _ = self.released()
        cases = [(f"{name} is {value!r}", "invalid-request", f"/{name}", post(**{name: value}))
                 for name, values in (("verdict", (1, "", "Confirm", "yes")), ("verifier", (None, "A", TAG)),
                                      ("proof", (True, "A", cfed.b64(bytes(63)))),
                                      ("signature", ([], good["proof"] + "=")))
                 for value in values]
        cases += [(f"without {name}", "invalid-request", None, post(**{name: ...})) for name in good]
        cases += [
            ("an unknown member", "invalid-request", None, post(comment="nice")),
            ("the body before existence", "invalid-request", "/verdict", post(tag=TAG, verdict="yes")),
            ("unknown", "not-found", None, post(tag=TAG)),
            ("sealed", "not-found", None, post(tag=sealed)),
            ("not a tag", "not-found", None, post(tag="A")),
            ("blind", "proof-invalid", None, post(proof=cfed.b64(blind.sign(signed)))),
            ("the own key in the place of W", "proof-invalid", None, post(proof=good["signature"])),
            ("noise", "proof-invalid", None, post(proof=noise)),
            ("signature of noise", "proof-invalid", None, post(signature=noise)),
            ("another's verification", "proof-invalid", None, post(other)),
            ("another verdict than signed", "proof-invalid", None, post(verdict="refute")),
            ("another pseudonym than signed", "proof-invalid", None, post(verifier=cfed.b64(bytes(16)))),
            ("another pattern than signed", "proof-invalid", None, post(tag=other_pattern["tag"], body=other_tag))]
        self.refuses_all(reader, cases)
        self.refuses_all(holders[0], [
            ("sealed before own", "not-found", None, post(holders[0], sealed)),
            ("own", "own-pattern", None, post(holders[0], body=holders[0].verification_body(pattern))),
            ("own before proof", "own-pattern", None, post(holders[0], proof=noise))])
        self.refuses_all(stranger, [
            ("proof before entitlement", "proof-invalid", None, post(stranger, proof=noise)),
            ("no contribution", "contribution-required", None,
             post(stranger, body=stranger.verification_body(pattern)))])
        self.assertEqual(201, post()().status)
        self.refuses_all(reader, [
            ("proof before repetition", "proof-invalid", None, post(proof=noise)),
            ("the same again", "already-verified", None, post()),
            ("another verdict", "already-verified", None, post(body=reader.verification_body(pattern, "refute")))])
        self.counted(reader, pattern, verification_count=1, refuted_count=0)

    def test_a_pattern_that_the_level_does_not_show_is_not_judged(self):
        pattern, holders = self.released(confidence=1)
        reader, = self.readers(1, level="minimal")
        body = reader.verification_body(pattern)
        self.refuses_all(reader, [
            ("verify", "level-too-low", None,
             lambda: reader.call("POST", f"/v1/patterns/{pattern['tag']}/verifications", body)),
            ("vote", "level-too-low", None,
             lambda: reader.call("PUT", f"/v1/patterns/{pattern['tag']}/vote", {"quality": "high"}))])
        self.assertEqual([], holders[0].verifications(pattern)["sample"])

    def test_above_the_daily_limit_verifications_count_unpaid(self):
        self.daemon = self.fresh(daily_verification_limit=1)
        first, second = self.released()[0], self.released()[0]
        reader, = self.readers(1)
        self.assertEqual({"credits_earned": 0.5, "balance": 1.5}, reader.verify(first))
        self.assertEqual({"credits_earned": 0, "balance": 1.5}, reader.verify(second))
        self.counted(reader, second, verification_count=1)

    def test_verifications_of_the_unknown_and_the_sealed_are_not_found(self):
        holders = self.daemon.members(2)
        sealed = cfed.b64(self.shared(holders).tag)
        for tag in (TAG, sealed, "A"):
            self.assert_problem(holders[0].call("GET", f"/v1/patterns/{tag}/verifications"), "not-found")
        self.assert_problem(holders[0].connection.call("GET", f"/v1/patterns/{TAG}/verifications"), "token-invalid")
        self.assert_problem(holders[0].call("PUT", f"/v1/patterns/{TAG}/verifications", {}), "method-not-allowed")

    def test_what_is_refuted_ranks_below_its_equal(self):
        words = f"ranking of the {harness.spell(os.getpid())} equals"
        patterns = [self.released(f"{words} {which}")[0] for which in ("before", "after")]
        readers = self.readers(2)
        for reader in readers:
            reader.verify(patterns[0], "refute")
        self.counted(readers[0], patterns[0], refuted_count=2, quality=0)
        results = readers[0].query(words)[0]["results"]
        self.assertEqual([patterns[1]["tag"], patterns[0]["tag"]], [result["tag"] for result in results])
        self.assertAlmostEqual(results[0]["score"] / 3, results[1]["score"], delta=0.01)


class Votes(Judging):
    def test_many_votes_of_one_member_count_once_and_the_last_stays(self):
        pattern, _ = self.released()
        reader, other = self.readers(2)
        for quality in ("high", "low", "high", "high", "low"):
            self.assertEqual({"quality": quality}, reader.vote(pattern, quality))
        other.vote(pattern, "high")
        self.counted(reader, pattern, quality=0.5, verification_count=0)
        reader.vote(pattern, "high")
        self.counted(reader, pattern, quality=1)
        self.assertEqual(1, reader.credits()["available"], "a vote earns nothing")

    def test_every_problem_of_voting(self):
        pattern, holders = self.released()
        (reader,), stranger = self.readers(1), self.daemon.member()
        sealed = cfed.b64(self.shared(holders[:2]).tag)

        def put(body, member=reader, tag=pattern["tag"]):
            return lambda: member.call("PUT", f"/v1/patterns/{tag}/vote", body)
        high = {"quality": "high"}
        cases = [(str(body), "invalid-request", pointer, put(body)) for body, pointer in (
            ({}, None), ({"quality": 1}, "/quality"), ({"quality": "middling"}, "/quality"),
            ({"quality": "high", "why": "so"}, None))]
        cases += [("the body before existence", "invalid-request", "/quality", put({"quality": "?"}, tag=TAG)),
                  ("unknown", "not-found", None, put(high, tag=TAG)),
                  ("sealed", "not-found", None, put(high, tag=sealed)),
                  ("not a tag", "not-found", None, put(high, tag="A")),
                  ("another method", "method-not-allowed", None,
                   lambda: reader.call("POST", f"/v1/patterns/{pattern['tag']}/vote", high))]
        self.refuses_all(reader, cases)
        self.refuses_all(holders[0], [("own", "own-pattern", None, put(high, holders[0])),
                                      ("sealed before own", "not-found", None, put(high, holders[0], sealed))])
        self.refuses_all(stranger, [("no contribution", "contribution-required", None, put(high, stranger))])
        self.assertIsNone(reader.get(f"/v1/patterns/{pattern['tag']}")["quality"])

    def test_high_quality_pays_each_contributor_once_whatever_is_said_later(self):
        pattern, holders = self.released()
        voters = self.readers(4)
        before = [member.credits()["available"] for member in holders]
        voters[0].vote(pattern, "high")
        voters[1].vote(pattern, "high")
        self.counted(voters[0], pattern, quality=1)
        self.assertEqual(before, [member.credits()["available"] for member in holders], "two votes are not enough")
        voters[2].vote(pattern, "low")
        rewarded = [amount + 2 for amount in before]
        harness.until(lambda: [m.credits()["available"] for m in holders] == rewarded, "all three are rewarded")
        for voter in voters:
            voter.vote(pattern, "low")
        self.counted(voters[0], pattern, quality=0)
        for voter in voters:
            voter.vote(pattern, "high")
        self.counted(voters[0], pattern, quality=1)
        self.wait_tick()
        for member, amount in zip(holders, rewarded):
            self.assertEqual(amount, member.credits()["available"])
            kinds = [transfer["kind"] for transfer in member.ledger()]
            self.assertEqual(["contribute", "quality"], kinds)
            self.assertEqual(amount, sum(transfer["amount"] for transfer in member.ledger()))


class Lasting(Judging):
    def test_judgements_outlast_an_unrelease_and_a_restart(self):
        pattern, holders = self.released()
        reader, other = self.readers(2)
        reader.verify(pattern)
        other.vote(pattern, "low")
        self.counted(reader, pattern, verification_count=1, quality=0.67)
        holders[0].withdraw()
        harness.until(lambda: reader.call("GET", f"/v1/patterns/{pattern['tag']}").status == 404, "un-released")
        self.assert_problem(other.call("POST", f"/v1/patterns/{pattern['tag']}/verifications",
                                       other.verification_body(pattern)), "not-found")
        self.shared(self.daemon.members(1), checked_text(pattern, reader))
        self.counted_again(reader, pattern)
        self.daemon.restart()
        for member in (reader, other):
            member.move(self.daemon.address)
        self.counted_again(reader, pattern)
        self.assert_problem(reader.call("POST", f"/v1/patterns/{pattern['tag']}/verifications",
                                        reader.verification_body(pattern)), "already-verified")

    def counted_again(self, member, pattern):
        now = harness.until(lambda: (a := member.call("GET", f"/v1/patterns/{pattern['tag']}")).status == 200
                            and a.json, "released again")
        self.assertEqual((1, 0, 0.67), (now["verification_count"], now["refuted_count"], now["quality"]))

    def test_an_erased_member_takes_what_it_said_along_and_the_receipt_counts_it(self):
        pattern, _ = self.released()
        leaver, stayer = self.readers(2)
        leaver.verify(pattern, "refute")
        leaver.vote(pattern, "low")
        stayer.verify(pattern)
        self.counted(stayer, pattern, verification_count=1, refuted_count=1, quality=0.4)
        receipt = leaver.erase()
        self.assertEqual((1, 1, 1), tuple(receipt[name] for name in ("contributions", "verifications", "votes")))
        self.counted(stayer, pattern, verification_count=1, refuted_count=0, quality=1)
        self.assertEqual(1, len(stayer.verifications(pattern)["sample"]))


class Tool(Judging):
    """The same with continuum-fed, among members of another make."""

    def fed(self, *arguments, status=0):
        ran = subprocess.run([harness.BUILD / "continuum-fed", "--json", *arguments], capture_output=True, text=True,
                             env=harness.environment(CONTINUUM_FED_DIR=os.path.join(self.daemon.folder, "fed")),
                             timeout=60, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(status, ran.returncode, ran)
        return json.loads(ran.stdout if status == 0 else ran.stderr)

    def test_the_tool_verifies_what_it_can_read_and_votes(self):
        coordinator_key = self.daemon.member().coordinator_key
        self.fed("join", f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={coordinator_key}")
        pattern, holders = self.released()
        tag, sealed = pattern["tag"], cfed.b64(self.shared(holders[:2]).tag)
        self.assertEqual("contribution-required", self.fed("vote", tag, "--high", status=1)["code"])
        own = os.path.join(self.daemon.folder, "own.txt")
        with open(own, "w", encoding="utf-8") as file:
            file.write(self.own_words() + "\n")
        own_tag = self.fed("contribute", own)["patterns"][0]["tag"]

        self.assertEqual({"tag": tag, "verdict": "refute", "credits_earned": 0.5, "balance": 1.5},
                         self.fed("verify", tag, "--refute"))
        self.assertEqual("already-verified", self.fed("verify", tag, "--confirm", status=1)["code"])
        self.assertEqual({"tag": tag, "quality": "high"}, self.fed("vote", tag, "--high"))
        self.counted(holders[0], pattern, refuted_count=1, verification_count=0, quality=0.33)
        shown = holders[0].verifications(pattern)["sample"][0]
        signed = cfed.lines("cfed/v1/verify", coordinator_key, tag, shown["verifier"], "refute")
        self.assertTrue(cfed.verifies(cfed.unb64(shown["proof"]), signed, cfed.unb64(pattern["verify_key"])))

        for unseen in (sealed, own_tag, TAG):
            self.assertEqual("not-found", self.fed("verify", unseen, "--confirm", status=1)["code"])
            self.assertEqual("not-found", self.fed("vote", unseen, "--low", status=1)["code"])
        self.assertEqual("invalid-request", self.fed("verify", "A", "--confirm", status=1)["code"])
        for odd in ("-" + TAG[1:], "--" + TAG[2:]):
            self.assertEqual("not-found", self.fed("vote", odd, "--low", status=1)["code"])
            self.assertEqual("not-found", self.fed("vote", "--low", "--", odd, status=1)["code"])
        for misuse in (("verify", tag), ("verify", tag, "--confirm", "--refute"), ("vote", tag),
                       ("vote", tag, "--confirm"), ("verify", "--confirm"), ("vote", tag, "--high", "--low")):
            self.assertEqual("usage", self.fed(*misuse, status=2)["code"])


def checked_text(pattern, member):
    return cfed.checked_pattern(pattern, member.keys, member.federation)[1]


if __name__ == "__main__":
    unittest.main()
