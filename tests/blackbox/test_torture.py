# SPDX-License-Identifier: Apache-2.0
"""A taste of torture_kill.py for every run; all of it runs with `make torture`."""

import os
import unittest

import torture_kill

KillUnderLoad = type("KillUnderLoad", (torture_kill.Kill,), torture_kill.rounds(int(os.environ.get("KILLS", "20")), 1))

if __name__ == "__main__":
    unittest.main()
