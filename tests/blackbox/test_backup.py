# SPDX-License-Identifier: Apache-2.0
"""Backups, and that nobody who was erased comes back with one."""

import os
import pathlib
import shutil
import stat
import unittest

import cfed
import harness


def traces(member):
    """What would tell of a member wherever it is found."""
    handle = bytes.fromhex(member.instance_id.removeprefix("fed-").replace("-", ""))
    return {"id": member.instance_id.encode(), "handle": handle, "handle reversed": handle[::-1],
            "public key": member.key.public, "key in B64": cfed.b64(member.key.public).encode()}


class Backups(harness.DaemonCase):
    options = {"min_contributors": 2, "release_interval_s": 1}

    def command(self, daemon, *words):
        return harness.run(*words, "--storage-path", daemon.storage)

    def does(self, daemon, *words):
        result = self.command(daemon, *words)
        self.assertEqual((0, ""), (result.returncode, result.stderr), result)
        return result.stdout

    def refuses(self, part, daemon, *words):
        result = self.command(daemon, *words)
        self.assertEqual((1, ""), (result.returncode, result.stdout), result)
        self.assertIn(part, result.stderr)

    def backup(self, daemon):
        path = os.path.join(daemon.folder, f"{self.id()}.db")
        self.does(daemon, "backup", path)
        return path

    def twin(self, daemon, *files):
        """A stopped daemon in a folder of its own that has these files of the other's."""
        twin = harness.Daemon(**daemon.options)
        self.addCleanup(twin.remove)
        os.mkdir(twin.storage, 0o700)
        for name in files:
            shutil.copy(os.path.join(daemon.storage, name), twin.storage)
        return twin

    def assert_no_trace(self, daemon, member):
        for path in pathlib.Path(daemon.storage).iterdir():
            content = path.read_bytes()
            self.assertEqual([], [name for name, trace in traces(member).items() if trace in content], path.name)

    def test_a_backup_of_a_running_federation_is_restored_whole(self):
        ann, ben = self.daemon.members(2)
        record = self.shared([ann, ben])
        self.wait_released(ann, record)
        path = self.backup(self.daemon)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        self.assertFalse(os.path.exists(path + "-wal"))
        later = self.daemon.member()
        twin = self.twin(self.daemon, "keys", "erased")
        self.assertIn("erased again", self.does(twin, "restore", path))
        twin.start()
        for member in (ann, ben, later):
            member.move(twin.address)
        self.assertEqual(200, ann.pattern(record).status)
        self.assertEqual(ann.credits()["available"], 1)
        self.assertEqual("token-invalid", later.call("GET", "/v1/credits").code)
        self.assertIn("the books balance", self.does(twin, "ledger", "check"))

    def test_who_was_erased_after_the_backup_does_not_come_back(self):
        daemon = self.fresh()
        ann, ben, gone = daemon.members(3)
        record = self.shared([ann, ben, gone])
        self.wait_released(ann, record)
        path = self.backup(daemon)
        self.assertIn(gone.key.public, pathlib.Path(path).read_bytes())
        gone.erase()
        daemon.stop()
        twin = self.twin(daemon, "keys", "erased")
        self.does(twin, "restore", path)
        twin.start()
        self.assert_no_trace(twin, gone)
        ann.move(twin.address)
        gone.move(twin.address)
        self.assertEqual("token-invalid", gone.call("GET", "/v1/credits").code)
        self.assertEqual("signature-invalid", gone.connection.call("POST", "/v1/tokens", gone.token_body()).code)
        self.assertEqual(1, ann.instance()["contributions"])
        self.assertIn("the books balance", self.does(twin, "ledger", "check"))

    def erased_after_a_backup(self):
        """A backup, a member who was erased after it, and a twin that was given no log of erasures."""
        daemon = self.fresh()
        gone = daemon.member()
        path = self.backup(daemon)
        gone.erase()
        daemon.stop()
        return path, gone, daemon, self.twin(daemon, "keys")

    def test_a_restore_without_the_log_of_erasures_is_refused_and_changes_nothing(self):
        path, gone, daemon, twin = self.erased_after_a_backup()
        before = self.keys(twin)
        self.refuses('has no file "erased"', twin, "restore", path)
        self.assertEqual(before, self.keys(twin))
        self.assertLessEqual(set(os.listdir(twin.storage)), {"keys", "lock"})
        shutil.copy(os.path.join(daemon.storage, "erased"), twin.storage)
        self.does(twin, "restore", path)
        twin.start()
        gone.move(twin.address)
        self.assertEqual("token-invalid", gone.call("GET", "/v1/credits").code)

    def test_who_lost_the_log_of_erasures_says_so_and_is_told_who_comes_back(self):
        path, gone, _, twin = self.erased_after_a_backup()
        told = self.does(twin, "restore", path, "--without-erased")
        self.assertIn("who was erased after the backup was made is a member again", told)
        twin.start()
        gone.move(twin.address)
        self.assertEqual(200, gone.connection.call("POST", "/v1/tokens", gone.token_body()).status)

    @staticmethod
    def keys(daemon):
        lines = pathlib.Path(daemon.storage, "keys").read_text(encoding="ascii").splitlines()
        return dict(line.split(" = ") for line in lines)

    def test_a_restore_renews_the_noise_and_keeps_the_coins(self):
        path = self.backup(self.daemon)
        before = self.keys(self.daemon)
        twin = self.twin(self.daemon, "keys", "erased")
        self.assertIn("key of the noise is a new one", self.does(twin, "restore", path))
        after = self.keys(twin)
        self.assertNotEqual(before["noise"], after["noise"])
        self.assertEqual(before["noise"], after["gate"])
        self.assertEqual({"noise", "check", "gate"}, {name for name in after if after[name] != before.get(name)})
        twin.start()

    def test_a_restore_that_fails_says_that_the_noise_is_new_already(self):
        path = self.backup(self.daemon)
        twin = self.twin(self.daemon, "keys", "erased")
        left_behind = pathlib.Path(twin.storage, "continuum.db.partial")
        left_behind.write_bytes(b"of a restore that was cut off")
        before = self.keys(twin)
        self.refuses("The key of the noise is a new one: copy keys anew", twin, "restore", path)
        self.assertNotEqual(before["noise"], self.keys(twin)["noise"])
        self.assertFalse(os.path.exists(os.path.join(twin.storage, "continuum.db")))
        left_behind.unlink()
        self.does(twin, "restore", path)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_what_root_restores_belongs_to_the_owner_of_the_folder(self):
        path = self.backup(self.daemon)
        twin = self.twin(self.daemon, "keys")
        os.chown(twin.storage, 65534, 65533)
        self.does(twin, "restore", path, "--without-erased")
        self.assertEqual({name: (65534, 65533) for name in ("continuum.db", "keys", "lock")},
                         {name: (status.st_uid, status.st_gid) for name in sorted(os.listdir(twin.storage))
                          for status in [os.stat(os.path.join(twin.storage, name))]})

    def test_a_backup_writes_over_nothing(self):
        path = os.path.join(self.daemon.folder, "mine")
        pathlib.Path(path).write_text("a diary")
        self.refuses("File exists", self.daemon, "backup", path)
        self.refuses("No such file or directory", self.daemon, "backup", os.path.join(self.daemon.folder, "no", "way"))
        self.assertEqual("a diary", pathlib.Path(path).read_text())
        self.assertEqual([], list(pathlib.Path(self.daemon.folder).glob("*.partial")))

    def test_a_restore_takes_the_place_of_nothing_and_wants_what_belongs_together(self):
        path = self.backup(self.daemon)
        self.refuses("in use by another coordinator", self.daemon, "restore", path)
        stranger = self.fresh()
        stranger.stop()
        database = os.path.join(stranger.storage, "continuum.db")
        before = pathlib.Path(database).read_bytes()
        self.refuses("continuum.db is in", stranger, "restore", path)
        self.assertEqual(before, pathlib.Path(database).read_bytes())
        os.unlink(database)
        left_behind = pathlib.Path(database + "-wal")
        left_behind.write_bytes(b"what a killed daemon leaves")
        self.refuses("continuum.db-wal is in", stranger, "restore", path)
        left_behind.unlink()
        self.refuses("the same backup", stranger, "restore", path)
        self.refuses("keys", self.twin(self.daemon), "restore", path)
        twin = self.twin(self.daemon, "keys", "erased")
        junk = os.path.join(twin.folder, "junk")
        pathlib.Path(junk).write_bytes(os.urandom(8192))
        self.refuses("is no backup of a federation", twin, "restore", junk)
        self.refuses("is no backup of a federation", twin, "restore", junk + "y")
        self.assertFalse(os.path.exists(junk + "y"))
        damaged = bytearray(pathlib.Path(path).read_bytes())
        damaged[4096 * 3:4096 * 4] = os.urandom(4096)
        pathlib.Path(junk).write_bytes(damaged)
        self.refuses("is no backup of a federation", twin, "restore", junk)
        self.assertFalse(os.path.exists(os.path.join(twin.storage, "continuum.db")))
        self.assertIn("erased again", self.does(twin, "restore", path))

    def test_an_operator_erases_a_member_who_lost_the_key(self):
        daemon = self.fresh()
        ann, lost = daemon.members(2)
        record = self.shared([ann, lost])
        self.wait_released(ann, record)
        self.refuses("in use by another coordinator", daemon, "erase", lost.instance_id)
        daemon.stop()
        self.refuses("is no member of this federation", daemon, "erase", "fed-0000-0000-0000")
        self.refuses("is not a member's id", daemon, "erase", "lost")
        self.assertIn(lost.instance_id, self.does(daemon, "erase", lost.instance_id))
        daemon.start()
        self.assert_no_trace(daemon, lost)
        ann.move(daemon.address)
        self.wait_sealed(ann, record)
        self.assertIn("the books balance", self.does(daemon, "ledger", "check"))


if __name__ == "__main__":
    unittest.main()
