# SPDX-License-Identifier: Apache-2.0
"""The OPRF in another operator's hands: what the two operators do, and what a user of continuum-fed sees of it."""

import json
import os
import pathlib
import subprocess
import unittest

import cfed
import cutter
import harness
from oprf import HelperCase


class Operators(HelperCase):
    """What the two operators do, and what they are told."""

    def refused(self, daemon, *says):
        daemon.launch()
        self.assertGreater(daemon.join_process(harness.READY_TIMEOUT_S), 0)
        for words in says:
            self.assertIn(words, daemon.stderr())

    def test_both_rotate_and_members_go_on(self):
        daemon, helper = self.pair()
        ann, ben = daemon.members(2)
        self.shared([ann])
        helper.stop()
        key = self.rotate_helper(helper)
        helper.start()
        daemon.stop()
        refused = self.command(daemon, "epoch", "rotate")
        self.assertEqual((1, ""), (refused.returncode, refused.stdout))
        self.assertIn("oprf_public_key is that of epoch 1 already", refused.stderr)
        daemon.options.update(oprf_url=f"http://{helper.address}", oprf_public_key=key)
        self.refused(daemon, "not the key that epoch 1 began with", "epoch rotate")
        ran = self.command(daemon, "epoch", "rotate")
        self.assertEqual((0, ""), (ran.returncode, ran.stderr))
        self.assertIn("epoch 2 has begun", ran.stdout)
        daemon.start()
        self.follow(daemon, ann, ben)
        self.assertEqual((2, key), (ann.epoch["number"], ann.epoch["oprf_public_key"]))
        self.assertIn(f"STATUS=Evaluating for epochs 1, 2 on {helper.address}", helper.notify.lines())
        self.shared([ann, ben])
        daemon.options["epoch_grace_days"] = 0
        daemon.restart()
        self.follow(daemon, ann)
        harness.until(lambda: [epoch["number"] for epoch in ann.learn()["epochs"]] == [2], "epoch 1 is forgotten")
        helper.stop()
        self.assertIn("is the newest", self.command(helper, "epoch", "destroy", "2").stderr)
        self.assertIn("no key of epoch 3", self.command(helper, "epoch", "destroy", "3").stderr)
        self.assertIn("not the number", self.command(helper, "epoch", "destroy", "one").stderr)
        self.assertEqual("the key of epoch 1 is destroyed\n", self.command(helper, "epoch", "destroy", "1").stdout)
        helper.start()
        daemon.options["oprf_url"] = f"http://{helper.address}"
        daemon.restart()
        self.follow(daemon, ann)
        self.assertEqual([2], [epoch["number"] for epoch in ann.introduction()["epochs"]])

    def test_a_federation_moves_to_a_helper_and_back(self):
        daemon = self.fresh()
        member = daemon.member()
        text = self.own_words()
        sealed = self.shared([member], text)
        helper = harness.Daemon(role="oprf", coordinator_key=member.coordinator_key)
        self.addCleanup(helper.remove)
        keys = [self.rotate_helper(helper) for _ in range(2)]
        helper.start()
        daemon.stop()
        daemon.options.update(oprf_url=f"http://{helper.address}", oprf_public_key=keys[1])
        self.assertIn("epoch 2 has begun", self.command(daemon, "epoch", "rotate").stdout)
        daemon.start()
        self.follow(daemon, member)
        self.assertEqual(keys[1], member.epoch["oprf_public_key"])
        self.assertNotEqual(sealed.tag, self.shared([member], text).tag)
        held = pathlib.Path(daemon.storage, "keys")
        self.assertIn("oprf 1", held.read_text(encoding="ascii"))
        self.assertNotIn("oprf 2", held.read_text(encoding="ascii"))
        daemon.stop()
        for name in ("oprf_url", "oprf_public_key"):
            del daemon.options[name]
        self.refused(daemon, "has not the OPRF key of epoch 2", "oprf_url and oprf_public_key must say so")
        self.assertIn("epoch 3 has begun", self.command(daemon, "epoch", "rotate").stdout)
        daemon.options["epoch_grace_days"] = 0
        daemon.start()
        self.follow(daemon, member)
        self.assertIsNone(member.epoch["oprf_url"])
        self.shared([member], text)
        harness.until(lambda: "oprf 1" not in held.read_text(encoding="ascii"), "the old key is destroyed")

    def test_folders_are_of_one_role(self):
        of_helper = harness.Daemon(storage=self.helper.storage)
        self.addCleanup(of_helper.remove)
        self.refused(of_helper, "in use")
        daemon, helper = self.pair()
        daemon.stop()
        helper.stop()
        self.assertIn("stopping: 0 requests are under way", helper.stderr())
        self.assertNotIn("error", helper.stderr())
        wrong = harness.Daemon(storage=helper.storage)
        self.addCleanup(wrong.remove)
        self.refused(wrong, "if an OPRF helper runs there, choose another storage_path")
        wrong = harness.Daemon(storage=daemon.storage, role="oprf", coordinator_key=helper.options["coordinator_key"])
        self.addCleanup(wrong.remove)
        self.refused(wrong, "is the folder of a coordinator")
        for words in (("epoch", "rotate"), ("epoch", "destroy", "1")):
            self.assertIn("is the folder of a coordinator", self.command(wrong, *words).stderr)

    def test_a_helper_that_has_no_room_for_keys_says_how_to_make_some(self):
        helper = harness.Daemon(role="oprf")
        self.addCleanup(helper.remove)
        for _ in range(64):
            self.rotate_helper(helper)
        refused = self.command(helper, "epoch", "rotate")
        self.assertEqual((1, ""), (refused.returncode, refused.stdout))
        self.assertIn('keys of 64 epochs, and room for no more: "epoch destroy" one that is over', refused.stderr)
        self.assertEqual(0, self.command(helper, "epoch", "destroy", "1").returncode)
        self.rotate_helper(helper)

    def test_commands_are_refused_while_the_helper_runs(self):
        for words in (("epoch", "rotate"), ("epoch", "destroy", "1")):
            ran = self.command(self.helper, *words)
            self.assertEqual((1, ""), (ran.returncode, ran.stdout))
            self.assertIn("this is done while none runs", ran.stderr)
        ran = harness.run("epoch", "destroy", "1", "--role=oprf", "--storage-path", self.helper.folder + "/nothing")
        self.assertIn("there is no OPRF helper", ran.stderr)

    def test_a_database_goes_with_its_keys_though_the_helper_has_the_epochs(self):
        daemon, _ = self.pair()
        daemon.member()
        daemon.stop()
        keys = pathlib.Path(daemon.storage, "keys")
        own, others = keys.read_bytes(), pathlib.Path(self.daemon.storage, "keys").read_bytes()
        keys.write_bytes(others)
        self.refused(daemon, "the file of keys is not that of this database")
        keys.write_bytes(own)
        copy = os.path.join(daemon.folder, "copy.db")
        self.assertEqual(0, self.command(daemon, "backup", copy).returncode)
        for path in pathlib.Path(daemon.storage).glob("continuum.db*"):
            path.unlink()
        keys.write_bytes(others)
        ran = self.command(daemon, "restore", copy)
        self.assertEqual((1, ""), (ran.returncode, ran.stdout))
        self.assertIn("the file of keys is not that of this database", ran.stderr)
        keys.write_bytes(own)
        ran = self.command(daemon, "restore", copy)
        self.assertEqual((0, ""), (ran.returncode, ran.stderr))
        daemon.start()


class Tool(HelperCase):
    """What a user of continuum-fed sees of it: nothing, as long as all is well."""

    def fed(self, profile, *arguments, status=0, text=None):
        ran = subprocess.run([harness.BUILD / "continuum-fed", "--json", "--profile", profile, *arguments], input=text,
                             capture_output=True, text=True, timeout=60, check=False,
                             env=harness.environment(CONTINUUM_FED_DIR=os.path.join(self.daemon.folder, "fed")))
        self.assertEqual(status, ran.returncode, ran)
        return json.loads(ran.stdout if status == 0 else ran.stderr)

    def join(self, daemon, *profiles):
        key = daemon.member().coordinator_key
        for profile in profiles:
            self.fed(profile, "join", f"http://{daemon.address}/join#k={cfed.b64(harness.F)}&c={key}")

    def test_from_joining_to_an_answered_query(self):
        self.join(self.daemon, "ann", "ben", "cem")
        text = self.own_words()
        for profile in ("ann", "ben", "cem"):
            self.assertEqual(1, self.fed(profile, "contribute", "-", text=text)["accepted"])
        status = harness.until(lambda: (told := self.fed("ann", "status"))["released"] and told, "released")
        self.assertEqual(f"http://{self.helper.address}", status["federation"]["oprf_url"])
        self.assertEqual([text], [result["text"] for result in self.fed("cem", "query", text)["results"]])

    def test_more_than_one_token_is_for(self):
        self.join(self.daemon, "dan")
        texts = "\n".join(self.own_words() for _ in range(300))
        self.assertEqual(300, self.fed("dan", "contribute", "-", text=texts)["accepted"])

    def test_a_helper_that_is_started_anew_on_the_way_takes_another_token(self):
        daemon, helper = self.pair()
        helper.options["port"] = helper.address.split(":")[1]
        proxy = cutter.Meddler(helper.address, b"POST /v1/oprf/evaluations", helper.restart)
        self.addCleanup(proxy.close)
        daemon.stop()
        daemon.options["oprf_url"] = f"http://{proxy.address}"
        daemon.start()
        self.join(daemon, "fay")
        self.assertEqual(1, self.fed("fay", "contribute", "-", text=self.own_words())["accepted"])
        self.assertIsNone(proxy.plan.meddle)

    def test_whatever_is_wrong_with_the_helper_is_said_of_the_helper(self):
        daemon, helper = self.pair()
        daemon.options["port"], helper.options["port"] = (each.address.split(":")[1] for each in (daemon, helper))
        self.join(daemon, "eve")

        def said():
            return self.fed("eve", "contribute", "-", text=self.own_words(), status=1)["detail"]
        helper.stop()
        self.assertIn(f"The OPRF helper at http://{helper.address} does not evaluate", said())
        self.assertIn("does not answer. Is it running", said())
        right = helper.options["coordinator_key"]
        helper.options["coordinator_key"] = cfed.b64(cfed.SigningKey().public)
        helper.start()
        self.assertIn(f"The OPRF helper at http://{helper.address} is another coordinator's", said())
        helper.stop()
        self.rotate_helper(helper)
        self.command(helper, "epoch", "destroy", "1")
        helper.options["coordinator_key"] = right
        helper.start()
        self.assertIn(f"The OPRF helper at http://{helper.address} does not have the key of epoch 1", said())
        daemon.stop()
        daemon.options["oprf_url"] = "http://192.0.2.1:9"
        daemon.start()
        self.assertIn("The address of the OPRF helper, http://192.0.2.1:9, cannot be used: http:// sends", said())


if __name__ == "__main__":
    unittest.main()
