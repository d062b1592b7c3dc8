# SPDX-License-Identifier: Apache-2.0
"""A coordinator and its OPRF helper, both really started, for the tests of docs/PROTOCOL.md, section 6.8."""

import cfed
import harness
from problems import POINT, ProblemCase

RULES = {"min_contributors": 3, "release_interval_s": 1}
TWO = cfed.b64(cfed.multiply_base(2))
EVALUATIONS = "/v1/oprf/evaluations"


class HelperCase(ProblemCase):
    """Each class has a helper and a coordinator that knows it; `daemon` is the coordinator."""

    options, helper_options = RULES, {}

    @classmethod
    def found(cls, options=None, helper_options=None):
        """(coordinator, helper), both running: the helper's key comes first, then the coordinator's, in a circle that
        the commands open."""
        helper = harness.Daemon(role="oprf", **(cls.helper_options if helper_options is None else helper_options))
        key = cls.rotate_helper(helper)
        daemon = harness.Daemon(**(cls.options if options is None else options),
                                oprf_url="http://127.0.0.1:1", oprf_public_key=key)
        daemon.start()
        helper.options["coordinator_key"] = daemon.member(join=False).coordinator_key
        helper.start()
        daemon.stop()
        daemon.options["oprf_url"] = f"http://{helper.address}"
        return daemon.start(), helper

    @staticmethod
    def command(daemon, *words):
        return harness.run(*words, *daemon.arguments())

    @classmethod
    def rotate_helper(cls, helper):
        ran = cls.command(helper, "epoch", "rotate")
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        return ran.stdout.split(" = ")[1].strip()

    @classmethod
    def setUpClass(cls):
        cls.daemon, cls.helper = cls.found()
        cls.addClassCleanup(cls.daemon.remove)
        cls.addClassCleanup(cls.helper.remove)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        if cls.helper.is_alive():
            cls.helper.stop()

    def pair(self, **more):
        daemon, helper = self.found({**self.options, **more})
        self.addCleanup(daemon.remove)
        self.addCleanup(helper.remove)
        return daemon, helper

    @staticmethod
    def body(*points, epoch=1):
        return {"epoch": epoch, "blinded": list(points)}

    def post(self, member, token, body=None, **headers):
        return member.helper.call("POST", EVALUATIONS, self.body(POINT) if body is None else body, token=token,
                                  headers=headers)
