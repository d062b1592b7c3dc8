# SPDX-License-Identifier: Apache-2.0
"""Starts the real daemon, waits for its READY=1 on a notify socket of ours, and ends it; never sleeps."""

import atexit
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import client

BUILD = pathlib.Path(os.environ.get("CONTINUUM_BUILD", "build/release")).resolve()
DAEMON = BUILD / "continuum-coordinatord"
READY_TIMEOUT_S, STOP_TIMEOUT_S, TICK_TIMEOUT_S = 60, 15, 60
F = bytes(range(32))


class NotifySocket:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages, self.changed = [], threading.Condition()
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def receive(self):
        while True:
            message = self.socket.recv(65536).decode("utf-8", "replace")
            with self.changed:
                if message == "closed by the harness":
                    return
                self.messages.append(message)
                self.changed.notify_all()

    def lines(self):
        return [line for message in self.messages for line in message.splitlines()]

    def wait(self, line, timeout_s, alive=lambda: True):
        """Whether `line` came in time; gives up early on a process that is gone."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while line not in self.lines():
                if time.monotonic() > deadline or not alive():
                    return line in self.lines()
                self.changed.wait(0.05)
        return True

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"closed by the harness", self.path)
        self.thread.join()
        self.socket.close()
        os.unlink(self.path)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONTINUUM_", "NOTIFY_"))}
    return {**kept, **more}


def run(*arguments, timeout_s=READY_TIMEOUT_S, **environment_more):
    """The daemon for a call that ends by itself."""
    return subprocess.run([DAEMON, *map(str, arguments)], env=environment(**environment_more), timeout=timeout_s,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


class Daemon:
    """One storage folder and the daemon on it, which can be started again and again. Options by their names, with
    underscores: Daemon(release_interval_s=1)."""

    def __init__(self, storage=None, **options):
        self.folder = tempfile.mkdtemp(prefix="continuum-")
        self.storage = storage or os.path.join(self.folder, "storage")
        self.options = options
        self.process = self.notify = self.address = None
        self.connections = []
        atexit.register(self.remove)

    def arguments(self):
        options = {"port": 0, "storage_path": self.storage, **self.options}
        return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]

    def launch(self, command=None, **environment_more):
        """Starts without waiting."""
        self.notify = NotifySocket(self.folder)
        with open(os.path.join(self.folder, "stderr"), "ab") as log:
            self.process = subprocess.Popen(
                command or [DAEMON, *self.arguments()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(NOTIFY_SOCKET=self.notify.path, **environment_more))
        return self

    def start(self, **environment_more):
        self.launch(**environment_more)
        ready = self.notify.wait("READY=1", READY_TIMEOUT_S, lambda: self.process.poll() is None)
        if not ready:
            self.kill()
            raise AssertionError(f"the daemon did not get ready:\n{self.stderr()}")
        self.address = next(part for line in self.notify.lines() if line.startswith("STATUS=")
                            for part in line.replace("=", " ").split() if part.startswith("127.0.0.1:")).rstrip(".,;")
        return self

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def stderr(self):
        path = pathlib.Path(self.folder, "stderr")
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def join_process(self, timeout_s=STOP_TIMEOUT_S):
        try:
            return self.process.wait(timeout_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.notify.close()

    def stop(self):
        """SIGTERM: leaves with status 0 in time, or fails the test."""
        self.process.send_signal(signal.SIGTERM)
        status = self.join_process()
        if status != 0:
            raise AssertionError(f"exit status {status} after SIGTERM:\n{self.stderr()}")

    def kill(self):
        self.process.kill()
        self.join_process()

    def restart(self):
        self.stop()
        return self.start()

    def hang_up(self):
        """Closes its members' connections."""
        for connection in self.connections:
            connection.close()

    def remove(self):
        self.hang_up()
        if self.is_alive():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.remove)

    def member(self, level="extensive", mode="balanced", seed=None, join=True):
        member = client.Member(self.address, F, seed)
        self.connections.append(member.connection)
        member.learn()
        if join:
            member.join(level, mode)
        return member

    def members(self, count, **more):
        return [self.member(**more) for _ in range(count)]

    def socket(self, timeout_s=60):
        host, port = self.address.split(":")
        return socket.create_connection((host, int(port)), timeout_s)


def until(condition, what, timeout_s=TICK_TIMEOUT_S):
    """Waits for what happens at a tick: asks until `condition()` is true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not after {timeout_s} s: {what}")
        threading.Event().wait(0.02)
    return value


def stay_away_from_midnight(seconds=60):
    """What is counted by the day, or is shown by its date, would begin anew in the middle of a test."""
    left = 86400 - time.time() % 86400
    if left < seconds:
        threading.Event().wait(left + 0.1)


def spell(number):
    """A word that no stemmer shortens: letters a to e for the digits."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number)) + "x"


class DaemonCase(unittest.TestCase):
    """Tests that share the daemon of their class, which runs with `options`."""

    options = {}

    def run(self, result=None):
        stay_away_from_midnight()
        return super().run(result)

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(**cls.options)
        cls.addClassCleanup(cls.daemon.remove)
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.is_alive():
            cls.daemon.stop()

    def tearDown(self):
        self.daemon.hang_up()

    def fresh(self, **options):
        """A daemon of this test's own."""
        daemon = Daemon(**{**self.options, **options})
        self.addCleanup(daemon.remove)
        return daemon.start()

    @staticmethod
    def follow(daemon, *members):
        """To where the daemon is after a start, and into its epoch."""
        for member in members:
            member.move(daemon.address)
            member.learn()

    def own_words(self):
        """A text that no other test of the class uses."""
        type(self).texts = getattr(type(self), "texts", 0) + 1
        return f"quorum {type(self).__name__.lower()} number {spell(self.texts)}"

    def one_record(self, member, text=None, domain="general"):
        return member.records((domain, text or self.own_words()))[0]

    def shared(self, members, text=None, domain="general", confidence=0.5):
        """All `members` contribute one pattern."""
        text = text or self.own_words()
        for member in members:
            record = self.one_record(member, text, domain)
            self.assertEqual("accepted", member.contribute([record], confidence)["results"][0]["status"])
        return record

    def wait_released(self, member, record):
        return until(lambda: (a := member.pattern(record)).status == 200 and a.json, "released")

    def wait_sealed(self, member, record):
        until(lambda: member.pattern(record).status == 404, "un-released")

    def wait_tick(self):
        """Returns after a tick that saw all that was contributed before: it released a pattern that came later."""
        k = self.daemon_k()
        witnesses = self.daemon.members(k)
        self.wait_released(witnesses[0], self.shared(witnesses))

    def daemon_k(self):
        return self.daemon.options.get("min_contributors", 3)
