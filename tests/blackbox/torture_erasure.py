# SPDX-License-Identifier: Apache-2.0
"""The erasure of a member with a million contributions, and how long others wait for an answer meanwhile.
PATTERNS=n for another number."""

import os
import pathlib
import threading
import time

import bulk
import harness

PATTERNS = int(os.environ.get("PATTERNS", "1000000"))
PAUSE_S = 0.005


class Large(harness.DaemonCase):
    options = {"min_contributors": 2, "release_interval_s": 3600, "request_timeout_s": 600}

    def waits(self, member, ended):
        """How long each call took that needs the writer, one behind the other, until `ended`."""
        waits = []
        while not ended.wait(PAUSE_S):
            began = time.monotonic()
            member.credits()
            waits.append(time.monotonic() - began)
        return sorted(waits)

    def test_others_hardly_wait_while_a_million_contributions_go(self):
        gone, other = self.daemon.members(2)
        self.daemon.stop()
        bulk.fill(self.daemon.storage, "large", PATTERNS, ciphertext=144)
        os.sync()  # what was filled in now is not on its way to the disk any more
        self.daemon.start()
        for member in (gone, other):
            member.move(self.daemon.address)
        gone.connection.timeout_s = gone.connection.http.timeout = 900
        ended, receipts = threading.Event(), []

        def leave():
            began = time.monotonic()
            receipts.append((gone.erase(), time.monotonic() - began))
            ended.set()
        thread = threading.Thread(target=leave)
        thread.start()
        waits = self.waits(other, ended)
        thread.join()
        receipt, seconds = receipts[0]
        self.assertEqual(PATTERNS, receipt["contributions"])
        figures = [1000 * waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.99, 1)]
        print(f"\n{PATTERNS} contributions erased in {seconds:.1f} s; of {len(waits)} calls beside, "
              "p50 {:.1f} ms, p99 {:.1f} ms, longest {:.1f} ms".format(*figures), flush=True)
        self.daemon.stop()
        for path in pathlib.Path(self.daemon.storage).iterdir():
            self.assertNotIn(gone.key.public, path.read_bytes(), path.name)
        result = harness.run("ledger", "check", "--storage-path", self.daemon.storage, timeout_s=600)
        self.assertEqual(0, result.returncode, result)
