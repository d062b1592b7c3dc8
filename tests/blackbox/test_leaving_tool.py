# SPDX-License-Identifier: Apache-2.0
"""Leaving with continuum-fed, and what proves it."""

import json
import os
import pathlib
import shutil
import stat
import subprocess

import cfed
import cutter
import harness


class Leaving(harness.DaemonCase):
    def fed(self, *arguments, status=0):
        ran = subprocess.run([harness.BUILD / "continuum-fed", *arguments], capture_output=True, text=True, timeout=60,
                             env=harness.environment(CONTINUUM_FED_DIR=self.folder), check=False,
                             input=self.own_words() + "\n")
        self.assertEqual(status, ran.returncode, ran)
        return ran

    def problem(self, *arguments):
        return json.loads(self.fed("--json", *arguments, status=1).stderr)["code"]

    def join_through(self, proxy):
        """A member "other" that contributed, behind the proxy."""
        self.addCleanup(proxy.close)
        self.fed("join", "--profile", "other", f"http://{proxy.address}/join#k={cfed.b64(harness.F)}&c={self.key}")
        self.fed("contribute", "--profile", "other", "-")

    def setUp(self):
        self.folder = os.path.join(self.daemon.folder, self.id())
        self.receipt = pathlib.Path(self.daemon.folder, self.id() + ".receipt")
        other = self.daemon.member()
        self.key = other.coordinator_key
        self.fed("join", f"http://{self.daemon.address}/join#k={cfed.b64(harness.F)}&c={self.key}")
        self.fed("contribute", "-")

    def test_the_receipt_proves_the_erasure_and_the_profile_is_gone(self):
        instance_id = json.loads(self.fed("--json", "status").stdout)["instance_id"]
        self.assertIn(instance_id, self.fed("leave", self.receipt).stdout)
        self.assertEqual(0o600, stat.S_IMODE(self.receipt.stat().st_mode))
        self.assertEqual([], os.listdir(self.folder))
        self.assertEqual("not-found", self.problem("status"))
        self.assertIn("The signature is good", self.fed("receipt", "check", self.receipt).stdout)
        checked = json.loads(self.fed("--json", "receipt", "check", self.receipt, "--key", self.key).stdout)
        self.assertEqual((instance_id, 1), (checked["receipt"]["instance_id"], checked["receipt"]["contributions"]))
        self.assertEqual(checked, json.loads(self.receipt.read_text()))

    def test_the_export_shows_what_is_held(self):
        lines = [json.loads(line) for line in self.fed("export").stdout.splitlines()]
        self.assertEqual({"account", "activity", "contribution", "instance", "memo", "transfer"},
                         {line["record"] for line in lines})

    def test_a_receipt_that_was_changed_proves_nothing(self):
        self.fed("leave", self.receipt)
        good = json.loads(self.receipt.read_text())
        changes = [("contributions", 2), ("deliveries", 1), ("erased_at", "2020-01-01T00:00:00Z"),
                   ("instance_id", "fed-0000-0000-0000")]
        for name, value in changes:
            changed = {**good, "receipt": {**good["receipt"], name: value}}
            self.receipt.write_text(json.dumps(changed))
            self.assertEqual("signature-invalid", self.problem("receipt", "check", self.receipt), name)
        self.receipt.write_text(json.dumps(good))
        self.assertEqual("signature-invalid", self.problem("receipt", "check", self.receipt, "--key", "A" * 43))
        for text, code in (("{}", "invalid-request"), ("", "malformed-json"), ("[1]", "invalid-request")):
            self.receipt.write_text(text)
            self.assertEqual(code, self.problem("receipt", "check", self.receipt))

    def test_without_a_place_for_the_receipt_nothing_is_erased(self):
        self.receipt.write_text("a diary")
        self.assertIn("nothing was erased", self.fed("leave", self.receipt, status=1).stderr)
        self.assertEqual("a diary", self.receipt.read_text())
        self.assertEqual(1, json.loads(self.fed("--json", "status").stdout)["contributions"])

    def test_an_erasure_that_was_refused_leaves_no_receipt(self):
        daemon = self.fresh()
        member = daemon.member()
        self.fed("join", "--profile", "other",
                 f"http://{daemon.address}/join#k={cfed.b64(harness.F)}&c={member.coordinator_key}")
        daemon.stop()
        self.fed("leave", "--profile", "other", self.receipt, status=1)
        self.assertFalse(self.receipt.exists())
        self.assertIn("other.conf", os.listdir(self.folder))

    def test_whoever_lost_the_receipt_is_told_that_the_erasure_is_done(self):
        for more, says in (([], "You are erased. The receipt was lost"), (["--json"], '"receipt-lost"')):
            proxy = cutter.Loser(self.daemon.address, b"DELETE /v1/instances/")
            self.join_through(proxy)
            left = self.fed(*more, "leave", "--profile", "other", self.receipt, status=3)
            self.assertEqual((1, ""), (proxy.cuts["from"], left.stdout))
            self.assertIn(says, left.stderr)
            self.assertFalse(self.receipt.exists())
            self.assertEqual([], [name for name in os.listdir(self.folder) if name.startswith("other")])

    def test_a_leave_that_did_not_arrive_is_sent_again(self):
        proxy = cutter.Meddler(self.daemon.address, b"DELETE /v1/instances/", lambda: None)
        self.join_through(proxy)
        self.fed("leave", "--profile", "other", self.receipt)
        self.assertEqual(1, proxy.cuts["to"])
        self.assertIn("The signature is good", self.fed("receipt", "check", self.receipt).stdout)

    def test_a_copy_of_the_profile_hears_that_its_member_may_have_left(self):
        shutil.copy(os.path.join(self.folder, "default.conf"), os.path.join(self.folder, "copy.conf"))
        self.fed("leave", self.receipt)
        self.assertIn("that you have not left", self.fed("status", "--profile", "copy", status=1).stderr)
        second = self.receipt.with_suffix(".second")
        self.assertIn("that you have not left", self.fed("leave", "--profile", "copy", second, status=1).stderr)
        self.assertFalse(second.exists())
