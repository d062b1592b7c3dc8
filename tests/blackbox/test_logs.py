# SPDX-License-Identifier: Apache-2.0
"""What the daemon writes into its log names nobody and tells nothing of what members do."""

import http.client

import cfed
import client
import harness


class Logs(harness.DaemonCase):
    options = {"min_contributors": 2, "release_interval_s": 1, "log_level": "debug", "price_query": 0}

    def from_elsewhere(self):
        """A member whose address is not the one that the daemon listens on."""
        member = client.Member(self.daemon.address, harness.F)
        member.connection.http = http.client.HTTPConnection(self.daemon.address, timeout=60,
                                                            source_address=("127.0.0.77", 0))
        self.daemon.connections.append(member.connection)
        member.learn()
        member.join()
        return member

    def test_a_federations_life_leaves_no_name_in_the_log(self):
        daemon = self.daemon
        ann, ben = self.from_elsewhere(), self.from_elsewhere()
        text = self.own_words()
        record = self.shared([ann, ben], text)
        pattern = self.wait_released(ann, record)
        ann.query(text)
        ann.ask(text, question="who knows")
        for delivery, qid, _ in ben.inbox():
            ben.answer(delivery, qid, "an answer")
        ann.call("POST", "/v1/queries", b'{"terms": [1', headers={"Idempotency-Key": "a-key-of-anns"})
        ann.connection.call("GET", "/v1/credits", token="no-token-at-all")
        ben.erase()
        ben.call("GET", "/v1/credits")
        daemon.kill()
        daemon.start()
        ann.move(daemon.address)
        ann.credits()
        daemon.stop()
        log = daemon.stderr()
        self.assertIn("serving on", log)
        secrets = {"an id": ann.instance_id, "an erased id": ben.instance_id, "a token": ann.token,
                   "a token that was none": "no-token-at-all", "an address": "127.0.0.77", "a tag": cfed.b64(record.tag),
                   "the key of a request": "a-key-of-anns", "a public key": cfed.b64(ann.key.public),
                   "a share": record.json(ann.key.public, 0)["share"], "the secret of a pattern": pattern["secret"],
                   **{f"term {term}": str(term) for term in cfed.query_tokens(ann.keys, text, 32)}}
        self.assertEqual([], [name for name, secret in secrets.items() if secret in log], log)
