# SPDX-License-Identifier: Apache-2.0
"""A taste of torture_kill.py and torture_routing.py for every run; all of it runs with `make torture`."""

import os
import unittest

import torture_economy
import torture_kill
import torture_routing

KillUnderLoad = type("KillUnderLoad", (torture_kill.Kill,), torture_kill.rounds(int(os.environ.get("KILLS", "20")), 1))
Economies = type("Economies", (torture_economy.Histories,), torture_economy.rounds(600, 1))


class Routing(torture_routing.Routing):
    def test_every_query_ends_as_the_rules_predict(self):
        self.torture(questions=6, kills=2)


if __name__ == "__main__":
    unittest.main()
