# SPDX-License-Identifier: Apache-2.0
"""Routed questions with continuum-fed, among members of another make."""

import json
import os
import stat
import subprocess
import unittest

import cfed
import harness


class Tool(harness.DaemonCase):
    options = {"release_interval_s": 1, "price_query": "0", "max_wait_s": 5}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = os.path.join(cls.daemon.folder, "fed")
        cls.others = cls.daemon.members(3)
        link = f"http://{cls.daemon.address}/join#k={cfed.b64(harness.F)}&c={cls.others[0].coordinator_key}"
        cls.texts = {"asker": "asker alone knows", "helper": "gearbox oil of the old tractor"}
        for name, text in cls.texts.items():
            cls.run_fed(name, "join", link)
            cls.run_fed(name, "contribute", "-", stdin=text + "\n")
        for other in cls.others[:2]:
            other.contribute(other.records(("general", cls.texts["helper"])))
        cls.others[2].contribute(cls.others[2].records(("general", "nothing of it")))
        harness.until(lambda: cls.others[2].query("gearbox")[1], "released")

    @classmethod
    def environment(cls):
        return harness.environment(CONTINUUM_FED_DIR=cls.folder)

    @classmethod
    def run_fed(cls, profile, *arguments, status=0, stdin=""):
        ran = subprocess.run([harness.BUILD / "continuum-fed", "--profile", profile, *arguments], capture_output=True,
                             text=True, env=cls.environment(), timeout=60, check=False, input=stdin)
        if status is not None and ran.returncode != status:
            raise AssertionError(ran)
        return ran

    def lines(self, profile, *arguments, **more):
        return [json.loads(line) for line in self.run_fed(profile, "--json", *arguments, **more).stdout.splitlines()]

    def problem(self, profile, *arguments, status=1):
        return json.loads(self.run_fed(profile, "--json", *arguments, status=status).stderr)["code"]

    def kept(self, profile, kind):
        return [name for name in os.listdir(self.folder) if name.startswith(f"{profile}.{kind}.")]

    def drain(self):
        for other in self.others:
            for delivery in other.get("/v1/inbox")["deliveries"]:
                other.decline(delivery)

    def tearDown(self):
        self.drain()
        for delivery in self.lines("helper", "inbox"):
            self.run_fed("helper", "answer", delivery["delivery_id"], "--decline")

    def serve(self, program, *more):
        process = subprocess.Popen([harness.BUILD / "continuum-fed", "--profile", "helper", "--json", "serve", "--exec",
                                    program, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_matches_show_at_once_and_answers_as_they_come(self):
        process = subprocess.Popen([harness.BUILD / "continuum-fed", "--profile", "asker", "--json", "query",
                                    "Which gearbox oil?", "--route", "--wait", "60", "--fanout", "2"],
                                   stdout=subprocess.PIPE, text=True, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        matches = json.loads(process.stdout.readline())
        self.assertEqual([self.texts["helper"]], [result["text"] for result in matches["results"]])
        self.assertTrue(matches["routed"])
        answered = []
        for other in self.others[:2]:
            for delivery, qid, question in other.inbox():
                self.assertEqual("Which gearbox oil?", question)
                other.answer(delivery, qid, f"Answer {len(answered)}")
                answered.append(f"Answer {len(answered)}")
        for delivery in self.lines("helper", "inbox"):
            self.run_fed("helper", "answer", delivery["delivery_id"], f"Answer {len(answered)}")
            answered.append(f"Answer {len(answered)}")
        replies = [json.loads(line) for line in process.stdout]
        self.assertEqual(2, len(answered))
        self.assertEqual(sorted(answered), sorted(reply["text"] for reply in replies))
        self.assertEqual({matches["query_id"]}, {reply["query_id"] for reply in replies})
        self.assertEqual(0, process.wait())
        later = self.lines("asker", "answers", matches["query_id"])
        self.assertEqual(replies, later)

    def test_the_keys_of_questions_are_kept_for_nobody_else(self):
        self.run_fed("asker", "query", "gearbox", "--route", "--wait", "1", "--ttl", "60")
        self.lines("helper", "inbox")
        files = self.kept("asker", "question") + self.kept("helper", "delivery")
        self.assertGreaterEqual(len(files), 2)
        for name in files:
            self.assertEqual(0o600, stat.S_IMODE(os.stat(os.path.join(self.folder, name)).st_mode))

    def test_an_answer_by_hand(self):
        _, asked = self.others[0].ask("gearbox", "How much of it?")
        (delivery,) = self.lines("helper", "inbox", "--wait", "10")
        self.assertEqual(("How much of it?", None, False),
                         tuple(delivery[name] for name in ("question", "domain", "priority")))
        shown = self.run_fed("helper", "inbox")
        self.assertEqual(("", "0 questions.\n"), (shown.stdout, shown.stderr))
        self.assertEqual([{"delivery_id": delivery["delivery_id"], "outcome": "answered"}],
                         self.lines("helper", "answer", delivery["delivery_id"], "-", stdin="Two litres.\nNot more.\n"))
        self.assertEqual(["Two litres.\nNot more."], harness.until(lambda: asked.answers(wait=2), "an answer"))
        self.assertEqual("not-found", self.problem("helper", "answer", delivery["delivery_id"], "again"))

    def test_a_program_answers_and_what_fails_is_declined(self):
        _, asked = self.others[0].ask("gearbox", "loud?")
        process = self.serve("tr a-z A-Z")
        self.assertEqual("answered", json.loads(process.stdout.readline())["outcome"])
        self.assertEqual(["LOUD?"], harness.until(lambda: asked.answers(wait=2), "an answer"))
        process.terminate()
        self.assertEqual(0, process.wait(60))
        for program, limit in (("false", "10"), ("true", "10"), ("no-such-program", "10"), ("sleep 60", "1"),
                               ("cat /dev/zero", "10"), ("yes", "10"), ("printf \\377", "10")):
            with self.subTest(program):
                _, asked = self.others[0].ask("gearbox", "x" * 9000)
                process = self.serve(program, "--limit", limit)
                self.assertEqual("declined", json.loads(process.stdout.readline())["outcome"])
                process.terminate()
                self.assertEqual(0, process.wait(60))

    def test_what_a_program_is_given_never_reaches_a_shell(self):
        marker = os.path.join(self.folder, "marker")
        _, asked = self.others[0].ask("gearbox", f"$(touch {marker}); `touch {marker}` > {marker}")
        process = self.serve("cat")
        self.assertEqual("answered", json.loads(process.stdout.readline())["outcome"])
        process.terminate()
        self.assertFalse(os.path.exists(marker))
        self.assertEqual([f"$(touch {marker}); `touch {marker}` > {marker}"],
                         harness.until(lambda: asked.answers(wait=2), "an answer"))

    def test_a_terminal_obeys_nothing_that_others_wrote(self):
        self.others[0].ask("gearbox", "\x1b]0;title\x07 red \x1b[31m\u009b2J\nline")
        shown = self.run_fed("helper", "inbox").stdout
        self.assertIn("  ?]0;title? red ?[31m?2J\n  line\n", shown)

    def test_a_question_that_does_not_open_is_declined(self):
        body, _ = self.others[0].route_body("gearbox", "why")
        body["route"]["reply_key"] = cfed.b64(cfed.ReplyKey().public)
        self.assertTrue(self.others[0].expect(200, self.others[0].call("POST", "/v1/queries", body))["routed"])
        self.assertEqual([], self.lines("helper", "inbox"))
        self.assertEqual([], self.kept("helper", "delivery"))

    def test_misuse(self):
        for arguments in (("answer", "x"), ("answer", "x", "text", "--decline"), ("answer",), ("serve",),
                          ("serve", "--exec", " "), ("inbox", "x"), ("query", "x", "--wait", "5"),
                          ("query", "x", "--route", "--fanout", "9"), ("query", "x", "--route", "--ttl", "59"),
                          ("answers", "a", "b"), ("query", "two", "texts")):
            with self.subTest(arguments):
                self.assertEqual("usage", self.problem("asker", *arguments, status=2))
        self.assertEqual("invalid-request", self.problem("asker", "answer", "../x", "--decline"))
        self.assertEqual("not-found", self.problem("asker", "answers", "nonesuch"))
        self.assertEqual("invalid-request", self.problem("asker", "query", "gearbox " + "x" * 16400, "--route"))


if __name__ == "__main__":
    unittest.main()
