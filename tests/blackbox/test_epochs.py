# SPDX-License-Identifier: Apache-2.0
"""Epochs: what a rotation changes for members, what it leaves, and what a crash in it does."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import threading

import cfed
import cutter
import harness
from client import Refused
from problems import POINT, ProblemCase

RULES = {"min_contributors": 2, "release_interval_s": 1}


class EpochCase(ProblemCase):
    options = RULES

    def rotate(self, daemon, **options):
        """Stops it, rotates, starts it with `options` from then on."""
        daemon.stop()
        daemon.options.update(options)
        result = self.command(daemon)
        self.assertEqual((0, ""), (result.returncode, result.stderr), result)
        daemon.start()
        return result.stdout

    @staticmethod
    def command(daemon):
        return harness.run("epoch", "rotate", *daemon.arguments())

    @staticmethod
    def keys(daemon):
        """Epoch to secret, from the file of keys."""
        lines = pathlib.Path(daemon.storage, "keys").read_text(encoding="ascii").splitlines()
        return {int(line.split()[1]): line.split()[3] for line in lines if line.startswith("oprf ")}


class Epochs(EpochCase):
    def assert_nowhere(self, daemon, text):
        for path in pathlib.Path(daemon.storage).iterdir():
            self.assertNotIn(text.encode(), path.read_bytes(), path.name)

    def test_members_go_on_and_what_is_released_is_found(self):
        daemon = self.fresh()
        ann, ben, cas = daemon.members(3)
        text, waiting = self.own_words(), self.own_words()
        record = self.shared([ann, ben], text)
        self.wait_released(ann, record)
        self.shared([ann], waiting)
        old = ann.federation
        self.assertIn("epoch 2 has begun: k = 3", self.rotate(daemon, min_contributors=3))
        body = ann.contribution_body([record])
        ann.move(daemon.address)
        self.assert_problem(ann.call("POST", "/v1/contributions", body), "epoch-not-current")
        self.assert_problem(ann.call("POST", "/v1/oprf/evaluations", {"epoch": 1, "blinded": [POINT]}),
                            "epoch-not-current")
        self.follow(daemon, ann, ben, cas)
        self.assertEqual((2, 3), (ann.epoch["number"], ann.epoch["k"]))
        self.assertNotEqual(old["epoch"]["oprf_public_key"], ann.epoch["oprf_public_key"])
        self.assertEqual([{"number": 1, "k": 2, "token_bits": 32}, {"number": 2, "k": 3, "token_bits": 32}],
                         ann.federation["epochs"])
        again = self.shared([ann, ben, cas], text)
        self.wait_released(ann, again)
        answer, found = cas.query(text)
        self.assertEqual([("general", text)] * 2, found)
        self.assertEqual({1, 2}, {result["epoch"] for result in answer["results"]})
        # A member of the old epoch waits for nobody any more, and of the new one is released with three.
        new = self.shared([ann, ben], waiting)
        self.wait_tick()
        self.assertEqual(404, cas.pattern(new).status)

    def test_what_was_paid_in_one_epoch_is_not_paid_again_in_the_next(self):
        daemon = self.fresh()
        ann, ben = daemon.members(2)
        texts = [self.own_words() for _ in range(3)]
        for text in texts[:2]:
            self.shared([ann], text)
        self.rotate(daemon)
        self.follow(daemon, ann, ben)
        records = ann.records(*(("general", text) for text in texts))
        self.assertEqual([0, 0, 1], [ann.contribute([record])["credits_earned"] for record in records])
        self.assertEqual(1, ben.contribute(ben.records(("general", texts[0])))["credits_earned"])
        self.assertEqual([False, False, True], [c["paid"] for c in ann.contributions()[2:]])

    def test_sealed_ones_expire_with_their_key_and_released_ones_stay(self):
        daemon = self.fresh()
        ann, ben = daemon.members(2)
        text, sealed = self.own_words(), self.own_words()
        record = self.shared([ann, ben], text)
        self.wait_released(ann, record)
        lone = self.shared([ann], sealed)
        old_key = self.keys(daemon)[1]
        self.rotate(daemon)
        self.follow(daemon, ann, ben)
        self.assertEqual({1, 2}, set(self.keys(daemon)))
        self.assertEqual(["released", "sealed"], [c["status"] for c in ann.contributions()])
        daemon.options["epoch_grace_days"] = 0
        daemon.restart()
        self.follow(daemon, ann, ben)
        harness.until(lambda: set(self.keys(daemon)) == {2}, "the key is destroyed")
        self.assertEqual(["released"], [c["status"] for c in ann.contributions()])
        self.assertEqual([1, 2], [epoch["number"] for epoch in ann.learn()["epochs"]])
        self.assertEqual(text, ben.query(text)[1][0][1])
        self.assertEqual(1, ann.instance()["contributions"])
        harness.until(lambda: all(lone.ciphertext not in path.read_bytes()
                                  for path in pathlib.Path(daemon.storage).iterdir()), "gone from the files")
        self.assert_nowhere(daemon, old_key)
        for member in (ann, ben):
            member.withdraw(record)
        daemon.restart()
        self.follow(daemon, ann)
        harness.until(lambda: [epoch["number"] for epoch in ann.learn()["epochs"]] == [2], "epoch 1 is forgotten")

    def test_tokens_of_other_lengths_are_found_from_either_side(self):
        daemon = self.fresh(token_bits=20, require_contribution="no")
        ann, ben = daemon.members(2)
        texts = []
        for bits in (20, 32, 12):
            if bits != 20:
                self.rotate(daemon, token_bits=bits)
                self.follow(daemon, ann, ben)
            self.assertEqual(bits, ann.epoch["token_bits"])
            texts.append(self.own_words())
            self.wait_released(ann, self.shared([ann, ben], texts[-1]))
            for text in texts:
                answer, found = ben.query(text)
                self.assertIn(("general", text), found, (bits, text))  # short tokens may make others match as well
                result = answer["results"][found.index(("general", text))]
                self.assertGreater(result["score"], 0.4)

    def test_a_rotation_that_was_cut_off_between_key_and_row_is_repeated(self):
        daemon = self.fresh()
        ann = daemon.member()
        self.shared([ann])
        daemon.stop()
        before = os.path.join(daemon.folder, "before.db")
        shutil.copy(os.path.join(daemon.storage, "continuum.db"), before)
        self.assertEqual(0, self.command(daemon).returncode)
        shutil.copy(before, os.path.join(daemon.storage, "continuum.db"))
        keys = self.keys(daemon)
        daemon.start()
        self.follow(daemon, ann)
        self.assertEqual(1, ann.epoch["number"])
        self.shared([ann])
        self.rotate(daemon)
        self.follow(daemon, ann)
        self.assertEqual((2, keys), (ann.epoch["number"], self.keys(daemon)))
        self.assertEqual(0, ann.contribute([self.one_record(ann)])["credits_earned"])

    def test_killed_at_any_moment_it_has_rotated_or_not(self):
        daemon = self.fresh(require_contribution="no")
        ann, ben = daemon.members(2)
        text = self.own_words()
        self.wait_released(ann, self.shared([ann, ben], text))
        chance, number = random.Random(5), 1
        for _ in range(4):
            daemon.stop()
            rotation = subprocess.Popen([harness.DAEMON, "epoch", "rotate", *daemon.arguments()],
                                        stdout=subprocess.DEVNULL, env=harness.environment())
            threading.Event().wait(chance.random() * 0.03)
            rotation.kill()
            rotation.wait()
            daemon.start()
            self.follow(daemon, ann, ben)
            self.assertIn(ann.epoch["number"], (number, number + 1))
            number = ann.epoch["number"]
            self.shared([ann], self.own_words())
            self.assertEqual(text, ben.query(text)[1][0][1])

    def test_it_is_refused_while_a_coordinator_runs_and_where_there_is_none(self):
        result = self.command(self.daemon)
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("this is done while none runs", result.stderr)
        result = harness.run("epoch", "rotate", "--storage-path", os.path.join(self.daemon.folder, "nothing"))
        self.assertEqual(1, result.returncode)
        self.assertIn("there is no federation", result.stderr)
        with self.assertRaises(Refused):
            member = self.daemon.member()
            member.federation["epoch"]["number"] = 2
            member.evaluate([b"x"])


class EpochsOfTheTool(EpochCase):
    """What a user of continuum-fed sees of it."""

    def setUp(self):
        self.tool_daemon = self.fresh(token_bits=24)
        self.tool_daemon.options["port"] = self.tool_daemon.address.split(":")[1]
        self.folder = os.path.join(self.tool_daemon.folder, "fed")

    def join(self, address):
        key = self.tool_daemon.member().coordinator_key
        self.fed("join", f"http://{address}/join#k={cfed.b64(harness.F)}&c={key}")

    def fed(self, *arguments, text=None):
        ran = subprocess.run([harness.BUILD / "continuum-fed", *arguments], capture_output=True, text=True, timeout=60,
                             env=harness.environment(CONTINUUM_FED_DIR=self.folder), check=False, input=text)
        self.assertEqual(0, ran.returncode, ran)
        return ran.stdout

    def test_status_says_what_happened_and_the_same_file_does_the_rest(self):
        daemon = self.tool_daemon
        self.join(daemon.address)
        texts = [self.own_words() for _ in range(3)]
        other = daemon.member()
        record = self.shared([other], texts[0])
        self.fed("contribute", "-", text="\n".join(texts[:2]))
        self.wait_released(other, record)
        self.assertNotIn("older epochs", self.fed("status"))
        self.rotate(daemon, token_bits=16, min_contributors=3)
        status = self.fed("status")
        self.assertRegex(status, r"epoch +2, since 20\d\d-.*, releases what 3 members share")
        self.assertRegex(status, r"older epochs +still sealed: 1\. .* again\. They expire by 20")
        self.assertRegex(status, "carried over +contributions to come .* as many: 2\n")
        told = json.loads(self.fed("--json", "status"))
        self.assertEqual((2, 1, 2), (told["federation"]["epoch"], told["older_sealed"], told["carried"]))
        said = self.fed("contribute", "-", text="\n".join(texts))
        self.assertRegex(said, "accepted +3\n")
        self.assertRegex(said, "carried +the first 2 of a new epoch pay nothing")
        self.assertRegex(said, "credits +1 earned")
        self.assertNotIn("carried over", self.fed("status"))
        # What was released is read under the parameters of its epoch.
        found = json.loads(self.fed("--json", "query", texts[0]))
        self.assertEqual([(texts[0], 1)], [(result["text"], result["epoch"]) for result in found["results"]])
        self.assertEqual(0, found["refused"])

    def test_a_new_epoch_in_the_middle_of_a_contribution_is_followed(self):
        daemon = self.tool_daemon
        proxy = cutter.Meddler(daemon.address, b"POST /v1/contributions", lambda: self.rotate(daemon))
        self.addCleanup(proxy.close)
        self.join(proxy.address)
        self.assertRegex(self.fed("contribute", "-", text=self.own_words()), "accepted +1\n")
        self.assertIsNone(proxy.plan.meddle)
        self.assertEqual(2, json.loads(self.fed("--json", "status"))["federation"]["epoch"])
        self.assertEqual(0, json.loads(self.fed("--json", "status"))["older_sealed"])
