# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping and refusing to start: what an operator and a service manager see."""

import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import stat
import tempfile
import threading
import unittest

import cfed
import client
import harness


class Command(unittest.TestCase):
    """Calls that end by themselves."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="continuum-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.storage = self.folder / "storage"

    def refused(self, *arguments, says=(), **environment):
        result = harness.run(*arguments, **environment)
        self.assertGreater(result.returncode, 0, result)
        for word in says:
            self.assertIn(word, result.stderr)
        self.assertFalse(self.storage.exists(), "nothing was made")
        return result.stderr

    def written(self, text):
        path = self.folder / "daemon.conf"
        path.write_text(text, encoding="utf-8")
        return path

    def test_an_unknown_option_is_refused_by_its_name(self):
        self.refused("--storage-path", self.storage, "--relase-interval-s", "5", says=["relase-interval-s"])
        self.refused("--storage-path", self.storage, "stray", says=["stray"])
        self.refused("--storage-path", self.storage, "--port", says=["port"])

    def test_a_value_out_of_range_is_refused_and_the_range_named(self):
        self.refused("--storage-path", self.storage, "--min-contributors", "17", says=["min-contributors", "2", "16"])
        self.refused("--storage-path", self.storage, "--port", "eighty", says=["port", "eighty"])

    def test_an_unknown_or_bad_variable_is_refused_by_its_name(self):
        self.refused("--storage-path", self.storage, CONTINUUM_RELASE_S="5", says=["CONTINUUM_RELASE_S"])
        self.refused("--storage-path", self.storage, CONTINUUM_PORT="eighty", says=["CONTINUUM_PORT"])

    def test_errors_of_the_file_name_file_and_line(self):
        for text, says in (("port = 1\n\nrelase_interval_s = 5\n", "relase_interval_s"),
                           ("# one\n# two\nport = eighty\n", "port"), ("port = 1\n\nnonsense\n", ""),
                           ("\n\nmin_contributors = 1\n", "min_contributors"), ("port = 1\n\nport = 2\n", "port")):
            with self.subTest(text):
                path = self.written(text)
                self.refused("--config", path, "--storage-path", self.storage, says=[f"{path}:3", says])
        self.refused("--config", self.folder / "none", "--storage-path", self.storage, says=["none"])

    def test_check_config_says_whether_the_configuration_is_good(self):
        good = self.written("port = 0\nname = Example\nrelease_interval_s = 7\n")
        result = harness.run("--check-config", "--config", good, "--storage-path", self.storage)
        self.assertEqual(0, result.returncode, result)
        self.assertFalse(self.storage.exists(), "a check makes nothing")
        self.refused("--check-config", "--config", self.written("port = x\n"), says=["daemon.conf:1"])
        self.refused("--check-config", "--token-bits", "7", says=["token-bits"])

    def test_the_printed_configuration_is_accepted(self):
        printed = harness.run("--print-config")
        self.assertEqual(0, printed.returncode, printed)
        result = harness.run("--check-config", "--config", self.written(printed.stdout))
        self.assertEqual(0, result.returncode, result)

    def test_help_and_version(self):
        for option, says in (("--help", "--release-interval-s"), ("--version", "continuum")):
            result = harness.run(option)
            self.assertEqual(0, result.returncode)
            self.assertIn(says, result.stdout)


class Precedence(unittest.TestCase):
    def test_argument_before_environment_before_file_before_default(self):
        daemon = harness.Daemon()
        self.addCleanup(daemon.remove)
        path = pathlib.Path(daemon.folder, "daemon.conf")
        path.write_text("name = file\ndescription = file\nmin_contributors = 4\n", encoding="utf-8")
        daemon.options = {"config": path, "name": "argument"}
        daemon.start(CONTINUUM_NAME="environment", CONTINUUM_DESCRIPTION="environment")
        federation = daemon.member(join=False).federation
        self.assertEqual(("argument", "environment", 4, 60), tuple(federation[name] for name in (
            "name", "description", "min_contributors", "release_interval_s")))
        daemon.stop()


class Folder(harness.DaemonCase):
    def refuses(self, daemon, *says):
        daemon.launch()
        self.addCleanup(daemon.remove)
        status = daemon.join_process(harness.READY_TIMEOUT_S)
        self.assertGreater(status, 0)
        self.assertNotIn("READY=1", daemon.notify.lines())
        for word in says:
            self.assertIn(word, daemon.stderr())

    def copy(self, change):
        """A daemon on a copy of a storage folder that `change` was done to."""
        origin = self.fresh()
        origin.member()
        origin.stop()
        change(pathlib.Path(origin.storage))
        return origin

    def test_a_second_daemon_on_the_same_folder_is_refused(self):
        self.refuses(harness.Daemon(storage=self.daemon.storage), "in use", str(self.daemon.process.pid))
        self.assertEqual(200, self.daemon.member().connection.call("GET", "/healthz").status)

    def test_a_database_of_the_future_is_refused_and_left_alone(self):
        def of_the_future(storage):
            database = sqlite3.connect(next(storage.glob("*.db")))
            database.execute("""INSERT INTO schema_migration SELECT 9999, 'of the future', hash, applied_at
                                FROM schema_migration ORDER BY number DESC LIMIT 1""")
            database.commit()
            database.close()
        daemon = self.copy(of_the_future)
        path = next(pathlib.Path(daemon.storage).glob("*.db"))
        before = path.read_bytes()
        self.refuses(daemon, "9999", "newer")
        self.assertEqual(before, path.read_bytes())

    def test_a_migration_that_was_changed_since_is_refused(self):
        def other(storage):
            database = sqlite3.connect(next(storage.glob("*.db")))
            database.execute("UPDATE schema_migration SET hash = zeroblob(length(hash)) WHERE number = 1")
            database.commit()
            database.close()
        self.refuses(self.copy(other), "migration 1")

    def test_a_damaged_database_is_refused(self):
        def damage(storage):
            next(storage.glob("*.db")).write_bytes(b"this is no database" * 1000)
        self.refuses(self.copy(damage))

    def test_a_damaged_or_open_keys_file_is_refused_by_name(self):
        def damage(storage):
            text = (storage / "keys").read_text()
            (storage / "keys").write_text(text.replace("noise = ", "noise = A", 1))
        self.refuses(self.copy(damage), "keys")
        self.refuses(self.copy(lambda storage: (storage / "keys").chmod(0o644)), "keys")
        self.refuses(self.copy(lambda storage: (storage / "keys").unlink()), "keys")

    def test_only_the_owner_reads_the_folder_and_the_keys_are_not_in_the_database(self):
        storage = pathlib.Path(self.daemon.storage)
        self.daemon.member()
        self.assertEqual(0o700, stat.S_IMODE(storage.stat().st_mode))
        keys = storage / "keys"
        self.assertEqual(0o600, stat.S_IMODE(keys.stat().st_mode))
        secrets = [line.split(" = ")[1].strip() for line in keys.read_text().splitlines()
                   if " = " in line and not line.startswith(("check", "#"))]
        self.assertGreaterEqual(len(secrets), 5)
        for path in storage.iterdir():
            self.assertFalse(path.stat().st_mode & 0o077, path.name)
            if path != keys:
                content = path.read_bytes()
                for secret in secrets:
                    self.assertNotIn(cfed.unb64(secret, 32), content, path.name)
                    self.assertNotIn(secret.encode(), content, path.name)

    def test_an_occupied_port_is_refused_by_its_number(self):
        port = self.daemon.address.split(":")[1]
        daemon = harness.Daemon(port=port)
        self.refuses(daemon, port)


class Service(unittest.TestCase):
    def daemon(self, **options):
        daemon = harness.Daemon(**options)
        self.addCleanup(daemon.remove)
        return daemon

    def test_the_notify_socket_hears_of_every_stage(self):
        daemon = self.daemon().start(WATCHDOG_USEC="300000")
        self.assertTrue(daemon.notify.wait("WATCHDOG=1", harness.READY_TIMEOUT_S), "pings the watchdog")
        pings = daemon.notify.lines().count("WATCHDOG=1")
        harness.until(lambda: daemon.notify.lines().count("WATCHDOG=1") > pings + 2, "goes on pinging")
        self.assertNotIn("STOPPING=1", daemon.notify.lines())
        daemon.stop()
        self.assertIn("STOPPING=1", daemon.notify.lines())

    def test_sigint_stops_it_too(self):
        daemon = self.daemon().start()
        daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(0, daemon.join_process())

    def test_sighup_or_sigpipe_do_not_corrupt_a_running_daemon(self):
        daemon = self.daemon().start()
        daemon.process.send_signal(signal.SIGPIPE)
        self.assertEqual(200, daemon.member().connection.call("GET", "/healthz").status)
        daemon.stop()

    def test_open_connections_do_not_hold_up_the_stop(self):
        daemon = self.daemon().start()
        idle, half = daemon.socket(), daemon.socket()
        self.addCleanup(idle.close)
        self.addCleanup(half.close)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(idle.recv(4096).startswith(b"HTTP/1.1 200"))
        half.sendall(b"POST /v1/queries HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        self.assertEqual(200, daemon.member().connection.call("GET", "/healthz").status)
        daemon.process.send_signal(signal.SIGTERM)
        self.assertIn(daemon.join_process(15), (0, 1), "a request that never comes in whole may cost the five seconds")

    def test_sigterm_waits_for_no_request_that_does_not_arrive(self):
        daemon = self.daemon().start()
        head = b"POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        sockets = [daemon.socket() for _ in range(4)]
        for number, half in enumerate((head, head + b"{", head[:40], head + b'{"instance_id"')):
            sockets[number].sendall(half)
        sockets[2].shutdown(socket.SHUT_WR)
        sockets[3].shutdown(socket.SHUT_WR)
        self.assertEqual(200, daemon.member(join=False).connection.call("GET", "/healthz").status)
        daemon.stop()

    def test_sigterm_under_load_keeps_what_was_acknowledged(self):
        daemon = self.daemon().start()
        members = [daemon.member() for _ in range(4)]
        stocks = [member.records(*(("general", f"drain {harness.spell(n)} {harness.spell(number)}")
                                   for number in range(60))) for n, member in enumerate(members)]
        acknowledged = [[] for _ in members]
        started = threading.Barrier(len(members) + 1)

        def work(member, stock, done):
            started.wait()
            for record in stock * 20:
                try:
                    if member.contribute([record])["accepted"] == 1:
                        done.append(cfed.b64(record.tag))
                except (OSError, client.http.client.HTTPException, client.Refused):
                    return
        threads = [threading.Thread(target=work, args=row) for row in zip(members, stocks, acknowledged)]
        for thread in threads:
            thread.start()
        started.wait()
        harness.until(lambda: all(acknowledged), "each has contributed")
        daemon.stop()
        for thread in threads:
            thread.join()
        daemon.start()
        for member, done in zip(members, acknowledged):
            member.move(daemon.address)
            listed = [contribution["tag"] for contribution in member.contributions()]
            self.assertEqual(set(), set(done) - set(listed))
            self.assertEqual(len(listed), len(set(listed)))
            self.assertEqual(min(len(listed), 100), member.credits()["available"])
        daemon.stop()

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd-socket-activate is not installed")
    def test_socket_activation(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % probe.getsockname()[1]
        daemon = self.daemon()
        command = [shutil.which("systemd-socket-activate"), "--listen", address,
                   *(part for name in ("NOTIFY_SOCKET", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
                     if name in os.environ or name == "NOTIFY_SOCKET" for part in ("--setenv", name)),
                   harness.DAEMON, *daemon.arguments()]
        daemon.launch(command)
        daemon.address = address
        connection = client.Connection(address)
        harness.until(lambda: "Listening" in daemon.stderr(), "systemd-socket-activate listens")
        self.assertEqual(200, connection.call("GET", "/healthz").status)
        self.assertTrue(daemon.notify.wait("READY=1", harness.READY_TIMEOUT_S))
        self.assertEqual(201, daemon.member(join=False).join().status)
        connection.close()
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
