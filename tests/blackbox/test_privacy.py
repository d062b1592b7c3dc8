# SPDX-License-Identifier: Apache-2.0
"""`continuum-fed privacy`: what the modes mean, in numbers that are added up here from the distribution itself."""

import json
import math
import os
import subprocess

import cfed
import harness

MODES = {"high": (5, 0.5, 0.1), "balanced": (3, 1, 0.1), "open": (3, 2, 0.01)}


def beyond(epsilon, distance):
    """P[|Z| > distance] of discrete Laplace noise, term by term."""
    p = math.exp(-epsilon)
    return sum(2 * (1 - p) / (1 + p) * p ** z for z in range(distance + 1, 400))


class PrivacyCase(harness.DaemonCase):
    def fed(self, *arguments, status=0):
        ran = subprocess.run([harness.BUILD / "continuum-fed", *arguments],
                             env=harness.environment(CONTINUUM_FED_DIR=os.path.join(self.daemon.folder, "fed")),
                             capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(status, ran.returncode, ran)
        return ran.stdout if status == 0 else ran.stderr

    @property
    def url(self):
        return f"http://{self.daemon.address}"


class Modes(PrivacyCase):
    def test_whoever_is_no_member_yet_sees_what_each_mode_means(self):
        said = json.loads(self.fed("privacy", self.url, "--json"))
        self.assertEqual((3, {"name": "k"}, 30), (said["threshold"], said["release_gate"], said["period_days"]))
        self.assertEqual(set(MODES), {mode["mode"] for mode in said["modes"]})
        for mode in said["modes"]:
            r, epsilon, step = MODES[mode["mode"]]
            self.assertEqual((r, epsilon, step), (mode["min_contributors"], mode["epsilon"], mode["confidence_step"]))
            self.assertEqual(14 * epsilon, mode["epsilon_per_year"])
            for distance in (1, 2, 5):
                self.assertAlmostEqual(beyond(epsilon, distance), mode["count_off_by_more_than"][str(distance)], 12)

    def test_a_table_says_the_same(self):
        table = self.fed("privacy", self.url)
        for name, (r, epsilon, step) in MODES.items():
            percent = [f"{100 * beyond(epsilon, distance):.1f}%" for distance in (1, 2, 5)]
            row = next(line.split() for line in table.splitlines() if line.startswith(name))
            self.assertEqual([name, str(r), f"{epsilon:g}", f"{14 * epsilon:g}", *percent, "steps", "of", f"{step:g}"],
                             row)

    def test_a_member_needs_no_address(self):
        key = self.daemon.member().coordinator_key
        link = f"{self.url}/join#k={cfed.b64(harness.F)}&c={key}"
        self.assertIn("balanced", self.fed("privacy", link))
        self.fed("join", link)
        self.assertEqual(json.loads(self.fed("privacy", self.url, "--json")), json.loads(self.fed("privacy", "--json")))

    def test_another_coordinator_than_the_link_names_is_not_believed(self):
        link = f"{self.url}/join#k={cfed.b64(harness.F)}&c={cfed.b64(cfed.SigningKey().public)}"
        self.assertIn("key is another", self.fed("privacy", link, status=1))
        self.assertIn("http", self.fed("privacy", "not an address", status=1))


class Gate(PrivacyCase):
    options = {"release_gate": "dp", "release_epsilon_milli": 1500, "release_delta_billionths": 250}

    def test_the_gate_is_shown_with_its_epsilon_and_delta(self):
        federation = self.daemon.member().federation
        self.assertEqual("dp", federation["release_gate"])
        self.assertEqual((1.5, 2.5e-07), tuple(federation["limits"][name] for name in ("release_epsilon",
                                                                                      "release_delta")))
        said = json.loads(self.fed("privacy", self.url, "--json"))
        self.assertEqual({"name": "dp", "epsilon": 1.5, "delta": 2.5e-07}, said["release_gate"])
        self.assertRegex(self.fed("privacy", self.url), r"epsilon 1\.5, delta 2\.5e-07 for each contribution")
