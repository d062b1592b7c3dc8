# SPDX-License-Identifier: Apache-2.0
"""The books, audited from outside: beside the running daemon, after it, and by programs of others."""

import collections
import contextlib
import csv
import decimal
import os
import pathlib
import shutil
import sqlite3
import subprocess
import threading
import unittest

import harness

ISSUED, SPENT, TOMBSTONE = "equity:issuance", "expenses:queries", "assets:tombstone"


class Books(harness.DaemonCase):
    options = {"min_contributors": 2, "release_interval_s": 1}

    def ledger(self, *arguments):
        return harness.run("ledger", *arguments, "--storage-path", self.daemon.storage)

    def exported(self, *arguments):
        result = self.ledger("export", *arguments)
        self.assertEqual((0, ""), (result.returncode, result.stderr), result)
        return result.stdout

    def assert_balanced(self):
        result = self.ledger("check")
        self.assertEqual((0, ""), (result.returncode, result.stderr), result)
        self.assertRegex(result.stdout, r"^\d+ accounts, \d+ transfers: .*: the books balance\n$")
        return result.stdout

    def business(self):
        """Ann, who contributes, asks and withdraws; Ben, who contributes; and one who did too and is gone. What each
        account must hold then, by its name in the export."""
        ann, ben, gone = self.daemon.members(3)
        text = self.own_words()
        shared = self.shared([ann, ben, gone], text)
        mine = self.one_record(ann)
        ann.contribute([mine])
        gone.contribute([self.one_record(gone)])
        self.wait_released(ann, shared)
        ann.query(text)
        ann.withdraw(mine)
        gone.erase()
        told = {f"assets:members:{member.instance_id}": member.credits()["available"] for member in (ann, ben)}
        self.assertEqual([0, 1], sorted(told.values()))
        return {name: decimal.Decimal(str(amount)) for name, amount in told.items()}

    def balances_of_csv(self):
        balances = collections.Counter()
        for row in csv.DictReader(self.exported("--format", "csv").splitlines()):
            amount = decimal.Decimal(row["amount"])
            balances[row["from"]] -= amount
            balances[row["to"]] += amount
        return balances

    def test_the_books_balance_while_it_runs_and_when_it_has_stopped(self):
        self.business()
        running = self.assert_balanced()
        self.assertRegex(running, r" [1-9]\d*\.000 credits issued, [1-9]\d*\.000 reversed, [1-9]\d*\.000 spent")
        self.daemon.stop()
        self.assertEqual(running, self.assert_balanced())
        self.daemon.start()
        self.assertEqual(running, self.assert_balanced())

    def test_the_books_balance_after_a_kill(self):
        daemon, type(self).daemon = self.daemon, self.fresh()
        self.addCleanup(setattr, type(self), "daemon", daemon)
        told = self.business()
        self.daemon.kill()
        self.assert_balanced()
        self.assertEqual(told, {name: amount for name, amount in self.balances_of_csv().items() if name in told})

    def test_the_csv_adds_up_to_what_members_are_told(self):
        told = self.business()
        balances = self.balances_of_csv()
        self.assertEqual(0, sum(balances.values()))
        for name, amount in told.items():
            self.assertEqual(amount, balances[name], name)
        self.assertGreaterEqual(balances[TOMBSTONE], 2)
        self.assertGreaterEqual(balances[SPENT], 1)
        self.assertLess(balances[ISSUED], 0)
        self.assertFalse([name for name in balances if not name.startswith("assets:members:fed-")
                          and name not in (ISSUED, SPENT, TOMBSTONE)])

    @unittest.skipUnless(shutil.which("hledger"), "hledger is not installed")
    def test_hledger_reads_the_journal_and_finds_what_members_are_told(self):
        told = self.business()
        journal = self.exported()
        arguments = ["hledger", "-f", "-", "balance", "--flat", "--empty", "--no-total", "-O", "csv"]
        result = subprocess.run(arguments, input=journal, capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual(0, result.returncode, result.stderr)
        rows = csv.DictReader(result.stdout.splitlines())
        balances = {row["account"]: decimal.Decimal(row["balance"].removesuffix("CR").strip()) for row in rows}
        self.assertEqual(0, sum(balances.values()))
        for name, amount in told.items():
            self.assertEqual(amount, balances[name], name)
        self.assertEqual(dict(self.balances_of_csv()), balances)

    def test_the_books_balance_at_any_moment_while_members_do_business(self):
        member = self.daemon.member()
        records = [self.one_record(member) for _ in range(60)]
        done = threading.Event()

        def contribute():
            for record in records:
                member.contribute([record])
            done.set()

        thread = threading.Thread(target=contribute)
        thread.start()
        while thread.is_alive():
            self.assert_balanced()
        thread.join()
        self.assertTrue(done.is_set())
        self.assertEqual(60, member.credits()["available"])

    def test_both_exports_name_the_transfer_and_not_what_was_contributed(self):
        member = self.daemon.member()
        member.contribute([self.one_record(member)])
        transfer = member.ledger()[0]
        for text in (self.exported(), self.exported("--format=csv")):
            self.assertIn(transfer["transfer_id"], text)
            self.assertIn(transfer["created_at"], text)
            self.assertNotIn(transfer["tag"], text)

    def test_a_forged_balance_is_found_and_its_owner_named(self):
        daemon, type(self).daemon = self.daemon, self.fresh()
        self.addCleanup(setattr, type(self), "daemon", daemon)
        name = next(name for name, amount in self.business().items() if amount == 1).removeprefix("assets:members:")
        self.daemon.stop()
        with contextlib.closing(sqlite3.connect(pathlib.Path(self.daemon.storage, "continuum.db"))) as database, database:
            database.execute("UPDATE account SET balance_milli = 77000 WHERE balance_milli = 1000 AND number >= 16")
        result = self.ledger("check")
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertEqual(f"continuum-coordinatord: account {name}: expected 1.000 by its transfers, found 77.000\n",
                         result.stderr)

    def test_no_books_are_not_empty_books(self):
        nowhere = os.path.join(self.daemon.folder, "nowhere")
        for command in ("check", "export"):
            result = harness.run("ledger", command, "--storage-path", nowhere)
            self.assertEqual((1, ""), (result.returncode, result.stdout))
            self.assertIn(nowhere, result.stderr)
            self.assertFalse(os.path.exists(nowhere), "nothing was made")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody who may not write")
    def test_who_may_not_write_in_the_folder_is_told_what_is_needed(self):
        daemon = self.fresh()
        daemon.stop()
        program = shutil.copy(harness.DAEMON, daemon.folder)
        for path, mode in ((program, 0o755), (daemon.folder, 0o755), (daemon.storage, 0o555),
                           (os.path.join(daemon.storage, "continuum.db"), 0o444)):
            os.chmod(path, mode)
        result = subprocess.run([program, "ledger", "check", "--storage-path", daemon.storage], capture_output=True,
                                env=harness.environment(), text=True, timeout=60, check=False, user=65534, group=65534)
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("be its user, or copy the folder", result.stderr)
        self.assertEqual({"continuum.db", "erased", "keys", "lock"}, set(os.listdir(daemon.storage)))

    def test_a_word_that_is_no_command_is_refused(self):
        for words in (["ledger"], ["ledger", "burn"], ["check"]):
            result = harness.run(*words, "--storage-path", self.daemon.storage)
            self.assertEqual(2, result.returncode, result)
            self.assertIn(f'there is no command "{" ".join(words)}"', result.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for command in ("check", "export"):
                result = subprocess.run([harness.DAEMON, "ledger", command, "--storage-path", self.daemon.storage],
                                        env=harness.environment(), stdout=full, stderr=subprocess.PIPE, text=True,
                                        timeout=60, check=False)
                self.assertEqual(1, result.returncode)
                self.assertIn("could not be written", result.stderr)
