# SPDX-License-Identifier: Apache-2.0
"""Downloads of a set of a million patterns, and what they cost the daemon. PATTERNS=n for another number."""

import os
import re
import threading
import time
import unittest
import zlib

import bulk
from test_downloads import Reader, Shop, path_of

PATTERNS = int(os.environ.get("PATTERNS", "1000000"))
MEMORY_MAX_KIB = 8 * 1024


class Large(Shop):
    options = {"release_interval_s": 3600, "min_contributors": 2, "require_contribution": "false",
               "max_downloads_per_member": 8}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.holders = cls.daemon.members(2)
        cls.daemon.stop()
        bulk.fill(cls.daemon.storage, "small", 1000)
        bulk.fill(cls.daemon.storage, "large", PATTERNS, ciphertext=272)
        cls.daemon.start()
        cls.member = cls.holders[0]
        cls.member.move(cls.daemon.address)

    def memory_kib(self):
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])

    def watch(self, work):
        """By how much the daemon's memory grew while `work` ran, from when it was lowest."""
        ended, lowest, growth = threading.Event(), [self.memory_kib()], [0]

        def look():
            while not ended.wait(0.02):
                now = self.memory_kib()
                lowest[0] = min(lowest[0], now)
                growth[0] = max(growth[0], now - lowest[0])
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            work()
        finally:
            ended.set()
            watcher.join()
        return growth[0]

    def drain(self, bought, coding):
        """Reads without looking, as fast as it comes; counts lines and bytes."""
        connection = self.member.connection.http
        connection.request("GET", f"/v1/downloads/{bought['download_id']}", headers={
            "Authorization": f"Bearer {self.member.token}", "Accept-Encoding": coding})
        response = connection.getresponse()
        unpack = zlib.decompressobj(31).decompress if coding == "gzip" else lambda piece: piece
        lines = size = 0
        started = time.monotonic()
        while piece := response.read(1 << 20):
            size += len(piece)
            lines += unpack(piece).count(b"\n")
        took = time.monotonic() - started
        print(f"# {coding}: {lines} patterns, {size / 1e6:.0f} MB in {took:.1f} s: {size / 1e6 / took:.0f} MB/s", flush=True)
        self.assertEqual(bought["patterns"], lines)

    def test_a_download_takes_little_memory_however_large_the_set(self):
        for coding in ("identity", "gzip"):
            self.drain(self.buy(self.member, "small"), coding) # what a first download makes once
        bought = self.buy(self.member, "large")
        self.assertEqual(PATTERNS, bought["patterns"])
        for coding in ("identity", "gzip"):
            more = self.watch(lambda coding=coding: self.drain(bought, coding))
            print(f"# {coding}: {more} KiB more", flush=True)
            self.assertLess(more, MEMORY_MAX_KIB)

    def test_readers_that_stand_still_hold_nothing_up(self):
        bought = self.buy(self.member, "large")
        readers = [Reader(self.daemon, self.member, path_of(bought)) for _ in range(7)]
        for reader in readers:
            self.addCleanup(reader.close)
            reader.read(1000)
        started = time.monotonic()
        for _ in range(100):
            self.member.credits()
        self.assertLess(time.monotonic() - started, 5)
        self.holders[1].move(self.daemon.address)
        self.holders[1].contribute([self.one_record(self.holders[1]) for _ in range(10)])


if __name__ == "__main__":
    unittest.main()
